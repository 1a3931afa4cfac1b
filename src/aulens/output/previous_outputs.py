"""What earlier runs made below a folder; it is no input of another run."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Final

from aulens.errors import InputError
from aulens.output.checkpoint import is_begun
from aulens.output.names import free_name
from aulens.output.receipt import files_of
from aulens.tables import read_table

_RECEIPT: Final = b'"aulens-clip/1"'
_PAGE: Final = b"<h1>Facial Action Units</h1>"
_HEAD: Final = 1 << 16  # bytes of a page before its first picture: some 24,000
_SECTION: Final = re.compile(r'<section id="picture-[0-9]+">\n')
_SHEET: Final = re.compile(r"\.face[0-9]+$")


@dataclass(frozen=True)
class PreviousOutputs:
    """What earlier runs made.

    Attributes:
        paths: files, and folders with all in them.
        tables: of videos.
    """

    paths: tuple[Path, ...]
    tables: tuple[Path, ...]


def previous_outputs(top: Path) -> PreviousOutputs:
    """What earlier runs made in a folder and below it.

    That is what receipts name, unfinished videos, and what was drawn into a folder `pictures` for our page. A
    file of which no receipt, page or table of ours tells is somebody's own.
    """
    paths: list[Path] = []
    tables: list[Path] = []
    for here, folders, files in os.walk(top):
        folder = Path(here)
        begun = [name for name in folders if is_begun(folder / name)]
        paths += [folder / name for name in begun]
        folders[:] = [name for name in folders if name not in begun and not name.startswith(".")]
        for name in files:
            if name.endswith(".json") and _begins(folder / name, _RECEIPT, 64):
                made = files_of(folder / name)
                paths += made.values()
                tables += [path for kind, path in made.items() if kind == "table"]
        if "pictures" in folders and _begins(folder / "index.html", _PAGE, _HEAD):
            paths += _drawn(folder)
    return PreviousOutputs(tuple(paths), tuple(sorted(path for path in tables if path.is_file())))


def _drawn(out: Path) -> list[Path]:
    """The files in OUT/pictures that were drawn, by the page, and where it has no more room, by the table."""
    taken: set[str] = set()
    shown = _shown(out / "index.html")
    names = {free_name(Path(name).stem, taken) for name in shown}
    names |= {free_name(Path(name).stem, taken) for name in _beyond(out, shown)}
    drawn = [path for path in (out / "pictures").iterdir() if path.suffix == ".jpg"]
    return [path for path in drawn if {path.stem, _SHEET.sub("", path.stem)} & names]


def _shown(page: Path) -> list[str]:
    """The pictures on a page of `aulens.show.page`, by path."""
    with page.open(encoding="utf-8", errors="replace") as lines:
        heads = [next(lines, "") for line in lines if _SECTION.fullmatch(line)]
    return [unescape(head.strip().removeprefix("<h2>").removesuffix("</h2>")) for head in heads]


def _beyond(out: Path, shown: list[str]) -> Iterable[str]:
    """Pictures of the same run that the page has no room for."""
    for ending in ("csv", "jsonl", "parquet"):
        try:
            files = read_table(out / f"results.{ending}")["file"].dropna()
        except InputError:
            continue
        listed = list(dict.fromkeys(files))
        if shown and listed[: len(shown)] == shown:
            return listed[len(shown) :]
    return ()


def _begins(path: Path, mark: bytes, length: int) -> bool:
    """Whether a mark is among the first bytes of a file; not where it can't be read."""
    try:
        with path.open("rb") as file:
            return mark in file.read(length)
    except OSError:
        return False
