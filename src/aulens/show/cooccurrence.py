"""Which Action Units go together, as a figure for print."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from aulens.errors import InputError
from aulens.show.figure import COLUMN, INK, PAGE, PALE, style, write_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Measure = Literal["joint", "conditional", "jaccard", "phi"]

_TITLES: Final = {
    "joint": "share of time with both present",
    "conditional": "share of the row's time with the column present too",
    "jaccard": "Jaccard index: time with both / time with either",
    "phi": "phi: correlation of presence",
}
_LEFT: Final = 0.48
_TOP: Final = 0.42
_FOOT: Final = 0.44
_DARK: Final = 0.58  # from here on white is the more legible


def cooccurrence_figure(
    matrix: NDArray[np.float64],
    labels: Sequence[str],
    measure: Measure = "conditional",
    *,
    width: float | None = None,
    title: str | None = None,
) -> "Figure":
    """Draw a matrix of AUs by AUs, with its numbers in hundredths, fit for print.

    Args:
        matrix: (A, A), row and column in the order of `labels`; in [0, 1], phi in [-1, 1]; NaN (an AU that
            never occurs) is drawn as a dash. The diagonal is drawn of "joint" only; it is 1 in the others.
        labels: of the A AUs.
        measure: what the numbers are, for the words below; phi has colours for both signs.
        width: of the figure, inches; None is one column of a paper for up to 12 AUs, else the page's width.
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
    least = -1.0 if measure == "phi" else 0.0
    known = values[~np.isnan(values)]
    if known.size and (known.min() < least - 1e-9 or known.max() > 1 + 1e-9):
        raise InputError(
            f"{measure} lies in [{least:g}, 1], the matrix has {known.min():g} to {known.max():g}"
        )
    with style():
        return _draw(
            values, labels, measure, (COLUMN if count <= 12 else PAGE) if width is None else width, title
        )


def _draw(
    values: NDArray[np.float64], labels: Sequence[str], measure: Measure, width: float, title: str | None
) -> "Figure":
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.figure import Figure

    count, signed = len(labels), measure == "phi"
    side = width - _LEFT - 0.08
    height = side + _TOP + _FOOT
    figure = Figure((width, height))
    axes = figure.add_axes((_LEFT / width, _FOOT / height, side / width, side / height), label="matrix")
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
            text = "–" if np.isnan(value) else f"{100 * value:.0f}"
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
    bar = figure.add_axes((_LEFT / width, 0.3 / height, side / width, 0.07 / height), label="scale")
    figure.colorbar(mesh, cax=bar, orientation="horizontal", ticks=np.linspace(scale.vmin or 0, 1, 5))
    bar.set_xticklabels([f"{100 * tick:.0f}" for tick in np.linspace(scale.vmin or 0, 1, 5)], fontsize=5.5)
    bar.tick_params(length=1.5, pad=1)
    words = _TITLES[measure] + (", in hundredths" if signed or measure == "jaccard" else ", in %")
    figure.text(_LEFT / width, 0.05 / height, words, fontsize=6, color=INK, va="bottom")
    if title is not None:
        write_title(figure, title, 0.06 / width, 1 - 0.06 / height)
    return figure
