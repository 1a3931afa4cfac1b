"""Both backends give the same maps, say what is wrong with a file, and tell nobody that they ran."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import aulens
from aulens.align import anchors
from aulens.errors import ConfigError, ModelError
from aulens.runtime.backend import BACKENDS, open_session
from aulens.runtime.model import to_input
from stub_jaa import spots, write_jaa_stub
from stub_model import write_stub


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stub(tmp_path_factory.mktemp("stub")).with_suffix(".onnx")


@pytest.mark.parametrize("backend", BACKENDS)
def test_maps_are_what_the_stub_promises(stub: Path, backend: str) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino")
    session = open_session(stub, backend, threads=1)
    assert session.shapes == {"maps": (4, 32, 32)}
    images = np.random.default_rng(0).random((3, 3, 128, 128), dtype=np.float32)
    output = session(images)
    assert output.logits is None
    assert output.landmarks is None
    maps = output.maps
    assert maps.shape == (3, 4, 32, 32)
    assert maps.dtype == np.float32
    small = images.reshape(3, 3, 32, 4, 32, 4).mean(axis=(3, 5))
    np.testing.assert_allclose(maps[:, 2], small[:, 0] - small[:, 1], atol=1e-5)
    np.testing.assert_allclose(maps[:, 0], -1, atol=1e-6)
    # A result stays as it is when the session runs again.
    kept = maps.copy()
    np.testing.assert_allclose(session(images[:1]).maps, kept[:1], atol=1e-5)
    np.testing.assert_array_equal(maps, kept)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch", [1, 3])
def test_every_output_comes_by_its_name(tmp_path: Path, backend: str, batch: int) -> None:
    """OpenVINO leaves out a last node that adds nothing, and calls its output by an inner name too."""
    if backend == "openvino":
        pytest.importorskip("openvino")
    session = open_session(write_jaa_stub(tmp_path).with_suffix(".onnx"), backend, threads=1)
    assert session.shapes == {"maps": (4, 28, 28), "logits": (4,), "landmarks": (49, 2)}
    three = np.array([[40.0, 40.0], [70.0, 42.0], [55.0, 80.0]])
    picture = spots(three, (112, 112), 4.0)
    images = np.repeat(to_input(picture[None]), batch, axis=0)
    output = session(images)
    assert output.logits is not None
    assert output.landmarks is not None
    np.testing.assert_allclose(output.logits[-1, 1:], 200 * images[-1].mean((1, 2)) - 1, rtol=1e-4)
    np.testing.assert_allclose(anchors(output.landmarks[-1]), three, atol=0.02)
    assert output.maps.shape == (batch, 4, 28, 28)
    kept = output.landmarks.copy()
    session(images * 0)
    np.testing.assert_array_equal(output.landmarks, kept)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_wrong_with_a_file_is_said(stub: Path, backend: str, tmp_path: Path) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino")
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(stub.read_bytes()[:150])
    empty = tmp_path / "empty.onnx"
    empty.touch()
    text = tmp_path / "text.onnx"
    text.write_text("a letter, not a model")
    for path, message in (
        (tmp_path / "gone.onnx", "there is no such model file"),
        (empty, r"is empty \(0 bytes\)"),
        (cut, "cut short, damaged or of another kind"),
        (text, "cut short, damaged or of another kind"),
    ):
        with pytest.raises(ModelError, match=f"{path.name}: .*{message}"):
            open_session(path, backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_another_kind_of_model_is_described(backend: str, tmp_path: Path) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino")
    port = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 5]) for name in ("features", "class")
    ]
    graph = helper.make_graph([helper.make_node("Relu", ["features"], ["class"])], "g", port[:1], port[1:])
    path = tmp_path / "other.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    with pytest.raises(ModelError, match=r"another kind of model.*'features'.*'class'"):
        open_session(path, backend)


def test_wrong_settings(stub: Path) -> None:
    with pytest.raises(ConfigError, match="unknown backend 'abacus'; there are: onnxruntime, openvino"):
        open_session(stub, "abacus")
    with pytest.raises(ConfigError, match="at least 1, got 0"):
        open_session(stub, threads=0)


def test_a_missing_backend_says_what_to_install(stub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelError, match=r"pip install 'aulens\[openvino\]'"):
        open_session(stub, "openvino")
    assert "openvino_telemetry" not in sys.modules or sys.modules["openvino_telemetry"] is not None


@pytest.mark.parametrize(
    "backend", [pytest.param(b, marks=[] if b == "onnxruntime" else pytest.mark.slow) for b in BACKENDS]
)
def test_nothing_is_reported_anywhere(stub: Path, backend: str, tmp_path: Path) -> None:
    """Both libraries, left to themselves, write an identifier below the home folder before they report.

    onnxruntime 1.31 makes ~/.cache/Microsoft, openvino 2026.4 makes ~/intel; seen on Linux. Here nothing
    appears, and openvino's reporting package is never loaded.
    """
    if backend == "openvino":
        pytest.importorskip("openvino")
    code = (
        "import sys, numpy as np; from aulens.runtime.backend import open_session;"
        f"open_session(sys.argv[1], {backend!r})(np.zeros((1, 3, 128, 128), np.float32));"
        "assert not any(name.startswith('openvino_telemetry') for name in sys.modules)"
    )
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "USERPROFILE": str(tmp_path)}
    # The libraries keep still of their own accord on a build server.
    outside = {
        name: value for name, value in os.environ.items() if name not in {"CI", "ORT_DISABLE_TELEMETRY"}
    }
    subprocess.run([sys.executable, "-c", code, str(stub)], env=outside | home, check=True)
    assert list(tmp_path.rglob("*")) == []


def test_the_backend_is_the_only_door_to_these_libraries() -> None:
    """Another import might come first, and then they would report."""
    source = Path(aulens.__file__).parent
    direct = re.compile(r"^\s*(import|from) (onnxruntime|openvino)\b", re.MULTILINE)
    assert [
        path.name for path in source.rglob("*.py") if direct.search(path.read_text(encoding="utf-8"))
    ] == []
