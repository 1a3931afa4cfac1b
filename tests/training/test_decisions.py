"""From scores to decisions: each AU by its own threshold, and by the papers' rule."""

import numpy as np
import torch

from aulens.aus import AUSet
from aulens.data.dataset import Crop
from aulens.data.samples import Samples
from aulens.data.shards import StoredImages
from aulens.training.calibration import Calibration
from aulens.training.inference import Scorer
from aulens.training.scoring import Scores

AUS = AUSet("two", (12, 25))


def test_by_hand() -> None:
    """Logits of scores s are 2 s for AU12, s - 1 for AU25; thresholds are 0.7 (0.85) and 0.2 (-1.39)."""
    calibration = Calibration(
        AUS, np.array([[2.0, 0.0], [1.0, -1.0]]), np.array([0.7, 0.2]), np.full(2, True), 9, 3
    )
    scorer = Scorer(
        "", AUS, Crop(64), lambda *_: None, torch.device("cpu"), True, 0.5, None, "", False, None, None
    )
    samples = Samples(
        paths=StoredImages.of(list("abc")),
        subjects=np.array(list("abc")),
        splits=np.full(3, "test"),
        side_labels=np.zeros((3, 2, 2), np.int8),
        landmarks=np.zeros((3, 68, 2), np.float32),
        aus=AUS,
    )
    sides = [[[0.3, 0.5], [-1, -0.5]], [[0.1, 0.4], [-0.2, -0.9]], [[0.6, -2], [0.4, 2]]]
    found = scorer.decide(calibration, samples, Scores(np.array(sides, np.float32), None))
    # The lips' regions are the upper and the lower lip: both sides have the larger score.
    np.testing.assert_allclose(found.scores, [[0.5, -0.5], [0.4, -0.2], [0.6, 2]])
    assert found.decisions.tolist() == [[True, False], [False, True], [True, True]]
    assert found.side_decisions.tolist() == [
        [[False, True], [False, False]], [[False, False], [True, True]], [[True, False], [True, True]],
    ]  # fmt: skip
    assert found.uncalibrated.tolist() == [[False, False], [False, False], [True, True]]  # above 0.5
    assert found.intensities is None
