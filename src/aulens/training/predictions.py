"""What a run, or an exported model, says about the samples of a split, whom its training has not seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from aulens import roi
from aulens.data.dataset import FaceDataset
from aulens.data.folders import several
from aulens.data.loading import load_data
from aulens.data.samples import Samples
from aulens.errors import ConfigError, ModelError
from aulens.runtime.card import find_card, read_card
from aulens.training.calibration import Calibration
from aulens.training.memory import keep_freed_memory
from aulens.training.predict import Scores, au_scores, score
from aulens.training.progress import Display
from aulens.training.run_folder import RunFolder
from aulens.training.scorer import Scorer, scorer_of_card, scorer_of_run
from aulens.training.sections import DataConfig

UNKNOWN_PEOPLE: Final = (
    "Whether its training saw the people who are tested is not known: an older version of aulens, which did "
    "not keep who trained, made it."
)


@dataclass(frozen=True)
class Predictions:
    """What a model says about N samples of A AUs.

    Attributes:
        name: of the model.
        chosen: how epoch and thresholds were chosen, in words.
        selected_on_test: they were chosen on the tested subjects.
        samples: what was looked at, with its labels.
        tells_sides: whether the sides' scores differ.
        sides: (N, A, 2) float32 scores, [subject_right, subject_left].
        side_decisions: (N, A, 2) bool.
        scores: (N, A) float32, the larger side.
        decisions: (N, A) bool, at the calibrated thresholds.
        uncalibrated: (N, A) bool, by the papers' own rule: present when the score is above 0.
        intensities: (N, A, 2) float64, 0 to 5 by the curves, NaN for an AU without; None where no AU has one.
        landmark_error: (N,) float64 in inter-ocular distances; None for a model that finds no landmarks.
    """

    name: str
    chosen: str
    selected_on_test: bool
    samples: Samples
    tells_sides: bool
    sides: NDArray[np.float32]
    side_decisions: NDArray[np.bool_]
    scores: NDArray[np.float32]
    decisions: NDArray[np.bool_]
    uncalibrated: NDArray[np.bool_]
    landmark_error: NDArray[np.float64] | None
    intensities: NDArray[np.float64] | None = None


def predict(
    model: Path,
    data: Sequence[Path] = (),
    *,
    split: str = "test",
    tests: Sequence[Path] = (),
    fold: int | None = None,
    subjects: str = "*",
    batch: int = 64,
    threads: int | None = None,
    progress: bool = True,
) -> Predictions:
    """Let a run's best model, or an exported one, decide on a split.

    Arguments and errors are those of :func:`aulens.training.evaluation.evaluate`.
    """
    if split not in ("val", "test"):
        raise ConfigError(f"split must be val or test, got {split!r}: training subjects prove nothing.")
    model = Path(model)
    if threads:
        torch.set_num_threads(threads)
    keep_freed_memory()
    run = RunFolder(model) if model.is_dir() else None
    scorer = scorer_of_run(run) if run else scorer_of_card(read_card(find_card(model)), threads)
    calibration = scorer.calibration
    if calibration is None:
        raise ModelError(f"{model} was never calibrated: its training has not ended. Go on with --resume.")
    samples = _samples(scorer, run, list(data), list(tests), fold).split(split)
    if subjects != "*":
        samples = only(samples, subjects)
    if scorer.seen:
        scorer.seen.refuse(samples, split, scorer.selected_on_test, scorer.name)
    elif run is None or data or tests or fold is not None:
        scorer = dataclasses.replace(scorer, chosen=f"{scorer.chosen} {UNKNOWN_PEOPLE}")
    with Display(progress) as display:
        display.begin(f"evaluating {split}", -(-len(samples) // batch))
        found = score_samples(scorer, samples, batch, display)
    return decide(scorer, calibration, samples, found)


def _samples(
    scorer: Scorer, run: RunFolder | None, data: list[Path], tests: list[Path], fold: int | None
) -> Samples:
    own = run.read_config().data if run else DataConfig()
    if tests:
        return load_data([], scorer.aus, own.plan, tests)
    roots = data or [Path(root) for root in own.roots]
    elsewhere = [] if data and not own.tests else [Path(root) for root in own.tests]
    if not roots:
        raise ConfigError("No data to evaluate on: give --data FOLDER.")
    plan = own.plan if fold is None else dataclasses.replace(own.plan, fold=str(fold))
    return load_data(roots, scorer.aus, plan, elsewhere)


def only(samples: Samples, pattern: str) -> Samples:
    """The samples of subjects whose names match a pattern with * and ?.

    Raises:
        ConfigError: there are none.
    """
    names = np.unique(samples.subjects).tolist()
    chosen = [name for name in names if fnmatchcase(name, pattern)]
    if not chosen:
        raise ConfigError(f"No subject is called {pattern!r}; they are called {several(names)}.")
    return samples.take(np.flatnonzero(np.isin(samples.subjects, chosen)))


def score_samples(scorer: Scorer, samples: Samples, batch: int, display: Display) -> Scores:
    """Let a model look at all samples, `batch` at once."""
    data = FaceDataset(samples, scorer.crop)
    return score(scorer.forward, data, batch=batch, device=scorer.device, step=display.step)


def decide(scorer: Scorer, calibration: Calibration, samples: Samples, found: Scores) -> Predictions:
    """From scores to decisions, at the calibrated thresholds and by the papers' rule."""
    sides = roi.side_scores(found.sides, samples.aus).astype(np.float32)
    scores = au_scores(sides)
    return Predictions(
        name=scorer.name,
        chosen=scorer.chosen,
        selected_on_test=scorer.selected_on_test,
        samples=samples,
        tells_sides=scorer.tells_sides,
        sides=sides,
        side_decisions=calibration.side_probability(sides) >= calibration.threshold[:, None],
        scores=scores,
        decisions=calibration.probability(scores) >= calibration.threshold,
        uncalibrated=scores > scorer.present_above,
        landmark_error=found.landmark_error,
        intensities=calibration.side_intensities(sides),
    )
