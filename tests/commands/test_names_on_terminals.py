"""Names of files that would change a terminal, and encodings that can't write them."""

import os
import pty
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from aulens.data.index import Problem
from aulens.data.registry import DatasetEntry
from aulens.tables import read_table
from command_line import aulens
from drawn_frames import drawn_index
from entries import replace_dataset
from patch_people import patch_frame, write_people

pytestmark = pytest.mark.usefixtures("patches_for_faces")

CALL = (
    "import sys; from aulens.cli import main; from entries import replace_detector; import pytest;"
    "patch = pytest.MonkeyPatch(); replace_detector(patch, 'aulens', 'patch_people:ENTRY'); main()"
)
NOT_UTF8 = os.fsdecode(b"Gespr\xe4ch")
"""As a disk of an old Windows has it, unpacked on Linux."""
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
    (tmp_path / f"{NOT_UTF8}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = aulens("detect", tmp_path, "--model", model)
    for message in (done.out, done.err):
        assert not any(letter in message for letter in "\x1b\x07\u202e")
        assert r"a\x1b]0;owned" in message.replace("\n", "")
    assert r"Gespr\xe4ch.png: not a picture that can be read" in done.err.replace("\n", "")
    assert "1 face in 1 picture, 2 failed" in done.err
    assert done.code == 1
    error = aulens("detect", tmp_path / "gone", "--out", tmp_path / EVIL, "--model", model).error
    assert error is not None


def test_the_doctor_s_findings_are_no_orders_to_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = drawn_index(tmp_path / "drawn", (("F001", "T1", 3),))
    drawn = replace(drawn, problems=(Problem("warning", "missing_picture", EVIL, f"{EVIL} is gone"),))
    replace_dataset(monkeypatch, "manifest", DatasetEntry(lambda root: drawn))
    said = aulens("doctor", "manifest", tmp_path, "--quick").out
    assert not any(letter in said for letter in "\x1b\x07\u202e")
    assert r"warning missing_picture a\x1b]0;owned\x07\x1b[31m\n\u202eb.png" in said


def test_a_name_with_a_line_feed_is_one_row(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    picture(Path("a\nb.png"))
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save("c\nd.png")
    write_people(Path("e\nf.mp4"), 3)
    done = aulens("detect", *sorted(Path().iterdir()), "--model", model)
    assert done.code == 0, done.err
    starts = [line.split(" ")[0] for line in done.out.splitlines() if not line.startswith(" ")]
    assert list(dict.fromkeys(starts)) == ["Picture", r"a\nb.png", r"c\nd.png", "Video", r"e\nf.mp4"]


@pytest.mark.skipif(sys.platform != "linux", reason="other disks hold no such names")
@pytest.mark.parametrize("format", ["csv", "jsonl", "openface"])
def test_a_name_that_is_not_utf8_is_written_out_in_tables(model: Path, tmp_path: Path, format: str) -> None:
    given = tmp_path / "in"
    folder = given / NOT_UTF8
    folder.mkdir(parents=True)
    picture(folder / f"{NOT_UTF8}_1.png")
    picture(folder / f"{NOT_UTF8}_2.png")
    write_people(given / f"{NOT_UTF8}.mp4", 3)
    (given / f"{NOT_UTF8}.jpg").write_bytes(b"\xff\xd8\xff")
    call = ("detect", given, "--model", model, "--out", tmp_path / "out", "--overlay", "--format", format)
    for again in ((), ("--resume",)):
        done = aulens(*call, *again)
        assert done.code == 1, (done.err, done.error)
        assert "2 faces in 2 pictures" in done.err
        assert r"Gespr\xe4ch.jpg: not a picture that can be read" in done.err
        assert "video done before, 1 failed" in done.err or not again
    frames = aulens("detect", folder, "--sequence", "--fps", 5, "--model", model, "--out", tmp_path / "out2")
    assert frames.code == 0
    names = {path.name.partition(".")[0] for path in (tmp_path / "out").glob("Gespr*")}
    if format == "openface":
        assert names == {"Gespr_ch", "Gespr_xe4ch_1", "Gespr_xe4ch_2"}
        return
    assert names == {"Gespr_ch"}
    pictures, video = (read_table(tmp_path / "out" / f"{name}.{format}") for name in ("results", "Gespr_ch"))
    assert list(pictures["file"]) == [rf"{given}/Gespr\xe4ch/Gespr\xe4ch_{n}.png" for n in (1, 2)]
    assert set(video["file"]) == {rf"{given}/Gespr\xe4ch.mp4"}
    sequence = read_table(tmp_path / "out2" / "Gespr_ch.csv")
    assert list(sequence["picture"]) == [rf"Gespr\xe4ch_{n}.png" for n in (1, 2)]


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
