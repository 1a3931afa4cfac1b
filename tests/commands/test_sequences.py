"""Folders of frames, through the command line to tables."""

from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from aulens.tables import read_table
from command_line import aulens
from patch_people import patch_frame

pytestmark = [pytest.mark.usefixtures("people_by_colour", "patches_for_faces")]

NUMBERS = (1, 2, 3, 7, 8, 9)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "P01"
    made.mkdir()
    for number in NUMBERS:
        Image.fromarray(patch_frame({"red": (10 + number, 20)})).save(made / f"{number:05d}.png")
    return made


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_a_table_names_the_picture_of_each_frame(format: str, folder: Path, model: Path, tmp_path: Path):
    """A02: the seventh picture was told as frame 3 at 0.6 s, and nothing told which picture it was."""
    given = [folder, "--sequence", "--fps", 5, "--format", format, "--model", model]
    done = aulens("detect", *given)
    assert done.code == 1
    (tmp_path / f"out.{format}").write_bytes(done.bytes)
    stored = aulens("detect", *given, "--out", tmp_path / "out")
    for said in (done.err, stored.err):
        assert "3 pictures are missing, by the numbers in the names: 4 to 6" in said.replace("\n", "")
    for path in (tmp_path / f"out.{format}", tmp_path / "out" / f"P01.{format}"):
        table = read_table(path)
        assert table["frame"].tolist() == [number - 1 for number in NUMBERS]
        assert table["time"].tolist() == [(number - 1) / 5 for number in NUMBERS]
        assert table["picture"].tolist() == [f"{number:05d}.png" for number in NUMBERS]
        assert list(table.columns[:5]) == ["file", "frame", "time", "picture", "face_id"]
    described = pd.read_csv(tmp_path / "out" / "columns.csv")["name"]
    assert set(table.columns) <= set(described)


def test_each_folder_has_its_times(folder: Path, model: Path, tmp_path: Path):
    lines = [f"{number:05d}.png,{number / 8}" for number in (*NUMBERS, 11)]
    (folder / "times.csv").write_text("\n".join(["name,time", *lines]))
    other = tmp_path / "P02"
    other.mkdir()
    Image.fromarray(patch_frame({"red": (10, 20)})).save(other / "00001.png")
    (other / "times.csv").write_text("name,time\n00001.png,4\n")
    given = [folder, other, "--sequence", "--times", "times.csv", "--model", model, "--out", tmp_path / "out"]
    done = aulens("detect", *given)
    assert done.code == 1
    assert "1 picture is missing that times.csv lists: 00011.png" in done.err.replace("\n", "")
    table = read_table(tmp_path / "out" / "P01.csv")
    assert table["time"].tolist() == [number / 8 for number in NUMBERS]
    assert table["frame"].tolist() == [0, 1, 2, 3, 4, 5]
    assert read_table(tmp_path / "out" / "P02.csv")["time"].tolist() == [4.0]
    assert "done before" in aulens("detect", *given, "--resume").err
    (other / "times.csv").write_text("name,time\n00001.png,5\n")
    assert "done before, but times was" in aulens("detect", *given, "--resume").err.replace("\n", " ")
    wrong = aulens("detect", *given, "--fps", 25)
    assert wrong.code == 2
    assert "--fps and --times both give" in str(wrong.error)
