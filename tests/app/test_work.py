"""What is made of a dropped file: names of its files, the limit of time, and what is said if it fails."""

import csv
import struct
from pathlib import Path

import pytest
from PIL import Image

from aulens.analysis.analyzer import Analyzer
from aulens.app import panels
from aulens.app.job_queue import Ticket
from aulens.app.settings import AppSettings
from aulens.app.source import probe, within
from aulens.app.work import ClipResult, PageResult, Work, clip_work, picture_work
from aulens.errors import ConfigError, InputError
from aulens.faces.detector import Face
from aulens.output import OutputSettings
from full_disk import room_for
from patch_people import PatchDetector, patch_frame, write_people
from stub_model import write_stub

pytestmark = pytest.mark.slow


@pytest.fixture
def analyzer(tmp_path: Path) -> Analyzer:
    return Analyzer(write_stub(tmp_path), PatchDetector())


def done(work: Work, folder: Path) -> PageResult:
    folder.mkdir(exist_ok=True)
    return work(folder, Ticket(lambda ticket: None))  # type: ignore[arg-type, return-value]


@pytest.mark.usefixtures("without_pdfs")
@pytest.mark.parametrize("name", ["columns.mp4", "columns.png", "index.png", "results.mp4"])
def test_no_file_of_a_result_is_written_over_by_another(
    tmp_path: Path, analyzer: Analyzer, name: str
) -> None:
    path = tmp_path / name
    if path.suffix == ".png":
        Image.fromarray(patch_frame({"red": (10, 20)})).save(path)
        made = done(picture_work(analyzer, probe(path, name)), tmp_path / "out")
    else:
        write_people(path, 5)
        made = done(clip_work(analyzer, probe(path, name), OutputSettings(report=True)), tmp_path / "out")
    names = [download.name for download in made.downloads]
    assert len(set(names)) == len(names)
    with (made.folder / made.downloads[0].name).open(encoding="utf-8") as file:
        assert {row["file"] for row in csv.DictReader(file)} == {name}


def shortened(path: Path, divisor: int) -> Path:
    """An MP4 file that says it is shorter than it is; durations are behind 16 or, in a track, 20 bytes."""
    data = bytearray(path.read_bytes())
    for box, behind in ((b"mvhd", 16), (b"mdhd", 16), (b"tkhd", 20)):
        at = data.index(box) + 4 + behind
        struct.pack_into(">I", data, at, struct.unpack_from(">I", data, at)[0] // divisor)
    path.write_bytes(data)
    return path


def test_the_limit_holds_for_a_file_that_says_it_is_shorter(tmp_path: Path, analyzer: Analyzer) -> None:
    source = probe(shortened(write_people(tmp_path / "a.mp4", 200), 100), "a.mp4")
    assert source.info is not None
    assert source.info.duration == pytest.approx(0.08)
    settings = within(source.info, OutputSettings(), AppSettings(max_minutes=0.05))
    made = done(clip_work(analyzer, source, settings), tmp_path / "out")
    assert isinstance(made, ClipResult)
    assert made.done.frames == 88  # 3.5 of 8 seconds
    assert made.until == 3.5
    assert "up to 0:03.5; the video goes on" in panels.clip_facts(made, "t0ken")


def test_nothing_is_said_of_an_end_that_is_the_videos_own(tmp_path: Path, analyzer: Analyzer) -> None:
    source = probe(write_people(tmp_path / "a.mp4", 20), "a.mp4")
    assert source.info is not None
    settings = within(source.info, OutputSettings(), AppSettings(max_minutes=0.05))
    made = done(clip_work(analyzer, source, settings), tmp_path / "out")
    assert isinstance(made, ClipResult)
    assert (made.done.frames, made.until) == (20, None)


@pytest.mark.parametrize("name", ["a.mp4", "a.png"])
def test_results_that_cannot_be_written_are_a_sentence_without_a_path(
    tmp_path: Path, analyzer: Analyzer, name: str
) -> None:
    path = tmp_path / name
    if path.suffix == ".png":
        Image.fromarray(patch_frame({})).save(path)
        work = picture_work(analyzer, probe(path, name))
    else:
        write_people(path, 5)
        work = clip_work(analyzer, probe(path, name), OutputSettings())
    with room_for(2), pytest.raises(InputError, match=r"^The results can't be written: [A-Z][a-z ]+\.$"):
        done(work, tmp_path / "out")


def test_no_sentence_names_the_folder(tmp_path: Path) -> None:
    path, out = write_people(tmp_path / "0.mp4", 5), tmp_path / "out"

    class Failing(PatchDetector):
        def __call__(self, image: object) -> tuple[Face, ...]:
            raise ConfigError(f"{out / 'a.part'}: not of {path}; empty {out}")

    analyzer = Analyzer(write_stub(tmp_path), Failing())
    with pytest.raises(InputError) as error:
        done(clip_work(analyzer, probe(path, "Zoë.mp4"), OutputSettings()), out)
    assert str(error.value) == "a.part: not of Zoë.mp4; empty the folder of results"
