"""Evaluation of a run, or of an exported model, on validation or test subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aulens import metrics, roi
from aulens.align import TEMPLATES
from aulens.aus import AUSet
from aulens.data.dataset import Crop, FaceDataset
from aulens.data.renders import load_renders
from aulens.data.samples import Samples
from aulens.errors import ConfigError, ModelError
from aulens.models import AUOutput, load_checkpoint
from aulens.runtime.card import ModelCard, find_card, read_card
from aulens.runtime.model import open_model
from aulens.training.calibration import Calibration, fit, read_calibration, write_calibration
from aulens.training.predict import Forward, au_scores, side_scores
from aulens.training.progress import Display
from aulens.training.run_folder import RunFolder, plain, write_json, write_text
from aulens.training.sides import SideReport, side_report


@dataclass(frozen=True)
class Evaluation:
    """Results of a model on one split.

    Attributes:
        name: of the model.
        split: "val" or "test".
        chosen: how epoch and thresholds were chosen, in words.
        samples: pictures evaluated.
        subjects: people that they show.
        base_rates: per AU label, the share of coded pictures in which it occurs.
        report: per AU and macro, with intervals by bootstrap over subjects.
        sides: the two sides of the face.
    """

    name: str
    split: str
    chosen: str
    samples: int
    subjects: int
    base_rates: Mapping[str, float]
    report: metrics.Report
    sides: SideReport

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; undefined numbers are None."""
        result: dict[str, Any] = plain(
            {
                "model": self.name,
                "split": self.split,
                "chosen": self.chosen,
                "samples": self.samples,
                "subjects": self.subjects,
                "base_rates": dict(self.base_rates),
                "report": self.report.to_dict(),
                "sides": self.sides.to_dict(),
            }
        )
        return result

    def to_markdown(self) -> str:
        """Return a page: what was evaluated, the AU table, the table of sides."""
        rates = ", ".join(f"{label} {rate:.1%}" for label, rate in self.base_rates.items())
        return (
            f"# {self.name} on the {self.split} split\n\n"
            f"{self.samples} pictures of {self.subjects} subjects. {self.chosen}\n\n"
            f"{self.report.to_markdown()}\n\n## Sides\n\n{self.sides.to_markdown()}\n\nBase rates: {rates}.\n"
        )


@dataclass(frozen=True)
class Predictions:
    """What a model says about N samples of A AUs.

    Attributes:
        name: of the model.
        chosen: how epoch and thresholds were chosen, in words.
        samples: what was looked at, with its labels.
        sides: (N, A, 2) float32 scores, [subject_right, subject_left].
        side_decisions: (N, A, 2) bool.
        scores: (N, A) float32, the larger side.
        decisions: (N, A) bool.
    """

    name: str
    chosen: str
    samples: Samples
    sides: NDArray[np.float32]
    side_decisions: NDArray[np.bool_]
    scores: NDArray[np.float32]
    decisions: NDArray[np.bool_]


@dataclass(frozen=True)
class _Scorer:
    """A model that gives side scores, and its way to decisions."""

    name: str
    aus: AUSet
    crop: Crop
    forward: Forward
    calibration: Calibration
    chosen: str


def evaluate(
    model: Path,
    data: Sequence[Path] = (),
    *,
    split: str = "test",
    out: Path | None = None,
    batch: int = 64,
    threads: int | None = None,
    bootstrap: int = 1000,
    progress: bool = True,
) -> Evaluation:
    """Evaluate a run folder or an exported model.

    Args:
        model: a run folder, or the card (.json) or .onnx file of an exported model.
        data: folders of renders; empty = those of the run.
        split: "val" or "test".
        out: where report.json and report.md go; RUN/<split> for a run, nowhere for a card, if None.
        batch: pictures at once.
        threads: of torch or the runtime; None leaves theirs.
        bootstrap: resamplings of the subjects for the intervals; 0 = no intervals.
        progress: show a bar on stderr.

    Raises:
        ConfigError: an unknown split, or no data for a card.
        DatasetError: the data are unusable.
        ModelError: the model is missing, damaged, or was never calibrated.
    """
    found = predict(model, data, split=split, batch=batch, threads=threads, progress=progress)
    result = report(found, split, bootstrap)
    folder = out or (Path(model) / split if Path(model).is_dir() else None)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "report.json", result.to_dict())
        write_text(folder / "report.md", result.to_markdown())
    return result


def predict(
    model: Path,
    data: Sequence[Path] = (),
    *,
    split: str = "test",
    batch: int = 64,
    threads: int | None = None,
    progress: bool = True,
) -> Predictions:
    """Let a run's best model, or an exported one, decide on a split; arguments as :func:`evaluate`."""
    if split not in ("val", "test"):
        raise ConfigError(f"split must be val or test, got {split!r}: training subjects prove nothing.")
    model = Path(model)
    if threads:
        torch.set_num_threads(threads)
    run = RunFolder(model) if model.is_dir() else None
    scorer = _from_run(run) if run else _from_card(read_card(find_card(model)), threads)
    roots = list(data) or ([Path(root) for root in run.read_config().data.roots] if run else [])
    if not roots:
        raise ConfigError("No data to evaluate on: give --data FOLDER.")
    samples = load_renders(roots, scorer.aus).split(split)
    dataset = FaceDataset(samples, scorer.crop)
    with Display(progress) as display:
        display.begin(f"evaluating {split}", -(-len(dataset) // batch))
        raw = side_scores(scorer.forward, dataset, batch=batch, step=display.step)
    sides = roi.side_scores(raw, samples.aus).astype(np.float32)
    scores = au_scores(sides)
    calibration = scorer.calibration
    return Predictions(
        name=scorer.name,
        chosen=scorer.chosen,
        samples=samples,
        sides=sides,
        side_decisions=calibration.side_probability(sides) >= calibration.threshold[:, None],
        scores=scores,
        decisions=calibration.probability(scores) >= calibration.threshold,
    )


def report(found: Predictions, split: str, bootstrap: int = 1000) -> Evaluation:
    """Compare predictions with the labels; intervals from ``bootstrap`` resamplings of the subjects."""
    samples, rates = found.samples, found.samples.base_rates()
    return Evaluation(
        name=found.name,
        split=split,
        chosen=found.chosen,
        samples=len(samples),
        subjects=int(np.unique(samples.subjects).size),
        base_rates={label: float(rate) for label, rate in zip(samples.aus.labels, rates, strict=True)},
        report=metrics.report(
            samples.labels, found.scores, found.decisions, samples.subjects, samples.aus, bootstrap=bootstrap
        ),
        sides=side_report(samples.side_labels, found.sides, found.side_decisions, samples.aus),
    )


def calibrate_run(run: RunFolder, samples: Samples, *, batch: int = 64) -> Calibration:
    """Fit a run's best model to validation samples and write RUN/calibration.json."""
    model, _ = load_checkpoint(run.best)
    data = FaceDataset(samples, Crop(model.crop, TEMPLATES[model.template]))
    sides = side_scores(model.eval(), data, batch=batch)
    found = fit(samples.aus, samples.labels, au_scores(sides), samples.subjects)
    write_calibration(run.calibration, found)
    return found


def _from_run(run: RunFolder) -> _Scorer:
    config = run.read_config()
    model, settings = load_checkpoint(run.best)
    calibration = read_calibration(run.calibration, model.aus)
    if calibration is None:
        raise ModelError(f"{run.path} was never calibrated: its training has not ended. Go on with --resume.")
    chosen = (
        f"The epoch was chosen by macro {config.train.metric} on validation subjects, probabilities and "
        "thresholds were fitted on them too."
    )
    crop = Crop(model.crop, TEMPLATES[model.template])
    return _Scorer(f"{config.name} ({settings.variant})", model.aus, crop, model.eval(), calibration, chosen)


def _from_card(card: ModelCard, threads: int | None) -> _Scorer:
    model = open_model(card, "onnxruntime", threads)

    def forward(image: Tensor, landmarks: Tensor) -> AUOutput:
        output = model(image.numpy())
        scores = torch.from_numpy(model.scores(output, landmarks.numpy()).astype(np.float32))
        found = None if output.landmarks is None else torch.from_numpy(output.landmarks)
        return AUOutput(scores.amax(2), torch.from_numpy(output.maps), scores, landmarks=found)

    platt, threshold = np.array(card.platt), np.array(card.threshold)
    calibration = Calibration(card.aus, platt, threshold, np.ones(len(card.aus), bool), 0, 0)
    chosen = "Probabilities and thresholds are those of the model's card, fitted on validation subjects."
    return _Scorer(
        card.name, card.aus, Crop(card.crop, TEMPLATES[card.template]), forward, calibration, chosen
    )
