"""The command line's last line of defence: an error that the user can mend is one line, not a traceback."""

import pytest

from aulens import cli


def test_an_error_of_the_system_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device", "results.csv")

    with pytest.raises(SystemExit) as stop:
        cli.main(full)
    assert stop.value.code == 2
    assert capsys.readouterr().err == "aulens: [Errno 28] No space left on device: 'results.csv'\n"
