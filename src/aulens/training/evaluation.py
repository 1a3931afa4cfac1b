"""Evaluation of a run, or of an exported model, on validation or test subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from aulens import metrics
from aulens.data.samples import Samples
from aulens.errors import ConfigError
from aulens.files import plain, write_json, write_text
from aulens.metrics.alignment import AlignmentReport, alignment_report
from aulens.metrics.report import markdown_table
from aulens.training.calibration import fallback_of, fit
from aulens.training.face_nets.evaluation import FaceEvaluation, evaluate_face_net
from aulens.training.inference import Predictions, Scorer, predict
from aulens.training.judges import fit_judged, judged_curves, judges_of
from aulens.training.progress import Display
from aulens.training.run_folder import RunFolder
from aulens.training.sides import SideReport, side_report

NO_SIDES: Final = "This model does not tell the sides of a face apart: it gives one score for both."


@dataclass(frozen=True)
class Evaluation:
    """Results of a model on one split.

    Attributes:
        name: of the model.
        split: "val" or "test".
        chosen: how epoch and thresholds were chosen, in words.
        samples: pictures evaluated.
        subjects: people that they show.
        selected_on_test: epoch and thresholds were chosen on these very subjects: its numbers are too good.
        base_rates: per AU label, the share of coded pictures in which it occurs.
        report: per AU and macro, with intervals by bootstrap over subjects.
        abaw: the challenges' measures at the calibrated thresholds.
        abaw_uncalibrated: the same by the papers' own rule, present when the score is above 0.
        sides: the two sides of the face; None for a model that does not tell them apart.
        alignment: the landmarks; None for a model that finds none.
        intensity: of the AUs' stronger sides; None where none are coded, or the model has none.
    """

    name: str
    split: str
    chosen: str
    samples: int
    subjects: int
    selected_on_test: bool
    base_rates: Mapping[str, float]
    report: metrics.Report
    abaw: metrics.AbawReport
    abaw_uncalibrated: metrics.AbawReport
    sides: SideReport | None
    alignment: AlignmentReport | None
    intensity: metrics.IntensityReport | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; undefined numbers are None."""
        entries = {key: of.to_dict() if hasattr(of, "to_dict") else of for key, of in vars(self).items()}
        result: dict[str, Any] = plain({"model": entries.pop("name"), **entries})
        return result

    def to_markdown(self) -> str:
        """Return a page: what was evaluated, the AUs, the challenges' measures, landmarks, sides."""
        rates = ", ".join(
            f"{label} {rate:.1%}" for label, rate in self.base_rates.items() if np.isfinite(rate)
        )
        parts = [
            f"# {self.name} on the {self.split} split",
            f"{self.samples} pictures of {self.subjects} subjects. {self.chosen}",
            self.report.to_markdown().strip(),
            "## All AUs together",
            self._together(),
            *(("## Landmarks", self.alignment.to_markdown()) if self.alignment else ()),
            *(("## Intensities, 0 to 5", self.intensity.to_markdown().strip()) if self.intensity else ()),
            *self._sides(),
            f"Base rates: {rates}.",
        ]
        return "\n\n".join(parts) + "\n"

    def _sides(self) -> tuple[str, ...]:
        """None where no face shows an AU on one side only: as in data that do not code sides."""
        if self.sides is None:
            return "## Sides", NO_SIDES
        return ("## Sides", self.sides.to_markdown()) if self.sides.asymmetric.any() else ()

    def _together(self) -> str:
        head = ["decided by", "mean F1 (ABAW-3 on)", "total accuracy", "0.5 F1 + 0.5 accuracy (ABAW-2)"]
        rules = {"calibrated thresholds": self.abaw, "score above 0 (the papers)": self.abaw_uncalibrated}
        rows = [[rule, f"{of.mean_f1}", f"{of.total_accuracy}", f"{of.abaw2}"] for rule, of in rules.items()]
        return markdown_table(head, rows).rstrip()


def evaluate(
    model: Path,
    data: Sequence[Path] = (),
    *,
    split: str = "test",
    tests: Sequence[Path] = (),
    fold: int | None = None,
    subjects: str = "*",
    out: Path | None = None,
    batch: int = 64,
    threads: int | None = None,
    bootstrap: int = 1000,
    progress: bool = True,
) -> Evaluation | FaceEvaluation:
    """Evaluate a run folder or an exported model.

    Args:
        model: a run folder, or the card (.json) or .onnx file of an exported model.
        data: folders of renders or prepared data; empty = those of the run.
        split: "val" or "test".
        tests: prepared folders of another data set, evaluated whole.
        fold: the published part that is tested; None = the run's, or the data's own split.
        subjects: only those whose names, after their data set's, match: "portraits/london/*".
        out: where report.json and report.md go; RUN/<split> for a run, nowhere for a card, other data or some
            subjects, if None.
        batch: pictures at once.
        threads: of torch or the runtime; None leaves theirs.
        bootstrap: resamplings of the subjects for the intervals; 0 = no intervals.
        progress: show a bar on stderr.

    Raises:
        ConfigError: an unknown split, no data for a card, no subject of that name, or the model's training
            saw people who are to be tested.
        DatasetError: the data are unusable.
        ModelError: the model is missing, damaged, or was never calibrated.
    """
    if split not in ("val", "test"):
        raise ConfigError(f"split must be val or test, got {split!r}: training subjects prove nothing.")
    result: Evaluation | FaceEvaluation
    if (run := RunFolder(Path(model))).for_faces:
        if tests or fold is not None or subjects != "*":
            raise ConfigError(
                f"{model} is no model of AUs: its pictures have splits, and no folds or other tests. "
                "Leave out --fold, --tests and --subjects, or give other pictures by --data."
            )
        result = evaluate_face_net(run, data, split)
    else:
        found = predict(
            model, data, split=split, tests=tests, fold=fold, subjects=subjects, batch=batch, threads=threads,
            progress=progress,
        )  # fmt: skip
        result = report(found, split, bootstrap)
    if folder := report_folder(Path(model), split, data, tests, subjects, out):
        write_report(result, folder)
    return result


def report_folder(
    model: Path,
    split: str,
    data: Sequence[Path] = (),
    tests: Sequence[Path] = (),
    subjects: str = "*",
    out: Path | None = None,
) -> Path | None:
    """Where files of an evaluation go: `out`, or RUN/<split> for a run on its own data; None: nowhere.

    Arguments are those of `evaluate`.
    """
    own = model.is_dir() and not (data or tests) and subjects == "*"
    return out or (model / split if own else None)


def report(found: Predictions, split: str, bootstrap: int = 1000) -> Evaluation:
    """Compare predictions with the labels; intervals from ``bootstrap`` resamplings of the subjects."""
    scorer, samples, rates = found.scorer, found.samples, found.samples.base_rates()
    return Evaluation(
        name=scorer.name,
        split=split,
        chosen=scorer.chosen,
        samples=len(samples),
        subjects=int(np.unique(samples.subjects).size),
        selected_on_test=scorer.selected_on_test,
        base_rates={label: float(rate) for label, rate in zip(samples.aus.labels, rates, strict=True)},
        report=metrics.report(
            samples.labels, found.scores, found.decisions, samples.subjects, samples.aus, bootstrap=bootstrap
        ),
        abaw=metrics.abaw_report(samples.labels, found.decisions, samples.subjects, bootstrap),
        abaw_uncalibrated=metrics.abaw_report(
            samples.labels, found.uncalibrated, samples.subjects, bootstrap
        ),
        sides=side_report(samples.side_labels, found.sides, found.side_decisions, samples.aus)
        if scorer.has_side_scores
        else None,
        alignment=None
        if found.landmark_error is None
        else alignment_report(found.landmark_error, samples.subjects, bootstrap),
        intensity=_intensity_report(found, bootstrap),
    )


def _intensity_report(found: Predictions, bootstrap: int) -> metrics.IntensityReport | None:
    samples = found.samples
    if samples.intensities is None or found.intensities is None:
        return None
    coded, predicted = samples.intensities.max(-1), found.intensities.max(-1)
    return metrics.intensity_report(coded, predicted, samples.subjects, samples.aus, bootstrap)


def conclude(run: RunFolder, samples: Samples, bootstrap: int = 200) -> Evaluation:
    """End a training: calibrate its best model on validation samples, and report on them.

    Writes RUN/calibration.json and RUN/val/report.{json,md}.
    """
    config, scorer = run.read_config(), Scorer.of_run(run)
    found = scorer.score(samples, 64, Display(False))
    fallback = fallback_of(config.variant)
    given = (samples.aus, samples.labels, found.sides.max(-1), samples.subjects)
    judges = judges_of(samples, config.train.judges)
    calibration = fit(*given, fallback) if judges.all() else fit_judged(*given, judges, fallback)
    if samples.intensities is not None:
        curves = judged_curves(samples, found.sides, scorer.has_side_scores, judges)
        calibration = replace(calibration, curves=curves)
    write_json(run.calibration, calibration.to_dict())
    result = report(scorer.decide(calibration, samples, found), "val", bootstrap)
    write_report(result, run.path / "val")
    return result


def write_report(result: Evaluation | FaceEvaluation, folder: Path) -> None:
    """Write FOLDER/report.json and FOLDER/report.md."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "report.json", result.to_dict())
    write_text(folder / "report.md", result.to_markdown())
