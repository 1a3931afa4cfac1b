"""What all figures for print share: their type, their colours, and how they are saved."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aulens.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN: Final = 3.35
"""Width of one column of a two-column paper, inches."""

PAGE: Final = 7.0
"""Width of both columns, inches."""

# Of Okabe and Ito's palette: apart for all kinds of colour vision, and in grey too.
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
GREEN: Final = "#009E73"
ORANGE: Final = "#E69F00"
INK: Final = "#1a1d24"
GREY: Final = "#6b7280"
PALE: Final = "#d7dae0"

_STYLE: Final[Any] = {
    "font.family": "sans-serif",
    "font.size": 7,
    "axes.linewidth": 0.5,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "xtick.major.width": 0.5,
    "xtick.major.size": 2.5,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
    "ytick.major.width": 0.5,
    "hatch.linewidth": 0.4,
    # Text stays text, to be searched, copied and set in the paper's own type.
    "svg.fonttype": "none",
    "svg.hashsalt": "aulens",
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
}
_SUFFIXES: Final = (".svg", ".pdf", ".png")
_ALONE: Final = threading.RLock()  # matplotlib's settings are one for all threads


@contextmanager
def style() -> Iterator[None]:
    """Draw in this style inside the `with`, one thread at a time; matplotlib's settings stay as they were."""
    import matplotlib

    with _ALONE, matplotlib.rc_context(_STYLE):
        yield


def save_figure(figure: "Figure", path: Path) -> None:
    """Save a figure; the same figure gives the same file.

    SVG and PDF keep text as text; PNG has 300 dots per inch.

    Args:
        figure: from `timeline` or `cooccurrence_figure`.
        path: ends in .svg, .pdf or .png.

    Raises:
        ConfigError: another ending.
    """
    kind = path.suffix.lower()
    if kind not in _SUFFIXES:
        raise ConfigError(f"{path}: a figure ends in {', '.join(_SUFFIXES)}")
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {"Software": None}}
    with style():
        figure.savefig(path, dpi=300, metadata=metadata[kind])
