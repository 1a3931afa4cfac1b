"""Landmarks of a few telling frames, for data sets that give none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from aulens.data.index import FrameIndex
from aulens.data.prepare.faces import FaceFinder, Located
from aulens.doctor.sampling import read_rows, telling_rows
from aulens.errors import DatasetError
from aulens.faces.detector import FaceDetector
from aulens.landmarks import IBUG68


def detect_some(
    index: FrameIndex, detector: FaceDetector, step: Callable[[int, int], None]
) -> NDArray[np.float32]:
    """Detect landmarks where evident AUs come and go, as `aulens prepare` would.

    Args:
        index: the frames.
        detector: finds them, with 68 points.
        step: called with pictures done and in all.

    Returns:
        (N, 68, 2) pixels; NaN in frames that were not chosen, can't be read or show no face.
    """
    landmarks = np.full((len(index), IBUG68.count, 2), np.nan, np.float32)
    finder = FaceFinder("detect", IBUG68, lambda: detector, index.aligned)
    rows = telling_rows(index)
    for done, row in enumerate(rows.tolist()):
        step(done, len(rows))
        try:
            for _, image in read_rows(index, np.array([row], np.intp)):
                found = finder.locate(image, None, None)
                if isinstance(found, Located):
                    landmarks[row] = found.landmarks
        except DatasetError:  # said elsewhere
            continue
    step(len(rows), len(rows))
    return landmarks
