"""What a model says about samples, whom its training has not seen: a run's best model, or an exported one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aulens import roi
from aulens.align import TEMPLATES
from aulens.aus import AUSet
from aulens.data.dataset import Crop, FaceDataset
from aulens.data.loading import load_data
from aulens.data.samples import NEAR_DUPLICATES, Samples
from aulens.errors import ConfigError, ModelError
from aulens.models import AUOutput, load_checkpoint
from aulens.models.base import MapModel
from aulens.models.family import find
from aulens.named import several
from aulens.roi import RoiGrid
from aulens.runtime.card import ModelCard, find_card, read_card
from aulens.runtime.model import open_model
from aulens.training.calibration import Calibration, read_calibration
from aulens.training.leakage import UNKNOWN_PEOPLE, SeenSubjects
from aulens.training.memory import keep_freed_memory
from aulens.training.progress import Display
from aulens.training.run_folder import RunFolder
from aulens.training.scoring import Forward, Scores, crop_of, score
from aulens.training.sections import DataConfig

_MEASURES: Final[Mapping[str, str]] = {
    "roc_auc": "macro ROC-AUC",
    "f1": "macro F1",
    "abaw2": "ABAW-2's measure",
}
_TESTED: Final = "THE TEST SUBJECTS (data.select_on_test), so every number is too good"


@dataclass(frozen=True)
class Scorer:
    """A trained model that gives side scores.

    Attributes:
        name: of the model.
        aus: what it predicts.
        crop: how it wants its faces cut out.
        forward: crops and landmarks in, output out.
        device: where it takes them.
        has_side_scores: whether its scores tell the two sides of a face apart.
        decision_threshold: the score above which the papers take an AU for present.
        calibration: fitted on validation subjects; None before that.
        chosen: how epoch and thresholds were chosen, in words.
        selected_on_test: they were chosen on the tested subjects.
        seen: whom its training saw; None = not known.
        grid: of a model whose scores are read in the AUs' regions, how these lie on its maps; else None.
    """

    name: str
    aus: AUSet
    crop: Crop
    forward: Forward
    device: torch.device
    has_side_scores: bool
    decision_threshold: float
    calibration: Calibration | None
    chosen: str
    selected_on_test: bool
    seen: SeenSubjects | None
    grid: RoiGrid | None

    @staticmethod
    def of_run(run: RunFolder) -> Scorer:
        """The best model of a run; on a GPU where there is one and the run's configuration allows it.

        Raises:
            ModelError: no run, or none of its epochs has ended.
        """
        config = run.read_config()
        model, settings = load_checkpoint(run.best)
        gpu = config.train.accelerator != "cpu" and torch.cuda.is_available()
        device = torch.device("cuda" if gpu else "cpu")
        who = _TESTED if config.data.select_on_test else "validation subjects"
        return Scorer(
            name=f"{config.name} ({settings.variant})",
            aus=model.aus,
            crop=crop_of(model),
            forward=model.eval().to(device),
            device=device,
            has_side_scores=model.has_side_scores,
            decision_threshold=0.0,
            calibration=read_calibration(run.calibration, model.aus),
            chosen=(
                f"The epoch was chosen by {_MEASURES[config.train.metric]} on {who}; probabilities and "
                "thresholds were fitted on them too."
            ),
            selected_on_test=config.data.select_on_test,
            seen=SeenSubjects.read(run.facts),
            grid=model.grid if isinstance(model, MapModel) and model.has_side_scores else None,
        )

    @staticmethod
    def of_card(card: ModelCard, threads: int | None) -> Scorer:
        """An exported model, run without torch.

        Raises:
            ModelError: its file is missing, or not the card's.
        """
        model = open_model(card, "onnxruntime", threads)

        def forward(image: Tensor, landmarks: Tensor) -> AUOutput:
            output = model(image.numpy())
            scores = torch.from_numpy(model.scores(output, landmarks.numpy()).astype(np.float32))
            found = None if output.landmarks is None else torch.from_numpy(output.landmarks)
            return AUOutput(scores.amax(2), torch.from_numpy(output.maps), scores, landmarks=found)

        platt, threshold = np.array(card.platt), np.array(card.threshold)
        fitted = np.ones(len(card.aus), bool)
        return Scorer(
            name=card.name,
            aus=card.aus,
            crop=Crop(card.crop, TEMPLATES[card.template]),
            forward=forward,
            device=torch.device("cpu"),
            has_side_scores=card.has_side_scores,
            decision_threshold=find(card.variant).decision_threshold(card.variant),
            calibration=Calibration(card.aus, platt, threshold, fitted, 0, 0, card.curves),
            chosen=(
                "Probabilities and thresholds are those of the model's card, fitted on "
                f"{_TESTED if card.selected_on_test else 'validation subjects'}."
            ),
            selected_on_test=card.selected_on_test,
            seen=SeenSubjects.of_card(card.people),
            grid=card.grid,
        )

    def score(self, samples: Samples, batch: int, display: Display) -> Scores:
        """Look at all samples, `batch` at once."""
        data = FaceDataset(samples, self.crop)
        return score(self.forward, data, batch=batch, device=self.device, step=display.step)

    def decide(self, calibration: Calibration, samples: Samples, found: Scores) -> Predictions:
        """From scores to decisions, at the calibrated thresholds and by the papers' rule."""
        sides = roi.side_scores(found.sides, samples.aus).astype(np.float32)
        scores = sides.max(-1)  # paper A, section 3.5
        return Predictions(
            scorer=self,
            samples=samples,
            sides=sides,
            side_decisions=calibration.side_probability(sides) >= calibration.threshold[:, None],
            scores=scores,
            decisions=calibration.probability(scores) >= calibration.threshold,
            uncalibrated=scores > self.decision_threshold,
            landmark_error=found.landmark_error,
            intensities=calibration.side_intensities(sides),
        )


@dataclass(frozen=True)
class Predictions:
    """What a model says about N samples of A AUs.

    Attributes:
        scorer: the model.
        samples: what was looked at, with its labels.
        sides: (N, A, 2) float32 scores, [subject_right, subject_left].
        side_decisions: (N, A, 2) bool.
        scores: (N, A) float32, the larger side.
        decisions: (N, A) bool, at the calibrated thresholds.
        uncalibrated: (N, A) bool, by the papers' own rule: present when the score is above 0.
        landmark_error: (N,) float64 in inter-ocular distances; None for a model that finds no landmarks.
        intensities: (N, A, 2) float64, 0 to 5 by the curves, NaN for an AU without; None where no AU has one.
    """

    scorer: Scorer
    samples: Samples
    sides: NDArray[np.float32]
    side_decisions: NDArray[np.bool_]
    scores: NDArray[np.float32]
    decisions: NDArray[np.bool_]
    uncalibrated: NDArray[np.bool_]
    landmark_error: NDArray[np.float64] | None
    intensities: NDArray[np.float64] | None


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
    scorer = Scorer.of_run(run) if run else Scorer.of_card(read_card(find_card(model)), threads)
    calibration = scorer.calibration
    if calibration is None:
        raise ModelError(f"{model} was never calibrated: its training has not ended. Go on with --resume.")
    samples = _samples(scorer.aus, run, list(data), list(tests), fold).split(split)
    if subjects != "*":
        names = np.unique(samples.subjects).tolist()
        chosen = [name for name in names if fnmatchcase(name, subjects)]
        if not chosen:
            raise ConfigError(f"No subject is called {subjects!r}; they are called {several(names)}.")
        samples = samples.take(np.flatnonzero(np.isin(samples.subjects, chosen)))
    if scorer.seen:
        scorer.seen.refuse(samples, split, scorer.selected_on_test, scorer.name)
    elif run is None or data or tests or fold is not None:
        scorer = dataclasses.replace(scorer, chosen=f"{scorer.chosen} {UNKNOWN_PEOPLE}")
    if doubtful := [source for source in samples.sources if NEAR_DUPLICATES in source]:
        scorer = dataclasses.replace(scorer, chosen=f"{scorer.chosen} The data are {', '.join(doubtful)}.")
    with Display(progress) as display:
        display.begin(f"evaluating {split}", -(-len(samples) // batch))
        found = scorer.score(samples, batch, display)
    return scorer.decide(calibration, samples, found)


def _samples(
    aus: AUSet, run: RunFolder | None, data: list[Path], tests: list[Path], fold: int | None
) -> Samples:
    own = run.read_config().data if run else DataConfig()
    if tests:
        return load_data([], aus, own.plan, tests)
    roots = data or [Path(root) for root in own.roots]
    elsewhere = [] if data and not own.tests else [Path(root) for root in own.tests]
    if not roots:
        raise ConfigError("No data to evaluate on: give --data FOLDER.")
    plan = own.plan if fold is None else dataclasses.replace(own.plan, fold=str(fold))
    return load_data(roots, aus, plan, elsewhere)
