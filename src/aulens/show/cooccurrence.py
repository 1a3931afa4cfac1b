"""Which Action Units go together, as a figure for print."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from aulens.errors import InputError
from aulens.show.figure import COLUMN, GREY, INK, PAGE, PALE, style, write_title
from aulens.show.numbers import hundredths

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Measure = Literal["joint", "conditional", "jaccard", "phi"]

WORDS: Final[Mapping[Measure, str]] = {
    "joint": "share of frames with both present",
    "conditional": "share of the row's frames with the column present too",
    "jaccard": "Jaccard index: frames with both / frames with either",
    "phi": "phi: correlation of presence",
}
"""What the numbers are, here and on the page."""

_LEFT: Final = 0.48
_TOP: Final = 0.42
_FOOT: Final = 0.44
_DARK: Final = 0.58  # from here on white is the more legible
_CELL: Final = 0.5  # at most, inches
_SCALE: Final = 1.2  # its width at least, inches
_LINE: Final = 0.105  # of the words below


def cooccurrence_figure(
    matrix: NDArray[np.float64],
    labels: Sequence[str],
    measure: Measure = "conditional",
    *,
    width: float | None = None,
    title: str | None = None,
) -> "Figure":
    """Draw a matrix of AUs by AUs, with its numbers in hundredths, fit for print.

    AUs that never occur are left out and named below; with fewer than two left there is only a sentence.

    Args:
        matrix: (A, A), row and column in the order of `labels`; in [0, 1], phi in [-1, 1]; NaN is drawn as a
            dash. An AU never occurs if it is NaN on the diagonal, or 0 there of "joint"; of "phi" this is so
            of one that is always present too, for it never changes. The diagonal is drawn of "joint" only; it
            is 1 in the others.
        labels: of the A AUs.
        measure: what the numbers are, for the words below; phi has colours for both signs.
        width: of the figure, inches; None is one column of a paper, or the page if more than 12 AUs occur.
        title: above the matrix; None draws none.

    Raises:
        InputError: the matrix does not fit the labels, or has numbers outside its range.
    """
    count = len(labels)
    values = np.asarray(matrix, np.float64)
    if values.shape != (count, count) or not count:
        raise InputError(
            f"a matrix of {values.shape} does not fit {count} AUs; it must be ({count}, {count})"
        )
    lowest = -1.0 if measure == "phi" else 0.0
    known = values[~np.isnan(values)]
    if known.size and (known.min() < lowest - 1e-9 or known.max() > 1 + 1e-9):
        raise InputError(
            f"{measure} lies in [{lowest:g}, 1], the matrix has {known.min():g} to {known.max():g}"
        )
    own = np.diag(values)
    there = ~np.isnan(own) & ~((measure == "joint") & (own == 0))
    kept = [label for label, is_there in zip(labels, there, strict=True) if is_there]
    never = [label for label, is_there in zip(labels, there, strict=True) if not is_there]
    if width is None:
        width = COLUMN if len(kept) <= 12 else PAGE
    note = f"{'Without change' if measure == 'phi' else 'Never present'}: {', '.join(never)}."
    below = textwrap.wrap(note, int((width - 0.12) * 72 / 3.3)) if never else []
    with style():
        from matplotlib.figure import Figure

        side = min(width - _LEFT - 0.08, _CELL * len(kept)) if len(kept) > 1 else 0
        foot = _FOOT + _LINE * len(below)
        height = side + _TOP + foot if side else _TOP + 0.1 + _LINE * len(below)
        figure = Figure((width, height))
        if side:
            _draw(figure, values[np.ix_(there, there)], kept, measure, side, foot)
        else:
            who = f"{kept[0]} alone" if kept else "No Action Unit"
            verb = "changed" if measure == "phi" else "was present"
            sentence = f"{who} {verb}: nothing goes together."
            figure.text(0.06 / width, 1 - 0.26 / height, sentence, fontsize=7, color=INK, va="top")
        for number, line in enumerate(reversed(below)):
            at = (0.05 + _LINE * number) / height
            figure.text(0.06 / width, at, line, fontsize=5.5, color=GREY, va="bottom")
        if title is not None:
            write_title(figure, title, 0.06 / width, 1 - 0.06 / height)
        return figure


def _draw(
    figure: "Figure",
    values: NDArray[np.float64],
    labels: Sequence[str],
    measure: Measure,
    side: float,
    foot: float,
) -> None:
    """The matrix, `side` inches wide, `foot` above the lower edge, and the scale of its colours."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    count, signed = len(labels), measure == "phi"
    width, height = figure.get_size_inches()
    axes = figure.add_axes((_LEFT / width, foot / height, side / width, side / height), label="matrix")
    # White to blue; for both signs vermilion, white, blue: apart for all kinds of colour vision.
    ends = (
        ["#a33c00", "#e9a06c", "#ffffff", "#6aaed6", "#08407f"]
        if signed
        else ["#ffffff", "#6aaed6", "#08407f"]
    )
    colours = LinearSegmentedColormap.from_list("aulens", ends).with_extremes(bad="#f0f1f4")
    scale = Normalize(-1 if signed else 0, 1)
    trivial = np.eye(count, dtype=bool) & (measure != "joint")
    mesh = axes.pcolormesh(
        np.ma.masked_invalid(np.where(trivial, np.nan, values)),
        cmap=colours,
        norm=scale,
        edgecolor=PALE,
        lw=0.4,
    )
    axes.invert_yaxis()
    axes.set_aspect("equal")
    size = float(np.clip(0.36 * 72 * side / count, 3.5, 7))
    for i, row in enumerate(values.tolist()):
        for j, value in enumerate(row):
            if trivial[i, j]:
                continue
            text = "–" if np.isnan(value) else str(hundredths(value))
            white = not np.isnan(value) and abs(value) > _DARK
            colour = "white" if white else INK
            axes.text(j + 0.5, i + 0.53, text, ha="center", va="center", fontsize=size, color=colour)
    axes.xaxis.tick_top()
    # Narrow columns have no room for "AU" in each head.
    heads = labels if count <= 12 else [label.removeprefix("AU") for label in labels]
    axes.set_xticks(np.arange(count) + 0.5, heads, fontsize=min(7, size + 1))
    axes.set_yticks(np.arange(count) + 0.5, labels, fontsize=min(7, size + 1))
    axes.tick_params(length=0, pad=2)
    for spine in axes.spines.values():
        spine.set_visible(False)
    place = (_LEFT / width, (foot - 0.14) / height, max(side, _SCALE) / width, 0.07 / height)
    bar = figure.add_axes(place, label="scale")
    figure.colorbar(mesh, cax=bar, orientation="horizontal", ticks=np.linspace(scale.vmin or 0, 1, 5))
    bar.set_xticklabels([f"{100 * tick:.0f}" for tick in np.linspace(scale.vmin or 0, 1, 5)], fontsize=5.5)
    bar.tick_params(length=1.5, pad=1)
    words = WORDS[measure] + (", in hundredths" if signed or measure == "jaccard" else ", in %")
    figure.text(0.06 / width, (foot - 0.39) / height, words, fontsize=6, color=INK, va="bottom")
