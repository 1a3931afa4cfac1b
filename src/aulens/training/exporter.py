"""A run, or a checkpoint, becomes two files: an ONNX model and the card that says what its numbers mean."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

import aulens
from aulens.data.portraits.splits import PORTRAITS
from aulens.data.samples import RENDERS
from aulens.errors import ModelError
from aulens.files import write_json
from aulens.landmarks import IBUG49
from aulens.models import AUModel, ModelConfig, load_checkpoint
from aulens.models.family import au_family
from aulens.runtime.card import FORMAT
from aulens.training.calibration import Calibration, fallback_of, read_calibration
from aulens.training.leakage import SeenSubjects
from aulens.training.onnx_file import write_onnx
from aulens.training.run_folder import RunFolder

STATEMENT: Final = (
    "Trained on rendered faces, not validated on FACS-coded people: use it to explore, not to conclude. "
    "Numbers measured on renders do not carry over to photographs."
)
BY_EYE: Final = (
    "The codes are a vision-language model's, by eye; no certified FACS coder has validated it: compare it "
    "with codes of your own before you conclude."
)
PEOPLE: Final = "FACS-coded people"
CHOSEN_ON_TEST: Final = "Epoch and thresholds were chosen on test subjects: its results are too good."
UNKNOWN_DATA: Final = "What it learned from is not known: its run folder says nothing of the data."
UNKNOWN: Final = (
    "Made from a checkpoint alone: what it learned from and how well it does was not measured here, and its "
    "probabilities are not calibrated."
)


@dataclass(frozen=True)
class ExportedModel:
    """What an export wrote.

    Attributes:
        onnx: the model file.
        card: its JSON card.
        max_difference: largest difference of a number between torch and ONNX Runtime, of all outputs.
        bytes: size of the model file.
    """

    onnx: Path
    card: Path
    max_difference: float
    bytes: int


@dataclass(frozen=True)
class _Origin:
    """What a run learned from, in the card's words."""

    trained_on: str
    not_validated_on: str
    statement: str


@dataclass(frozen=True)
class _Source:
    """A trained model, and what is known of it, in the card's words."""

    model: AUModel
    settings: ModelConfig
    calibration: Calibration | None
    origin: _Origin
    results: Mapping[str, Any]
    training: Mapping[str, Any]
    selected_on_test: bool = False
    seen: SeenSubjects | None = None


def export(
    run: Path,
    out: Path,
    name: str,
    *,
    licence: str = "MIT",
    trained_on: str | None = None,
    statement: str | None = None,
    allow_uncalibrated: bool = False,
    half: bool = False,
) -> ExportedModel:
    """Write OUT/NAME.onnx and OUT/NAME.json from a run's best model, or from a checkpoint alone.

    Args:
        run: a run folder, or a checkpoint (of `aulens convert`, say), which was never calibrated.
        out: folder for the two files.
        name: of the model and of both files.
        licence: of the weights.
        trained_on: the data in words; by default counted from the run.
        statement: what a user should know; by default what it was trained on, that renders are not people,
            or of a checkpoint that nobody here measured it. That a run was chosen on test subjects is added
            to any.
        allow_uncalibrated: export a model whose probabilities were never fitted; the card then says so.
        half: keep weights in 16 bits: half the file, the same speed.

    Raises:
        ModelError: no such run, never calibrated, or the file does not compute what torch does.
    """
    if RunFolder(Path(run)).sees:
        from aulens.training.sight.exporter import export_sight

        return export_sight(run, out, name, licence=licence, trained_on=trained_on, statement=statement)
    source = _of_checkpoint(Path(run)) if Path(run).is_file() else _of_run(RunFolder(Path(run)))
    model, settings, calibration = source.model, source.settings, source.calibration
    if calibration is None and not allow_uncalibrated:
        raise ModelError(
            f"{run} was never calibrated, so its probabilities would mean nothing. Let its training end "
            "(--resume), or allow an uncalibrated export."
        )
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    target, card = out / f"{name}.onnx", out / f"{name}.json"
    differences = write_onnx(model, target, half)
    write_json(
        card,
        {
            "format": FORMAT,
            "name": name,
            "variant": settings.variant,
            **_architecture(model, settings, differences),
            "aus": list(model.aus.numbers),
            "crop": model.crop,
            "map": model.map,
            "template": model.template,
            "tells_sides": model.has_side_scores,
            **_decision(model, settings.variant, calibration),
            "intensity": _intensity(model, settings.variant, calibration),
            "normalisation": "inside",
            "licence": licence,
            "trained_on": trained_on or source.origin.trained_on,
            "not_validated_on": source.origin.not_validated_on,
            "statement": _statement(statement or source.origin.statement, source.selected_on_test),
            "selected_on_test": source.selected_on_test,
            "people": source.seen.to_dict() if source.seen else None,
            "results": source.results,
            "training": source.training,
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "aulens_version": aulens.__version__,
            "onnx_sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        },
    )
    return ExportedModel(target, card, max(differences.values()), target.stat().st_size)


def _of_run(folder: RunFolder) -> _Source:
    config = folder.read_config()
    model, settings = load_checkpoint(folder.best)
    return _Source(
        model,
        settings,
        read_calibration(folder.calibration, model.aus),
        _origin(folder),
        _results(folder),
        {
            "config": _model_words(settings.variant, config.to_dict()["model"]),
            "augment": config.to_dict()["augment"],
        },
        config.data.select_on_test,
        SeenSubjects.read(folder.facts),
    )


def _statement(text: str, selected_on_test: bool) -> str:
    return f"{text} {CHOSEN_ON_TEST}" if selected_on_test and CHOSEN_ON_TEST not in text else text


def _of_checkpoint(path: Path) -> _Source:
    model, settings = load_checkpoint(path)
    words = {"config": _model_words(settings.variant, settings.to_dict())}
    origin = _Origin(f"unknown: the checkpoint {path.name} alone", PEOPLE, UNKNOWN)
    return _Source(model, settings, None, origin, {}, words)


def _architecture(model: AUModel, settings: ModelConfig, outputs: Collection[str]) -> dict[str, Any]:
    """What the network is made of, and how a runtime reads its outputs."""
    family = au_family(settings.variant)
    layout = IBUG49.name if "landmarks" in outputs else model.layout
    return {"layout": layout, **family.card(settings), "decoder": family.decoder(settings.variant)}


def _decision(model: AUModel, variant: str, calibration: Calibration | None) -> dict[str, Any]:
    """Platt's (a, b) for what a runtime decodes: the plain mean of a map over a region, or a logit."""
    labels = model.aus.labels
    platt = calibration.platt if calibration else np.tile(np.array(fallback_of(variant)), (len(labels), 1))
    threshold = calibration.threshold if calibration else np.full(len(labels), 0.5)
    shift = au_family(variant).decides_at(variant)  # subtracted by the model, and not by a runtime
    return {
        "calibrated": calibration is not None,
        "platt": {
            label: [float(a), float(b - a * shift)] for label, (a, b) in zip(labels, platt, strict=True)
        },
        "threshold": {label: float(t) for label, t in zip(labels, threshold, strict=True)},
    }


def _intensity(model: AUModel, variant: str, calibration: Calibration | None) -> dict[str, Any] | None:
    """The curves from what a runtime decodes; None where there are none."""
    if calibration is None or not any(calibration.curves):
        return None
    shift = au_family(variant).decides_at(variant)  # subtracted by the model, and not by a runtime
    return {
        "unit": "0 absent, 1 a trace (FACS's A) to 5 maximal (E)",
        "fitted_on": f"{calibration.samples} validation pictures of {calibration.subjects} subjects",
        "curves": {
            label: [[score + shift for score in curve.scores], list(curve.intensities)]
            for label, curve in zip(model.aus.labels, calibration.curves, strict=True)
            if curve is not None
        },
    }


def _results(folder: RunFolder) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for split in ("val", "test"):
        path = folder.path / split / "report.json"
        if path.is_file():
            found[split] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _model_words(variant: str, model: Mapping[str, Any]) -> dict[str, Any]:
    """The model's settings; of a file only its name, for a card travels and a folder does not."""
    files = au_family(variant).files
    return {key: Path(value).name if key in files and value else value for key, value in model.items()}


def _origin(folder: RunFolder) -> _Origin:
    if not folder.facts.is_file():
        return _Origin("unknown", PEOPLE, UNKNOWN_DATA)
    data = json.loads(folder.facts.read_text(encoding="utf-8"))["data"]
    pictures, people = data["samples"]["train"], data["subjects"]["train"]
    sets = [name for name in data.get("sources", [RENDERS]) if RENDERS not in name]
    if not sets:
        return _Origin(f"{pictures} rendered faces of {people} made-up people", PEOPLE, STATEMENT)
    made = " and rendered faces" if RENDERS in data["sources"] else ""
    if sets == [PORTRAITS]:
        what = f"{pictures} pictures of {people} people: coded portraits{made}"
        return _Origin(what, PEOPLE, f"Trained on coded portraits{made}. {BY_EYE}")
    names = " and ".join(sets)
    return _Origin(
        f"{pictures} frames of {people} subjects of {names}{made}",
        f"data other than {names}",
        f"Trained on {names}{made}. The results of this card are of its own subjects, whom training did not "
        "see; other cameras, people and coders may give others.",
    )
