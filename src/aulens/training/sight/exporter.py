"""A trained network of sight becomes an ONNX file, whose input is a picture of bytes, and a card."""

from __future__ import annotations

import copy
import datetime
import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from torch import Tensor, nn

import aulens
from aulens.errors import ModelError
from aulens.files import write_bytes, write_json
from aulens.runtime.backend import import_onnxruntime
from aulens.training.exporter import ExportedModel
from aulens.training.onnx_file import to_onnx
from aulens.training.run_folder import RunFolder
from aulens.training.sight.family import SightFamily, sight_family
from aulens.training.sight.networks import load_best

TOLERANCE: Final = 5e-3
"""Largest difference allowed between torch and ONNX Runtime: pixels, logits, shares."""


def export_sight(
    run: Path,
    out: Path,
    name: str,
    *,
    licence: str = "MIT",
    trained_on: str | None = None,
    statement: str | None = None,
) -> ExportedModel:
    """Write OUT/NAME.onnx and OUT/NAME.json from the best epoch of a run of `train_sight`.

    Args:
        run: its folder.
        out: folder for the two files.
        name: of both files.
        licence: of the weights.
        trained_on: the data in words, for the card.
        statement: what to expect of it, for the card.

    Raises:
        ModelError: no such run, one without a model, or the file does not compute what torch does.
    """
    folder = RunFolder(Path(run))
    config = folder.read_config()
    family, model = sight_family(config), load_best(folder)
    side = family.side_of(config)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    target, card = out / f"{name}.onnx", out / f"{name}.json"
    difference = write_sight_onnx(family, model, side, target)
    history = [json.loads(line) for line in folder.log.read_text(encoding="utf-8").splitlines()]
    metric = family.task.metric
    best = max(history, key=lambda record: (record["val"][metric], record["epoch"]))  # as the loop chooses
    write_json(
        card,
        {
            "format": family.format,
            "name": name,
            **family.card(side, best["val"]),
            "licence": licence,
            "trained_on": trained_on or _learned_from(folder, best["step"] * config.train.batch),
            "not_validated_on": "any group of people in particular",
            "statement": statement or "Finds what it was trained on; measure it on your own pictures.",
            "results": _results(folder, best["val"]),
            "training": {"config": {**config.to_dict(), "data": {"shares": list(config.data.shares)}}},
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "aulens_version": aulens.__version__,
            "onnx_sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        },
    )
    return ExportedModel(target, card, difference, target.stat().st_size)


def write_sight_onnx(family: SightFamily, model: nn.Module, side: int, path: Path) -> float:
    """Export to one file whose input "image" is (B, H, W, 3) uint8 RGB, and check it against torch.

    Args:
        family: of the network.
        model: the network, for pictures of `side` pixels.
        side: of its pictures, if it does not take any size.
        path: the file to write.

    Returns:
        The largest difference of a number from torch's, on random pictures.

    Raises:
        ModelError: it is above `TOLERANCE`.
    """
    plain = copy.deepcopy(model).cpu().float().eval().to(memory_format=torch.contiguous_format)
    wrapped, names = _Bytes(plain), family.outputs
    random = np.random.default_rng(0)
    height, width = (64, 96) if family.any_size else (side, side)
    example = torch.from_numpy(random.integers(0, 256, (2, height, width, 3), np.uint8))
    batch = torch.export.Dim("batch", min=1, max=256)
    shapes: dict[int, Any] = {0: batch}
    if family.any_size:
        rows, columns = torch.export.Dim("rows", min=1, max=512), torch.export.Dim("columns", min=1, max=512)
        shapes |= {1: 32 * rows, 2: 32 * columns}
    with tempfile.TemporaryDirectory() as place:
        part = Path(place) / path.name
        to_onnx(wrapped, example, shapes, names, part)
        onnx.checker.check_model(str(part))
        session = import_onnxruntime().InferenceSession(str(part), providers=["CPUExecutionProvider"])
        worst = 0.0
        tries = [(1, height, width), (3, height, width)]
        if family.any_size:
            tries += [(1, 160, 64), (2, 256, 320)]
        for shape in tries:
            picture = random.integers(0, 256, (*shape, 3), np.uint8)
            with torch.no_grad():
                wanted = wrapped(torch.from_numpy(picture))
            found = session.run(list(names), {"image": picture})
            worst = max(
                [worst, *(float(np.abs(a - b.numpy()).max()) for a, b in zip(found, wanted, strict=True))]
            )
        if not worst <= TOLERANCE:
            raise ModelError(f"the exported file differs from torch by {worst:.2g} (allowed: {TOLERANCE:g})")
        write_bytes(path, part.read_bytes())
    return worst


class _Bytes(nn.Module):
    """A network on pictures as they are in memory."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        answers: tuple[Tensor, ...] = self.model(image.permute(0, 3, 1, 2).float())
        return answers


def _learned_from(folder: RunFolder, drawn: int) -> str:
    data = json.loads(folder.facts.read_text(encoding="utf-8"))["data"] if folder.facts.is_file() else {}
    faces = f"{sum(data['faces']['train'])} faces" if data else "its data"
    behind = f" and {data['backgrounds']} backgrounds" if data.get("backgrounds") else ""
    return f"{drawn} pictures drawn from {faces}{behind}"


def _results(folder: RunFolder, validation: Mapping[str, Any]) -> dict[str, Any]:
    """Measures by split; those of the test, if it was evaluated."""
    report = folder.path / "test" / "report.json"
    tested = json.loads(report.read_text(encoding="utf-8"))["measures"] if report.is_file() else None
    return {"val": dict(validation), **({"test": tested} if tested else {})}
