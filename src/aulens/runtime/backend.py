"""Run an ONNX file without torch: ONNX Runtime by default, OpenVINO on request.

Both libraries report usage to their makers unless told not to; here both are told, before they are imported.
docs/runtime.md has the measurements behind the choice.
"""

import importlib
import os
import sys
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from aulens.errors import ConfigError, ModelError

BACKENDS: Final = ("onnxruntime", "openvino")
INPUT: Final = "image"
OUTPUT: Final = "maps"


class Session(Protocol):
    """A loaded model."""

    @property
    def map_shape(self) -> tuple[int | None, int | None, int | None]:
        """(channels, height, width) of a map; None where the file leaves the number open."""
        ...

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Maps (B, A, h, w) float32 for `images` (B, 3, H, W) float32 RGB in [0, 1]."""
        ...


def open_session(path: str | Path, backend: str = "onnxruntime", threads: int | None = None) -> Session:
    """Load an exported model.

    Args:
        path: the ONNX file; its input is called "image", its output "maps".
        backend: "onnxruntime" or "openvino".
        threads: number of threads within one run; None leaves it to the library (one per core).

    Raises:
        ConfigError: another backend, or fewer than one thread.
        ModelError: the backend is not installed; the file is missing, empty, damaged or of another kind.
    """
    path = Path(path)
    if backend not in BACKENDS:
        raise ConfigError(f"unknown backend {backend!r}; there are: {', '.join(BACKENDS)}")
    if threads is not None and threads < 1:
        raise ConfigError(f"threads must be at least 1, got {threads}")
    if not path.is_file():
        raise ModelError(f"{path}: there is no such model file")
    if path.stat().st_size == 0:
        raise ModelError(f"{path}: the model file is empty (0 bytes)")
    return _OnnxRuntime(path, threads) if backend == "onnxruntime" else _OpenVino(path, threads)


class _OnnxRuntime:
    def __init__(self, path: Path, threads: int | None) -> None:
        runtime = _import_onnxruntime()
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or 0
        # Threads that spin while they wait win little here and cost a busy machine a lot.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the library's error classes share no public base
            raise _unreadable(path, error) from error
        inputs = {item.name: item.shape for item in self._session.get_inputs()}
        outputs = {item.name: item.shape for item in self._session.get_outputs()}
        self.map_shape = _check_kind(path, inputs, outputs)

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(self._session.run([OUTPUT], {INPUT: images})[0], dtype=np.float32)


class _OpenVino:
    def __init__(self, path: Path, threads: int | None) -> None:
        openvino = _import_openvino()
        # Full precision: bf16, the default on some processors, moves the maps by about 2 %.
        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        core = openvino.Core()
        try:
            model = core.read_model(str(path))
            compiled = core.compile_model(model, "CPU", settings)
        except Exception as error:  # openvino raises bare RuntimeError, and others for damaged files
            raise _unreadable(path, error) from error
        inputs = {item.get_any_name(): _open_shape(item.get_partial_shape()) for item in compiled.inputs}
        outputs = {item.get_any_name(): _open_shape(item.get_partial_shape()) for item in compiled.outputs}
        self.map_shape = _check_kind(path, inputs, outputs)
        self._request = compiled.create_infer_request()

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        self._request.infer({INPUT: images})
        return np.array(self._request.get_tensor(OUTPUT).data, dtype=np.float32)


def _import_onnxruntime() -> Any:
    # From 1.29 on, ONNX Runtime reports usage on Linux and macOS too, unless this is set before its import.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise ModelError(f"onnxruntime can't be imported ({error}): pip install onnxruntime") from error
    runtime.disable_telemetry_events()  # for Windows, where the variable has no effect
    return runtime


def _import_openvino() -> Any:
    # Importing openvino sends an event by the package openvino_telemetry, unless that is missing. Hide it.
    hidden = "openvino_telemetry"
    visible = sys.modules.get(hidden)
    if "openvino" not in sys.modules:
        sys.modules[hidden] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("openvino")
    except ImportError as error:
        raise ModelError(f"openvino can't be imported ({error}): pip install 'aulens[openvino]'") from error
    finally:
        if visible is not None:
            sys.modules[hidden] = visible
        elif sys.modules.get(hidden, visible) is None:
            sys.modules.pop(hidden, None)


def _open_shape(partial: Any) -> list[int | None]:
    return [None if size.is_dynamic else size.get_length() for size in partial]


def _unreadable(path: Path, error: Exception) -> ModelError:
    reason = " ".join(str(error).split())[:200]
    return ModelError(
        f"{path}: not a readable ONNX model: cut short, damaged or of another kind "
        f"({path.stat().st_size:,} bytes; {reason})"
    )


def _check_kind(
    path: Path, inputs: dict[str, list[Any]], outputs: dict[str, list[Any]]
) -> tuple[int | None, int | None, int | None]:
    """Return (channels, height, width) of the maps, or say that this is another kind of model."""
    image, maps = inputs.get(INPUT), outputs.get(OUTPUT)
    if set(inputs) != {INPUT} or image is None or maps is None or len(image) != 4 or len(maps) != 4:
        raise ModelError(
            f"{path}: another kind of model: expected the input 'image' (B, 3, H, W) and the output 'maps' "
            f"(B, A, h, w), found inputs {_shapes(inputs)} and outputs {_shapes(outputs)}"
        )
    channels, height, width = (size if isinstance(size, int) else None for size in maps[1:])
    return channels, height, width


def _shapes(ports: dict[str, list[Any]]) -> str:
    return ", ".join(f"{name!r} {tuple(shape)}" for name, shape in ports.items()) or "none"
