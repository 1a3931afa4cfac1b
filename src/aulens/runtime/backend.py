"""Run an ONNX file without torch: ONNX Runtime by default, OpenVINO on request.

Both libraries report usage to their makers by default; here that is turned off before they are imported.
docs/runtime.md has the measurements behind the choice.
"""

import importlib
import io
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from aulens.card_file import Card, check_sha256
from aulens.errors import ConfigError, ModelError
from aulens.interrupts import interrupts_deferred
from aulens.runtime.whole_file import read_whole, unreadable

BACKENDS: Final = ("onnxruntime", "openvino")
INPUT: Final = "image"
OUTPUTS: Final[Mapping[str, str]] = MappingProxyType(
    {"maps": "(B, A, h, w)", "logits": "(B, A)", "landmarks": "(B, K, 2)"}
)
"""The outputs that a file may have, with their shapes. The maps must be there; others are never computed."""

Shape = tuple[int | None, ...]


@dataclass(frozen=True, eq=False)
class ModelOutput:
    """What an exported model computes for B faces; all float32.

    Attributes:
        maps: (B, A, h, w).
        logits: (B, A), or None if the file leaves it to the runtime to read scores from the maps.
        landmarks: (B, K, 2), (x, y) in pixels of the crop, or None if the model finds none.
    """

    maps: NDArray[np.float32]
    logits: NDArray[np.float32] | None = None
    landmarks: NDArray[np.float32] | None = None


class Session(Protocol):
    """A loaded model."""

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """Output → its shape without the batch axis; None where the file leaves a number open."""

    @property
    def image(self) -> Shape:
        """The shape of the input, likewise."""

    def __call__(self, images: NDArray[np.float32]) -> ModelOutput:
        """What the model computes for `images` (B, 3, H, W) float32 RGB in [0, 1]."""


def open_session(
    path: str | Path, backend: str = "onnxruntime", threads: int | None = None, card: Card | None = None
) -> Session:
    """Load an exported model.

    Args:
        path: the ONNX file; its input is called "image", its outputs are some of `OUTPUTS`.
        backend: "onnxruntime" or "openvino".
        threads: number of threads within one run; None leaves it to the library (one per core).
        card: of the model, whose digest must be that of the file; None: any file will do.

    Raises:
        ConfigError: another backend, or fewer than one thread.
        ModelError: the backend is not installed; the file is missing, empty, damaged or of another kind, or
            not the card's; or some of its weights lie in other files.
    """
    path = Path(path)
    if backend not in BACKENDS:
        raise ConfigError(f"unknown backend {backend!r}; there are: {', '.join(BACKENDS)}")
    if threads is not None and threads < 1:
        raise ConfigError(f"threads must be at least 1, got {threads}")
    content = read_whole(path)
    if card is not None:
        check_sha256(path, content, card.path, card.onnx_sha256)
    kind = _OnnxRuntime if backend == "onnxruntime" else _OpenVino
    return kind(path, content, threads)


def onnx_session(path: Path, content: bytes, threads: int | None, *, arena: bool = True) -> Any:
    """ONNX Runtime's session of a file's content.

    Args:
        path: of the file, for messages.
        content: from `read_whole`.
        threads: as in `open_session`.
        arena: keep the memory of one run for the next.

    Raises:
        ModelError: onnxruntime is not installed, or can't read it.
    """
    runtime = import_onnxruntime()
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or 0
    options.enable_cpu_mem_arena = arena
    # Threads that spin while they wait win little here and cost a busy machine a lot.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        # A second try, which it would make of some damaged files, is printed on standard output, among rows.
        return runtime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except Exception as error:  # the library's error classes share no public base
        raise unreadable(path, len(content), str(error)) from error


def run_onnx(path: Path, session: Any, outputs: Iterable[str], images: NDArray[Any]) -> list[Any]:
    """What a session of `onnx_session` computes.

    Raises:
        ModelError: it can't: the file is damaged in a way that is seen only then.
    """
    try:
        return list(session.run(list(outputs), {INPUT: images}))
    except Exception as error:  # the library's error classes share no public base
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{path}: it can't be run; the file is damaged or of another kind ({reason})"
        ) from error


class _OnnxRuntime:
    def __init__(self, path: Path, content: bytes, threads: int | None) -> None:
        self._path, self._session = path, onnx_session(path, content, threads)
        inputs = {item.name: item.shape for item in self._session.get_inputs()}
        outputs = {item.name: item.shape for item in self._session.get_outputs()}
        self.shapes = _check_kind(path, inputs, outputs)
        self.image = _without_batch(inputs[INPUT])

    def __call__(self, images: NDArray[np.float32]) -> ModelOutput:
        found = run_onnx(self._path, self._session, self.shapes, images)
        arrays = (np.asarray(array, dtype=np.float32) for array in found)
        return ModelOutput(**dict(zip(self.shapes, arrays, strict=True)))


class _OpenVino:
    def __init__(self, path: Path, content: bytes, threads: int | None) -> None:
        openvino = _import_openvino()
        # Full precision: bf16, the default on some processors, moves the maps by about 2 %.
        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        core = openvino.Core()
        try:
            model = core.read_model(io.BytesIO(content))
            compiled = core.compile_model(model, "CPU", settings)
        except Exception as error:  # openvino raises bare RuntimeError, and others for damaged files
            raise unreadable(path, len(content), str(error)) from error
        inputs, outputs = _named_shapes(compiled.inputs), _named_shapes(compiled.outputs)
        self.shapes = _check_kind(path, inputs, outputs)
        self.image = _without_batch(inputs[INPUT])
        self._request = compiled.create_infer_request()

    def __call__(self, images: NDArray[np.float32]) -> ModelOutput:
        self._request.infer({INPUT: images})
        # Copies: the request writes its next results into the same memory.
        return ModelOutput(
            **{name: np.array(self._request.get_tensor(name).data, np.float32) for name in self.shapes}
        )


def import_onnxruntime() -> Any:
    """ONNX Runtime, whose reports of usage are turned off.

    Raises:
        ModelError: it is not installed.
    """
    # From 1.29 on, ONNX Runtime reports usage on Linux and macOS too, unless this is set before its import.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        with interrupts_deferred():
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
        with interrupts_deferred():
            return importlib.import_module("openvino")
    except ImportError as error:
        raise ModelError(f"openvino can't be imported ({error}): pip install 'aulens[openvino]'") from error
    finally:
        if visible is not None:
            sys.modules[hidden] = visible
        elif sys.modules.get(hidden, visible) is None:
            sys.modules.pop(hidden, None)


def _named_shapes(ports: Iterable[Any]) -> dict[str, list[int | None]]:
    """Name → shape of OpenVINO's ports. Optimised, a port may carry an inner name beside the file's own."""
    named = {}
    for port in ports:
        names = sorted(port.get_names(), key=lambda name: (name not in {INPUT, *OUTPUTS}, name))
        named[names[0]] = [None if n.is_dynamic else n.get_length() for n in port.get_partial_shape()]
    return named


def _check_kind(
    path: Path, inputs: dict[str, list[Any]], outputs: dict[str, list[Any]]
) -> Mapping[str, Shape]:
    """Return the shapes of the outputs that are known, or say that this is another kind of model."""
    known = {name: tuple(outputs[name]) for name in OUTPUTS if name in outputs}
    right = all(len(shape) == OUTPUTS[name].count(",") + 1 for name, shape in known.items())
    if set(inputs) != {INPUT} or len(inputs[INPUT]) != 4 or "maps" not in known or not right:
        wanted = ", ".join(f"'{name}' {shape}" for name, shape in OUTPUTS.items())
        raise ModelError(
            f"{path}: another kind of model: expected the input 'image' (B, 3, H, W) and of the outputs "
            f"{wanted} at least the first, found inputs {_shapes(inputs)} and outputs {_shapes(outputs)}"
        )
    return MappingProxyType({name: _without_batch(shape) for name, shape in known.items()})


def _without_batch(shape: Sequence[Any]) -> Shape:
    return tuple(size if isinstance(size, int) else None for size in shape[1:])


def _shapes(ports: dict[str, list[Any]]) -> str:
    return ", ".join(f"{name!r} {tuple(shape)}" for name, shape in ports.items()) or "none"
