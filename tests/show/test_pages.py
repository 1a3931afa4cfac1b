"""One style sheet for all pages: each colour that a page or its script asks for is in it."""

import re

from aulens.show.pages import part
from aulens.show.report.write import SCRIPTS

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
