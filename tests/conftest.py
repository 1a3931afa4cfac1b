"""Fixtures that several test folders share."""

from pathlib import Path

import pytest

from synthetic_faces import write_faces


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small folder in the renders' format: 12 subjects, 10 pictures each, AUs painted as discs."""
    return write_faces(tmp_path_factory.mktemp("faces"), subjects=12, each=10)
