"""Files that are whole or not there, of several writers too."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from aulens.data.whole import clear_parts, whole, write_json, write_text
from aulens.locks import HOST


def test_a_file_appears_at_the_end_or_not_at_all(tmp_path: Path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def write_half() -> None:
        with whole(path) as part:
            part.write_text("half")
            assert path.read_text() == "old"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "old")]
    with whole(path, to_disk=False) as part:
        part.write_text("new")
    assert path.read_text() == "new"


def test_what_is_no_number_is_null(tmp_path: Path):
    write_json(tmp_path / "a.json", {"a": np.array([1.0, np.nan]), "b": (np.float32(2),)})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [1.0, None], "b": [2.0]}


WRITER = """
import sys
from pathlib import Path
from aulens.data.whole import write_text
for _ in range(60):
    write_text(Path(sys.argv[1]), sys.argv[2] * 5000)
"""


@pytest.mark.slow
def test_several_processes_write_the_same_file(tmp_path: Path):
    """With one temporary name for all, one would put the other's half in place, and the other find none."""
    path = tmp_path / "same.txt"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), letter]) for letter in "ab"]
    while any(writer.poll() is None for writer in writers):
        if path.is_file():
            text = path.read_text()
            assert text in ("a" * 5000, "b" * 5000)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert [file.name for file in tmp_path.iterdir()] == ["same.txt"]


def test_only_what_the_dead_left_is_cleared(tmp_path: Path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    names = {
        f".x.tar.{HOST}-{os.getpid()}.part": True,
        f".x.tar.{HOST}-{ended.pid}.part": False,
        ".x.tar.elsewhere-1.part": True,
        ".y.tar.elsewhere-1.part": False,
        f".x.tar.{ended.pid}.part": False,  # names of older versions
        ".x.json.part": False,
        "x.part": True,
    }
    for name in names:
        (tmp_path / name).touch()
    os.utime(tmp_path / ".y.tar.elsewhere-1.part", (time.time() - 1e6,) * 2)
    clear_parts(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {name for name, stays in names.items() if stays}
