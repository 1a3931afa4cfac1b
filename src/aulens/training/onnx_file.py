"""A torch model as an ONNX file that computes the same."""

from __future__ import annotations

import copy
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from aulens.errors import ModelError
from aulens.files import write_bytes
from aulens.models import AUModel
from aulens.runtime.backend import INPUT, onnx_session, open_session
from aulens.training.face_nets.family import FaceFamily

OPSET: Final = 18
TOLERANCE: Final = 1e-3
"""Largest difference allowed in an output between torch and the exported file; for landmarks in pixels."""
HALF_TOLERANCE: Final = 1e-2
"""The same where weights are kept in 16 bits."""
FACE_TOLERANCE: Final = 5e-3
"""The same of face networks: pixels, logits, shares."""
_CHECKS: Final = 3
_LARGE: Final = 256

Run = Callable[[NDArray[Any]], Mapping[str, NDArray[np.float32] | None]]
"""Pictures -> the outputs of a file, by name."""
Batches = Sequence[tuple[NDArray[Any], Mapping[str, NDArray[np.float32]]]]
"""Pictures, and what torch makes of them, by name."""
Net = TypeVar("Net", bound=nn.Module)


def write_onnx(model: AUModel, path: Path, half: bool = False, inner: bool = False) -> dict[str, float]:
    """Export what ``model.exported`` names to a single self-contained file and check it against torch.

    Input "image": (B, 3, crop, crop) float32 RGB in [0, 1]; outputs as :meth:`aulens.models.AUModel.exported`
    has them.

    Args:
        model: any mode, any device; left unchanged.
        path: the file to write.
        half: keep weights as float16, half the size; they are made float32 when the file is loaded.
        inner: export what ``model.inner`` names instead, for `aulens explain`; who analyzes pictures never
            asks for the rest, which then is not computed.

    Returns:
        Output to the largest difference of a number between torch and ONNX Runtime, on random pictures.

    Raises:
        ModelError: one is above :data:`TOLERANCE`, or with `half` :data:`HALF_TOLERANCE`.
    """
    plain, random = _plain(model), np.random.default_rng(0)
    # Several tries, for a model that rounds its landmarks to pixels may round another way by chance.
    tries = []
    for pictures in random.random((_CHECKS, 3, 3, model.crop, model.crop), dtype=np.float32):
        with torch.no_grad():
            found = _Exported(plain, inner).named(torch.from_numpy(pictures))
        wanted = {name: tensor.numpy() for name, tensor in found.items()}
        parts = (slice(1), slice(1, None))  # a batch of one, and one of the rest
        tries.append([(pictures[part], {name: of[part] for name, of in wanted.items()}) for part in parts])

    def opened(file: Path) -> Run:
        open_session(file, threads=1)  # refuses what no model of Action Units is
        return _opened(file, wanted)

    exported = _Exported(fold_batch_norm(plain), inner)  # after what it must give was asked for
    return write_checked(
        exported, {0: torch.export.Dim("batch", min=1, max=4096)}, tries, path,
        opened=opened, tolerance=HALF_TOLERANCE if half else TOLERANCE, half=half,
    )  # fmt: skip


def write_face_onnx(family: FaceFamily, model: nn.Module, side: int, path: Path) -> dict[str, float]:
    """Export to one file whose input "image" is (B, H, W, 3) uint8 RGB, and check it against torch.

    Args:
        family: of the network.
        model: the network, for pictures of `side` pixels; left unchanged.
        side: of its pictures, if it does not take any size.
        path: the file to write.

    Returns:
        Output to the largest difference of a number from torch's, on random pictures.

    Raises:
        ModelError: one is above `FACE_TOLERANCE`.
    """
    wrapped, random, sizes = _Bytes(_plain(model)), np.random.default_rng(0), [(side, side)] * 2
    shapes: dict[int, Any] = {0: torch.export.Dim("batch", min=1, max=256)}
    if family.any_size:
        rows, columns = torch.export.Dim("rows", min=1, max=512), torch.export.Dim("columns", min=1, max=512)
        shapes |= {1: 32 * rows, 2: 32 * columns}
        sizes = [(64, 96), (64, 96), (160, 64), (256, 320)]
    batches = []
    for count, size in zip((3, 1, 1, 2), sizes, strict=False):
        pictures = random.integers(0, 256, (count, *size, 3), np.uint8)
        with torch.no_grad():
            found = wrapped(torch.from_numpy(pictures))
        wanted = {name: part.numpy() for name, part in zip(family.outputs, found, strict=True)}
        batches.append((pictures, wanted))

    return write_checked(
        wrapped, shapes, [batches], path,
        opened=lambda file: _opened(file, family.outputs), tolerance=FACE_TOLERANCE,
    )  # fmt: skip


def _opened(file: Path, outputs: Iterable[str]) -> Run:
    session, names = onnx_session(file, file.read_bytes(), 1), list(outputs)
    return lambda images: dict(zip(names, session.run(names, {INPUT: images}), strict=True))


def write_checked(
    module: nn.Module,
    shapes: Mapping[int, Any],
    tries: Sequence[Batches],
    path: Path,
    *,
    opened: Callable[[Path], Run],
    tolerance: float,
    half: bool = False,
) -> dict[str, float]:
    """Write a module to one file that computes the same.

    Args:
        module: in evaluation mode, on the CPU: an image -> a tuple of tensors.
        shapes: the axes of the image that may have other sizes.
        tries: batches, one of two or more pictures in the first; one try in which all are alike will do.
        path: the file to write.
        opened: what runs such a file.
        tolerance: largest difference allowed.
        half: keep weights as float16.

    Returns:
        Output to its largest difference.

    Raises:
        ModelError: one is above `tolerance` in each try.
    """
    example, outputs = max(tries[0], key=lambda batch: len(batch[0]))
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / path.name
        to_onnx(module, torch.from_numpy(example[:2].copy()), shapes, outputs, part)
        if half:
            halve(part)
        onnx.checker.check_model(str(part))
        run = opened(part)
        for batches in tries:
            found = differences(run, batches)
            if all(value <= tolerance for value in found.values()):
                write_bytes(path, part.read_bytes())
                return found
    worst = max(found, key=lambda name: (not np.isfinite(found[name]), found[name]))
    raise ModelError(
        f"The exported {worst} differ from torch's by {found[worst]:.2g} (allowed: {tolerance:g}). The "
        "exporter does not fit this model; another version of torch or another backbone may help."
    )


def differences(run: Run, batches: Batches) -> dict[str, float]:
    """Output to its largest difference from what is expected; inf where it lacks or has another shape."""
    worst = dict.fromkeys(batches[0][1], 0.0)
    for pictures, expected in batches:
        found = run(pictures)
        for name, wanted in expected.items():
            array, off = found.get(name), float("inf")
            if array is not None and array.shape == wanted.shape:
                off = float(np.abs(array - wanted).max())
            worst[name] = float(np.maximum(worst[name], off))  # NaN stays NaN
    return worst


def _plain(model: Net) -> Net:
    """A copy as it is exported: on the CPU, in full precision, in evaluation mode."""
    return copy.deepcopy(model).cpu().float().eval().to(memory_format=torch.contiguous_format)


def fold_batch_norm(model: AUModel) -> AUModel:
    """Fold each batch norm that directly follows a convolution in a Sequential into it (evaluation mode).

    Only pairs inside ``nn.Sequential`` are certain to be applied one after the other; the runtimes fold
    the others when they load the file.
    """
    for parent in list(model.modules()):
        if not isinstance(parent, nn.Sequential):
            continue
        for index in range(len(parent) - 1):
            conv, norm = parent[index], parent[index + 1]
            if type(conv) is nn.Conv2d and isinstance(norm, nn.BatchNorm2d):
                parent[index], parent[index + 1] = fuse_conv_bn_eval(conv, norm), nn.Identity()
    return model


class _Bytes(nn.Module):
    """A network on pictures as they are in memory."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        answers: tuple[Tensor, ...] = self.model(image.permute(0, 3, 1, 2).float())
        return answers


class _Exported(nn.Module):
    """The part of a model that is exported."""

    def __init__(self, model: AUModel, inner: bool) -> None:
        super().__init__()
        self.model = model
        self.inner = inner

    def named(self, image: Tensor) -> dict[str, Tensor]:
        return self.model.inner(image) if self.inner else self.model.exported(image)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.named(image).values())


def to_onnx(
    module: nn.Module, example: Tensor, shapes: Mapping[int, Any], outputs: Iterable[str], path: Path
) -> None:
    """Write a module to one file, without what names this machine; arguments as of `write_checked`."""
    with _quiet_export():
        torch.onnx.export(
            module.eval(),
            (example,),
            str(path),
            input_names=["image"],
            output_names=list(outputs),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            dynamic_shapes={"image": shapes},
            verbose=False,
        )
    strip(path)


@contextmanager
def _quiet_export() -> Iterator[None]:
    """The exporter and its optimiser announce internal matters on their loggers and as warnings: not here."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def strip(path: Path) -> None:
    """Leave out what the exporter notes for debugging: source lines with the paths of this machine."""
    model = onnx.load(path)
    graph = model.graph
    for item in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        del item.metadata_props[:]
        item.doc_string = ""
    del graph.value_info[:]
    onnx.save(model, path)


def halve(path: Path) -> None:
    """Keep large tensors of weights as float16, each with a cast that a runtime does once, when it loads."""
    model = onnx.load(path)
    graph = model.graph
    casts = []
    for weights in graph.initializer:
        values = onnx.numpy_helper.to_array(weights)
        if values.dtype == np.float32 and values.size >= _LARGE:
            name = weights.name
            weights.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    onnx.save(model, path)
