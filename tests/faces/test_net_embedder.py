import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from aulens.align import rotation_scale, transform, warp
from aulens.errors import ConfigError, ModelError
from aulens.faces.detector import Face
from aulens.faces.identity import NetEmbedder
from synthetic_faces import face68

SIZE = 32
TEMPLATE = [[0.375, 0.4], [0.625, 0.4], [0.5, 0.5], [0.4, 0.6], [0.6, 0.6]]


def network(spoil: float = 0.0) -> onnx.ModelProto:
    """Mean red, green and blue of the crop, 0..1, plus `spoil`."""
    nodes = [
        helper.make_node("Cast", ["image"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["f"], ["m"], axes=[1, 2], keepdims=0),
        helper.make_node("Div", ["m", "k"], ["d"]),
        helper.make_node("Add", ["d", "s"], ["person"]),
    ]
    constants = [
        numpy_helper.from_array(np.array(value, np.float32), name)
        for name, value in (("k", 255), ("s", spoil))
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["B", SIZE, SIZE, 3])
    person = helper.make_tensor_value_info("person", TensorProto.FLOAT, ["B", 3])
    graph = helper.make_graph(nodes, "stub", [image], [person], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def write(folder: Path, model: onnx.ModelProto | None = None, **changed: object) -> Path:
    """The stub network and its card; the path of the card."""
    data = (model or network()).SerializeToString()
    (folder / "people.onnx").write_bytes(data)
    texts = ("name", "licence", "trained_on", "not_validated_on", "statement", "created", "aulens_version")
    card = {
        "format": "aulens-people/1",
        **dict.fromkeys(texts, "a stub"),
        "onnx_sha256": hashlib.sha256(data).hexdigest(),
        "results": {},
        "size": SIZE,
        "template": TEMPLATE,
        "same": 0.9,
        **changed,
    }
    path = folder / "people.json"
    path.write_text(json.dumps(card), encoding="utf-8")
    return path


@pytest.fixture
def embedder(tmp_path: Path) -> NetEmbedder:
    return NetEmbedder(write(tmp_path))


def test_it_sees_the_head_where_the_template_says(embedder: NetEmbedder) -> None:
    """The stub says the mean colour of its crop: that of the picture, cut out by known points."""
    image = np.random.default_rng(0).integers(0, 256, (200, 240, 3), np.uint8)
    there = rotation_scale(20, 2.5, (16, 16), (90, 80))  # crop → picture
    points = transform(there, np.array(TEMPLATE) * SIZE - 0.5)
    seen = embedder(image, Face(np.array([90.0, 80, 130, 120]), points))
    assert seen is not None
    inverse = np.linalg.inv(np.vstack([there, [0, 0, 1]]))[:2]
    np.testing.assert_allclose(seen, warp(image, inverse, SIZE).mean((0, 1)) / 255, atol=1e-5)
    assert seen.dtype == np.float32


def test_landmarks_do_as_five_points_and_none_give_nothing(embedder: NetEmbedder) -> None:
    from aulens.align import five_points

    image = np.random.default_rng(1).integers(0, 256, (200, 240, 3), np.uint8)
    face = Face(np.array([60.0, 40, 160, 150]), face68() * 50 + (110, 100))
    by_five = embedder(image, Face(face.box, five_points(face.landmarks)))
    np.testing.assert_array_equal(by_five, embedder(image, face))
    assert embedder(image, Face(face.box, np.empty((0, 2)))) is None


def test_how_near_is_the_same_comes_from_the_card_or_the_caller(tmp_path: Path) -> None:
    card = write(tmp_path)
    assert NetEmbedder(card).same == 0.9
    assert NetEmbedder(card, same=0.6).same == 0.6
    with pytest.raises(ConfigError, match="same must be a distance between 0 and 2, got 2"):
        NetEmbedder(card, same=2)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"people\.json.*same.*between 0 and 2"):
        NetEmbedder(write(tmp_path, same=3.0))
    with pytest.raises(ModelError, match="format"):
        NetEmbedder(write(tmp_path, format="aulens-landmarks/1"))
    other = network()
    other.graph.output[0].name = other.graph.node[-1].output[0] = "landmarks"
    with pytest.raises(ModelError, match="another kind of network"):
        NetEmbedder(write(tmp_path, other))
    broken = NetEmbedder(write(tmp_path, network(float("nan"))))
    with pytest.raises(ModelError, match="not finite"):
        broken(np.zeros((90, 90, 3), np.uint8), Face(np.array([10.0, 10, 80, 80]), face68() * 30 + (45, 45)))
