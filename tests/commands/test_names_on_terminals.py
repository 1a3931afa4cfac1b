"""Names of files that would change a terminal, and encodings that can't write them."""

import os
import pty
import subprocess
import sys
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from command_line import aulens
from patch_people import patch_frame

pytestmark = pytest.mark.usefixtures("patches_for_faces")

CALL = (
    "import sys; from aulens.cli import main; from entries import replace_detector; import pytest;"
    "patch = pytest.MonkeyPatch(); replace_detector(patch, 'aulens', 'patch_people:ENTRY'); main()"
)
EVIL = "a\x1b]0;owned\x07\x1b[31m\n\u202eb.png"


def picture(path: Path) -> Path:
    Image.fromarray(patch_frame({"red": (30, 30)})).save(path)
    return path


def call(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """A process of its own, as encodings are its own, whose standard output is a pipe."""
    made = Path(__file__).parents[1] / "made"
    places = os.pathsep.join([str(made), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", CALL, *map(str, arguments)],
        capture_output=True, env=os.environ | {"PYTHONPATH": places} | environment, check=False,
    )  # fmt: skip


def test_what_is_said_of_a_name_is_no_order_to_the_terminal(model: Path, tmp_path: Path) -> None:
    picture(tmp_path / EVIL)
    (tmp_path / f"{EVIL}.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / os.fsdecode(b"Gespr\xe4ch.png")).write_bytes((tmp_path / EVIL).read_bytes())
    done = aulens("detect", tmp_path, "--model", model)
    for message in (done.out, done.err):
        assert not any(letter in message for letter in "\x1b\x07\u202e")
        assert r"a\x1b]0;owned" in message.replace("\n", "")
    assert r"Gespr\xe4ch.png: the name of the file is not UTF-8" in done.err.replace("\n", "")
    assert "1 face in 1 picture, 2 failed" in done.err
    assert done.code == 1
    error = aulens("detect", tmp_path / "gone", "--out", tmp_path / EVIL, "--model", model).error
    assert error is not None


@pytest.mark.slow
@pytest.mark.parametrize("format", ["table", "csv"])
def test_rows_on_a_screen_are_no_order_either(format: str, model: Path, tmp_path: Path) -> None:
    picture(tmp_path / EVIL)
    leader, follower = pty.openpty()
    made = Path(__file__).parents[1] / "made"
    arguments = ["detect", str(tmp_path / EVIL), "--format", format, "--model", str(model)]
    with subprocess.Popen(
        [sys.executable, "-c", CALL, *arguments], stdout=follower, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(made), "NO_COLOR": "1"},
    ) as process:  # fmt: skip
        os.close(follower)
        message = b""
        try:
            while piece := os.read(leader, 65536):
                message += piece
        except OSError:  # the other end is closed
            pass
    os.close(leader)
    assert process.returncode == 0
    assert b"\x1b]" not in message
    assert b"\x07" not in message
    assert format == "table" or rb"a\x1b]0;owned\x07" in message


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "cp932"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["cp1252", "ascii", "cp932", "C"],
)
def test_a_table_is_utf8_wherever_it_goes(environment: dict[str, str], model: Path, tmp_path: Path) -> None:
    """A05: the third of these ended the run, and a CSV with the first was read by nothing."""
    names = [
        "Jürgen.png",
        "zz.png",
        "面接 1.png",
        unicodedata.normalize("NFD", "José.png"),
        "😀.png",
        "ſ‑ẞ.png",
    ]
    for name in names:
        picture(tmp_path / name)
    out = tmp_path / "out"
    done = call(
        "detect", tmp_path, "--format", "csv", "--out", out, "--overlay", "--model", model, **environment
    )
    assert done.returncode == 0, done.stderr
    (tmp_path / "aus.csv").write_bytes(done.stdout)
    for path in (tmp_path / "aus.csv", out / "results.csv"):
        table = pd.read_csv(path, encoding="utf-8")
        assert sorted(Path(file).name for file in table["file"]) == sorted(names)
    assert {path.stem for path in (out / "pictures").iterdir()} >= {Path(name).stem for name in names}
    done = call("detect", tmp_path / "面接 1.png", "--model", model, **environment)
    assert done.returncode == 0, done.stderr
    assert "面接 1.png" in done.stdout.decode("utf-8").replace("\n", "")
