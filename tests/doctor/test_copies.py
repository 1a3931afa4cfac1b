"""Pictures of one subject that are also another's: files of random bytes, each of its own length."""

from pathlib import Path

import numpy as np
import pytest

from aulens.aus import AUSet
from aulens.data.index import PICTURE, FrameIndex
from aulens.doctor.copies import SAMPLED, check_copied_pictures

FRAMES = 8


def two_subjects(folder: Path, copied: int, parts: tuple[str, str]) -> FrameIndex:
    """Subjects a and b with a clip each; the first pictures of b are those of a."""
    random = np.random.default_rng(0)
    files = []
    for subject in "ab":
        for t in range(FRAMES):
            files.append(folder / f"{subject}{t}.jpg")
            files[-1].write_bytes(random.bytes(100 + len(files)))
    for t in range(copied):
        files[FRAMES + t].write_bytes(files[t].read_bytes())
    n = len(files)
    subject, part = (np.repeat(values, FRAMES) for values in (["a", "b"], list(parts)))
    return FrameIndex(
        dataset="x",
        aus=AUSet("x", (1,)),
        media=tuple(map(str, files)),
        position=np.full(n, PICTURE, np.int32),
        subject=subject,
        sequence=np.repeat("T1", n),
        frame=np.tile(np.arange(FRAMES), 2),
        labels=np.zeros((n, 1), np.int8),
        landmarks=None,
        part=part,
    )


@pytest.mark.parametrize(
    ("copied", "parts", "level", "says"),
    [
        (FRAMES, ("1", "2"), "error", f"{SAMPLED} of the sampled pictures of a are also pictures of b"),
        (FRAMES, ("1", "1"), "warning", "a folder was copied, or one person has two names"),
        (1, ("1", "2"), "warning", "1 of the sampled pictures"),
    ],
    ids=["in two parts", "in one part", "a single picture"],
)
def test_copies_of_two_subjects_are_found(
    copied: int, parts: tuple[str, str], level: str, says: str, tmp_path: Path
):
    (finding,) = check_copied_pictures(two_subjects(tmp_path, copied, parts), lambda done, of: None)
    assert (finding.level, finding.code, finding.where) == (level, "identical_frames", "a, b")
    assert says in finding.message


def test_different_pictures_of_one_size_are_no_copies(tmp_path: Path):
    index = two_subjects(tmp_path, 0, ("1", "2"))
    for number, path in enumerate(index.media):
        Path(path).write_bytes(np.random.default_rng(number).bytes(100))
    assert check_copied_pictures(index, lambda done, of: None) == []
