"""The CSV of OpenFace 2.2: FeatureExtraction (videos) and FaceLandmarkImg (pictures).

All of its columns in its order, so that scripts which go by position work too. What aulens does not measure
is NaN: gaze, eye landmarks, 3D landmarks, shape parameters, and the intensities `AUxx_r` of AUs for which the
model's card has no curve.

Head pose as its source has it (`GetPose`, `RotationHelpers.h`): `pose_T*` are millimetres to the picture's
right, down and away from the camera; `pose_R*` are radians, R = Rx Ry Rz in those axes (not from the line of
sight, as ours are): Rx > 0 nose down, Ry > 0 nose to the subject's right, Rz > 0 clockwise in the picture.

Format: Baltrušaitis et al., OpenFace 2.0, FG 2018; its RecorderCSV and wiki page "Output Format".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import AUSet
from aulens.pose.head import about, seen_from_camera
from aulens.runtime.result import FaceResult, FrameResult
from aulens.tables.cells import blanked, landmarks68, padded, share, written
from aulens.tables.csv_file import CSVFile
from aulens.tables.schema import POSE_COLUMNS, Row, complete

if TYPE_CHECKING:
    import pandas as pd

INTENSITIES: Final = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
PRESENCES: Final = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 28, 45)
CLOSED: Final = 43
BLINK: Final = 45
"""In one frame a blink and closed eyes look the same: a model's AU43 goes where OpenFace has AU45."""

_EMPTY: Final = "NaN"
_AU_COLUMN: Final = re.compile("AU(?!00)([0-9]{2})_([rc])")


def _numbered(prefix: str, axes: str, count: int) -> Iterator[str]:
    return (f"{prefix}{axis}_{i}" for axis in axes for i in range(count))


_VIDEO: Final = ("frame", "face_id", "timestamp", "confidence", "success")
_PICTURE: Final = ("face", "confidence")
_POSE: Final = tuple(f"pose_{kind}{axis}" for kind in "TR" for axis in "xyz")
_MEASURED: Final = (
    *(f"gaze_{eye}_{axis}" for eye in (0, 1) for axis in "xyz"),
    *("gaze_angle_x", "gaze_angle_y"),
    *_numbered("eye_lmk_", "xyXYZ", 56),
    *_POSE,
    *_numbered("", "xy", 68),
    *_numbered("", "XYZ", 68),
    *("p_scale", "p_rx", "p_ry", "p_rz", "p_tx", "p_ty"),
    *(f"p_{i}" for i in range(34)),
    *(f"{padded(number)}_r" for number in INTENSITIES),
    *(f"{padded(number)}_c" for number in PRESENCES),
)


@dataclass(frozen=True)
class OpenFace:
    """The format.

    Attributes:
        pictures: as FaceLandmarkImg writes it, not FeatureExtraction.
        name: how `--format` calls it.
        names_files: whether rows say which file they are from; if not, each input needs a table of its own.
    """

    pictures: bool = False
    name = "openface"
    names_files = False

    def columns(self) -> tuple[str, ...]:
        """All 714 columns (711 for pictures), whatever the model's AUs are."""
        return (_PICTURE if self.pictures else _VIDEO) + _MEASURED

    def left_out(self, aus: AUSet) -> tuple[str, ...]:
        """Labels of the AUs for which the format has no column."""
        moved = CLOSED if BLINK not in aus else None
        places = {*PRESENCES, moved}
        return tuple(label for number, label in zip(aus, aus.labels, strict=True) if number not in places)

    def for_pictures(self) -> OpenFace:
        """What that tool writes for pictures rather than videos."""
        return OpenFace(pictures=True)

    def rows(self, file: str, result: FrameResult) -> list[Row]:
        """The rows of one frame, text as OpenFace writes it: one per face, and (videos) per person lost.

        A frame of a video without anybody has the row that OpenFace writes: face 0, confidence and success 0.
        """
        empty = dict.fromkeys(self.columns(), _EMPTY)
        rows = {
            face.face_id: empty | self._head(result, face.face_id, face) | _cells_of(face)
            for face in result.faces
        }
        if not self.pictures:
            absent = result.lost if rows or result.lost else (0,)
            rows |= {face_id: empty | self._head(result, face_id, None) for face_id in absent}
        return [rows[face_id] for face_id in sorted(rows)]

    def _head(self, result: FrameResult, face_id: int, face: FaceResult | None) -> dict[str, str]:
        confidence = 0.0 if face is None else share(face.confidence)
        if self.pictures:
            return {"face": str(face_id), "confidence": f"{confidence:.3f}"}
        return {
            "frame": str(result.index + 1),
            "face_id": str(face_id),
            "timestamp": written(result.time, 3, _EMPTY),
            "confidence": f"{confidence:.2f}",
            "success": str(int(face is not None)),
        }


def _cells_of(face: FaceResult) -> dict[str, str]:
    cells = {}
    for i, (x, y) in enumerate(landmarks68(face).tolist()):
        cells[f"x_{i}"], cells[f"y_{i}"] = written(x, 1, _EMPTY), written(y, 1, _EMPTY)
    if face.pose is not None:
        place = (written(mm, 1, _EMPTY) for mm in face.pose.translation.tolist())
        turns = (written(angle, 3, _EMPTY) for angle in _turns(face.pose.rotation))
        cells |= zip(_POSE, (*place, *turns), strict=True)
    for number in PRESENCES:
        label = f"AU{number}"
        if number == BLINK and label not in face.occurrence:
            label = f"AU{CLOSED}"
        if label in face.occurrence:
            cells[f"{padded(number)}_c"] = f"{float(face.occurrence[label]):.1f}"
        if number in INTENSITIES and label in face.intensity:
            cells[f"{padded(number)}_r"] = written(face.intensity[label], 2, _EMPTY)
    return cells


def _turns(rotation: NDArray[np.float64]) -> tuple[float, float, float]:
    """Rx, Ry, Rz in radians of a rotation (3, 3) in the camera's axes."""
    (xx, xy, xz), (_, _, yz), (_, _, zz) = rotation.tolist()
    return math.atan2(-yz, zz), math.asin(max(-1.0, min(1.0, xz))), math.atan2(-xy, xx)


def is_openface(columns: tuple[str, ...]) -> bool:
    """Whether a header is one of OpenFace's."""
    video = {"frame", "timestamp", "confidence", "success"} <= set(columns)
    return video or columns[:2] == _PICTURE


def read_openface(source: CSVFile) -> pd.DataFrame:
    """Any CSV of OpenFace (2.x or older, videos or pictures) in our columns.

    `AU12_c` stays so, `AU12_r` becomes `AU12_i` (intensity, 0 to 5); there are no probabilities and no
    boxes. `file` is the name of the CSV without its ending, as OpenFace names it after its input; `frame`
    counts from 0. Scores of rows without `success` are left out. Where there is no `face_id`, it is 0.
    Poses become ours where all six of their columns are there.

    Args:
        source: a table for which `is_openface`.

    Raises:
        InputError: it is broken; says in which line.
    """
    import pandas as pd

    columns = source.columns
    pictures = columns[:2] == _PICTURE
    ours = {name: own for name in columns if (own := _au_column(name)) is not None}
    posed = _POSE if set(_POSE) <= set(columns) else ()
    found = source.read([*(_PICTURE if pictures else (n for n in _VIDEO if n in columns)), *posed, *ours])
    frame = pd.DataFrame(
        {"file": source.path.stem, "confidence": source.column(found, "confidence")}, found.index
    )
    if pictures:
        frame["face_id"], frame["success"] = source.column(found, "face", "face_id"), 1
    else:
        frame["frame"] = source.column(found, "frame", first=1) - 1
        frame["time"] = source.column(found, "timestamp", "time")
        frame["face_id"] = source.column(found, "face_id") if "face_id" in columns else 0
        frame["success"] = source.column(found, "success")
    if posed:
        frame = frame.assign(**_poses(source, found))
    scores = {
        ours[name]: source.column(found, name, ours[name])
        for name in sorted(ours, key=lambda name: int(name[2:4]))
    }
    return blanked(complete(pd.concat([frame, pd.DataFrame(scores, found.index)], axis=1)))


def _poses(source: CSVFile, found: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Our columns of poses; empty where there is none, as in rows of zeros without a face."""
    numbers = np.stack([source.column(found, name).to_numpy(np.float64) for name in _POSE], axis=-1)
    place, (x, y, z) = numbers[:, :3], np.moveaxis(numbers[:, 3:], -1, 0)
    there = np.isfinite(numbers).all(axis=1) & (place[:, 2] > 0)
    place = np.where(there[:, None], place, (0.0, 0.0, 1.0))
    angles = seen_from_camera(about(0, x) @ about(1, y) @ about(2, z), place)
    poses = np.column_stack([angles, np.linalg.norm(place, axis=1)])
    return dict(zip(POSE_COLUMNS, np.where(there[:, None], poses, np.nan).T.round(4), strict=True))


def _au_column(name: str) -> str | None:
    """Ours for one of OpenFace's AU columns: AU12_i for AU12_r, AU1_c for AU01_c."""
    match = _AU_COLUMN.fullmatch(name)
    return None if match is None else f"AU{int(match[1])}" + ("_i" if match[2] == "r" else "_c")
