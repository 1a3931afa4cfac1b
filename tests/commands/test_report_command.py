"""`aulens report` on videos and tables, as a user calls it."""

from pathlib import Path

import pytest

from aulens.tables import read_table
from command_line import aulens
from patch_people import write_people
from show.html_page import Page

pytestmark = pytest.mark.usefixtures("people_by_colour", "patches_for_faces")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("video") / "talk.mp4", 20)


@pytest.mark.usefixtures("without_pdfs")
def test_a_page_of_a_table(video: Path, model: Path, tmp_path: Path):
    aulens("detect", video, "--model", model, "--out", tmp_path / "out")
    table = tmp_path / "out" / "talk.csv"
    done = aulens("report", table, table, "--model", model, "--out", tmp_path / "pages")
    assert done.code == 0, done.err
    assert [page.name for page in (tmp_path / "pages").glob("*.html")] == ["talk.html"]
    assert (tmp_path / "pages" / "talk.html").read_text().rstrip().endswith("</html>")
    again = aulens("report", table, "--model", model, "--out", tmp_path / "pages")
    assert again.code == 1
    assert "is there already" in again.err
    beside = aulens("report", table, "--model", model, "--out", video)
    assert str(beside.error) == f"--out {video} is a file; give a folder"
    theirs = tmp_path / "of.csv"
    theirs.write_text(aulens("detect", video, "--model", model, "-f", "openface").out)
    assert "one of another tool has none" in aulens("report", theirs, "--model", model, "--out", tmp_path).err
    assert "looks like a table" in aulens("detect", table, "--model", model).err


@pytest.mark.usefixtures("without_pdfs")
def test_faces_beyond_limits_are_left_out_and_it_is_said(video: Path, model: Path, tmp_path: Path):
    """In a table whose person turns away: the page counts the others, and says how many it does not."""
    aulens("detect", video, "--model", model, "--out", tmp_path / "out")
    path = tmp_path / "out" / "talk.csv"
    table = read_table(path)
    table["pose_yaw"], table["quality"] = [0.0] * 12 + [45.0] * 8, 0.8
    table.to_csv(path, index=False)
    said = "8 of 20 rows with a face are left out (turned by more than 30°)"
    done = aulens("report", path, "--model", model, "--max-yaw", 30, "--out", tmp_path / "pages")
    assert done.code == 0, done.err
    assert f"{path}: {said}" in done.err
    page = Page((tmp_path / "pages" / "talk.html").read_text())
    assert said in page.text
    (one,) = page.data("clip")["people"]
    assert (one["frames"], one["lost_frames"]) == (20, 8)
    table.drop(columns=["quality"]).to_csv(path, index=False)
    done = aulens("report", path, "--model", model, "--min-quality", 0.5, "--out", tmp_path / "more")
    assert done.code == 1
    assert "the table has no quality in any row with a face" in done.err
    done = aulens("report", path, "--model", model, "--max-pitch", 100, "--out", tmp_path / "more")
    assert done.code == 2
    assert "less than or equal to 90" in done.err


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--smooth", 0.5), "--smooth is for videos, and {} is a table: smooth it with aulens.tables.smooth"),
        (("--baseline",), "--baseline is for videos, and {} is a table: take aulens.tables.baseline"),
        (("--every", 2), "--every is for videos, and {} is a table: leave it out, or give the video"),
        (("--from", "1"), "--from is for videos"),
        (("--to", "0:01"), "--to is for videos"),
        (("--overlay",), "--overlay is for videos"),
        (("--resume",), "--resume is for videos"),
    ],
)
def test_what_only_a_video_can_have_is_refused_of_a_table(
    option: tuple[object, ...], said: str, model: Path, tmp_path: Path
):
    table = tmp_path / "talk.parquet"
    done = aulens("report", table, *option, "--model", model, "--out", tmp_path / "out")
    assert done.code == 2
    assert said.format(table) in str(done.error)
    assert not (tmp_path / "out").exists()


def test_what_is_wrong_with_a_table_is_said_once_with_its_name(video: Path, model: Path, tmp_path: Path):
    rows = aulens("detect", video, "--model", model, "-f", "csv").out.splitlines(keepends=True)
    empty, cut = tmp_path / "empty.csv", tmp_path / "cut.csv"
    empty.write_text(rows[0])
    cut.write_text(rows[0] + rows[1] + "1,2\n")
    done = aulens("report", empty, cut, "--model", model, "--out", tmp_path / "out")
    assert done.code == 1
    of_empty, of_cut = done.err.splitlines()
    assert of_empty.startswith(f"aulens: {empty}: the table has no rows")
    assert of_cut.startswith(f"aulens: {cut}, line 3: 2 fields, but")


@pytest.mark.slow
def test_report_writes_a_page_and_figures(video: Path, model: Path, tmp_path: Path):
    done = aulens("report", video, "--model", model, "--out", tmp_path)
    assert done.code == 0
    assert (tmp_path / "talk.html").read_text().rstrip().endswith("</html>")
    assert {path.suffix for path in (tmp_path / "talk.figures").iterdir()} == {".pdf", ".svg"}


@pytest.mark.parametrize(("ending", "mark"), [("tsv", "\t"), ("txt", "\t"), ("csv", ";")])
def test_a_table_of_another_kind_is_said_and_leaves_nothing(
    ending: str, mark: str, model: Path, tmp_path: Path
):
    table = tmp_path / f"talk.{ending}"
    table.write_text(f"file{mark}frame{mark}success\ntalk.mp4{mark}0{mark}1\n")
    done = aulens("report", table, "--out", tmp_path / "out", "--model", model)
    assert done.code == 1
    assert f"{table}: " in done.err.replace("\n", "")
    assert "save it as CSV" in done.err.replace("\n", " ")
    assert not (tmp_path / "out").exists()
