"""A run becomes two files: an ONNX model and the card that says what its numbers mean."""

from __future__ import annotations

import copy
import datetime
import hashlib
import json
import logging
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import aulens
from aulens.errors import ModelError
from aulens.models import AUModel, load_checkpoint
from aulens.runtime.backend import open_session
from aulens.runtime.card import FORMAT
from aulens.training.calibration import FALLBACK, Calibration, read_calibration
from aulens.training.config import TrainConfig
from aulens.training.run_folder import RunFolder, write_json

OPSET: Final = 18
TOLERANCE: Final = 1e-3
"""Largest difference allowed in a map between torch and the exported file."""

STATEMENT: Final = (
    "Trained on rendered faces, not validated on FACS-coded people: use it to explore, not to conclude. "
    "Numbers measured on renders do not carry over to photographs."
)


@dataclass(frozen=True)
class ExportedModel:
    """What an export wrote.

    Attributes:
        onnx: the model file.
        card: its JSON card.
        max_difference: largest difference of a map value between torch and ONNX Runtime.
        bytes: size of the model file.
    """

    onnx: Path
    card: Path
    max_difference: float
    bytes: int


def export(
    run: Path,
    out: Path,
    name: str,
    *,
    licence: str = "MIT",
    trained_on: str | None = None,
    statement: str | None = None,
    allow_uncalibrated: bool = False,
) -> ExportedModel:
    """Write OUT/NAME.onnx and OUT/NAME.json from a run's best model.

    Args:
        run: a run folder.
        out: folder for the two files.
        name: of the model and of both files.
        licence: of the weights.
        trained_on: the data in words; by default counted from the run.
        statement: what a user should know; by default that renders are not people.
        allow_uncalibrated: export a model whose probabilities were never fitted; the card then says so.

    Raises:
        ModelError: no such run, never calibrated, or the file does not compute what torch does.
    """
    folder = RunFolder(Path(run))
    config = folder.read_config()
    model, settings = load_checkpoint(folder.best)
    calibration = read_calibration(folder.calibration, model.aus)
    if calibration is None and not allow_uncalibrated:
        raise ModelError(
            f"{folder.path} was never calibrated, so its probabilities would mean nothing. Let its training "
            "end (--resume), or allow an uncalibrated export."
        )
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    target, card = out / f"{name}.onnx", out / f"{name}.json"
    difference = write_onnx(model, target)
    write_json(
        card,
        {
            "format": FORMAT,
            "name": name,
            "variant": settings.variant,
            "backbone": settings.backbone,
            "aus": list(model.aus.numbers),
            "crop": model.crop,
            "map": model.map,
            "roi_side": settings.roi_side,
            "template": model.template,
            "layout": "ibug68",
            "decoder": "pooled" if settings.variant == "pooled" else "roi",
            **_decision(model, calibration),
            "normalisation": "inside",
            "licence": licence,
            "trained_on": trained_on or _data_words(folder),
            "not_validated_on": "FACS-coded people",
            "statement": statement or STATEMENT,
            "results": _results(folder),
            "training": {"config": _model_words(config), "augment": config.to_dict()["augment"]},
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "aulens_version": aulens.__version__,
            "onnx_sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        },
    )
    return ExportedModel(target, card, difference, target.stat().st_size)


def write_onnx(model: AUModel, path: Path) -> float:
    """Export ``model.maps`` to a single self-contained file and check it against torch.

    Input "image": (B, 3, crop, crop) float32 RGB in [0, 1]. Output "maps": (B, A, map, map) float32.

    Args:
        model: any mode, any device; left unchanged.
        path: the file to write.

    Returns:
        The largest difference of a map value between torch and ONNX Runtime, on random pictures.

    Raises:
        ModelError: it is above :data:`TOLERANCE`.
    """
    plain = copy.deepcopy(model).cpu().float().eval()
    plain = plain.to(memory_format=torch.contiguous_format)
    random = np.random.default_rng(0)
    pictures = torch.from_numpy(random.random((3, 3, model.crop, model.crop), dtype=np.float32))
    with torch.no_grad():
        expected = plain.maps(pictures).numpy()
    folded = _Maps(fold_batch_norm(plain))
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / path.name
        _to_onnx(folded, pictures[:2], part)
        _strip(part)
        onnx.checker.check_model(str(part))
        session = open_session(part, threads=1)
        found = np.concatenate([session(batch.numpy()).maps for batch in (pictures[:1], pictures[1:])])
        difference = float(np.abs(found - expected).max())
        if not difference <= TOLERANCE:
            raise ModelError(
                f"The exported maps differ from torch's by {difference:.2g} (allowed: {TOLERANCE:g}). The "
                "exporter does not fit this backbone; another version of torch or another backbone may help."
            )
        path.write_bytes(part.read_bytes())
    return difference


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
            if type(conv) is nn.Conv2d and type(norm) is nn.BatchNorm2d:
                parent[index], parent[index + 1] = fuse_conv_bn_eval(conv, norm), nn.Identity()
    return model


class _Maps(nn.Module):
    """The part of a model that is exported."""

    def __init__(self, model: AUModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        return self.model.maps(image)


def _to_onnx(module: nn.Module, example: Tensor, path: Path) -> None:
    # The exporter and its optimiser announce internal matters on their loggers and as warnings.
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module.eval(),
                (example,),
                str(path),
                input_names=["image"],
                output_names=["maps"],
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                dynamic_shapes={"image": {0: torch.export.Dim("batch", min=1, max=4096)}},
                verbose=False,
            )
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _strip(path: Path) -> None:
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


def _decision(model: AUModel, calibration: Calibration | None) -> dict[str, Any]:
    """Platt's (a, b) for what a runtime decodes: the plain mean of a map over a region."""
    labels = model.aus.labels
    platt = calibration.platt if calibration else np.tile(np.array(FALLBACK), (len(labels), 1))
    threshold = calibration.threshold if calibration else np.full(len(labels), 0.5)
    # Positives-only models subtract their threshold from the mean; a runtime does not.
    shift = float(getattr(model, "threshold", 0.0))
    return {
        "calibrated": calibration is not None,
        "platt": {
            label: [float(a), float(b - a * shift)] for label, (a, b) in zip(labels, platt, strict=True)
        },
        "threshold": {label: float(t) for label, t in zip(labels, threshold, strict=True)},
    }


def _results(folder: RunFolder) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for split in ("val", "test"):
        path = folder.path / split / "report.json"
        if path.is_file():
            found[split] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _model_words(config: TrainConfig) -> dict[str, Any]:
    """The model's settings; of a weight file only its name, for a card travels and a folder does not."""
    words: dict[str, Any] = config.to_dict()["model"]
    if words.get("backbone_weights"):
        words["backbone_weights"] = Path(words["backbone_weights"]).name
    return words


def _data_words(folder: RunFolder) -> str:
    if not folder.facts.is_file():
        return "unknown"
    data = json.loads(folder.facts.read_text(encoding="utf-8"))["data"]
    return f"{data['samples']['train']} rendered faces of {data['subjects']['train']} made-up people"
