"""Checks of landmarks against pictures: do they lie on the face, in the frame that they are of?"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.align import anchors
from aulens.data.index import FrameIndex, Problem
from aulens.doctor.measures import Floats
from aulens.doctor.sampling import Image, Rows, busiest_window, clips, read_rows
from aulens.errors import DatasetError
from aulens.faces.detector import FaceDetector
from aulens.landmarks import IBUG49, convert, layout_of

CLIPS: Final = 48
"""Clips that are sampled."""

EYES: Final = 60.0
"""Distance of the eyes, in pixels, to which a face is scaled before it is detected or followed."""

OFF: Final = 0.2
"""Mean distance to a detector's landmarks, in eye distances, from which landmarks are off the face. dlib's
are 0.05 from the truth of renders, and two trackers differ by 0.05 to 0.1."""

SHIFT: Final = 0.08
SHIFT_SURE: Final = 0.15
"""Mean difference from a detector's landmarks, in eye distances, that is more than another convention of
where a brow ends (0.03), and from which on a model would crop another region."""

ENOUGH: Final = 3
"""Pictures with a face found, from which all landmarks are judged."""

OUTSIDE: Final = 0.1
"""Share of the points outside the picture that is too much: no tracker leaves the picture so far."""


@dataclass(frozen=True, eq=False)
class ClipPlacement:
    """What was measured in one clip.

    Attributes:
        where: "F001/T1".
        off: (n,) mean distance of the landmarks from the detector's, in eye distances, where it found a face.
        shift: (n, 2) mean difference, landmarks minus the detector's, in eye distances.
        outside: frames of these with landmarks outside the picture.
        flow: (t, 2) motion of the face from picture to picture, in eye distances.
        moved: (t, 2) motion of the landmarks.
        damaged: why it could not be read, "" if it could.
    """

    where: str
    off: Floats = field(default_factory=partial(np.empty, 0))
    shift: Floats = field(default_factory=partial(np.empty, (0, 2)))
    outside: int = 0
    flow: Floats = field(default_factory=partial(np.empty, (0, 2)))
    moved: Floats = field(default_factory=partial(np.empty, (0, 2)))
    damaged: str = ""


def compare_clips(
    index: FrameIndex,
    landmarks: NDArray[np.float32] | None,
    detector: FaceDetector | None,
    step: Callable[[int, int], None],
) -> list[ClipPlacement]:
    """Compare landmarks and pictures in a window of each of some clips.

    Args:
        index: the frames.
        landmarks: (N, K, 2); None only reads the pictures.
        detector: to compare with; None compares with none.
        step: called with the clips that are done and their number.
    """
    chosen = clips(index, CLIPS)
    seen = []
    for done, (subject, sequence, rows) in enumerate(chosen):
        step(done, len(chosen))
        seen.append(_compare_clip(f"{subject}/{sequence}", index, rows, landmarks, detector))
    step(len(chosen), len(chosen))
    return seen


def _compare_clip(
    where: str,
    index: FrameIndex,
    rows: Rows,
    landmarks: NDArray[np.float32] | None,
    detector: FaceDetector | None,
) -> ClipPlacement:
    window = rows[:0] if landmarks is None else busiest_window(index, rows, landmarks)
    try:
        if landmarks is None or not len(window):  # they are only read
            deque(read_rows(index, rows[[0, len(rows) // 2]] if len(rows) > 1 else rows), maxlen=0)
            return ClipPlacement(where)
        cut = _cut(landmarks[window])
        greys, found, outside = list[Image](), list[tuple[float, Floats]](), 0
        for row, image in read_rows(index, window):
            greys.append(_warped(image, cut))
            if row in (window[0], window[-1]):
                points = landmarks[row].astype(np.float64)
                outside += _outside(points, image)
                if detector is not None and (difference := _detected(image, points, detector)) is not None:
                    found.append(difference)
    except DatasetError as error:
        return ClipPlacement(where, damaged=str(error))
    tracks = _through(landmarks[window], cut)
    pairs = zip(greys[:-1], greys[1:], tracks[:-1], strict=True)
    flow = [_flow(before, after, points) for before, after, points in pairs]
    return ClipPlacement(
        where,
        np.array([off for off, _ in found]),
        np.array([shift for _, shift in found]).reshape(-1, 2),
        outside,
        np.array(flow).reshape(-1, 2) / EYES,
        np.median(np.diff(tracks, axis=0), axis=1) / EYES,
    )


def _eyes(points: Floats) -> float:
    right, left, _ = anchors(points)
    return max(float(np.hypot(*(left - right))), 1.0)


def _cut(points: NDArray[np.float32]) -> Floats:
    """(2, 3) matrix from the picture to a window about all landmarks (n, K, 2), eyes EYES apart."""
    middle = points[len(points) // 2].astype(np.float64)
    scale = EYES / _eyes(middle)
    low = points.min((0, 1)) - 1.0 * EYES / scale
    return np.array([[scale, 0, -scale * low[0]], [0, scale, -scale * low[1]]])


def _through(points: NDArray[np.float32], matrix: Floats) -> Floats:
    moved: Floats = points.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return moved


def _warped(image: Image, matrix: Floats) -> Image:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    flags = cv2.INTER_AREA if matrix[0, 0] < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(grey, matrix, (320, 320), flags=flags), np.uint8)


def _flow(before: Image, after: Image, points: Floats) -> Floats:
    """Median motion (2,) of the picture at points (K, 2), pixels; NaN if they can't be followed."""
    start = points.astype(np.float32).reshape(-1, 1, 2)
    end, found, _ = cv2.calcOpticalFlowPyrLK(before, after, start, start.copy(), winSize=(21, 21), maxLevel=3)
    good = np.ravel(found) == 1
    if good.sum() < 5:
        return np.full(2, np.nan)
    median: Floats = np.median((np.asarray(end, np.float64) - start)[good, 0], axis=0)
    return median


def _outside(points: Floats, image: Image) -> bool:
    height, width = image.shape[:2]
    gone = (points < -0.5).any(1) | (points[:, 0] > width - 0.5) | (points[:, 1] > height - 0.5)
    return bool(gone.mean() > OUTSIDE)


def _detected(image: Image, points: Floats, detector: FaceDetector) -> tuple[float, Floats] | None:
    """Mean distance to, and mean difference (2,) from, the detector's landmarks; None if it finds no face."""
    scale = min(EYES / _eyes(points), 4.0)
    edges = points.mean(0) + np.array([[-2.6], [2.6]]) * _eyes(points)
    (x0, y0), (x1, y1) = np.clip(edges, 0, image.shape[1::-1]).astype(int).tolist()
    if x1 - x0 >= 20 and y1 - y0 >= 20:
        size = max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale))
        flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        part = np.asarray(cv2.resize(image[y0:y1, x0:x1], size, interpolation=flags), np.uint8)
        faces = detector(part)
        if faces:
            ratio = np.array([(x1 - x0) / size[0], (y1 - y0) / size[1]])
            return _difference(points, (faces[0].landmarks + 0.5) * ratio - 0.5 + (x0, y0))
    faces = detector(image)
    return _difference(points, faces[0].landmarks) if faces else None


def _difference(points: Floats, found: Floats) -> tuple[float, Floats]:
    away = convert(points, layout_of(points), IBUG49) - convert(found, layout_of(found), IBUG49)
    unit = _eyes(found)
    shift: Floats = away.mean(0) / unit
    return float(np.hypot(*away.T).mean()) / unit, shift


def check_placement(placed: Sequence[ClipPlacement]) -> list[Problem]:
    """Findings on the clips that were compared."""
    findings = []
    for one in placed:
        if one.damaged:
            message = f"{one.damaged.rstrip('.')}; get it again."
            findings.append(Problem("warning", "unreadable_picture", one.where, message))
        if one.outside:
            message = (
                "landmarks lie outside the picture: they are of pictures of another size, or tracking failed."
            )
            findings.append(Problem("warning", "landmarks_outside", one.where, message))
    compared = [one for one in placed if len(one.off)]
    if sum(len(one.off) for one in compared) >= ENOUGH:
        overall = _overall(compared)
        if overall is not None:
            return [*findings, overall]
    for one in compared:
        if one.off.min() > OFF:
            message = (
                f"landmarks lie {one.off.mean():.2f} eye distances from where the detector finds them "
                f"(expected: under 0.1), {_direction(one.shift.mean(0))}: they are of other frames, or "
                "tracking failed; look at the contact sheet (--contact-sheet)."
            )
            findings.append(Problem("warning", "landmarks_off_face", one.where, message))
    return findings


def _overall(placed: Sequence[ClipPlacement]) -> Problem | None:
    """What is wrong with all landmarks alike."""
    off = float(np.median(np.concatenate([one.off for one in placed])))
    shift = np.median(np.concatenate([one.shift for one in placed]), 0)
    far = float(np.hypot(*shift))
    if off <= OFF and far <= SHIFT:
        return None
    count = sum(len(one.off) for one in placed)
    message = (
        f"in {count} pictures landmarks lie {off:.2f} eye distances from where the detector finds them "
        f"(expected: under 0.1), {_direction(shift)}: they are of other pictures, of another size of picture "
        "or crop, or shifted; look at the contact sheet (--contact-sheet)."
    )
    sure = off > OFF or far > SHIFT_SURE
    return Problem("error" if sure else "warning", "landmarks_off_face", "all landmarks", message)


def _direction(shift: Floats) -> str:
    x, y = shift
    words = [
        f"{abs(x):.2f} to the {'right' if x > 0 else 'left'}" if abs(x) >= 0.05 else "",
        f"{abs(y):.2f} {'below' if y > 0 else 'above'}" if abs(y) >= 0.05 else "",
    ]
    return " and ".join(filter(None, words)) or "to no side in the mean"
