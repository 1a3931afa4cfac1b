"""Tiny folders as BP4D, DISFA and Aff-Wild2 are delivered, written without the package."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import h5py
import numpy as np
import scipy.io

BP4D_COLUMNS = [*range(1, 8), *range(9, 21), 22, 23, 24, 27, 28, 30, 31, 32, 33, 34, 36, 37, 38, 39]
BP4D_AUS = [1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24]
DISFA_AUS = [1, 2, 4, 6, 9, 12, 25, 26]
AFFWILD2_AUS = [1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26]


def picture(path: Path, size: tuple[int, int] = (8, 8)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((size[1], size[0], 3), 120, np.uint8))
    return path


def text(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, newline="")
    return path


def occurrence(path: Path, rows: Mapping[int, Mapping[int, int]], columns=BP4D_COLUMNS, first="0") -> Path:
    """AU_OCC: frame → AU → code, absent where not named."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow([first, *columns])
        table.writerows([frame, *(codes.get(au, 0) for au in columns)] for frame, codes in rows.items())
    return path


def tracked(path: Path, points: Sequence[np.ndarray | None]) -> Path:
    """2DFeatures as MATLAB saves a struct with a cell array: references to matrices, axes reversed.

    `points`: for each frame from 1 a (49, 2) matrix as MATLAB shows it, or None for an empty one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        references = np.empty((len(points), 1), h5py.ref_dtype)
        for i, matrix in enumerate(points):
            if matrix is None:
                cell = file.create_dataset(f"#refs#/c{i}", data=np.zeros(2, np.uint64))
                cell.attrs["MATLAB_empty"] = np.uint8(1)
            else:
                cell = file.create_dataset(f"#refs#/c{i}", data=np.ascontiguousarray(matrix.T))
            references[i, 0] = cell.ref
        file.create_dataset("fit/pred", data=references, dtype=h5py.ref_dtype)
    return path


def intensities(folder: Path, subject: str, au: int, values: Iterable[int], first: int = 1) -> Path:
    lines = [f"{t},{value}" for t, value in enumerate(values, first)]
    return text(folder / subject / f"{subject}_au{au}.txt", "\r\n".join(lines) + "\r\n")


def landmarks66(path: Path, points: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, {"pts": points})
    return path


def video(path: Path, frames: int, size: tuple[int, int] = (64, 48)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 20.0, size)
    for t in range(frames):
        writer.write(np.full((size[1], size[0], 3), 10 * t % 250, np.uint8))
    writer.release()
    return path


def annotations(path: Path, rows: Iterable[Sequence[int]], aus: Sequence[int] = AFFWILD2_AUS) -> Path:
    lines = [",".join(f"AU{au}" for au in aus), *(",".join(map(str, row)) for row in rows)]
    return text(path, "\n".join(lines) + "\n")


def codes(problems) -> list[str]:
    return [problem.code for problem in problems]


def only(problems, code: str):
    """The one problem of that code."""
    (found,) = [problem for problem in problems if problem.code == code]
    return found
