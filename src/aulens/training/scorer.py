"""A trained model, from its run folder or as an exported file, ready to score samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from aulens.align import TEMPLATES
from aulens.aus import AUSet
from aulens.data.dataset import Crop
from aulens.models import AUOutput, load_checkpoint
from aulens.models.roi_gcn import HEATMAP_THRESHOLD
from aulens.runtime.card import ModelCard
from aulens.runtime.model import open_model
from aulens.training.calibration import Calibration, read_calibration
from aulens.training.predict import Forward, crop_of
from aulens.training.run_folder import RunFolder
from aulens.training.seen import Seen

_MEASURES: Final[Mapping[str, str]] = {
    "roc_auc": "macro ROC-AUC",
    "f1": "macro F1",
    "abaw2": "ABAW-2's measure",
}

_TESTED: Final = "THE TEST SUBJECTS (data.select_on_test), so every number is too good"


@dataclass(frozen=True)
class Scorer:
    """A model that gives side scores.

    Attributes:
        name: of the model.
        aus: what it predicts.
        crop: how it wants its faces cut out.
        forward: crops and landmarks in, output out.
        device: where it takes them.
        tells_sides: whether its scores tell the two sides of a face apart.
        present_above: the score above which the papers take an AU for present.
        calibration: fitted on validation subjects; None before that.
        chosen: how epoch and thresholds were chosen, in words.
        selected_on_test: they were chosen on the tested subjects.
        seen: whom its training saw; None = not known.
    """

    name: str
    aus: AUSet
    crop: Crop
    forward: Forward
    device: torch.device
    tells_sides: bool
    present_above: float
    calibration: Calibration | None
    chosen: str
    selected_on_test: bool = False
    seen: Seen | None = None


def scorer_of_run(run: RunFolder) -> Scorer:
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
        tells_sides=model.tells_sides,
        present_above=0.0,
        calibration=read_calibration(run.calibration, model.aus),
        chosen=(
            f"The epoch was chosen by {_MEASURES[config.train.metric]} on {who}; probabilities and "
            "thresholds were fitted on them too."
        ),
        selected_on_test=config.data.select_on_test,
        seen=Seen.read(run.facts),
    )


def scorer_of_card(card: ModelCard, threads: int | None) -> Scorer:
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
    return Scorer(
        name=card.name,
        aus=card.aus,
        crop=Crop(card.crop, TEMPLATES[card.template]),
        forward=forward,
        device=torch.device("cpu"),
        tells_sides=card.tells_sides,
        # An exported file gives plain means of maps: what the torch model subtracts is not in them.
        present_above=HEATMAP_THRESHOLD if card.variant == "heatmap" else 0.0,
        calibration=Calibration(card.aus, platt, threshold, np.ones(len(card.aus), bool), 0, 0, card.curves),
        chosen=(
            "Probabilities and thresholds are those of the model's card, fitted on "
            f"{_TESTED if card.selected_on_test else 'validation subjects'}."
        ),
        selected_on_test=card.selected_on_test,
        seen=Seen.of_card(card.people),
    )
