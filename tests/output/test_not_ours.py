"""Folders that somebody else made or changed: their files stay, and nothing is done that is not."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from aulens.analysis.analyzer import Analyzer
from aulens.errors import ConfigError, InputError
from aulens.output import Here, OutputSettings, Results, analyze_files, analyze_video
from killed import Killed, killed_after
from patch_people import PatchDetector, patch_frame, write_people
from stub_model import write_stub

pytestmark = [pytest.mark.usefixtures("people_by_colour", "without_pdfs"), pytest.mark.slow]

links = pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
ALL = OutputSettings(overlay=True, report=True)


@pytest.fixture(scope="module")
def analyzer(tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    return Analyzer(write_stub(tmp_path_factory.mktemp("stub")), PatchDetector())


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("video") / "talk.mp4", 40)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"p{i}.png" for i in range(3)]
    for i, path in enumerate(paths):
        Image.fromarray(patch_frame({"red": (10 + i, 20)})).save(path)
    return paths


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder of somebody's own."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    for name in ("mine.csv", "000000.jsonl", "rows.csv", "note.json", "timeline.svg", ".aulens"):
        (folder / name).write_text("theirs")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


Run = Callable[..., Results]


@pytest.fixture
def run(analyzer: Analyzer, tmp_path: Path) -> Run:
    def analyze(given: list[Path], settings: OutputSettings = ALL, **more: bool) -> Results:
        return analyze_files(given, tmp_path / "out", settings, executor=Here(analyzer), **more)

    return analyze


# Links


@links
@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(
    "name", ["results.csv", "results.json", "index.html", "pictures", "pictures/p0.jpg", "results.part"]
)
def test_pictures_are_not_written_through_a_link(
    name: str, resume: bool, run: Run, pictures: list[Path], theirs: Path, tmp_path: Path
) -> None:
    before = contents(theirs)
    link = tmp_path / "out" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(theirs if "." not in name or name.endswith(".part") else theirs / "mine.csv")
    with pytest.raises(ConfigError, match=r"is a link|would be written over"):
        run(pictures, resume=resume)
    assert contents(theirs) == before
    assert link.is_symlink()


@links
def test_nobody_waits_for_a_pipe_in_place_of_a_part(
    run: Run, analyzer: Analyzer, video: Path, pictures: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "results.part").mkdir(parents=True)
    os.mkfifo(out / "results.part" / "000000.jsonl")
    with pytest.raises(ConfigError, match=r"000000\.jsonl is a pipe or a device"):
        run(pictures, resume=True)
    with pytest.raises(Killed):
        analyze_video(analyzer, video, out, ALL, progress=killed_after(20), checkpoint_each=7)
    (out / "talk.part" / "rows.csv").unlink()
    os.mkfifo(out / "talk.part" / "rows.csv")
    with pytest.raises(ConfigError, match=r"rows\.csv is a pipe or a device"):
        analyze_video(analyzer, video, out, ALL, name="talk", resume=True)


@links
@pytest.mark.parametrize("name", ["results.json", "results.csv", "columns.csv", "talk.json"])
def test_nobody_waits_for_a_pipe_in_place_of_a_result(
    name: str, run: Run, video: Path, pictures: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "out" / name)
    if name == "talk.json":  # a video's results get another name
        assert run([video]).clips[str(video)].files["table"] != "talk.csv"
        return
    with pytest.raises(ConfigError, match="would be written over"):
        run(pictures, OutputSettings())


@links
def test_parts_of_pictures_do_not_go_on_in_links(
    run: Run, pictures: list[Path], theirs: Path, tmp_path: Path
) -> None:
    parts = tmp_path / "out" / "results.part"
    parts.mkdir(parents=True)
    (parts / "000000.jsonl").symlink_to(theirs / "000000.jsonl")
    for resume in (True, False):
        with pytest.raises(ConfigError, match=r"000000\.jsonl is a link"):
            run(pictures, resume=resume)
    assert (theirs / "000000.jsonl").read_text() == "theirs"


@links
@pytest.mark.parametrize("name", ["talk.part", "talk.figures"])
def test_folders_of_a_video_are_no_links(
    name: str, run: Run, video: Path, theirs: Path, tmp_path: Path
) -> None:
    before = contents(theirs)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).symlink_to(theirs)
    results = run([video])
    # Another name is free; the link and what it points to stay.
    assert results.clips[str(video)].files["table"] != "talk.csv"
    assert contents(theirs) == before
    assert (tmp_path / "out" / name).is_symlink()


@links
@pytest.mark.parametrize(
    "name", ["talk.part", "talk.part/rows.csv", "talk.part/stills", "talk.part/note.json"]
)
def test_a_video_does_not_go_on_through_a_link(
    name: str, analyzer: Analyzer, video: Path, theirs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(Killed):
        analyze_video(analyzer, video, out, ALL, progress=killed_after(20), checkpoint_each=7)
    before = contents(theirs)
    (out / name).rename(tmp_path / "aside")
    if name != "talk.part":
        (theirs / Path(name).name).unlink(missing_ok=True)
        (tmp_path / "aside").rename(theirs / Path(name).name)
        before = contents(theirs)
    (out / name).symlink_to(theirs if name == "talk.part" else theirs / Path(name).name)
    with pytest.raises((ConfigError, InputError), match=r"is a link|was not made by aulens"):
        analyze_video(analyzer, video, out, ALL, name="talk", resume=True)
    assert contents(theirs) == before
    # Begun anew, the link is gone and what it points to stays.
    if name != "talk.part":
        analyze_video(analyzer, video, out, name="talk")
        assert contents(theirs) == before


@links
def test_what_an_earlier_run_drew_is_not_taken_away_behind_a_link(
    run: Run, pictures: list[Path], theirs: Path, tmp_path: Path
) -> None:
    run(pictures, OutputSettings(overlay=True))
    before = contents(theirs)
    drawn = tmp_path / "out" / "pictures"
    drawn.rename(tmp_path / "aside")
    drawn.symlink_to(theirs)
    run(pictures[1:], OutputSettings())
    assert contents(theirs) == before


DAMAGED = [
    b"{", b"[]", b'{"file": 3}', b'{"file": "a", "faces": "many"}', b'{"file": "a", "more": 1}', b"\xff", b"",
]  # fmt: skip


@pytest.mark.parametrize("line", DAMAGED)
def test_a_damaged_part_of_pictures_goes_on_before_the_damage(
    line: bytes, run: Run, analyzer: Analyzer, pictures: list[Path], tmp_path: Path
) -> None:
    run(pictures)
    whole, out, seen = contents(tmp_path / "out"), tmp_path / "cut", list[str]()

    def stop(*_: object) -> None:
        seen.append("")
        if len(seen) == 2:
            raise Killed

    with pytest.raises(Killed):
        analyze_files(pictures, out, ALL, executor=Here(analyzer, on_picture=stop))
    part = out / "results.part" / "000000.jsonl"
    head, first, _ = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(head + (first + line + b"\n" + first if line else first[:-1]))
    analyze_files(pictures, out, ALL, executor=Here(analyzer), resume=True)
    assert contents(out) == whole


# Files of somebody's own


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("results.csv", "csv"), ("results.json", "csv"), ("index.html", "csv"), ("columns.csv", "csv"),
        ("results.jsonl", "jsonl"), ("p1.csv", "openface"),
    ],
)  # fmt: skip
def test_pictures_are_not_written_over_files_of_somebody(
    name: str, format: str, run: Run, pictures: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("{}")
    settings = OutputSettings(format, overlay=True)
    with pytest.raises(ConfigError, match=rf"{name} .*would be written over.*; give another --out"):
        run(pictures, settings)
    assert contents(out) == {name: b"{}"}
    (out / name).unlink()
    run(pictures, settings)
    run(pictures, settings)  # ours are


def test_a_point_in_a_pictures_name_begins_no_ending(run: Run, pictures: list[Path], tmp_path: Path) -> None:
    """Its table is called tape.01.csv, and that is what is looked for."""
    out, face = tmp_path / "out", tmp_path / "tape.01"
    face.write_bytes(pictures[0].read_bytes())
    out.mkdir()
    (out / "tape.01.csv").write_text("mine")
    with pytest.raises(ConfigError, match=r"tape\.01\.csv would be written over"):
        run([face], OutputSettings("openface"))
    assert contents(out) == {"tape.01.csv": b"mine"}


def test_a_videos_columns_are_not_written_over_somebodys(run: Run, video: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    own = tmp_path / "out" / "columns.csv"
    own.write_text("mine")
    assert "columns.csv would be written over" in run([video]).failed[str(video)]
    assert own.read_text() == "mine"


def test_a_table_of_a_picture_is_not_written_over_a_videos(
    analyzer: Analyzer, video: Path, pictures: list[Path], run: Run, tmp_path: Path
) -> None:
    """Neither where the video was done before, nor where it is done meanwhile."""
    face = tmp_path / "talk.png"
    face.write_bytes(pictures[0].read_bytes())
    theirs = OutputSettings("openface")
    done = run([video], theirs).clips[str(video)]
    with pytest.raises(ConfigError, match=r"talk\.csv would be written over"):
        run([face], theirs)
    other = tmp_path / "other"

    def meanwhile(*_: object) -> None:
        if not (other / "talk.json").exists():
            analyze_video(analyzer, video, other, theirs, name="talk")

    with pytest.raises(ConfigError, match=r"talk\.csv is of a video"):
        analyze_files([face], other, theirs, executor=Here(analyzer, on_picture=meanwhile))
    assert (other / "talk.csv").read_bytes() == (tmp_path / "out" / done.files["table"]).read_bytes()


def test_a_video_is_not_written_over_what_came_meanwhile(
    analyzer: Analyzer, video: Path, tmp_path: Path
) -> None:
    (tmp_path / "talk.events.csv").write_text("mine")
    with pytest.raises(InputError, match=r"talk\.events\.csv would be written over"):
        analyze_video(analyzer, video, tmp_path, name="talk")
    assert contents(tmp_path) == {"talk.events.csv": b"mine"}


# Receipts


def forge(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def drop_row(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))


def edit(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"talk.mp4", b"walk.mp4").replace(b"p0.png", b"q0.png"))


RECEIPTS = {
    "the table lost a row": lambda out, name: drop_row(out / f"{name}.csv"),
    "the table was edited": lambda out, name: edit(out / f"{name}.csv"),
    "other rows": lambda out, name: forge(out / f"{name}.json", rows=2777),
    "another digest": lambda out, name: forge(out / f"{name}.json", digest="0" * 64),
    "no table": lambda out, name: forge(out / f"{name}.json", files={}),
    "a table elsewhere": lambda out, name: forge(out / f"{name}.json", files={"table": "../theirs/mine.csv"}),
}


@pytest.mark.parametrize("damage", RECEIPTS)
def test_a_video_whose_table_is_not_as_told_is_not_done(
    damage: str, run: Run, video: Path, theirs: Path, tmp_path: Path
) -> None:
    run([video], OutputSettings())
    out = tmp_path / "out"
    assert not run([video], OutputSettings(), resume=True).failed
    RECEIPTS[damage](out, "talk")
    before = contents(out)
    told = run([video], OutputSettings(), resume=True)
    assert "talk.csv" in told.failed[str(video)] or "names no table" in told.failed[str(video)]
    assert not told.clips
    assert contents(out) == before


@pytest.mark.parametrize("damage", RECEIPTS)
def test_pictures_whose_table_is_not_as_told_are_not_done(
    damage: str, run: Run, pictures: list[Path], theirs: Path, tmp_path: Path
) -> None:
    run(pictures, OutputSettings())
    out = tmp_path / "out"
    run(pictures, OutputSettings(), resume=True)
    RECEIPTS[damage](out, "results")
    before = contents(out)
    with pytest.raises(
        ConfigError, match=r"results\.(csv|json) .*(rows|changed|names no table|written over)"
    ):
        run(pictures, OutputSettings(), resume=True)
    assert contents(out) == before


@pytest.mark.parametrize("damaged", [b"", None, b'{\n "format": "aulens-clip/1",\n "source": 3}'])
def test_a_damaged_receipt_is_said(damaged: bytes | None, run: Run, video: Path, tmp_path: Path) -> None:
    """And gives the video no other name."""
    run([video], OutputSettings())
    out = tmp_path / "out"
    note = out / "talk.json"
    note.write_bytes(note.read_bytes()[:300] if damaged is None else damaged)
    before = contents(out)
    for resume in (True, False):
        told = run([video], OutputSettings(), resume=resume)
        assert "talk.json is no receipt of aulens, or a damaged one" in told.failed[str(video)]
    assert contents(out) == before


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet", "openface", "pyfeat"])
def test_rows_of_receipts_are_those_of_the_tables(
    format: str, run: Run, video: Path, pictures: list[Path], tmp_path: Path
) -> None:
    settings, quoted = OutputSettings(format), tmp_path / 'a, "b".png'
    quoted.write_bytes(pictures[0].read_bytes())
    told = run([video, *pictures, quoted], settings)
    again = run([video, *pictures, quoted], settings, resume=True)
    assert (again.clips, again.pictures) == (told.clips, told.pictures)
    assert told.pictures is not None
    assert (told.pictures.rows, told.clips[str(video)].rows) == (4, 40)
    assert not again.failed


def test_nobody_seen_leaves_no_folder_of_figures(run: Run, tmp_path: Path) -> None:
    empty = write_people(tmp_path / "empty.mp4", 8, lambda i: {})
    assert "figures" not in run([empty], ALL).clips[str(empty)].files
    assert not (tmp_path / "out" / "empty.figures").exists()
