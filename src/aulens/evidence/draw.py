"""An explanation as pictures, a figure for print, and a page to hover over.

Legend: S side of a drawn face in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.aus import AUS
from aulens.errors import ConfigError
from aulens.evidence.explain import Explanation
from aulens.files import write_text
from aulens.image import encode_jpeg
from aulens.output.names import free_name
from aulens.show.canvas import Colour
from aulens.show.evidence import AGAINST, FOR, LOOKED, ramp_colours
from aulens.show.figure import GREY, INK, PAGE, VERMILION, can_draw, save_figure, style
from aulens.show.pages import in_base64, piece
from aulens.show.relations import draw_relations

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Picture = NDArray[np.uint8]

SIDE: Final = 224
CHANNELS: Final = 16
"""Channels of features that are drawn: those that differ most between places."""
_MOST: Final = 12
_QUALITY: Final = 88
_LEAST: Final = 0.25
"""Evidence as weak as that of a slight AU in graded maps is drawn in full colour."""
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


def chosen_aus(explanation: Explanation, most: int = _MOST) -> tuple[str, ...]:
    """The AUs to be drawn: those present, then the most probable of the absent, in the model's order."""
    ranked = sorted(
        explanation.aus.labels,
        key=lambda label: (not explanation.occurrence[label], -explanation.probability[label]),
    )[:most]
    return tuple(label for label in explanation.aus.labels if label in ranked)


@dataclass(frozen=True)
class Drawn:
    """The pictures of one AU, (S, S, 3) each, by the kind of layer."""

    label: str
    name: str
    probability: float
    present: bool
    pictures: dict[str, Picture]


def draw_aus(explanation: Explanation, labels: Sequence[str]) -> list[Drawn]:
    """Each AU's layers over the face."""
    face = np.asarray(cv2.resize(explanation.crop, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)
    numbers = dict(zip(explanation.aus.labels, explanation.aus, strict=True))
    drawn = []
    for label in labels:
        index = explanation.aus.index(numbers[label])
        pictures = {}
        if explanation.initial_attention is not None:
            pictures["initial_attention"] = _looked(face, explanation.initial_attention[index])
        if explanation.attention:
            pictures["attention"] = _looked(face, explanation.maps[index])
        else:
            pictures["maps"] = _with_regions(_evidence(face, explanation.maps[index]), explanation, index)
        if explanation.au_eigenvectors is not None:
            pictures["au_eigenvectors"] = _positive(face, explanation.au_eigenvectors[index], _EIGEN)
        drawn.append(
            Drawn(
                label,
                AUS[numbers[label]].name,
                explanation.probability[label],
                explanation.occurrence[label],
                pictures,
            )
        )
    return drawn


def features(explanation: Explanation, count: int = CHANNELS) -> dict[str, list[Picture]]:
    """The same channels of X0 and X1, grey pictures (m, m), each from its own least to its own most."""
    if explanation.x0 is None:
        return {}
    order = np.argsort(-explanation.x0.std((1, 2)), kind="stable")[:count]
    layers = {"x0": explanation.x0, "x1": explanation.x1}
    return {name: [_grey(layer[k]) for k in order] for name, layer in layers.items() if layer is not None}


def explain_figure(explanation: Explanation, labels: Sequence[str] | None = None) -> Figure:
    """The figure for print, as wide as a page; needs matplotlib (the extra `figures`).

    Raises:
        ConfigError: matplotlib is not installed.
    """
    drawn = draw_aus(explanation, labels or chosen_aus(explanation))
    with style():
        from matplotlib.figure import Figure

        kinds = list(drawn[0].pictures)
        grids = features(explanation)
        columns = 6
        bands = -(-len(drawn) // columns)
        tile = PAGE / columns
        heights = [
            tile + 0.35 if k % len(kinds) == 0 else tile + 0.02
            for _ in range(bands)
            for k in range(len(kinds))
        ]
        small = PAGE / CHANNELS
        height = 0.75 + tile + sum(heights) + sum(small + 0.3 for _ in grids)
        figure = Figure(figsize=(PAGE, height))
        top = height - 0.25
        figure.text(0.01, top / height, f"{explanation.model}", fontsize=9, va="center", color=INK)
        top -= 0.2
        _show(figure, _marked(explanation), (0, top - tile, tile * 0.98, tile * 0.98), height)
        lines = [_WORDS[kind] for kind in kinds]
        for number, line in enumerate(lines):
            y = (top - 0.2 - 0.18 * number) / height
            figure.text((tile + 0.1) / PAGE, y, f"{'abc'[number]}  {line}", fontsize=6.5, color=GREY)
        top -= tile + 0.1
        for band in range(bands):
            for row, kind in enumerate(kinds):
                top -= tile + (0.33 if row == 0 else 0.02)
                for column, one in enumerate(drawn[band * columns : (band + 1) * columns]):
                    axes = _show(
                        figure, one.pictures[kind], (column * tile, top, tile * 0.98, tile * 0.98), height
                    )
                    if row == 0:
                        colour = VERMILION if one.present else GREY
                        axes.set_title(f"{one.label}  {one.probability:.2f}", fontsize=7, color=colour, pad=2)
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
    relations = None
    if explanation.relations is not None:
        relations = _jpeg(draw_relations(explanation.relations, 0.4, explanation.model))
    drawn = draw_aus(explanation, explanation.aus.labels)
    chosen = chosen_aus(explanation, 1)[0]
    return piece("explain.html", "page", "aulens.evidence")(
        title,
        explanation,
        [
            {
                "label": one.label, "name": one.name, "probability": one.probability, "present": one.present,
                "pictures": [(_WORDS[kind], _jpeg(picture)) for kind, picture in one.pictures.items()],
                "first": one.label == chosen,
            }
            for one in drawn
        ],
        [
            (_WORDS[name], [_jpeg(_coloured(one)) for one in channels])
            for name, channels in features(explanation).items()
        ],
        _jpeg(_marked(explanation)),
        relations,
    )  # fmt: skip


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
    number, stem = 2, free_name(name, set())
    while any((folder / f"{stem}.explain{end}").exists() for end in ends):
        number, stem = number + 1, f"{free_name(name, set())}-{number}"
    page, *figures = (folder / f"{stem}.explain{end}" for end in ends)
    write_text(page, explain_page(explanation, name))
    if figures:
        figure = explain_figure(explanation)
        for path in figures:
            save_figure(figure, path)
    return page, *figures


def _evidence(face: Picture, values: NDArray[np.float32]) -> Picture:
    heat = _large(values / max(_LEAST, float(np.abs(values).max())))
    return _laid(_laid(_pale(face), -heat, AGAINST), heat, FOR)


def _looked(face: Picture, values: NDArray[np.float32]) -> Picture:
    """Attention above the face's median, which many networks leave well above 0."""
    return _positive(face, np.maximum(values, np.median(values)), LOOKED)


def _marked(explanation: Explanation) -> Picture:
    """The face, larger, with its landmarks."""
    picture = cv2.resize(explanation.crop, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    grow = SIDE / len(explanation.crop)
    for x, y in (explanation.landmarks + 0.5) * grow - 0.5:
        cv2.circle(picture, (round(16 * x), round(16 * y)), 32, (255, 255, 255), -1, cv2.LINE_AA, 4)
        cv2.circle(picture, (round(16 * x), round(16 * y)), 20, (200, 60, 20), -1, cv2.LINE_AA, 4)
    return np.asarray(picture, np.uint8)


def _positive(face: Picture, values: NDArray[np.float32], ramp: tuple[Colour, Colour]) -> Picture:
    """A layer that is never negative, from its least to its most."""
    low, high = float(values.min()), float(values.max())
    return _laid(_pale(face), _large((values - low) / max(high - low, 1e-9)), ramp)


def _with_regions(picture: Picture, explanation: Explanation, index: int) -> Picture:
    if explanation.regions is None:
        return picture
    cell, picture = SIDE / explanation.maps.shape[-1], picture.copy()
    for x0, y0, x1, y1 in explanation.regions[index]:
        low = round(float(x0) * cell), round(float(y0) * cell)
        high = round((float(x1) + 1) * cell) - 1, round((float(y1) + 1) * cell) - 1
        cv2.rectangle(picture, low, high, (20, 20, 20), 3)
        cv2.rectangle(picture, low, high, _REGION, 1)
    return picture


def _pale(face: Picture) -> Picture:
    grey = 0.75 * face.mean(axis=2, keepdims=True) + 0.25 * face
    return np.asarray(grey.clip(0, 255), np.uint8)


def _large(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(values.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR))


def _laid(picture: Picture, heat: NDArray[np.float32], ramp: tuple[Colour, Colour]) -> Picture:
    colour, cover = ramp_colours(heat, ramp, 0.7)
    return np.asarray(np.rint(picture * (1 - cover) + colour * cover), np.uint8)


def _grey(channel: NDArray[np.float32]) -> Picture:
    low, high = float(channel.min()), float(channel.max())
    return np.asarray(np.rint(255 * (channel - low) / max(high - low, 1e-9)), np.uint8)


def _coloured(channel: Picture) -> Picture:
    large = cv2.resize(channel, (96, 96), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.applyColorMap(large, cv2.COLORMAP_VIRIDIS)[..., ::-1], np.uint8)


def _jpeg(picture: Picture) -> str:
    return in_base64(encode_jpeg(picture, _QUALITY))
