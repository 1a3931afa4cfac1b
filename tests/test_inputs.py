import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aulens.inputs import is_clip, media_at, walk
from patch_people import write_people


def moving(path: Path, count: int) -> Path:
    frames = [Image.fromarray(np.full((8, 8, 3), 60 * i, np.uint8)) for i in range(count)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


def still(path: Path, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), 60, np.uint8)).save(path, **options)
    return path


def named(paths: Iterable[Path], top: Path) -> list[str]:
    return [path.relative_to(top).as_posix() for path in paths]


def test_a_folder_is_its_pictures_and_videos_sorted(tmp_path: Path):
    for name in ("a.png", "b.JPG", "deep/c.tiff", ".hidden.png", ".cache/d.png", "out/e.png"):
        still(tmp_path / name)
    write_people(tmp_path / "deep" / "d.MP4", 2)
    (tmp_path / "notes.txt").write_text("a")
    (tmp_path / "._a.png").write_bytes(b"\0\5\x16\7")
    (tmp_path / "sound.wav").touch()
    found = media_at(tmp_path, skip=[tmp_path / "out"])
    assert named(found.pictures, tmp_path) == ["a.png", "b.JPG", "deep/c.tiff"]
    assert named(found.clips, tmp_path) == ["deep/d.MP4"]
    assert found.others == {".txt": 1, ".wav": 1, "hidden .png": 1}


def test_a_file_is_taken_by_whatever_name(tmp_path: Path):
    assert media_at(tmp_path / "gone.bin").pictures == (tmp_path / "gone.bin",)
    assert media_at(tmp_path / "gone.mp4").clips == (tmp_path / "gone.mp4",)


@pytest.mark.skipif(not os.path.ismount("/proc"), reason="only Linux has it")
def test_links_to_the_kernel_s_folders_lead_nowhere(tmp_path: Path):
    """Below /proc/PID/root is all that is mounted."""
    still(tmp_path / "deep" / "a.png")
    for number, name in enumerate(("/proc", "/proc/self", "/sys")):
        (tmp_path / f"link{number}").symlink_to(name)
    assert [here for here, _, _ in islice(walk(tmp_path), 9)] == [tmp_path, tmp_path / "deep"]
    found = media_at(tmp_path / "link0")
    assert (found.pictures, found.clips) == ((), ())
    assert "this is the kernel's" in found.failed[tmp_path / "link0"]


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
