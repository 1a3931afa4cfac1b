"""What a run is told once, and not by each part of Lightning again."""

import pytest

from aulens.checked import checked
from aulens.training.config import TrainConfig
from aulens.training.setup import launch


def test_the_precision_is_not_told_in_each_run(capfd: pytest.CaptureFixture[str], caplog):
    launch(checked(TrainConfig, {"train": {"accelerator": "cpu", "precision": "bf16-mixed"}}))
    assert "Mixed Precision" not in caplog.text + "".join(capfd.readouterr())
