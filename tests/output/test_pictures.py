"""Pictures to files: a kill anywhere leaves no trace after --resume, and what is old goes or stays."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aulens import Analyzer
from aulens.errors import ConfigError
from aulens.faces.detector import Face
from aulens.output import Here, OutputSettings, Results, analyze_files, pictures
from command_line import aulens
from patch_people import PatchDetector, patch_frame

DRAWN = OutputSettings(overlay=True)


class Killed(BaseException):
    """Stands for a kill: nothing in the package may catch it."""


@pytest.fixture(scope="module")
def analyzer(model: Path) -> Analyzer:
    return Analyzer(model, PatchDetector())


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twenty: with one face, with two, without, one that is none, and two of one name."""
    folder = tmp_path_factory.mktemp("in")
    (folder / "more").mkdir()
    paths = [folder / f"p{i:02}.png" for i in range(19)] + [folder / "more" / "p04.png"]
    people = [{}, {"red": (10, 20)}, {"red": (12, 20), "blue": (70, 30)}]
    for i, path in enumerate(paths):
        Image.fromarray(patch_frame(people[i % 3])).save(path)
    paths[5].write_bytes(b"no picture")
    return paths


def run(
    analyzer: Analyzer,
    given: list[Path],
    out: Path,
    settings: OutputSettings = DRAWN,
    on_picture: pictures.OnPicture | None = None,
    **more: bool,
) -> Results:
    return analyze_files(given, out, settings, executor=Here(analyzer, on_picture=on_picture), **more)


def contents(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def looked_at(names: list[str]) -> pictures.OnPicture:
    """Notes who is looked at now, and not before."""
    return lambda seen, result: None if result is None else names.append(Path(seen.file).stem)


def killed_at(count: int) -> pictures.OnPicture:
    seen: list[object] = []

    def on_picture(one: object, result: object) -> None:
        seen.append(one)
        if len(seen) == count:
            raise Killed

    return on_picture


@pytest.mark.parametrize(
    ("kill", "format"),
    [
        (9, "csv"),
        *(
            pytest.param(kill, format, marks=pytest.mark.slow)
            for kill, format in ((1, "jsonl"), (16, "parquet"), (18, "openface"), (20, "pyfeat"))
        ),
    ],
)
def test_a_killed_run_ends_as_if_it_had_not_been(
    kill: int, format: str, analyzer: Analyzer, given: list[Path], tmp_path: Path
) -> None:
    settings = OutputSettings(format, overlay=True)
    whole = run(analyzer, given, tmp_path / "whole", settings)
    with pytest.raises(Killed):
        run(analyzer, given, tmp_path / "cut", settings, killed_at(kill))
    assert not (tmp_path / "cut" / "index.html").exists()
    again: list[str] = []
    done = run(analyzer, given, tmp_path / "cut", settings, looked_at(again), resume=True)
    assert again == [path.stem for path in given[kill:] if path != given[5]]
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert (done.pictures, done.failed) == (whole.pictures, whole.failed)


@pytest.mark.parametrize("other", [False, True])
def test_a_part_goes_on_in_whatever_order_an_earlier_version_described_it(
    other: bool, analyzer: Analyzer, given: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        run(analyzer, given, tmp_path, on_picture=killed_at(9))
    (part,) = (tmp_path / "results.part").glob("000000.jsonl")
    first, rest = part.read_text().split("\n", 1)
    head = json.loads(first)
    head["identity"] = dict(reversed(head["identity"].items())) | ({"aulens": "0.0.1"} if other else {})
    part.write_text(f"{json.dumps(dict(reversed(head.items())))}\n{rest}")
    again: list[str] = []
    run(analyzer, given, tmp_path, on_picture=looked_at(again), resume=True)
    assert again == [path.stem for path in given[0 if other else 9 :] if path != given[5]]


def test_a_run_stopped_while_it_finishes_goes_on(
    analyzer: Analyzer, given: list[Path], tmp_path: Path
) -> None:
    run(analyzer, given, tmp_path / "whole")
    receipt = tmp_path / "cut" / "results.json"
    with pytest.raises(ConfigError, match="Is a directory"):
        run(analyzer, given, tmp_path / "cut", on_picture=lambda *_: receipt.mkdir(exist_ok=True))
    receipt.rmdir()
    again: list[str] = []
    run(analyzer, given, tmp_path / "cut", on_picture=looked_at(again), resume=True)
    assert again == []
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_what_is_done_is_left_as_it_is_until_it_changes(
    analyzer: Analyzer, given: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = tmp_path / "p.png"
    own.write_bytes(given[1].read_bytes())
    paths, out, again = [*given[:3], own], tmp_path / "out", list[str]()
    first = run(analyzer, paths, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}

    def resumed(settings: OutputSettings = DRAWN) -> list[str]:
        again.clear()
        run(analyzer, paths, out, settings, looked_at(again), resume=True)
        return list(again)

    assert resumed() == []
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    (out / "pictures" / "p01.jpg").unlink()
    assert resumed() == ["p00", "p01", "p02", "p"]
    assert resumed(OutputSettings()) == ["p00", "p01", "p02", "p"]
    assert run(analyzer, paths, out, resume=True).pictures == first.pictures
    assert not caplog.messages
    own.write_bytes(given[2].read_bytes())
    assert resumed() == ["p00", "p01", "p02", "p"]
    note = out / "results.json"
    assert caplog.messages == [f"{note} is of other pictures, or they have changed; all are analyzed anew"]


class OneOrTwo(PatchDetector):
    """Finds a single face in good quality, two in bad and in worse."""

    def __call__(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        faces = super().__call__(image)
        return tuple(
            replace(face, quality=(0.3, 0.1)[place] if faces[1:] else 0.9) for place, face in enumerate(faces)
        )


def test_doubtful_are_of_the_faces_that_count(model: Path, given: list[Path], tmp_path: Path) -> None:
    """Three faces in two pictures: one of quality 0.9, one of 0.3, one of 0.1."""
    paths, judged = given[1:3], Analyzer(model, OneOrTwo())
    for limit, text in ((None, "2 of 3 faces are doubtful"), (0.2, "1 of 2 faces is doubtful")):
        done = run(judged, paths, tmp_path / str(limit), OutputSettings(min_quality=limit)).pictures
        assert done is not None
        assert done.remark == f"{text} (quality below 0.5): {sum(done.doubts.values())} small"


def test_an_earlier_page_stays_until_the_new_one_is_whole(
    analyzer: Analyzer, given: list[Path], tmp_path: Path
) -> None:
    run(analyzer, given[:3], tmp_path)
    page = (tmp_path / "index.html").read_bytes()
    with pytest.raises(Killed):
        run(analyzer, given, tmp_path, on_picture=killed_at(9))
    assert (tmp_path / "index.html").read_bytes() == page


def test_a_new_run_takes_away_what_only_the_old_one_made(
    analyzer: Analyzer, given: list[Path], tmp_path: Path
) -> None:
    run(analyzer, given[:3], tmp_path)
    for name in ("pictures/mine.jpg", "mine.csv"):
        (tmp_path / name).touch()
    run(analyzer, given[1:3], tmp_path, OutputSettings("jsonl"))
    assert sorted(contents(tmp_path)) == [
        "columns.csv", "mine.csv", "pictures/mine.jpg", "results.json", "results.jsonl",
    ]  # fmt: skip
    # What tells the same stays.
    run(analyzer, given[1:3], tmp_path)
    files = run(analyzer, given[1:3], tmp_path).pictures
    assert files is not None
    assert "results.jsonl" in files.files.values()


def test_an_input_is_never_written_over(analyzer: Analyzer, given: list[Path], tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    kept = tmp_path / "pictures" / "a.jpg"
    kept.write_bytes(given[1].read_bytes())
    with pytest.raises(ConfigError, match="lies where the drawings go"):
        run(analyzer, [kept], tmp_path)


def test_a_picture_of_somebody_is_no_drawing(analyzer: Analyzer, given: list[Path], tmp_path: Path) -> None:
    """It is not written over, even where an earlier run into the folder drew nothing; ours are."""
    run(analyzer, given[1:2], tmp_path, OutputSettings("csv"))
    own = tmp_path / "pictures" / f"{given[1].stem}.jpg"
    own.parent.mkdir()
    own.write_text("mine")
    with pytest.raises(ConfigError, match=r"does not say that aulens made it; give another --out"):
        run(analyzer, given[1:2], tmp_path)
    assert own.read_text() == "mine"
    own.unlink()
    for _ in range(2):
        run(analyzer, given[1:2], tmp_path)
    assert own.stat().st_size > 100


@pytest.mark.usefixtures("patches_for_faces")
@pytest.mark.parametrize("stdout", ["csv", pytest.param("table", marks=pytest.mark.slow)])
def test_the_command_line_resumes_and_prints_all(
    stdout: str, model: Path, analyzer: Analyzer, given: list[Path], tmp_path: Path
) -> None:
    def command(out: str, *more: object) -> tuple[int, str, str]:
        done = aulens(
            "detect", *given, "--model", model, "-f", stdout, "--overlay", "-o", tmp_path / out, *more
        )
        return done.code, done.out, done.err.replace(str(tmp_path / out), "OUT")

    whole = command("whole")
    assert "17 faces in 12 pictures, 7 pictures without a face, 1 failed; see OUT/index.html" in whole[2]
    with pytest.raises(Killed):
        run(analyzer, given, tmp_path / "cut", on_picture=killed_at(9))
    assert command("cut", "--resume") == whole
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert command("cut", "--resume") == whole
