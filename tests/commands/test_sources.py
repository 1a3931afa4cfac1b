"""What earlier runs made is no input of another one; what a researcher made is."""

import os
from pathlib import Path

import pytest
from PIL import Image

from aulens.analysis.analyzer import Analyzer
from aulens.commands.sources import gather
from aulens.output import OutputSettings, analyze_video, drawings
from command_line import aulens
from patch_people import PatchDetector, patch_frame, write_people

pytestmark = pytest.mark.usefixtures("people_by_colour", "patches_for_faces")


def inputs(folder: Path) -> list[Path]:
    """A video, and pictures with a face and without, of one of which the name has a mark of HTML."""
    folder.mkdir(parents=True)
    write_people(folder / "talk.mp4", 4)
    for name, people in (("a", {"red": (30, 30)}), ("a&b", {}), ("c", {"red": (9, 9), "blue": (60, 9)})):
        Image.fromarray(patch_frame(people)).save(folder / f"{name}.png")
    return sorted(folder.iterdir())


def taken(*given: Path, out: Path | None = None) -> list[Path]:
    found = gather(given, out, sequence=False, timed=False, webcam=None)
    assert not found.failed
    return sorted([*found.pictures, *found.clips])


def run(model: Path, *arguments: object) -> str:
    done = aulens("detect", *arguments, "--model", model)
    assert done.code == 0, done.err
    return done.err.replace("\n", "")


@pytest.mark.parametrize("more", [0, pytest.param(drawings.ON_PAGE, marks=pytest.mark.slow)])
def test_results_of_an_earlier_run_are_no_inputs(more: int, model: Path, tmp_path: Path) -> None:
    """Those on its page, and those for which that has no room."""
    inputs(tmp_path / "in")
    others = [f"z{number:03d}" for number in range(more)]
    for name in others:
        os.link(tmp_path / "in" / "a&b.png", tmp_path / "in" / f"{name}.png")
    given = sorted((tmp_path / "in").iterdir())
    results = tmp_path / "in" / "deep" / "results"
    run(model, tmp_path / "in", "--out", results, "--overlay")
    drawn = sorted(path.name for path in (results / "pictures").iterdir())
    assert drawn == [
        "a&b.jpg", "a.face0.jpg", "a.jpg", "c.face0.jpg", "c.face1.jpg", "c.jpg",
        *(f"{name}.jpg" for name in others),
    ]  # fmt: skip
    assert taken(tmp_path / "in") == given
    message = run(model, tmp_path / "in", "--out", tmp_path / "out")
    assert (
        f"{7 + more} files left out that aulens made before: in {results}, {results / 'pictures'}" in message
    )
    assert "3 faces in 2 pictures" in message
    assert "4 frames of 1 video" in message
    # A run that is repeated says nothing of its own.
    assert "left out" not in run(model, tmp_path / "in", "--out", results, "--overlay")
    # Who names a file wants it.
    named = results / "talk.overlay.mp4"
    assert taken(named) == [named]


def test_a_folder_of_results_that_holds_inputs_too(model: Path, tmp_path: Path) -> None:
    given = inputs(tmp_path / "in")
    for _ in range(2):
        run(model, tmp_path / "in", "--out", tmp_path / "in", "--overlay")
        assert taken(tmp_path / "in") == given
        assert taken(tmp_path / "in", out=tmp_path / "in") == given


def test_own_pictures_and_videos_stay_inputs(model: Path, tmp_path: Path) -> None:
    """Beside a page of somebody else, or beside ours and not named there; under the name of a drawn one."""
    given = inputs(tmp_path / "in")
    own = []
    for name in ("ours", "theirs"):
        own.append(tmp_path / name / "pictures" / "mine.jpg")
        own[-1].parent.mkdir(parents=True)
        own[-1].touch()
    (tmp_path / "theirs" / "index.html").write_text("<title>Action Units</title>\n<h2>mine.jpg</h2>\n")
    (tmp_path / "theirs" / "columns.csv").touch()
    for name in ("film.overlay.mp4", "clip.part/a.png", "film.figures/b.png"):
        own.append(tmp_path / "theirs" / name)
        own[-1].parent.mkdir(exist_ok=True)
        own[-1].touch()
    (tmp_path / "theirs" / "film.json").write_text('{"files": {"overlay": "film.overlay.mp4"}}')
    (tmp_path / "theirs" / "list.json").write_text("[")
    run(model, *given, "--out", tmp_path / "ours", "--overlay")
    assert taken(tmp_path) == sorted([*given, *own])


def test_a_receipt_names_only_files_of_its_video(model: Path, tmp_path: Path) -> None:
    talk = write_people(tmp_path / "talk.mp4", 2)
    analyze_video(Analyzer(model, PatchDetector()), talk, tmp_path, OutputSettings(overlay=True))
    receipt = tmp_path / "talk.json"
    text = receipt.read_text()
    assert taken(tmp_path) == [talk]
    receipt.write_text(text.replace("talk.overlay.mp4", "talk.mp4"))
    assert taken(tmp_path) == [talk, tmp_path / "talk.overlay.mp4"]


def test_an_unfinished_video_is_no_input(tmp_path: Path) -> None:
    own = write_people(tmp_path / "talk.mp4", 2)
    piece = tmp_path / "talk.part" / "overlay" / "000000.mp4"
    piece.parent.mkdir(parents=True)
    piece.write_bytes(own.read_bytes())
    assert taken(tmp_path) == [own, piece]
    (tmp_path / "talk.part" / ".aulens").touch()
    assert taken(tmp_path) == [own]


@pytest.mark.parametrize("overlay", [True, False])
def test_a_folder_of_results_has_tables_to_report(overlay: bool, model: Path, tmp_path: Path) -> None:
    talk = write_people(tmp_path / "talk.mp4", 2)
    out = tmp_path / "out"
    analyze_video(Analyzer(model, PatchDetector()), talk, out, OutputSettings(overlay=overlay))
    done = aulens("report", out, "--out", tmp_path / "pages", "--model", model)
    assert done.code == 1
    said = f"{out}: holds results of aulens: give their tables to `aulens report`: {out / 'talk.csv'}"
    assert said in done.err
    assert "\n1 failed" in done.err
    (out / "talk.json").unlink()
    (out / "talk.csv").unlink()
    assert not gather([out], None, sequence=False, timed=False, webcam=None).previous


def test_what_else_lay_in_a_folder_is_one_line(model: Path, tmp_path: Path) -> None:
    inputs(tmp_path / "in")
    for name in ("notes.txt", "more.txt", "data.csv", "README", ".DS_Store"):
        (tmp_path / "in" / name).write_text("a")
    told = run(model, tmp_path / "in")
    assert "4 other files (2 .txt, 1 .csv, 1 without an ending) left out: no pictures, no videos" in told
    assert "left out" not in run(model, tmp_path / "in" / "a.png")


def test_what_was_meant_ends_with_code_1(model: Path, tmp_path: Path) -> None:
    given = inputs(tmp_path / "in")
    (tmp_path / "in" / "holiday.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")
    (tmp_path / "in" / "cut.mp4").write_bytes(given[-1].read_bytes()[:300])
    (tmp_path / "in" / "gone").symlink_to("nowhere")
    (tmp_path / "in" / "round.png").symlink_to("round.png")
    os.mkfifo(tmp_path / "in" / "pipe.avi")
    done = aulens("detect", tmp_path / "in", "--out", tmp_path / "out", "--report", "--model", model)
    assert done.code == 1
    said = done.err.replace("\n", "")
    for name, why in (
        ("holiday.jpg", "this is PostScript"), ("cut.mp4", "the index without which"),
        ("gone", "a link to nowhere, which is not there"), ("round.png", "a link that leads back to itself"),
        ("pipe.avi", "this is a named pipe"),
    ):  # fmt: skip
        assert f"{tmp_path / 'in' / name}: {why}" in said or f"{name}: the video is damaged" in said
    assert "3 faces in 2 pictures" in said
    assert "5 failed" in said
    assert "holiday.jpg" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_the_second_view_of_a_3d_camera_is_said(model: Path, tmp_path: Path) -> None:
    view, small = (
        Image.fromarray(patch_frame({"red": (30, 30)})).resize(size) for size in ((160, 96), (80, 48))
    )
    view.save(tmp_path / "DSC_0004.MPO", save_all=True, append_images=[view])
    view.save(tmp_path / "IMG_1.jpg", format="MPO", save_all=True, append_images=[small])
    told = run(model, tmp_path)
    assert f"{tmp_path / 'DSC_0004.MPO'}: the first of 2 pictures in it is read" in told
    assert "IMG_1.jpg: the first" not in told
    assert "2 faces in 2 pictures" in told


@pytest.mark.skipif(not Path("/proc/1").is_dir(), reason="no folder of processes whose links are forbidden")
def test_a_pipe_or_a_link_that_may_not_be_followed_is_named_and_the_rest_is_done(model, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    os.mkfifo(folder / "pipe.jpg")
    (folder / "other").symlink_to("/proc/1/cwd")
    (folder / "b.jpg").symlink_to("/proc/1/cwd/a.jpg")
    Image.fromarray(patch_frame({"red": (30, 30)})).save(folder / "a.png")
    done = aulens("detect", folder, "--model", model, "--format", "csv")
    assert done.code == 1
    assert len(done.out.splitlines()) == 2
    assert "pipe.jpg: this is a named pipe" in done.err.replace("\n", "")


@pytest.mark.skipif(not os.path.ismount("/proc"), reason="only Linux has it")
def test_the_kernel_s_folders_are_none(model: Path) -> None:
    """Links of processes lead to all that is mounted: the walk had no end."""
    done = aulens("detect", "/proc", "--model", model)
    assert done.code == 1
    assert "/proc: this is the kernel's, not a folder on a disk" in done.err
    assert "1 failed" in done.err


def test_no_drawing_takes_the_place_of_another_pictures_tiles(model, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("x.png", "x.face0.png"):
        Image.fromarray(patch_frame({"red": (30, 30)})).save(folder / name)
    done = aulens("detect", folder, "--model", model, "--out", tmp_path / "out", "--overlay")
    assert done.code == 0, done.err
    drawn = {path.name for path in (tmp_path / "out" / "pictures").iterdir()}
    assert drawn == {"x.jpg", "x.face0.jpg", "x_face0.jpg", "x_face0.face0.jpg"}
