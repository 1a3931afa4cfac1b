"""A tiny exported model whose maps can be foretold, for every test that needs a model file.

Its maps are colours of the aligned face, averaged over 4 x 4 pixels: AU1 and AU18 are -1 everywhere, AU6 is
and AU43 brightness minus a half, AU12 is red minus green, AU25 is blue minus green.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

AUS = (1, 6, 12, 25)
_WEIGHTS = {
    1: (0, 0, 0, -1),
    18: (0, 0, 0, -1),
    6: (1 / 3, 1 / 3, 1 / 3, -0.5),
    12: (1, -1, 0, 0),
    25: (0, -1, 1, 0),
    43: (1 / 3, 1 / 3, 1 / 3, -0.5),
}
CROP, MAP = 128, 32


def write_stub(
    folder: Path, name: str = "stub", aus: tuple[int, ...] = AUS, card: Mapping[str, Any] | None = None
) -> Path:
    """Write NAME.onnx and its card NAME.json, with entries of `card` over the usual ones; return the card."""
    rows = np.array([_WEIGHTS[number] for number in aus], dtype=np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("AveragePool", ["image"], ["small"], kernel_shape=[4, 4], strides=[4, 4]),
            helper.make_node("Conv", ["small", "w", "b"], ["maps"]),
        ],
        "stub",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, CROP, CROP])],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["batch", len(aus), MAP, MAP])],
        [
            numpy_helper.from_array(rows[:, :3].reshape(-1, 3, 1, 1), "w"),
            numpy_helper.from_array(rows[:, 3].copy(), "b"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    entries = {
        "format": "aulens-model/1",
        "name": name,
        "variant": "roi",
        "backbone": "none",
        "aus": list(aus),
        "crop": CROP,
        "map": MAP,
        "roi_side": 5,
        "template": "face",
        "decoder": "roi",
        "platt": {f"AU{number}": [4.0, 0.25] for number in aus},
        "threshold": {f"AU{number}": 0.5 for number in aus},
        "normalisation": "inside",
        "licence": "MIT",
        "trained_on": "nothing",
        "not_validated_on": "anything",
        "statement": "A stub for tests: it sees colours, not faces.",
        "results": {},
        "created": "2026-01-01",
        "aulens_version": "0.1.0",
        "onnx_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    (folder / f"{name}.json").write_text(json.dumps(entries | dict(card or {})), encoding="utf-8")
    return folder / f"{name}.json"
