"""A model is one file: one that names others is refused whatever runs it, and the digest covers it all."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from aulens.errors import ModelError
from aulens.faces.box_net import BoxNet
from aulens.runtime.backend import BACKENDS, open_session
from aulens.runtime.card import read_card
from aulens.runtime.model import open_model
from aulens.runtime.whole_file import read_whole
from stub_model import write_stub

WEIGHTS = Path(__file__).parents[2] / "src" / "aulens" / "weights"


def external(location: str) -> onnx.TensorProto:
    """A tensor whose values lie in another file."""
    tensor = onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4, 3, 1, 1])
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    return tensor


@pytest.fixture
def card(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "secret").write_bytes(np.ones(100, np.float32).tobytes())
    return write_stub(tmp_path / "models")


def place(card: Path, where: str) -> str:
    """Names of the file of weights: beside, above, anywhere, through a link."""
    secret = card.parents[1] / "secret"
    if where == "beside":
        (card.parent / "w.bin").write_bytes(secret.read_bytes())
    if where == "link":
        os.symlink(secret, card.parent / "w.bin")
    return {"above": "../secret", "absolute": str(secret)}.get(where, "w.bin")


@pytest.mark.parametrize("where", ["beside", "above", "absolute", "link", "missing"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_weights_in_another_file_are_refused_whatever_runs_it(card: Path, where: str, backend: str) -> None:
    file = card.with_suffix(".onnx")
    model = onnx.load(file)
    model.graph.initializer[0].CopyFrom(external(place(card, where)))
    file.write_bytes(model.SerializeToString())
    told = json.loads(card.read_text()) | {"onnx_sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    card.write_text(json.dumps(told))
    with pytest.raises(ModelError, match=r"stub\.onnx: some of its weights lie in another file"):
        open_model(read_card(card), backend)


def in_constant(tensor: onnx.TensorProto) -> onnx.ModelProto:
    node = helper.make_node("Constant", [], ["w"], value=tensor)
    return helper.make_model(helper.make_graph([node], "g", [], []))


def in_branch(tensor: onnx.TensorProto) -> onnx.ModelProto:
    inner = helper.make_graph([], "inner", [], [], [tensor])
    node = helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    return helper.make_model(helper.make_graph([node], "g", [], []))


def in_function(tensor: onnx.TensorProto) -> onnx.ModelProto:
    node = helper.make_node("Constant", [], ["w"], value=tensor)
    opset = helper.make_opsetid("", 17)
    function = helper.make_function("own", "f", [], ["w"], [node], [opset])
    return helper.make_model(helper.make_graph([], "g", [], []), functions=[function])


def in_sparse(tensor: onnx.TensorProto) -> onnx.ModelProto:
    sparse = onnx.SparseTensorProto(dims=[4])
    sparse.values.CopyFrom(tensor)
    return helper.make_model(helper.make_graph([], "g", [], [], sparse_initializer=[sparse]))


def in_list(tensor: onnx.TensorProto) -> onnx.ModelProto:
    node = helper.make_node(
        "Own", [], ["w"], domain="own", values=[numpy_helper.from_array(np.ones(1)), tensor]
    )
    return helper.make_model(helper.make_graph([node], "g", [], []))


@pytest.mark.parametrize("made", [in_constant, in_branch, in_function, in_sparse, in_list])
def test_wherever_in_the_graph_they_are_named(made, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(made(numpy_helper.from_array(np.ones(3, np.float32), "w")).SerializeToString())
    read_whole(path)
    path.write_bytes(made(external("w.bin")).SerializeToString())
    with pytest.raises(ModelError, match="in another file"):
        read_whole(path)


def test_a_place_without_its_mark_is_refused_too(tmp_path: Path) -> None:
    """Releases differ in which of the two fields they look at."""
    for spoil in ("data_location", "external_data"):
        tensor = external("w.bin")
        tensor.ClearField(spoil)
        (tmp_path / "a.onnx").write_bytes(in_constant(tensor).SerializeToString())
        with pytest.raises(ModelError, match="in another file"):
            read_whole(tmp_path / "a.onnx")


@pytest.mark.parametrize("name", ["aulens-portraits", "faces", "landmarks", "people"])
def test_what_aulens_ships_is_whole(name: str) -> None:
    assert read_whole(WEIGHTS / f"{name}.onnx") == (WEIGHTS / f"{name}.onnx").read_bytes()


def test_a_pipe_and_a_folder_are_no_models(card: Path, tmp_path: Path) -> None:
    file = card.with_suffix(".onnx")
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(ModelError, match=r"stub\.onnx: .*a pipe or a device, not a file"):
        open_model(read_card(card))
    file.unlink()
    file.mkdir()
    with pytest.raises(ModelError, match=r"stub\.onnx: .*can't be read \(Is a directory\)"):
        open_session(file)


def test_what_can_be_loaded_and_not_run_is_a_sentence(tmp_path: Path) -> None:
    shape = numpy_helper.from_array(np.array([-1, 7, 32, 32]), "shape")  # no number of pixels makes it
    node = helper.make_node("Reshape", ["image", "shape"], ["maps"])
    ports = (("image", ["b", 3, "h", "w"]), ("maps", ["b", "a", 32, 32]))
    image, maps = (helper.make_tensor_value_info(name, TensorProto.FLOAT, each) for name, each in ports)
    model = helper.make_model(
        helper.make_graph([node], "g", [image], [maps], [shape]),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=9,
    )  # fmt: skip
    (tmp_path / "a.onnx").write_bytes(model.SerializeToString())
    session = open_session(tmp_path / "a.onnx")
    with pytest.raises(ModelError, match=r"a\.onnx: it can't be run"):
        session(np.zeros((1, 3, 31, 31), np.float32))


def test_nothing_is_printed_of_a_damaged_file(card: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """ONNX Runtime speaks on standard output where rows go, if a name in the file is no text."""
    file = card.with_suffix(".onnx")
    file.write_bytes(file.read_bytes().replace(b"AveragePool", b"Averag\xfd\xccool"))
    with pytest.raises(ModelError, match="not a readable ONNX model"):
        open_session(file)
    assert capfd.readouterr().out == ""


def test_a_faces_network_with_weights_elsewhere_is_refused(tmp_path: Path) -> None:
    for ending in (".json", ".onnx"):
        (tmp_path / f"faces{ending}").write_bytes((WEIGHTS / f"faces{ending}").read_bytes())
    model = onnx.load(tmp_path / "faces.onnx")
    model.graph.initializer[0].CopyFrom(external("/etc/passwd"))
    (tmp_path / "faces.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="in another file"):
        BoxNet(tmp_path / "faces.json")


def test_the_digest_is_of_the_bytes_that_are_loaded(card: Path) -> None:
    """Damage that no runtime would see: one bit of a weight."""
    file = card.with_suffix(".onnx")
    model = onnx.load(file)
    model.graph.initializer[0].raw_data = bytes([1]) + model.graph.initializer[0].raw_data[1:]
    file.write_bytes(model.SerializeToString())
    for backend in BACKENDS:
        with pytest.raises(ModelError, match="not the file that its card"):
            open_model(read_card(card), backend)
