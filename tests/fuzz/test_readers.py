"""Every reader, with the same damaged files each time: a value or a sentence, within bounds."""

import os
from pathlib import Path

import pytest
from harness import Reader, check, judge
from readers import READERS


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_a_damaged_file_is_a_value_or_a_sentence(reader: Reader, tmp_path: Path) -> None:
    check(reader, tmp_path)


def replaced(path: Path, how: str) -> None:
    """Something else in place of a file."""
    path.unlink(missing_ok=True)
    if how == "pipe":
        os.mkfifo(path)
    elif how == "folder":
        path.mkdir()
    elif how == "loop":
        path.symlink_to(path)
    elif how == "dangling link":
        path.symlink_to(path.with_name("nowhere"))
    elif how == "device":
        path.symlink_to("/dev/zero")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="pipes and devices are files there")
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
@pytest.mark.parametrize("how", ["pipe", "folder", "loop", "dangling link", "device", "missing"])
def test_what_is_no_file_is_said_and_never_waited_for(reader: Reader, how: str, tmp_path: Path) -> None:
    path = reader.make(tmp_path)
    replaced(path, how)
    judge(reader, path)
