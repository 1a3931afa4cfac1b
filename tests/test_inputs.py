from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aulens.inputs import is_clip, media_at


def moving(path: Path, count: int) -> Path:
    frames = [Image.fromarray(np.full((8, 8, 3), 60 * i, np.uint8)) for i in range(count)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


def test_a_folder_is_its_pictures_and_videos_sorted(tmp_path: Path):
    names = (
        "b.JPG", "a.png", "deep/c.tiff", "deep/d.MP4", "notes.txt", ".hidden.png", ".cache/d.png",
        "out/e.png", "sound.wav",
    )  # fmt: skip
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = media_at(tmp_path, skip=[tmp_path / "out"])
    assert [path.relative_to(tmp_path).as_posix() for path in found.media] == [
        "a.png", "b.JPG", "deep/c.tiff", "deep/d.MP4",
    ]  # fmt: skip
    assert found.others == 2


def test_a_file_is_taken_by_whatever_name(tmp_path: Path):
    assert media_at(tmp_path / "gone.bin").media == (tmp_path / "gone.bin",)


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_pictures_that_move_are_clips(ending: str, tmp_path: Path):
    assert is_clip(moving(tmp_path / f"moves.{ending}", 3))
    assert not is_clip(moving(tmp_path / f"still.{ending}", 1))


def test_endings_tell_the_others(tmp_path: Path):
    assert is_clip(tmp_path / "gone.MKV")
    assert not is_clip(tmp_path / "gone.jpg")
    broken = tmp_path / "broken.gif"
    broken.write_bytes(b"GIF89a")
    assert not is_clip(broken)
