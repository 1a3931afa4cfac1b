"""Relations between AUs: the matrix with its numbers, and the graph that a threshold leaves of it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.relations import AURelations
from aulens.show.canvas import INK, PAPER, Colour, Layer, text_width

# Blue on white against vermilion (of Okabe and Ito's palette): apart for all kinds of colour vision, and in
# print without colour the kept relations are those with a frame.
_WEAK: Final = np.array([247, 250, 253], np.float64)
_STRONG: Final = np.array([8, 64, 129], np.float64)
_DARK: Final = 0.64  # from here on white is the more legible
_KEPT: Final[Colour] = (213, 94, 0)
_GREY: Final[Colour] = (96, 102, 112)
_PALE: Final[Colour] = (228, 230, 234)

_MARGIN: Final = 44
_HEAD: Final = 132
_FOOT: Final = 96
_GAP: Final = 84
_ROW: Final = 76  # room for a row's label
_COUNT: Final = 92  # room for a row's occurrences
_NODE: Final = 31  # radius
_SPREAD: Final = np.radians(62)  # of the ports of an AU, each way


def draw_relations(relations: AURelations, threshold: float, source: str) -> NDArray[np.uint8]:
    """Draw relations as a matrix, and as the graph that the threshold leaves of it (paper B, Eq 2).

    On the left P(column | row) as colour and number ("0" and "1" are exact, "0.00" and "1.00" rounded), with
    a frame around each relation that is kept, and the occurrences of each AU (no occurrences: a grey row).
    On the right the AUs in a circle, clockwise from the top in the order of the matrix: an arrow from a row's
    AU to the column's for each relation kept, the wider the more probable.

    Args:
        relations: what to draw.
        threshold: in [0, 1].
        source: which labels they were counted in, for the title.

    Returns:
        (h, w, 3) uint8 RGB; for 12 AUs about 1800 x 1000.

    Raises:
        ConfigError: the threshold is not in [0, 1].
    """
    kept = relations.mask(threshold)
    np.fill_diagonal(kept, False)
    count = len(relations.aus)
    title = "AU relations: probability of the column's AU, given the row's"
    pairs = f"{int(kept.sum())} of {count * (count - 1)} relations are at least {threshold:g}"
    details = f"{source}; {pairs}"
    cell = min(96, max(48, 720 // count))
    matrix = _Matrix(_MARGIN + _ROW, _HEAD, cell)
    side = max(cell * count, 400)
    left = matrix.x + cell * count + _COUNT + _GAP
    width = max(
        left + side + _MARGIN, *(round(2 * _MARGIN + text_width(*t)) for t in ((title, 30), (details, 20)))
    )
    layer = Layer((_HEAD + side + _FOOT, width))
    layer.text(_MARGIN, 42, title, 30, INK)
    layer.text(_MARGIN, 78, details, 20, _GREY)
    matrix.draw(layer, relations, kept, threshold)
    circle = _Circle(left + side / 2, _HEAD + side / 2, (side / 2 - _NODE - 4) * (count > 1), count)
    circle.draw(layer, relations, kept)
    layer.text(circle.x, _HEAD + side + 38, "from the row's AU to the column's", 18, _GREY, anchor="mm")
    _widths(layer, circle.x, _HEAD + side + 70, threshold)
    return layer.over(np.full((_HEAD + side + _FOOT, width, 3), PAPER, np.uint8))


@dataclass(frozen=True)
class _Matrix:
    """The heat map; its upper left corner and the side of a cell in pixels."""

    x: int
    y: int
    cell: int

    def draw(self, layer: Layer, relations: AURelations, kept: NDArray[np.bool_], threshold: float) -> None:
        count = len(relations.aus)
        text = min(22, round(self.cell * 0.34))
        above, right = self.y - 16, self.x + count * self.cell + _COUNT - 4
        layer.text(right, above, "frames", text, _GREY, anchor="rm")
        for i, label in enumerate(relations.aus.labels):
            middle, seen = (i + 0.5) * self.cell, int(relations.occurrences[i])
            layer.text(self.x - 10, self.y + middle, label, text + 1, INK, anchor="rm")
            layer.text(self.x + middle, above, label, text, INK, anchor="mm")
            layer.text(right, self.y + middle, f"{seen:,}", text, _GREY, anchor="rm")
            for j in range(count):
                self._cell(layer, i, j, float(relations.conditional[i, j]), text, seen > 0)
        for i, j in np.argwhere(kept):
            x, y = self.x + j * self.cell, self.y + i * self.cell
            layer.box((x + 1, y + 1, x + self.cell - 2, y + self.cell - 2), outline=_KEPT, width=3, radius=3)
        self._scale(layer, self.y + count * self.cell + 30, max(240, count * self.cell), threshold)

    def _cell(self, layer: Layer, i: int, j: int, value: float, text: int, seen: bool) -> None:
        x, y = self.x + j * self.cell, self.y + i * self.cell
        own = i == j
        fill = _PALE if own or not seen else _shade(value)
        layer.box((x, y, x + self.cell - 1, y + self.cell - 1), fill=fill, radius=0)
        if not own and seen:
            colour = PAPER if value > _DARK else INK if value else _GREY
            written = f"{value:.2f}" if 0 < value < 1 else f"{value:.0f}"
            layer.text(x + self.cell / 2, y + self.cell / 2, written, text, colour, anchor="mm")

    def _scale(self, layer: Layer, y: float, length: float, threshold: float) -> None:
        """The colours from 0 to 1, with the threshold marked."""
        steps = 64
        for k in range(steps):
            x = self.x + length * k / steps
            layer.box((x, y, x + length / steps, y + 16), fill=_shade((k + 0.5) / steps), radius=0)
        layer.box((self.x, y, self.x + length, y + 16), outline=_GREY, width=1, radius=0)
        mark = self.x + length * threshold
        layer.line(np.array([[mark, y - 6], [mark, y + 22]]), _KEPT, 3)
        layer.text(mark, y + 36, f"{threshold:g}", 18, _KEPT, anchor="mm")
        for end in (0, 1):
            if abs(end - threshold) > 0.12:
                layer.text(self.x + length * end, y + 36, f"{end}", 18, _GREY, anchor="mm")


@dataclass(frozen=True)
class _Circle:
    """AUs around a centre, at a radius in pixels; the first at the top, the others clockwise."""

    x: float
    y: float
    radius: float
    count: int

    def draw(self, layer: Layer, relations: AURelations, kept: NDArray[np.bool_]) -> None:
        edges = [(int(i), int(j)) for i, j in np.argwhere(kept)]
        ports = self._ports(edges)
        # The weakest first: where they cross, the strongest stays whole.
        for i, j in sorted(edges, key=lambda edge: relations.conditional[edge]):
            curve = self._curve(i, ports[i, j, i], j, ports[i, j, j])
            _arrow(layer, curve, float(relations.conditional[i, j]))
        for k, label in enumerate(relations.aus.labels):
            x, y = self._place(k).tolist()
            seen = relations.occurrences[k] > 0
            layer.dot(x, y, _NODE, INK if seen else _GREY)
            layer.dot(x, y, _NODE - 2, PAPER if seen else _PALE)
            layer.text(x, y, label, 18, INK if seen else _GREY, anchor="mm")

    def _angle(self, k: int) -> float:
        """Of an AU as seen from the centre; 0 is up, clockwise."""
        return 2 * np.pi * k / self.count

    def _place(self, k: int) -> NDArray[np.float64]:
        return np.array([self.x, self.y]) + self.radius * _towards(self._angle(k))

    def _ports(self, edges: list[tuple[int, int]]) -> dict[tuple[int, int, int], float]:
        """Where the edge (i, j) touches AU k, one of its two: the angle from k's way to the centre.

        Ports are in the order of the AUs at the other ends, and spread apart the more there are. Of two
        opposite edges, each keeps to its own side, at both ends.
        """
        ports = {}
        for k in range(self.count):
            own = [edge for edge in edges if k in edge]
            straight = {}
            for i, j in own:
                way = (j if k == i else i) - k
                # The inscribed angle, less so that edges bend inwards, away from the AUs between.
                straight[i, j] = 0.62 * np.pi * ((way % self.count) / self.count - 0.5)
            order = sorted(own, key=lambda edge: (straight[edge], edge[0] == k))
            even = np.linspace(-1, 1, len(own)) * _SPREAD if len(own) > 1 else np.zeros(len(own))
            share = len(own) / (len(own) + 4)
            for edge, angle in zip(order, even, strict=True):
                ports[*edge, k] = (1 - share) * straight[edge] + share * angle
        return ports

    def _curve(self, i: int, port_i: float, j: int, port_j: float) -> NDArray[np.float64]:
        """From AU to AU, at a right angle to both; (n, 2)."""
        leave = _towards(self._angle(i) + np.pi + port_i)
        arrive = _towards(self._angle(j) + np.pi + port_j)
        start, end = self._place(i) + leave * (_NODE + 2), self._place(j) + arrive * (_NODE + 3)
        length = float(np.hypot(*(end - start)))
        reach = 0.38 * length
        corners = np.array([start, start + leave * reach, end + arrive * reach, end])
        # Pieces of some 8 pixels: corners are rounded to pixels, which makes a line of shorter ones rough.
        t = np.linspace(0, 1, 2 + round(length / 8))[:, None]
        weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
        return np.asarray(weights @ corners)


def _towards(angle: float) -> NDArray[np.float64]:
    """A step of length 1; angle 0 is up, clockwise."""
    return np.array([np.sin(angle), -np.cos(angle)])


def _arrow(layer: Layer, curve: NDArray[np.float64], value: float) -> None:
    """A bent arrow along points (n, 2), with a white rim that parts it from those it crosses."""
    width = 1 + 4.5 * value**2
    colour = _shade(0.45 + 0.55 * value)
    long, half = 9 + 1.6 * width, 4.5 + 0.9 * width
    tip = curve[-1]
    body = curve[np.hypot(*(curve - tip).T) > long]
    ahead = (tip - body[-1]) / np.hypot(*(tip - body[-1]))
    aside = np.array([-ahead[1], ahead[0]]) * half
    base = tip - ahead * long
    body = np.vstack([body, base + ahead * 2])
    layer.line(body, PAPER, width + 3)
    layer.line(body, colour, width)
    layer.polygon(np.array([tip, base + aside, base - aside]), colour)


def _widths(layer: Layer, x: float, y: float, threshold: float) -> None:
    """What the widths of arrows mean."""
    values = sorted({threshold, (1 + threshold) / 2, 1.0})
    for k, value in enumerate(values):
        left = x + (k - len(values) / 2) * 150
        _arrow(layer, np.linspace([left, y], [left + 60, y], 40), value)
        layer.text(left + 70, y, f"{value:.2f}", 18, _GREY)


def _shade(value: float) -> Colour:
    red, green, blue = np.rint(_WEAK + (_STRONG - _WEAK) * value).astype(int).tolist()
    return red, green, blue
