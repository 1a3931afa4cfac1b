import pytest

from aulens.errors import AulensError, BusyError, ConfigError, DatasetError, InputError, ModelError


@pytest.mark.parametrize("error", [InputError, DatasetError, ModelError, ConfigError, BusyError])
def test_every_error_is_caught_as_ours_and_as_a_value_error(error: type[Exception]) -> None:
    assert issubclass(error, AulensError)
    assert issubclass(error, ValueError)
