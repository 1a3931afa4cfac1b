"""Names of files that mean something to whatever shows them: spreadsheets, XML, web pages."""

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from aulens.aus import AUSet
from aulens.output.drawings import write_page
from aulens.output.writers import open_writer, rows_in
from aulens.runtime.card import read_card
from aulens.show.page import section
from aulens.tables import TABLE_FORMATS
from face_results import frame_result, result

NAMES = [
    "<script>alert(1)</script>.jpg",
    '"><img src=x onerror=alert(1)>.jpg',
    "a\x1b]0;x\x07\x01b.jpg",
    "&lt;.jpg",
]
FORMULAS = ["=1+1.jpg", "+1.jpg", "-1.jpg", "@SUM(A1).jpg", "\t=1.jpg", "\r=1.jpg", '=HYPERLINK("http://a")']


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("format", ["csv", "jsonl", *TABLE_FORMATS])
def test_no_spreadsheet_takes_a_name_for_a_formula(name: str, format: str, model: Path) -> None:
    """Tables have it as "./=1+1.jpg", the same file: what reads the table back finds it."""
    card, target = read_card(model), io.StringIO(newline="")
    writer = open_writer(format, target, card.aus, picture=True)
    writer.write(rows_in(format, name, frame_result(0, 0.0), card.aus, picture=True))
    writer.close()
    target.seek(0)
    if format == "jsonl":
        cells = list(json.load(target).values())
    else:
        cells = [cell for row in csv.reader(target) for cell in row]
    assert not [cell for cell in cells if str(cell).startswith(("=", "@", "+", "\t", "\r", "-"))]
    assert format == "openface" or f"./{name}" in cells  # OpenFace's has no names


@pytest.mark.parametrize("name", ["a=1.jpg", "photos/=1.jpg", "/x/-1.jpg", "./=1.jpg"])
def test_other_names_stay_as_they_are(name: str, model: Path) -> None:
    (row,) = rows_in("csv", name, frame_result(0, 0.0), read_card(model).aus, picture=True)
    assert row["file"] == name


@pytest.mark.parametrize("name", NAMES)
def test_a_page_of_pictures_holds_names_as_text_and_may_load_nothing(
    name: str, model: Path, tmp_path: Path
) -> None:
    card, face = read_card(model), result()
    plain, told = Path(tmp_path / "plain.html"), Path(tmp_path / "told.html")
    for path, called in ((plain, "a.jpg"), (told, name)):
        part = section(called, [face], AUSet("two", (1, 12)), b"", [b""], 0)
        write_page(path, [part], 1, {called: f"{called}: not a picture"}, card)
    pages = [Page(path.read_text(encoding="utf-8")) for path in (plain, told)]
    assert [tag for tag, _ in pages[1].tags] == [tag for tag, _ in pages[0].tags]
    policy = next(a["content"] for t, a in pages[1].tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_of_any_name_is_xml(name: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from aulens.show.cooccurrence import cooccurrence_figure
    from aulens.show.figure import save_figure

    figure = cooccurrence_figure(np.eye(2), ["AU1", "AU12"], title=name)
    save_figure(figure, tmp_path / "a.svg")
    texts = "".join(ElementTree.parse(tmp_path / "a.svg").getroot().itertext())
    assert name.replace("\x1b", "\\x1b").replace("\x07", "\\x07").replace("\x01", "\\x01") in texts
