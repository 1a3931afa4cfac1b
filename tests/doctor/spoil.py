"""Faults to put into a healthy folder: each function is named as its fault, and takes the folder's root.

Pictures, videos and DISFA's landmark files are links to the healthy ones: replace them, don't write to them.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from aulens.data.frames import read_frame_range
from aulens.render.lookalike.layouts import write_video


def _tables(root: Path) -> list[Path]:
    return sorted((root / "AUCoding" / "AU_OCC").glob("*.csv"))


def _rewrite(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_csv(path)).to_csv(path, index=False)


def _change_landmarks(root: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    for path in sorted((root / "2DFeatures").glob("*.mat")):
        with h5py.File(path, "r+") as file:
            for cell in file["#refs#"].values():
                if cell.shape == (2, 49):
                    cell[...] = change(cell[...].T).T


def _copy(old: Path, new: Path) -> None:
    new.unlink()
    shutil.copyfile(old, new)


def _videos(root: Path) -> list[Path]:
    return sorted((root / "Videos_LeftCamera").glob("*.avi"))


def _rewrite_video(root: Path, keep: slice) -> None:
    path = _videos(root)[0]
    frames = list(read_frame_range(path, 0, 10_000))
    path.unlink()
    write_video(path, iter(frames[keep]), 20)


# Labels


def label_columns_swapped(root: Path) -> None:
    for path in _tables(root):
        _rewrite(path, lambda table: table.rename(columns={"1": "12", "12": "1"}))


def label_files_swapped(root: Path) -> None:
    for folder in (root / "ActionUnit_Labels").iterdir():
        one, other = (folder / f"{folder.name}_au{au}.txt" for au in (4, 25))
        kept = one.read_text()
        one.write_text(other.read_text())
        other.write_text(kept)


def _shuffled(table: pd.DataFrame) -> pd.DataFrame:
    mixed = table.sample(frac=1, random_state=1).reset_index(drop=True)
    return mixed.assign(**{"0": table["0"]})


def rows_shuffled(root: Path) -> None:
    for path in _tables(root):
        _rewrite(path, _shuffled)


def rows_of_a_file_shuffled(root: Path) -> None:
    _rewrite(_tables(root)[0], _shuffled)


def labels_under_two_names(root: Path) -> None:
    """Rows of M011's file are those of F001's, under its own frames' numbers."""
    one = pd.read_csv(root / "AUCoding/AU_OCC/F001_T1.csv")
    _rewrite(root / "AUCoding/AU_OCC/M011_T1.csv", lambda table: one.assign(**{"0": table["0"]}))


def codes_all_9(root: Path) -> None:
    for path in _tables(root):
        _rewrite(path, lambda table: table.assign(**{"12": 9}))


def codes_of_a_file_all_9(root: Path) -> None:
    _rewrite(_tables(root)[0], lambda table: table.assign(**{"12": 9}))


def codes_all_minus_1(root: Path) -> None:
    for path in (root / "ActionUnit_Labels").glob("*/*_au25.txt"):
        path.write_text("".join(f"{line.partition(',')[0]},-1\n" for line in path.read_text().splitlines()))


def codes_out_of_range(root: Path) -> None:
    _rewrite(_tables(root)[0], lambda table: table.assign(**{"6": table["6"].replace(1, 3)}))


def intensities_out_of_range(root: Path) -> None:
    path = root / "ActionUnit_Labels" / "SN002" / "SN002_au25.txt"
    path.write_text(path.read_text().replace(",0\n", ",7\n"))


def label_file_short(root: Path) -> None:
    path = root / "ActionUnit_Labels" / "SN002" / "SN002_au4.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-5]))


def label_file_lost(root: Path) -> None:
    (root / "ActionUnit_Labels" / "SN002" / "SN002_au4.txt").unlink()


# Subjects


def subject_in_two_folds(root: Path) -> None:
    _rewrite(root / "manifest.csv", lambda table: table.assign(part=["test", *table["part"][1:]]))


def two_persons_of_a_video_parted(root: Path) -> None:
    annotations = root / "annotations" / "AU_Set"
    (annotations / "Train_Set" / "video2_left.txt").rename(annotations / "Validation_Set" / "video2_left.txt")


# Landmarks


def landmarks_shifted(root: Path) -> None:
    _change_landmarks(root, lambda points: points + np.array([14, 0]))


def landmarks_of_another_size(root: Path) -> None:
    _change_landmarks(root, lambda points: points * 0.75)


def x_and_y_exchanged(root: Path) -> None:
    _change_landmarks(root, lambda points: points[:, ::-1])


def landmarks_a_frame_late(root: Path) -> None:
    """Each file holds the points of the frame before."""
    for folder in (root / "Landmark_Points").glob("SN0*/tmp_frame_lm"):
        files = sorted(folder.iterdir())
        for late, early in zip(files[:0:-1], files[-2::-1], strict=True):
            _copy(early, late)


def mat_truncated(root: Path) -> None:
    path = sorted((root / "2DFeatures").glob("*.mat"))[0]
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def landmarks_lost(root: Path) -> None:
    sorted((root / "2DFeatures").glob("*.mat"))[0].unlink()


# Pictures and videos


def pictures_lost(root: Path) -> None:
    for path in sorted((root / "F001" / "T1").iterdir())[10:20]:
        path.unlink()


def pictures_empty(root: Path) -> None:
    for path in (root / "F001" / "T1").iterdir():
        path.unlink()
        path.touch()


def frames_identical_across_folds(root: Path) -> None:
    """F001, of part 1, is seen as M011, of part 2."""
    there, here = (sorted((root / name / "T1").iterdir()) for name in ("F001", "M011"))
    for old, new in zip(there, here, strict=False):
        _copy(old, new)


def video_under_two_names(root: Path) -> None:
    one, other = _videos(root)[:2]
    _copy(one, other)


def video_lost(root: Path) -> None:
    _videos(root)[0].unlink()


def video_short_of_last_frame(root: Path) -> None:
    _rewrite_video(root, slice(None, -1))


def video_short_of_first_frame(root: Path) -> None:
    _rewrite_video(root, slice(1, None))
