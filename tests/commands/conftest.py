"""Fixtures of tests that call the command line."""

from pathlib import Path

import pytest

from command_line import write_pictures
from entries import replace_detector


@pytest.fixture
def one_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    """The detector that all tests share, in place of one that is made for every call."""
    replace_detector(monkeypatch, "aulens", "people:ENTRY")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "in")
