"""The command line's last line of defence: an error that the user can mend is one line, not a traceback."""

from pathlib import Path

import numpy as np
import pytest

from aulens import cli
from aulens.errors import DatasetError
from aulens.render.sheet import _write


def test_an_error_of_the_system_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device", "results.csv")

    with pytest.raises(SystemExit) as stop:
        cli.main(full)
    assert stop.value.code == 2
    assert capsys.readouterr().err == "aulens: [Errno 28] No space left on device: 'results.csv'\n"


def test_a_sheet_with_an_unknown_ending_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"sheet\.xyz.*\.png or \.jpg"):
        _write(np.zeros((4, 4, 3), np.uint8), tmp_path / "sheet.xyz")
