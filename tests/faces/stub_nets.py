"""Two tiny networks whose faces can be foretold: a face is a red square whose lowest quarter is magenta.

The detector finds such squares upright at the scale that it is given, exactly, from 8 to about 300 pixels;
its score falls with their redness and with what is not square about them. The landmarks are those of a drawn
face that fills the square as the detector's box does a face, wherever the square lies in the crop.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from aulens.align import five_points
from aulens.faces.detector import Face
from synthetic_faces import face68

Image = NDArray[np.uint8]
STRIDES: Final = (8, 16, 32)
SIZE: Final = 64
RED, MAGENTA = (255, 0, 0), (255, 0, 255)
_FAR: Final = 16384.0


def shape68() -> NDArray[np.float64]:
    """The drawn face in shares of its box, (68, 2); the uppermost 0.35/1.35 are the forehead."""
    points = face68()
    low, high = points.min(0), points.max(0)
    return (points - low) / (high - low) * (1, 1 / 1.35) + (0, 0.35 / 1.35)


def draw(image: Image, x: int, y: int, side: int, turn: int = 0, red: int = 255) -> NDArray[np.float64]:
    """Draw a face with its upper left pixel at (x, y), turned clockwise by a multiple of 90 degrees.

    Returns its box (4,) as `Face` tells it: the outer edges of its pixels.
    """
    face = np.empty((side, side, 3), np.uint8)
    face[:] = (red, 0, 0)
    face[side - side // 4 :] = (red, 0, red)
    patch = np.rot90(face, -turn // 90)
    top, left = max(y, 0), max(x, 0)
    part = image[top : y + side, left : x + side]
    part[:] = patch[top - y :, left - x :][: part.shape[0], : part.shape[1]]
    return np.array([x, y, x + side, y + side]) - 0.5


def landmarks_in(box: NDArray[np.float64], turn: int = 0) -> NDArray[np.float64]:
    """The landmarks (68, 2) of a face so drawn."""
    points = shape68() - 0.5
    angle = np.deg2rad(turn)
    spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points @ spin.T + 0.5) * (box[2:] - box[:2]) + box[:2]


def blank(width: int, height: int) -> Image:
    """Nobody, neither dark nor flat."""
    row = np.linspace(20, 230, width).round().astype(np.uint8)
    return np.tile(row[None, :, None], (height, 1, 3))


def turned(image: Image, degrees: float, scale: float = 1.0) -> tuple[Image, NDArray[np.float64]]:
    """The picture turned clockwise about its middle on a canvas that holds it, and the matrix that did it."""
    height, width = image.shape[:2]
    side = int(np.hypot(height, width) * scale) + 2
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, scale)
    matrix[:, 2] += (side - 1) / 2 - np.array([(width - 1) / 2, (height - 1) / 2])
    return np.asarray(cv2.warpAffine(image, matrix, (side, side), borderValue=(90, 90, 90)), np.uint8), matrix


def assert_is(face: Face, box: NDArray[np.float64], turn: int = 0, within: float = 0.02) -> None:
    """The face lies in that box, with its landmarks; `within` is a share of its side."""
    tolerance = within * (box[2] - box[0])
    np.testing.assert_allclose(face.box, box, atol=tolerance)
    np.testing.assert_allclose(face.landmarks, landmarks_in(box, turn), atol=2 * tolerance)


class _Graph:
    """Nodes that are written as one thinks them."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: Any, kind: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, kind), name))
        return name

    def __call__(self, kind: str, *inputs: str | float, **attributes: Any) -> str:
        names = [self.constant(one) if isinstance(one, int | float) else one for one in inputs]
        out = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [out], **attributes))
        return out

    def named(self, inner: str, name: str) -> None:
        self.nodes.append(helper.make_node("Identity", [inner], [name]))

    def model(self, inputs: list[Any], outputs: Mapping[str, list[Any]]) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "stub",
            [helper.make_tensor_value_info("image", TensorProto.UINT8, inputs)],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                for name, shape in outputs.items()
            ],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def _colours(g: _Graph, dark: bool = False) -> tuple[str, str, str]:
    """Of the image: the mask of faces and of their magenta part, and its redness; each (B, 1, H, W).

    `dark` goes by the reddest pixel of the image.
    """
    rgb = g("Transpose", g("Cast", "image", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    split = g.constant([1, 1, 1], np.int64)
    g.nodes.append(helper.make_node("Split", [rgb, split], ["r", "g", "b"], axis=1))
    red = g("Sub", "r", "g")
    least: str | float = 127.0
    if dark:
        least = g("Max", g("Div", g("ReduceMax", red, axes=[1, 2, 3]), 2.0), 4.0)
    mask = g("Cast", g("Greater", red, least), to=TensorProto.FLOAT)
    blue = g("Cast", g("Greater", g("Sub", "b", "g"), least), to=TensorProto.FLOAT)
    return mask, g("Mul", mask, blue), g("Mul", mask, g("Div", "r", 255.0))


def box_graph(spoil: float = 0.0) -> onnx.ModelProto:
    """The detector; `spoil` is added to its scores."""
    g = _Graph()
    mask, magenta, red = _colours(g)
    # Places of pixels, counted from 1, along each axis.
    ones = g("Add", g("Mul", mask, 0.0), 1.0)
    ramps = [g("CumSum", ones, g.constant(axis, np.int64)) for axis in (3, 2)]
    shares = shape68()
    five = five_points(shares)
    boxes, points, scores = [], [], []
    for stride in STRIDES:
        window = 11 if stride == 32 else 5
        cells = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
        around = {"kernel_shape": [window, window], "pads": [window // 2] * 4}

        def most(layer: str, cells: Any = cells, around: Any = around) -> str:
            return g("MaxPool", g("MaxPool", layer, **cells), **around)

        def mean(layer: str, cells: Any = cells, around: Any = around) -> str:
            return g("AveragePool", g("AveragePool", layer, **cells), count_include_pad=1, **around)

        high = [most(g("Mul", mask, ramp)) for ramp in ramps]
        low = [g("Sub", _FAR, most(g("Mul", mask, g("Sub", _FAR + 1, ramp)))) for ramp in ramps]
        side = [g("Sub", h, below) for h, below in zip(high, low, strict=True)]
        area = g("Max", g("Mul", *side), 1.0)
        pixels = float((window * stride) ** 2)
        fill = g("Div", g("Mul", mean(mask), pixels), area)
        redness = g("Div", g("Mul", mean(red), pixels), g("Max", g("Mul", mean(mask), pixels), 1.0))
        square = g("Div", g("Abs", g("Sub", *side)), g("Max", g("Max", *side), 1.0))
        chin = g("Sub", _FAR, most(g("Mul", magenta, g("Sub", _FAR + 1, ramps[1]))))
        upright = g("Sub", g("Div", g("Sub", chin, low[1]), g("Max", side[1], 1.0)), 0.75)
        middles = [g("Div", g("Add", h, below), 2.0) for h, below in zip(high, low, strict=True)]
        cell = [g("Sub", g("AveragePool", ramp, **cells), 0.5) for ramp in ramps]
        off = [g("Abs", g("Sub", m, c)) for m, c in zip(middles, cell, strict=True)]
        # Seen whole: the square keeps away from the border of the window, or a neighbour sees it better.
        reach = window * stride / 2
        room = g("Sub", reach - 1.0, g("Add", g("Max", *off), g("Div", g("Max", *side), 2.0)))
        score = g.constant(6.0 + spoil)
        for fault, weight in (
            (g("Abs", g("Sub", fill, 1.0)), 40.0),
            (g("Sub", 1.0, redness), 14.0),
            (square, 10.0),
            (g("Abs", upright), 20.0),
            (g("Div", g("Max", *off), float(stride)), 2.0),
            (g("Relu", g("Neg", room)), 20.0),
            (g("Relu", g("Sub", 7.0, g("Min", *side))), 20.0),
            (g("Relu", g("Sub", g("Max", *side), 300.0)), 1.0),
        ):
            score = g("Sub", score, g("Mul", g("Min", fault, 100.0), weight))
        flat = g.constant([0, -1, 1], np.int64)
        columns = {
            "boxes": [*low, *high],
            "points": [
                g("Add", low[a], g("Mul", side[a], float(share[a]))) for share in five for a in (0, 1)
            ],
        }
        for name, into in (("boxes", boxes), ("points", points)):
            table = [g("Reshape", column, flat) for column in columns[name]]
            into.append(g("Concat", *table, axis=2))
        scores.append(g("Reshape", score, g.constant([0, -1], np.int64)))
    g.named(g("Concat", *boxes, axis=1), "boxes")
    shape = g.constant([0, -1, 5, 2], np.int64)
    g.named(g("Reshape", g("Concat", *points, axis=1), shape), "points")
    g.named(g("Concat", *scores, axis=1), "scores")
    outputs = {"boxes": ["b", "n", 4], "points": ["b", "n", 5, 2], "scores": ["b", "n"]}
    return g.model(["b", "h", "w", 3], outputs)


def landmark_graph(size: int = SIZE, spoil: float = 0.0) -> onnx.ModelProto:
    """The landmarks; the quality is the redness of the face; visible is what lies above the magenta part."""
    g = _Graph()
    mask, _, red = _colours(g, dark=True)
    ones = g("Add", g("Mul", mask, 0.0), 1.0)
    # The middle and the extent of the square, turned a little or not, by its moments.
    count = g("Max", g("ReduceSum", mask, g.constant([2, 3], np.int64), keepdims=0), 1.0)

    def total(layer: str) -> str:
        return g("ReduceSum", layer, g.constant([2, 3], np.int64), keepdims=0)

    ramps = [g("Sub", g("CumSum", ones, g.constant(axis, np.int64)), 1.0) for axis in (3, 2)]
    middle = [g("Div", total(g("Mul", mask, ramp)), count) for ramp in ramps]
    side = g("Sqrt", count)
    parts = []
    for share in shape68() - 0.5:
        for axis in (0, 1):
            parts.append(g("Add", middle[axis], g("Mul", side, float(share[axis]))))
    landmarks = g("Reshape", g("Concat", *parts, axis=1), g.constant([0, 68, 2], np.int64))
    g.named(g("Add", landmarks, spoil), "landmarks")
    seen = g.constant((shape68()[:, 1] < 0.75).astype(np.float32)[None])
    g.named(g("Add", g("Mul", g("Sub", count, count), 0.0), seen), "visibility")
    g.named(g("Reshape", g("Div", total(red), count), g.constant([-1], np.int64)), "quality")
    g.named(g("Reshape", g("Min", total(mask), 1.0), g.constant([-1], np.int64)), "presence")
    outputs = {"landmarks": ["b", 68, 2], "visibility": ["b", 68], "quality": ["b"], "presence": ["b"]}
    return g.model(["b", size, size, 3], outputs)


def write_net(path: Path, model: onnx.ModelProto, card: Mapping[str, Any]) -> Path:
    """Write PATH.onnx and PATH.json; return the card."""
    content = model.SerializeToString()
    path.with_suffix(".onnx").write_bytes(content)
    entries = {
        "name": path.name,
        "licence": "MIT",
        "trained_on": "nothing",
        "not_validated_on": "anything",
        "statement": "A stub for tests: it sees red squares.",
        "results": {},
        "created": "2026-01-01",
        "aulens_version": "0.1.0",
        "onnx_sha256": hashlib.sha256(content).hexdigest(),
    }
    path.with_suffix(".json").write_text(json.dumps(entries | dict(card)), encoding="utf-8")
    return path.with_suffix(".json")


def write_box_stub(
    folder: Path, name: str = "faces", spoil: float = 0.0, card: Mapping[str, Any] | None = None
) -> Path:
    entries = {"format": "aulens-detector/1", "platt": [1.0, 0.0], "threshold": 0.5}
    return write_net(folder / name, box_graph(spoil), entries | dict(card or {}))


def write_landmark_stub(
    folder: Path, name: str = "landmarks", spoil: float = 0.0, card: Mapping[str, Any] | None = None
) -> Path:
    # The square fills the middle two thirds of the crop.
    template = (five_points(shape68()) * 0.66 + 0.17).round(4).tolist()
    entries = {"format": "aulens-landmarks/1", "size": SIZE, "template": template, "layout": "ibug68"}
    return write_net(folder / name, landmark_graph(SIZE, spoil), entries | dict(card or {}))
