"""An explanation as pictures, a figure for print, and a page to hover over.

Legend: S side of a drawn face in pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.aus import NAMES
from aulens.errors import ConfigError
from aulens.evidence.explain import Explanation
from aulens.files import write_text
from aulens.image import encode_jpeg
from aulens.output.names import free_name
from aulens.show.canvas import Colour
from aulens.show.evidence import ATTENTION, faded, lay_evidence, lay_heat
from aulens.show.figure import GREY, INK, PAGE, VERMILION, can_draw, save_figure, style
from aulens.show.pages import piece
from aulens.show.relations import draw_relations

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Picture = NDArray[np.uint8]

SIDE: Final = 224
CHANNELS: Final = 16
"""Channels of features that are drawn: those that differ most between places."""
_DRAWN: Final = 12
_QUALITY: Final = 88
_FULL_COLOUR: Final = 0.25
"""The weakest evidence that is drawn in full colour: that of a slight AU in graded maps."""
_EIGEN: Final[tuple[Colour, Colour]] = ((120, 220, 190), (0, 130, 100))
_REGION: Final[Colour] = (255, 255, 255)
_WORDS: Final = {
    "maps": "ROI map: warm, speaks for the AU; cold, against it; squares, where its score is read",
    "attention": "Attention, refined: where the network looked",
    "au_eigenvectors": "Eigenvector of the AU: what the graph connects for it (paper A, Fig 6)",
    "initial_attention": "Attention as the landmarks have it",
    "x0": "Features before the graph, X0",
    "x1": "The same channels after the graph, X1 (paper A, Fig 5)",
}


def chosen_aus(explanation: Explanation, count: int = _DRAWN) -> tuple[str, ...]:
    """The AUs to be drawn: those present, then the most probable of the absent, in the model's order."""
    ranked = sorted(
        explanation.aus.labels,
        key=lambda label: (not explanation.occurrence[label], -explanation.probability[label]),
    )[:count]
    return tuple(label for label in explanation.aus.labels if label in ranked)


def draw_aus(explanation: Explanation, labels: Sequence[str]) -> dict[str, dict[str, Picture]]:
    """Each AU's layers over the face, (S, S, 3) by the kind of layer."""
    face = faded(np.asarray(cv2.resize(explanation.crop, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)))
    drawn: dict[str, dict[str, Picture]] = {}
    for label in labels:
        index = explanation.aus.labels.index(label)
        pictures = drawn[label] = {}
        if explanation.initial_attention is not None:
            pictures["initial_attention"] = _attention(face, explanation.initial_attention[index])
        values = explanation.maps[index]
        if explanation.attention:
            pictures["attention"] = _attention(face, values)
        else:
            heat = _large(values / max(_FULL_COLOUR, float(np.abs(values).max())))
            pictures["maps"] = lay_evidence(face, heat, attention=False)
            _mark_regions(pictures["maps"], explanation, index)
        if explanation.au_eigenvectors is not None:
            connected = _large(_stretched(explanation.au_eigenvectors[index]))
            pictures["au_eigenvectors"] = lay_heat(face, connected, _EIGEN)
    return drawn


def features(explanation: Explanation, count: int = CHANNELS) -> dict[str, list[Picture]]:
    """The same channels of X0 and X1, grey pictures (m, m), each from its own minimum to its own maximum."""
    if explanation.x0 is None:
        return {}
    order = np.argsort(-explanation.x0.std((1, 2)), kind="stable")[:count]
    layers = {"x0": explanation.x0, "x1": explanation.x1}
    return {
        name: [np.asarray(np.rint(_stretched(layer[k], 255)), np.uint8) for k in order]
        for name, layer in layers.items()
        if layer is not None
    }


def explain_figure(explanation: Explanation, labels: Sequence[str] | None = None) -> Figure:
    """The figure for print, as wide as a page; needs matplotlib (the extra `figures`).

    Raises:
        ConfigError: matplotlib is not installed.
    """
    drawn = draw_aus(explanation, labels or chosen_aus(explanation))
    with style():
        from matplotlib.figure import Figure

        kinds = list(next(iter(drawn.values())))
        grids = features(explanation)
        columns = 6
        bands = -(-len(drawn) // columns)
        tile = PAGE / columns
        small = PAGE / CHANNELS
        height = 0.75 + tile + bands * (len(kinds) * (tile + 0.02) + 0.33) + len(grids) * (small + 0.3)
        figure = Figure(figsize=(PAGE, height))
        top = height - 0.25
        figure.text(0.01, top / height, f"{explanation.model}", fontsize=9, va="center", color=INK)
        top -= 0.2
        _show(figure, _marked(explanation), (0, top - tile, tile * 0.98, tile * 0.98), height)
        for number, kind in enumerate(kinds):
            y = (top - 0.2 - 0.18 * number) / height
            figure.text((tile + 0.1) / PAGE, y, f"{'abc'[number]}  {_WORDS[kind]}", fontsize=6.5, color=GREY)
        top -= tile + 0.1
        for band in range(bands):
            for row, kind in enumerate(kinds):
                top -= tile + (0.33 if row == 0 else 0.02)
                for column, label in enumerate(list(drawn)[band * columns : (band + 1) * columns]):
                    place = (column * tile, top, tile * 0.98, tile * 0.98)
                    axes = _show(figure, drawn[label][kind], place, height)
                    if row == 0:
                        colour = VERMILION if explanation.occurrence[label] else GREY
                        title = f"{label}  {explanation.probability[label]:.2f}"
                        axes.set_title(title, fontsize=7, color=colour, pad=2)
        for name, channels in grids.items():
            top -= small + 0.28
            figure.text(0.005, (top + small + 0.06) / height, _WORDS[name], fontsize=6.5, color=GREY)
            for column, picture in enumerate(channels):
                _show(figure, picture, (column * small, top, small * 0.97, small * 0.97), height, "viridis")
        return figure


def _show(
    figure: Figure, picture: Picture, place: tuple[float, ...], height: float, colours: str | None = None
) -> Axes:
    x, y, width, tall = place
    axes = figure.add_axes((x / PAGE, y / height, width / PAGE, tall / height))
    axes.imshow(picture, interpolation="nearest" if picture.ndim == 2 else "antialiased", cmap=colours)
    axes.set_axis_off()
    return axes


def explain_page(explanation: Explanation, title: str) -> str:
    """The page: hovering over an AU shows its layers large beside each other; one file, nothing is loaded."""

    def encoded(pictures: Mapping[str, Picture]) -> list[tuple[str, bytes]]:
        return [(_WORDS[kind], encode_jpeg(picture, _QUALITY)) for kind, picture in pictures.items()]

    channels = {
        _WORDS[name]: [encode_jpeg(_coloured(one), _QUALITY) for one in layer]
        for name, layer in features(explanation).items()
    }
    related = None
    if explanation.relations is not None:
        related = encode_jpeg(draw_relations(explanation.relations, 0.4, explanation.model), _QUALITY)
    return piece("explain.html", "page", "aulens.evidence")(
        title,
        explanation,
        NAMES,
        {label: encoded(drawn) for label, drawn in draw_aus(explanation, explanation.aus.labels).items()},
        chosen_aus(explanation, 1)[0],
        channels,
        encode_jpeg(_marked(explanation), _QUALITY),
        related,
    )


def write_explanation(explanation: Explanation, folder: Path, name: str) -> tuple[Path, ...]:
    """Write NAME.explain.html, and with matplotlib .pdf and .png, into a folder; the files' paths.

    Nothing is written over: where one of them is there, NAME becomes NAME-2 and so on.

    Raises:
        ConfigError: `folder` is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; give a folder to write into")
    folder.mkdir(parents=True, exist_ok=True)
    ends = (".html", ".pdf", ".png") if can_draw() else (".html",)
    taken: set[str] = set()
    stem = free_name(name, taken)
    while any((folder / f"{stem}.explain{end}").exists() for end in ends):
        stem = free_name(name, taken)
    page, *figures = (folder / f"{stem}.explain{end}" for end in ends)
    write_text(page, explain_page(explanation, name))
    if figures:
        figure = explain_figure(explanation)
        for path in figures:
            save_figure(figure, path)
    return page, *figures


def _marked(explanation: Explanation) -> Picture:
    """The face, larger, with its landmarks."""
    picture = cv2.resize(explanation.crop, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    grow = SIDE / len(explanation.crop)
    for x, y in (explanation.landmarks + 0.5) * grow - 0.5:
        cv2.circle(picture, (round(16 * x), round(16 * y)), 32, (255, 255, 255), -1, cv2.LINE_AA, 4)
        cv2.circle(picture, (round(16 * x), round(16 * y)), 20, (200, 60, 20), -1, cv2.LINE_AA, 4)
    return np.asarray(picture, np.uint8)


def _attention(face: Picture, values: NDArray[np.float32]) -> Picture:
    """Attention above the face's median, which many networks leave well above 0."""
    return lay_heat(face, _large(_stretched(np.maximum(values, np.median(values)))), ATTENTION)


def _mark_regions(picture: Picture, explanation: Explanation, index: int) -> None:
    cell = SIDE / explanation.maps.shape[-1]
    for x0, y0, x1, y1 in () if explanation.regions is None else explanation.regions[index]:
        low = round(float(x0) * cell), round(float(y0) * cell)
        high = round((float(x1) + 1) * cell) - 1, round((float(y1) + 1) * cell) - 1
        cv2.rectangle(picture, low, high, (20, 20, 20), 3)
        cv2.rectangle(picture, low, high, _REGION, 1)


def _large(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(values.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR))


def _stretched(values: NDArray[np.float32], high: float = 1) -> NDArray[np.float32]:
    """From their minimum, which becomes 0, to their maximum, which becomes `high`."""
    low = float(values.min())
    return np.asarray(high * (values - low) / max(float(values.max()) - low, 1e-9))


def _coloured(channel: Picture) -> Picture:
    large = cv2.resize(channel, (96, 96), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.applyColorMap(large, cv2.COLORMAP_VIRIDIS)[..., ::-1], np.uint8)
