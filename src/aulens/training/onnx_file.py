"""A torch model as an ONNX file that computes the same."""

from __future__ import annotations

import copy
import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

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
from aulens.runtime.backend import Session, open_session

OPSET: Final = 18
TOLERANCE: Final = 1e-3
"""Largest difference allowed in an output between torch and the exported file; for landmarks in pixels."""
HALF_TOLERANCE: Final = 1e-2
"""The same where weights are kept in 16 bits."""
_CHECKS: Final = 3
_LARGE: Final = 256


def write_onnx(model: AUModel, path: Path, half: bool = False) -> dict[str, float]:
    """Export what ``model.exported`` names to a single self-contained file and check it against torch.

    Input "image": (B, 3, crop, crop) float32 RGB in [0, 1]; outputs as :meth:`aulens.models.AUModel.exported`
    has them.

    Args:
        model: any mode, any device; left unchanged.
        path: the file to write.
        half: keep weights as float16, half the size; they are made float32 when the file is loaded.

    Returns:
        Output to the largest difference of a number between torch and ONNX Runtime, on random pictures.

    Raises:
        ModelError: one is above :data:`TOLERANCE`, or with `half` :data:`HALF_TOLERANCE`.
    """
    plain = copy.deepcopy(model).cpu().float().eval()
    plain = plain.to(memory_format=torch.contiguous_format)
    random = np.random.default_rng(0)
    checks = random.random((_CHECKS, 3, 3, model.crop, model.crop), dtype=np.float32)
    with torch.no_grad():
        expected = [
            {name: tensor.numpy() for name, tensor in plain.exported(torch.from_numpy(pictures)).items()}
            for pictures in checks
        ]
    tolerance = HALF_TOLERANCE if half else TOLERANCE
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / path.name
        shapes = {0: torch.export.Dim("batch", min=1, max=4096)}
        to_onnx(_Exported(fold_batch_norm(plain)), torch.from_numpy(checks[0, :2]), shapes, expected[0], part)
        if half:
            halve(part)
        onnx.checker.check_model(str(part))
        session = open_session(part, threads=1)
        # Several tries, for a model that rounds its landmarks to pixels may round another way by chance.
        for pictures, wanted in zip(checks, expected, strict=True):
            differences = _differences(session, pictures, wanted)
            if all(value <= tolerance for value in differences.values()):
                write_bytes(path, part.read_bytes())
                return differences
    worst = max(differences, key=lambda name: (not np.isfinite(differences[name]), differences[name]))
    raise ModelError(
        f"The exported {worst} differ from torch's by {differences[worst]:.2g} (allowed: {tolerance:g}). The "
        "exporter does not fit this model; another version of torch or another backbone may help."
    )


def _differences(
    session: Session, pictures: NDArray[np.float32], expected: Mapping[str, NDArray[np.float32]]
) -> dict[str, float]:
    """Output to its largest difference from what is expected, in a batch of one and one of the rest."""
    parts = [session(pictures[:1]), session(pictures[1:])]
    found = {}
    for name, wanted in expected.items():
        arrays = [getattr(part, name) for part in parts]
        same = all(a is not None and a.shape[1:] == wanted.shape[1:] for a in arrays)
        found[name] = float(np.abs(np.concatenate(arrays) - wanted).max()) if same else float("inf")
    return found


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


class _Exported(nn.Module):
    """The part of a model that is exported."""

    def __init__(self, model: AUModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.model.exported(image).values())


def to_onnx(
    module: nn.Module, example: Tensor, shapes: Mapping[int, Any], outputs: Iterable[str], path: Path
) -> None:
    """Write a module to one file, without what names this machine.

    Args:
        module: an image -> a tuple of tensors.
        example: an image, of two or more.
        shapes: the axes of the image that may have other sizes.
        outputs: names of the tensors.
        path: the file to write.
    """
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
    for item in (
        model,
        graph,
        *graph.node,
        *graph.initializer,
        *graph.input,
        *graph.output,
        *graph.value_info,
    ):
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
