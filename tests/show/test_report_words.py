"""The report of a clip: what it calls things, and that its numbers are those of the figures."""

from pathlib import Path

import numpy as np
import pytest
from html_page import Page

from aulens.errors import InputError
from aulens.runtime.card import ModelCard, read_card
from aulens.show.cooccurrence import WORDS
from aulens.show.report import words, write_report
from clips import person
from stub_model import write_stub


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    return read_card(write_stub(tmp_path_factory.mktemp("stub")))


def test_page_and_figure_say_the_same_percentage_in_the_same_words(tmp_path: Path, card: ModelCard) -> None:
    """64 of 122 frames are 52 %, rounded once: not 0.525 and then 53 %."""
    table = person(0, range(200), labels=card.aus.labels)
    table["AU25_c"], table["AU12_c"] = [1] * 122 + [0] * 78, [1] * 64 + [0] * 136
    write_report(tmp_path / "a.html", table, card)
    page = Page((tmp_path / "a.html").read_text())
    told = page.data("person-0")
    assert told["together"]["conditional"][3][2] == pytest.approx(64 / 122, abs=1e-9)
    assert told["shares"][2][0] == pytest.approx(0.32, abs=1e-9)
    for name in ("conditional", "joint", "phi"):
        assert WORDS[name] in page.text


def test_clips_of_one_name_are_told_apart_by_their_folder(tmp_path: Path, card: ModelCard) -> None:
    table = person(0, range(5), labels=card.aus.labels, file="study/P<02>/clip.mp4")
    write_report(tmp_path / "a.html", table, card)
    text = (tmp_path / "a.html").read_text()
    assert "<title>P&lt;02&gt; / clip.mp4 · Action Units</title>" in text
    assert '<h1><span class="soft">P&lt;02&gt; / </span>clip.mp4</h1>' in text


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (
            (20.4, 10, -15, 0.816),
            "turned 20° to their left, looking 10° down, tilted 15° clockwise, quality 0.82",
        ),
        ((-20, -10, 15, np.nan), "turned 20° to their right, looking 10° up, tilted 15° counter-clockwise"),
        ((4.9, -4.9, 0, 1.0), "facing the camera, quality 1.00"),
        ((np.nan, np.nan, np.nan, 0.5), "quality 0.50"),
        ((0, 0, 0, 0.49, ("mouth",)), "facing the camera, quality 0.49 (doubtful), mouth hidden"),
        ((np.nan, np.nan, np.nan, np.nan), ""),
    ],
)
def test_how_a_face_is_seen_in_words(seen: tuple, said: str) -> None:
    assert words.pose_text(*seen) == said


def test_a_table_without_probabilities_has_no_page(tmp_path: Path, card: ModelCard) -> None:
    table = person(0, range(5), labels=card.aus.labels).assign(AU6_p=np.nan)
    with pytest.raises(InputError, match="the page shows probabilities, which the table lacks"):
        write_report(tmp_path / "a.html", table, card)
