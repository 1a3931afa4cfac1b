"""A run, or a checkpoint, becomes two files: an ONNX model and the card that says what its numbers mean."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aulens
from aulens.data.portraits.splits import PORTRAITS
from aulens.data.samples import RENDERS
from aulens.errors import ConfigError, ModelError
from aulens.files import write_json
from aulens.landmarks import IBUG49
from aulens.models import load_checkpoint
from aulens.models.family import au_family
from aulens.runtime.card import FORMAT
from aulens.training.calibration import Calibration, fallback_of, read_calibration
from aulens.training.face_nets.family import face_family
from aulens.training.face_nets.networks import load_best
from aulens.training.leakage import SeenSubjects
from aulens.training.onnx_file import write_face_onnx, write_onnx
from aulens.training.run_facts import read_facts, read_log, read_report
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
ON_YOUR_OWN: Final = "Finds what it was trained on; measure it on your own pictures."


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
    """What a network learned from, in the card's words."""

    trained_on: str
    not_validated_on: str
    statement: str


@dataclass(frozen=True)
class _Source:
    """A trained network, and what is known of it.

    Attributes:
        format: of its card.
        write: writes its ONNX file; output -> largest difference from torch.
        entries: what its card says of its kind alone, of a file with these outputs.
        origin, results, training: entries of every card.
        warning: what no statement may leave out.
    """

    format: str
    write: Callable[[Path], dict[str, float]]
    entries: Callable[[Collection[str]], dict[str, Any]]
    origin: _Origin
    results: Mapping[str, Any]
    training: Mapping[str, Any]
    warning: str = ""


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
    inner: bool = False,
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
        inner: let the file hold the inner layers too, for `aulens explain`; it analyzes as fast.

    Raises:
        ConfigError: the name is none of a file, or something is asked for that this network does not have.
        ModelError: no such run, never calibrated, or the file does not compute what torch does.
    """
    if Path(name).name != name or not name.strip(". ") or not name.isprintable():
        raise ConfigError(f"{name!r} can't name a file; give --name without folder and ending.")
    path, folder = Path(run), RunFolder(Path(run))
    if folder.for_faces:
        if wrong := [name for name, asked in (("half", half), ("inner", inner)) if asked]:
            raise ConfigError(
                f"{wrong[0]}: only models of Action Units have it, and {run} is of another network."
            )
        source = _of_face_net(folder)
    else:
        source = _of_aus(path, half, inner, allow_uncalibrated)
    origin, said = source.origin, statement or source.origin.statement
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    target, card = out / f"{name}.onnx", out / f"{name}.json"
    differences = source.write(target)
    entries = {
        "format": source.format,
        "name": name,
        **source.entries(differences),
        "licence": licence,
        "trained_on": trained_on or origin.trained_on,
        "not_validated_on": origin.not_validated_on,
        "statement": said if source.warning in said else f"{said} {source.warning}",
        "results": source.results,
        "training": source.training,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "aulens_version": aulens.__version__,
        "onnx_sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
    }
    write_json(card, entries)
    return ExportedModel(target, card, max(differences.values()), target.stat().st_size)


def _of_aus(path: Path, half: bool, inner: bool, allow_uncalibrated: bool) -> _Source:
    """A model of Action Units: the best of a run, or a checkpoint alone."""
    run = None if path.is_file() else RunFolder(path)
    config = run.read_config() if run else None
    model, settings = load_checkpoint(run.best if run else path)
    calibration = read_calibration(run.calibration, model.aus) if run else None
    if calibration is None and not allow_uncalibrated:
        raise ModelError(
            f"{path} was never calibrated, so its probabilities would mean nothing. Let its training end "
            "(--resume), or allow an uncalibrated export."
        )
    selected = config is not None and config.data.select_on_test
    seen = SeenSubjects.read(run.facts) if run else None
    own: dict[str, Any] = {} if config is None else config.to_dict()
    family = au_family(settings.variant)
    # Of a file only its name: a card travels, and a folder does not.
    words = {
        key: Path(value).name if key in family.files and value else value
        for key, value in (own["model"] if own else settings.to_dict()).items()
    }

    def entries(outputs: Collection[str]) -> dict[str, Any]:
        return {
            "variant": settings.variant,
            "layout": IBUG49.name if "landmarks" in outputs else model.layout,
            **family.card(settings),
            "decoder": family.decoder(settings.variant),
            "aus": list(model.aus.numbers),
            "crop": model.crop,
            "map": model.map,
            "template": model.template,
            "tells_sides": model.has_side_scores,
            **_decision(model.aus.labels, settings.variant, calibration),
            "normalisation": "inside",
            "selected_on_test": selected,
            "people": seen.to_dict() if seen else None,
        }

    return _Source(
        FORMAT,
        lambda target: write_onnx(model, target, half, inner),
        entries,
        _origin(run) if run else _Origin(f"unknown: the checkpoint {path.name} alone", PEOPLE, UNKNOWN),
        _reports(run, ("val", "test")) if run else {},
        {"config": words, **({"augment": own["augment"]} if own else {})},
        CHOSEN_ON_TEST if selected else "",
    )


def _of_face_net(run: RunFolder) -> _Source:
    """The best network of a run of one that finds faces, landmarks or people."""
    config = run.read_config()
    family, model = face_family(config), load_best(run)
    side, metric = family.side_of(config), family.task.metric
    history = read_log(run.log)
    best = max(history, key=lambda record: (record["val"][metric], record["epoch"]))  # as the loop chooses
    facts = read_facts(run.facts)
    faces = f"{sum(facts.data.faces.get('train', ()))} faces" if facts else "its data"
    behind = f" and {facts.data.backgrounds} backgrounds" if facts and facts.data.backgrounds else ""
    learned = f"{best['step'] * config.train.batch} pictures drawn from {faces}{behind}"
    tested = {split: report["measures"] for split, report in _reports(run, ("test",)).items()}
    return _Source(
        family.format,
        lambda target: write_face_onnx(family, model, side, target),
        lambda outputs: family.card(side, best["val"]),
        _Origin(learned, "any group of people in particular", ON_YOUR_OWN),
        {"val": best["val"], **tested},
        {"config": {**config.to_dict(), "data": {"shares": list(config.data.shares)}}},
    )


def _decision(labels: Sequence[str], variant: str, calibration: Calibration | None) -> dict[str, Any]:
    """Platt's (a, b), thresholds and curves of intensities, for what a runtime decodes: the plain mean of a
    map over a region, or a logit."""
    shift = au_family(variant).decision_threshold(variant)  # subtracted by the model, and not by a runtime
    platt = calibration.platt if calibration else [fallback_of(variant)] * len(labels)
    threshold = calibration.threshold.tolist() if calibration else [0.5] * len(labels)
    intensity = None
    if calibration and any(calibration.curves):
        intensity = {
            "unit": "0 absent, 1 a trace (FACS's A) to 5 maximal (E)",
            "fitted_on": f"{calibration.samples} validation pictures of {calibration.subjects} subjects",
            "curves": {
                label: [[score + shift for score in curve.scores], list(curve.intensities)]
                for label, curve in zip(labels, calibration.curves, strict=True)
                if curve is not None
            },
        }
    return {
        "calibrated": calibration is not None,
        "platt": {
            label: [float(a), float(b - a * shift)] for label, (a, b) in zip(labels, platt, strict=True)
        },
        "threshold": dict(zip(labels, threshold, strict=True)),
        "intensity": intensity,
    }


def _reports(run: RunFolder, splits: Iterable[str]) -> dict[str, Any]:
    """What evaluations of a run reported, of the splits that were evaluated."""
    found = {split: read_report(run.path / split / "report.json") for split in splits}
    return {split: report for split, report in found.items() if report is not None}


def _origin(run: RunFolder) -> _Origin:
    facts = read_facts(run.facts)
    if facts is None:
        return _Origin("unknown", PEOPLE, UNKNOWN_DATA)
    pictures, people = facts.data.samples.get("train", 0), facts.data.subjects.get("train", 0)
    sources = facts.data.sources or (RENDERS,)
    sets = [name for name in sources if RENDERS not in name]
    if not sets:
        return _Origin(f"{pictures} rendered faces of {people} made-up people", PEOPLE, STATEMENT)
    made = " and rendered faces" if RENDERS in sources else ""
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
