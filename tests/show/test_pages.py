"""One style sheet for all pages: each colour that a page or its script asks for is in it."""

import re

from aulens.aus import AUSet
from aulens.show import page
from aulens.show.pages import part
from aulens.show.report.write import SCRIPTS
from face_results import result

SHEET = part("style.css")
TOKENS = set(re.findall(r"(--[a-z-]+):", SHEET[: SHEET.index("}")]))
SET_ELSEWHERE = {"--row"}  # by the report's script


def test_every_colour_is_in_the_sheet_and_none_is_left_over() -> None:
    script = "".join(map(part, SCRIPTS))
    used = set(re.findall(r"var\((--[a-z-]+)", SHEET + script))
    used |= {f"--{name}" for name in re.findall(r'colour\("([a-z-]+)"\)', script)}
    used |= {f"--{name}" for name in re.findall(r'line\([^;]*?, "([a-z-]+)"', script)}
    chosen = {"--heat", "--cold"}  # `var(--${...})`
    assert used - SET_ELSEWHERE <= TOKENS
    assert TOKENS - used - chosen == set()


def test_the_sheet_fetches_nothing() -> None:
    assert not re.search(r"url\(|@import|https?:", SHEET)
    assert SHEET.count("{") == SHEET.count("}")


def test_the_page_of_pictures_says_what_a_reader_is_to_know_of_a_face() -> None:
    aus = AUSet("pair", (1, 12))
    spoilt = result(quality=0.2, hidden=("mouth",), box=(0, 0, 90, 90))
    open_face = result(face_id=1, quality=0.9)
    text = page.section("a.jpg", [spoilt, open_face], aus, b"", [b"", b""], 1, {0})
    first, second = text.split("<h3>Face 1</h3>")
    assert "This face is doubtful: mouth hidden. Mouth hidden: AU12 is a guess." in first
    assert "Beyond the limits: its row in the table has no scores." in first
    assert "au-note" not in second
