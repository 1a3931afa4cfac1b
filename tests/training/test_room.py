"""A full disk as the libraries tell it."""

import errno
from pathlib import Path

import pytest

from aulens.errors import ModelError
from aulens.training.config import config_from_dict
from aulens.training.room import told_if_full
from aulens.training.setup import launch


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError('Error while serializing: I/O error: Os { code: 28, kind: StorageFull, message: "" }'),
        RuntimeError("[enforce fail] PytorchStreamWriter failed writing file data/0: file write failed"),
    ],
)
def test_a_full_disk_is_told_in_a_sentence(error: Exception):
    with (
        pytest.raises(ModelError, match=r"The disk of out is full\. Make room; it goes on"),
        told_if_full(Path("out"), "it"),
    ):
        raise error


def test_other_errors_stay_as_they_are():
    with pytest.raises(FileNotFoundError), told_if_full(Path("out"), "it"):
        Path("/nowhere/at/all").read_text()


def test_the_precision_is_not_told_in_each_run(capfd: pytest.CaptureFixture[str], caplog):
    launch(config_from_dict({"train": {"accelerator": "cpu", "precision": "bf16-mixed"}}))
    assert "Mixed Precision" not in caplog.text + "".join(capfd.readouterr())
