"""Videos that are small on disk and huge in memory: refused before a frame is decoded; the rest goes on."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aulens.analysis.analyzer import Analyzer
from aulens.errors import InputError, within_memory
from aulens.output import Here, OutputSettings, analyze_files
from aulens.video import open_sequence, open_video
from aulens.video.media import MAX_PIXELS
from command_line import aulens
from patch_people import write_people
from stub_model import write_stub

SIDE = 12_000


def gif(path: Path) -> Path:
    """Two pictures of one pixel on a canvas of 144 million."""
    picture = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    screen = struct.pack("<HHBBB", SIDE, SIDE, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    path.write_bytes(b"GIF89a" + screen + 2 * (b"\x21\xf9\x04\x04\x0a\0\0\0" + picture) + b";")
    return path


def apng(path: Path) -> Path:
    """An animation whose header says that it is huge."""
    pictures = [Image.fromarray(np.full((8, 8, 3), 90 * number, np.uint8)) for number in (1, 2)]
    pictures[0].save(path, format="PNG", save_all=True, append_images=pictures[1:], duration=100)
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", SIDE, SIDE)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)
    return path


def tiff(path: Path) -> Path:
    """Two pages that consist of their headers."""
    size = [(256, SIDE), (257, SIDE), (258, 8), (259, 1), (262, 1)]
    tags = [*size, (273, 8), (277, 1), (278, SIDE), (279, SIDE**2)]
    data, place = b"II*\0" + struct.pack("<I", 8), 8
    for page in range(2):
        directory = struct.pack("<H", len(tags))
        directory += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
        place += len(directory) + 4
        data += directory + struct.pack("<I", 0 if page else place)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("make", [gif, apng, tiff])
def test_frames_of_too_many_pixels_are_refused(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    assert SIDE**2 > MAX_PIXELS
    path = make(tmp_path / f"bomb.{make.__name__}")
    assert path.stat().st_size < 1000
    with pytest.raises(InputError, match=r"bomb\.\w+: .*(50,000,000|damaged)"):
        open_video(path)


def test_a_bomb_among_the_pictures_of_a_sequence_is_named_whatever_it_is_called(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "1.png")
    header = b"IHDR" + struct.pack(">IIBBBBB", 2 * SIDE, 2 * SIDE, 8, 2, 0, 0, 0)
    mark = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13)
    data = struct.pack(">I", 4) + b"IDAT" + b"\0" * 8
    (tmp_path / "2").write_bytes(mark + header + struct.pack(">I", zlib.crc32(header)) + data)
    media = open_sequence(tmp_path)
    assert [frame.picture for frame in media.frames()] == ["1.png"]
    assert media.problem is not None
    assert "2: far more than 150,000,000 pixels; make it smaller first" in media.problem


@pytest.fixture
def patches(people_by_colour: None, patches_for_faces: None) -> None:
    """Faces are patches of colour, for the default detector, too."""


@pytest.mark.usefixtures("patches")
def test_the_other_inputs_are_done(tmp_path: Path) -> None:
    gif(tmp_path / "bomb.gif")
    write_people(tmp_path / "talk.mp4", 5)
    (tmp_path / "model").mkdir()
    model = write_stub(tmp_path / "model")
    done = aulens(
        "detect", tmp_path / "bomb.gif", tmp_path / "talk.mp4", "--model", model, "--out", tmp_path / "o"
    )
    assert done.code == 1
    assert "bomb.gif" in done.err
    assert (tmp_path / "o" / "talk.csv").is_file()


class NoMemory(Analyzer):
    """Needs more memory than there is at each picture that is white, and at all videos."""

    def __call__(self, image: object, *, mirrored: bool = False) -> object:  # type: ignore[override]
        if isinstance(image, np.ndarray) and image.min() == 255:
            raise MemoryError
        return super().__call__(image, mirrored=mirrored)  # type: ignore[arg-type]

    def tracker(self, keep_lost: float | None = None) -> object:  # type: ignore[override]
        raise MemoryError


@pytest.mark.usefixtures("patches")
def test_what_memory_does_not_suffice_for_fails_alone(tmp_path: Path) -> None:
    for name, value in (("a", 0), ("b", 255), ("c", 7)):
        Image.fromarray(np.full((64, 64, 3), value, np.uint8)).save(tmp_path / f"{name}.png")
    write_people(tmp_path / "talk.mp4", 5)
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png", "talk.mp4")]
    (tmp_path / "model").mkdir()
    analyzer = NoMemory(write_stub(tmp_path / "model"))
    results = analyze_files(paths, tmp_path / "out", OutputSettings(), executor=Here(analyzer))
    assert results.pictures is not None
    assert results.pictures.frames == 2
    assert {Path(name).name for name in results.failed} == {"b.png", "talk.mp4"}
    assert all("not enough memory" in why for why in results.failed.values())


def test_a_memory_error_is_one_sentence() -> None:
    with pytest.raises(InputError, match=r"a\.png: there is not enough memory"), within_memory("a.png"):
        raise MemoryError
