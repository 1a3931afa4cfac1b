"""Landmarks for data sets that give none: of prepared data, or detected in a few frames."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aulens.data.index import FrameIndex, Level, Problem
from aulens.data.prepare.faces import FaceFinder, Located
from aulens.data.prepared import load_prepared
from aulens.doctor.sampling import read_rows, rows_to_detect
from aulens.errors import DatasetError
from aulens.faces.detector import FaceDetector
from aulens.landmarks import IBUG68


def check_prepared(index: FrameIndex, root: Path) -> tuple[NDArray[np.float32], list[Problem]]:
    """Compare a folder of `aulens prepare` with the data set that it should hold.

    Returns:
        Its landmarks (N, K, 2) for the frames of `index`, in pixels of the stored faces, NaN where no face is
        stored; and findings.

    Raises:
        DatasetError: it is no such folder, or of another data set.
    """
    stored = load_prepared(root, index.aus)
    if stored.dataset != index.dataset:
        raise DatasetError(
            f"{root} holds {stored.dataset}, not {index.dataset}; give the folder prepared from it."
        )
    places = {key: row for row, key in enumerate(index.keys)}
    names = zip(stored.subject.tolist(), stored.sequence.tolist(), stored.frame.tolist(), strict=True)
    rows = np.array([places.get(f"{s}/{q}/{f}", -1) for s, q, f in names], np.intp)
    known = rows >= 0
    landmarks = np.full((len(index), *stored.landmarks.shape[1:]), np.nan, np.float32)
    landmarks[rows[known]] = stored.landmarks[known]
    findings = []
    changed = int((stored.labels[known] != index.labels[rows[known]]).any(1).sum())
    if changed or not known.all():
        message = (
            f"{changed} stored frames have other labels than the data set now, {int((~known).sum())} are "
            "no longer in it; prepare the data again."
        )
        findings.append(Problem("error", "prepared_stale", str(root), message, changed + int((~known).sum())))
    lost = len(index) - len(np.unique(rows[known]))
    if lost:
        message = (
            f"{lost} of {len(index)} coded frames are not stored; missing.csv there has the reason of each."
        )
        level: Level = "warning" if lost > len(index) / 20 else "note"
        findings.append(Problem(level, "not_prepared", str(root), message, lost))
    return landmarks, findings


def detect_some(
    index: FrameIndex, detector: FaceDetector, step: Callable[[int, int], None]
) -> NDArray[np.float32]:
    """Detect landmarks where evident AUs come and go, as `aulens prepare` would.

    Returns (N, 68, 2) pixels; NaN in frames that were not chosen, can't be read or show no face. `step` is
    called with the pictures that are done and their number.
    """
    landmarks = np.full((len(index), IBUG68.count, 2), np.nan, np.float32)
    finder = FaceFinder("detect", IBUG68, lambda: detector, index.aligned)
    rows = rows_to_detect(index)
    for done, row in enumerate(rows.tolist()):
        step(done, len(rows))
        with suppress(DatasetError):  # reported elsewhere
            for _, image in read_rows(index, np.array([row], np.intp)):
                found = finder.locate(image, None, None)
                if isinstance(found, Located):
                    landmarks[row] = found.landmarks
    step(len(rows), len(rows))
    return landmarks
