"""What all figures for print share: their type, their colours, and how they are saved."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aulens import extras
from aulens.errors import ConfigError
from aulens.files import atomic_write
from aulens.named import legible

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

NO_FIGURES: Final = (
    "there will be no figures for print: they need matplotlib, which is not installed: "
    "pip install 'aulens[figures]'"
)

_STYLE: Final = "print.mplstyle"
# For names of files that matplotlib's own font can't write. TrueType first: PDF's type 42 was made for it.
_SCRIPTS: Final = (
    "WenQuanYi Micro Hei", "Droid Sans Fallback", "Arial Unicode MS", "Microsoft YaHei", "Yu Gothic",
    "IPAexGothic", "Malgun Gothic", "NanumGothic", "Noto Sans CJK JP", "Hiragino Sans", "Apple SD Gothic Neo",
    "Noto Sans Devanagari", "Nirmala UI", "Lohit Devanagari", "Noto Sans Thai", "Leelawadee UI",
    "Segoe UI Symbol", "Noto Sans Symbols2", "Noto Emoji", "Symbola",
)  # fmt: skip
_SUFFIXES: Final = (".svg", ".pdf", ".png")
_ALONE: Final = threading.RLock()  # matplotlib's settings are one for all threads


def can_draw() -> bool:
    """Whether the library that draws figures, an extra, is installed."""
    return extras.is_installed("matplotlib")


@contextmanager
def style() -> Iterator[None]:
    """Draw in this style inside the `with`, one thread at a time; matplotlib's settings stay as they were.

    Characters that no font has raise no warning: they are boxes in PDF and PNG, and an SVG keeps them as text
    for whatever fonts its reader has.

    Raises:
        ConfigError: matplotlib is not installed; says what to install.
    """
    styles = extras.library("matplotlib.style", "figures", "figures for print")
    with as_file(files(__package__) / _STYLE) as own, _ALONE, styles.context(own), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from", UserWarning)
        log = logging.getLogger("matplotlib.font_manager")
        log.addFilter(_no_weight)
        try:
            yield
        finally:
            log.removeFilter(_no_weight)


def write_title(figure: "Figure", text: str, x: float, y: float) -> None:
    """Write a title, its upper left corner at (x, y), shares of the figure; in any script that a font has."""
    from matplotlib.font_manager import fontManager

    text, fonts = legible(text), ["sans-serif"]  # XML can hold no control characters
    if not text.isascii():
        there = set(fontManager.get_font_names())
        fonts += [name for name in _SCRIPTS if name in there]
    figure.text(x, y, text, fontsize=8, fontweight="bold", fontfamily=fonts, va="top", parse_math=False)


def _no_weight(record: logging.LogRecord) -> bool:
    """Leaves out that a font has no bold."""
    return "Failed to find font weight" not in str(record.msg)


def save_figure(figure: "Figure", path: Path) -> None:
    """Save a figure; the same figure gives the same file.

    SVG and PDF keep text as text; PNG has 300 dots per inch.

    Args:
        figure: from `timeline` or `cooccurrence_figure`.
        path: ends in .svg, .pdf or .png.

    Raises:
        ConfigError: another ending, or matplotlib is not installed.
    """
    kind = path.suffix.lower()
    if kind not in _SUFFIXES:
        raise ConfigError(f"{path}: a figure ends in {', '.join(_SUFFIXES)}")
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {"Software": None}}
    with style(), atomic_write(path, to_disk=False) as part:
        figure.savefig(part, format=kind[1:], dpi=300, metadata=metadata[kind])
