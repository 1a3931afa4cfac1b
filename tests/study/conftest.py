"""What the tests of studies share."""

from pathlib import Path

import pytest
from tiny_study import write_place


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See `tiny_study.write_place`; results go into folders of their own."""
    return write_place(tmp_path_factory.mktemp("study"))
