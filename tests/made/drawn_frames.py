"""Frames of drawn faces as an adapter would index them: pictures on disk, labels, 49 landmarks."""

from pathlib import Path

import cv2
import numpy as np

from aulens.align import rotation_scale, transform
from aulens.aus import AUSet
from aulens.data.index import PICTURE, FrameIndex
from aulens.landmarks import IBUG49, IBUG68, convert
from synthetic_faces import face68

AUS = AUSet("drawn", (1, 12, 25))
HEIGHT, WIDTH = 150, 200
DOTS = (0, 9, 13, 31, 37)
"""The landmarks that are drawn: outer ends of the brows, tip of the nose, corners of the mouth."""


def drawn_frame(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A turned, shifted face of five dots in a frame, (150, 200, 3) uint8 RGB; its landmarks (49, 2)."""
    random = np.random.default_rng(number)
    turn = rotation_scale(random.uniform(-30, 30), 45.0, (0, 0), random.uniform((90, 65), (110, 85)))
    points = convert(transform(turn, face68()), IBUG68, IBUG49)
    image = np.full((HEIGHT, WIDTH, 3), random.integers(90, 140, 3), np.uint8)
    for x, y in points[list(DOTS)]:
        cv2.circle(image, (round(16 * x), round(16 * y)), 24, (255, 250, 240), -1, cv2.LINE_AA, 4)
    return image, points.astype(np.float32)


def drawn_index(folder: Path, sequences: tuple[tuple[str, str, int], ...]) -> FrameIndex:
    """Write and index (subject, sequence, number of frames)."""
    folder.mkdir(parents=True, exist_ok=True)
    media, landmarks, rows = [], [], []
    for subject, sequence, frames in sequences:
        for frame in range(frames):
            image, points = drawn_frame(len(media))
            media.append(str(folder / f"{subject}-{sequence}-{frame}.png"))
            cv2.imwrite(media[-1], image[..., ::-1])
            landmarks.append(points)
            rows.append((subject, sequence, 100 + frame))
    n = len(media)
    return FrameIndex(
        dataset="drawn",
        aus=AUS,
        media=tuple(media),
        position=np.full(n, PICTURE, np.int32),
        subject=np.array([row[0] for row in rows], np.str_),
        sequence=np.array([row[1] for row in rows], np.str_),
        frame=np.array([row[2] for row in rows], np.int64),
        labels=np.random.default_rng(0).integers(-1, 2, (n, len(AUS))).astype(np.int8),
        landmarks=np.array(landmarks, np.float32).reshape(n, 49, 2),
        part=np.array(["1" if row[0] == "F001" else "2" for row in rows], np.str_),
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder and its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
