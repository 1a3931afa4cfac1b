"""Numbers in words."""

import numpy as np

from aulens.show.numbers import hundredths, percent


def test_percentages_are_rounded_once_halves_up_as_the_pages_script_does() -> None:
    told = [percent(value) for value in (0, 0.0004, 0.0625, 0.0994999, 0.0995, 0.125, 64 / 122, 1, np.nan)]
    assert told == ["0 %", "<0.1 %", "6.3 %", "9.9 %", "10 %", "13 %", "52 %", "100 %", "–"]
    assert [hundredths(value) for value in (0.125, 0.375, 64 / 122, -0.125, -0.136)] == [13, 38, 52, -12, -14]
