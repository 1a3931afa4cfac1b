"""A tiny exported model of the form of JAA-Net's: attention, logits and 49 landmarks, all foretold.

It takes a face of 112 pixels. The attention of AU1 is a half everywhere, of AU6, AU12 and AU25 how red, green
and blue the face is there. The logit of AU1 is -3, of the others 200 times the mean of their colour, minus 1.
Red, green and blue spots on black stand for the right eye, the left eye and the mouth: the landmarks are 49
points that lie about the three spots' centroids as those of `synthetic_faces.face68` about its own anchors.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from aulens.align import JAANET, anchors, transform
from aulens.landmarks import IBUG49, IBUG68, LEFT_EYE, RIGHT_EYE, convert
from synthetic_faces import face68

AUS = (1, 6, 12, 25)
CROP, MAP = 112, 28
Landmarks = Literal["spots", "typical", "not finite", "one place", "eyes in one", "none"]


def shares() -> np.ndarray:
    """(49, 3): how much of each of the three anchors a point of the face is made of; rows sum to 1."""
    face = convert(face68(), IBUG68, IBUG49)
    homogeneous = [np.vstack([points.T, np.ones(len(points))]) for points in (anchors(face68()), face)]
    return np.linalg.solve(*homogeneous).T


def spots(three: np.ndarray, size: tuple[int, int], radius: float) -> np.ndarray:
    """A black picture (h, w) = `size` with a red, a green and a blue spot at three points (x, y)."""
    y, x = np.indices(size)
    planes = [255 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * radius**2)) for px, py in three]
    return np.stack(planes, -1).round().astype(np.uint8)


def write_jaa_stub(
    folder: Path,
    name: str = "jaa",
    card: Mapping[str, Any] | None = None,
    landmarks: Landmarks = "spots",
    points: int = 49,
    logits: bool = True,
) -> Path:
    """Write NAME.onnx and its card NAME.json, with entries of `card` over the usual ones; return the card.

    Args:
        folder: where to.
        name: of the model.
        card: entries of the card to change.
        landmarks: found at the spots; where those of a typical face would be, whatever is seen; or one of the
            faults; "none" leaves the output out.
        points: keep only the first so many.
        logits: whether the file has the output.
    """
    count = len(AUS)
    typical = convert(transform(JAANET.matrix(face68(), CROP), face68()), IBUG68, IBUG49)[:points]
    if landmarks == "eyes in one":
        eyes = IBUG49.positions(RIGHT_EYE), IBUG49.positions(LEFT_EYE)
        typical[eyes[0], :] = typical[eyes[1], :]
    constants = {
        "map_w": np.vstack([np.zeros(3), np.eye(3)]).reshape(count, 3, 1, 1),
        "map_b": np.array([0.5, 0, 0, 0]),
        "logit_w": np.vstack([np.zeros(3), 200 * np.eye(3)]).reshape(count, 3, 1, 1),
        "logit_b": np.array([-3.0, -1, -1, -1]),
        "grid": np.stack(np.indices((CROP, CROP))[::-1]).reshape(1, 1, 2, CROP * CROP),
        "shares": shares()[:points],
        "little": np.array(1e-6),
        "factor": np.array(
            {"not finite": np.nan, "one place": 0.0, "typical": 0.0, "eyes in one": 0.0}.get(landmarks, 1.0)
        ),
        "offset": typical * (landmarks in ("typical", "eyes in one")),
        "flat": np.array([0, 3, 1, CROP * CROP]),
        "last": np.array([3]),
    }
    nodes = [
        helper.make_node("AveragePool", ["image"], ["small"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Conv", ["small", "map_w", "map_b"], ["maps"]),
        helper.make_node("GlobalAveragePool", ["image"], ["mean"]),
        helper.make_node("Conv", ["mean", "logit_w", "logit_b"], ["columns"]),
        helper.make_node("Flatten", ["columns"], ["logits"]),
        helper.make_node("Reshape", ["image", "flat"], ["pixels"]),
        helper.make_node("Mul", ["pixels", "grid"], ["moments"]),
        helper.make_node("ReduceSum", ["moments", "last"], ["moment"], keepdims=0),
        helper.make_node("ReduceSum", ["pixels", "last"], ["mass"], keepdims=0),
        helper.make_node("Add", ["mass", "little"], ["positive"]),
        helper.make_node("Div", ["moment", "positive"], ["anchors"]),
        helper.make_node("MatMul", ["shares", "anchors"], ["found"]),
        helper.make_node("Mul", ["found", "factor"], ["scaled"]),
        helper.make_node("Add", ["scaled", "offset"], ["landmarks"]),
    ]
    shapes = {"maps": [count, MAP, MAP], "logits": [count], "landmarks": [points, 2]}
    if not logits:
        del shapes["logits"]
    if landmarks == "none":
        del shapes["landmarks"]
    graph = helper.make_graph(
        nodes,
        "stub",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, CROP, CROP])],
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, ["batch", *v]) for k, v in shapes.items()],
        [
            numpy_helper.from_array(v.astype(np.int64 if k in {"flat", "last"} else np.float32), k)
            for k, v in constants.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    entries = {
        "format": "aulens-model/1",
        "name": name,
        "variant": "jaa_net",
        "aus": list(AUS),
        "crop": CROP,
        "map": MAP,
        "template": "jaanet",
        "layout": "ibug49",
        "decoder": "direct",
        "tells_sides": False,
        "platt": {f"AU{number}": [1.0, 0.25] for number in AUS},
        "threshold": {f"AU{number}": 0.5 for number in AUS},
        "normalisation": "inside",
        "licence": "MIT",
        "trained_on": "nothing",
        "not_validated_on": "anything",
        "statement": "A stub for tests: it sees spots, not faces.",
        "results": {},
        "created": "2026-01-01",
        "aulens_version": "0.1.0",
        "onnx_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    (folder / f"{name}.json").write_text(json.dumps(entries | dict(card or {})), encoding="utf-8")
    return folder / f"{name}.json"
