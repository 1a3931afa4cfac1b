"""Numbers in words, as figures, pages and tables for reading write them."""

import math
from decimal import ROUND_HALF_UP, Decimal


def hundredths(value: float) -> int:
    """100 times a number as a whole one, halves up: as the page's script rounds, so that all say the same."""
    return math.floor(100 * value + 0.5)


def percent(share: float) -> str:
    """A share as "12 %", small ones as "0.4 %"; halves up, as the page's script rounds."""
    if math.isnan(share):
        return "–"
    if 0 < share < 0.0005:
        return "<0.1 %"
    step = Decimal("0.1") if 0 < share < 0.0995 else Decimal(1)
    return f"{Decimal(100 * share).quantize(step, ROUND_HALF_UP)} %"


def duration_text(seconds: float) -> str:
    """A length of time in words: "1 h 02 min", "3 min 05 s", "8.4 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def clock(seconds: float, span: float | None = None) -> str:
    """Seconds as "1:05" or, in a span of less than ten seconds, "0:05.2"."""
    tenths = span is not None and span < 10
    whole = round(seconds * (10 if tenths else 1))
    minutes, rest = divmod(whole, 600 if tenths else 60)
    return f"{minutes}:{rest / 10:04.1f}" if tenths else f"{minutes}:{rest:02d}"
