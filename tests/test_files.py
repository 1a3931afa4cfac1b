"""Files that are whole or not there, of several writers too; a disk that does not take them."""

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from aulens.errors import ConfigError, InputError
from aulens.files import atomic_write, clear_unfinished, disk_errors, write_json, write_text
from aulens.locks import HOST


def test_a_file_appears_at_the_end_or_not_at_all(tmp_path: Path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def write_half() -> None:
        with atomic_write(path) as part:
            part.write_text("half")
            assert path.read_text() == "old"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "old")]
    with atomic_write(path, to_disk=False) as part:
        part.write_text("new")
    assert path.read_text() == "new"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_nothing_is_written_through_a_link(tmp_path: Path):
    other, path = tmp_path / "other.txt", tmp_path / "a.txt"
    other.write_text("theirs")
    path.symlink_to(other)
    write_text(path, "ours")
    assert other.read_text() == "theirs"
    assert path.read_text() == "ours"
    assert not path.is_symlink()


def test_a_name_that_fills_the_disks_limit_is_written(tmp_path: Path):
    write_text(tmp_path / ("n" * 251 + ".txt"), "long")
    assert [len(path.name) for path in tmp_path.iterdir()] == [255]


def test_what_is_no_number_is_null(tmp_path: Path):
    write_json(tmp_path / "a.json", {"a": np.array([1.0, np.nan]), "b": (np.float32(2),)})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [1.0, None], "b": [2.0]}


WRITER = """
import sys
from pathlib import Path
from aulens.files import write_text
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
        ".of somebody else.part": True,
        "x.part": True,
    }
    for name in names:
        (tmp_path / name).touch()
    os.utime(tmp_path / ".y.tar.elsewhere-1.part", (time.time() - 1e6,) * 2)
    (tmp_path / ".talk.a-1.part").mkdir()  # of the video ".talk.a-1.mp4", while that is analyzed
    clear_unfinished(tmp_path)
    (tmp_path / ".talk.a-1.part").rmdir()
    assert {path.name for path in tmp_path.iterdir()} == {name for name, stays in names.items() if stays}


FULL = "No space left on device"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(errno.ENOSPC, FULL), FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), FULL),
        (RuntimeError("Error: I/O error: Os { code: 28, kind: StorageFull }"), FULL),
        (
            RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"),
            FULL,
        ),
        (OSError(errno.EROFS, "Read-only file system", "out/a.csv"), "Read-only file system"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "out"), "No such file or directory"),
    ],
    ids=lambda given: str(given)[:20],
)
def test_an_error_of_the_disk_becomes_a_sentence(error: Exception, why: str):
    said = rf"^out can't be written \({why}\)\. .*make room or mend that, and it goes on\.$"
    with pytest.raises(ConfigError, match=said) as told, disk_errors(Path("out"), "it"):
        raise error
    assert told.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file or directory", "pictures/a.jpg"),
        OSError("the picture ends early"),
        BrokenPipeError(errno.EPIPE, "Broken pipe"),
        InputError("another fault"),
    ],
    ids=lambda given: type(given).__name__,
)
def test_other_errors_stay_as_they_are(error: Exception):
    with pytest.raises(type(error)) as told, disk_errors(Path("out"), "it"):
        raise error
    assert told.value is error
