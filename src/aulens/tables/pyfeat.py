"""The Fex CSV of Py-Feat: version 1 (its `Detector`) and version 2 (its `Detectorv2`).

All columns in its order. `AUxx` is a probability, 0 to 1; what aulens does not measure is empty: `X`, `Y` and
`Z`, emotions, valence and arousal, gaze, identity embeddings, mesh, blendshapes, AUs that the model lacks.

Head pose as release 2.0 has it (`feat/detector.py`, "canonical convention"): radians, Pitch > 0 nose up,
Yaw > 0 nose to the subject's right, Roll > 0 tilted to the subject's right.

Format: Cheong et al., Py-Feat, Affective Science 2023; the tables in its documentation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from aulens.aus import AUSet
from aulens.errors import ConfigError, InputError
from aulens.pose.head import from_angles, to_angles
from aulens.runtime.result import FaceResult, FrameResult
from aulens.tables.cells import blanked, landmarks68, padded, share
from aulens.tables.csv_file import CSVFile
from aulens.tables.schema import POSE_COLUMNS, Row, complete, plain

if TYPE_CHECKING:
    import pandas as pd

PYFEAT_AUS: Final = (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43)

_AU_COLUMN: Final = re.compile("AU0?[1-9][0-9]?|AU0[1-9][0-9]")
_BOX: Final = ("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight")
_ABOUT: Final = ("FrameHeight", "FrameWidth", "input", "frame")
_POSE: Final = ("Pitch", "Yaw", "Roll")
_SIGNS: Final = (-1.0, -1.0, 1.0)
"""Of theirs beside ours: up, to the subject's right, to the subject's right."""
_GAZE: Final = ("gaze_pitch", "gaze_yaw", "gaze_angle")
_FACE: Final = (
    *_BOX,
    "FaceScore",
    *(f"{axis}_{i}" for axis in "xy" for i in range(68)),
    *("Pitch", "Roll", "Yaw", "X", "Y", "Z"),
    *(padded(number) for number in PYFEAT_AUS),
)
_IDENTITY: Final = tuple(f"Identity_{i}" for i in range(1, 513))
_EMOTIONS_1: Final = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
_EMOTIONS_2: Final = ("Neutral", "Happy", "Sad", "Surprise", "Fear", "Disgust", "Anger")
_MESH: Final = tuple(f"mesh_{axis}_{i}" for axis in "xyz" for i in range(478))


def _both(*names: str) -> Iterator[str]:
    return (f"{name}{side}" for name in names for side in ("Left", "Right"))


# ARKit's shapes in MediaPipe's order: by the alphabet, "_neutral" first.
_BLENDSHAPES: Final = tuple(
    sorted(
        (
            *("_neutral", "browInnerUp", "cheekPuff", "jawForward", "jawLeft", "jawOpen", "jawRight"),
            *("mouthClose", "mouthFunnel", "mouthLeft", "mouthPucker", "mouthRight"),
            *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
            *_both("browDown", "browOuterUp", "cheekSquint", "noseSneer"),
            *_both("eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide"),
            *_both("mouthDimple", "mouthFrown", "mouthLowerDown", "mouthPress"),
            *_both("mouthSmile", "mouthStretch", "mouthUpperUp"),
        )
    )
)
_COLUMNS: Final = {
    1: (*_FACE, *_EMOTIONS_1, *_IDENTITY, *_GAZE, *_ABOUT),
    2: (*_FACE, *_EMOTIONS_2, "valence", "arousal", *_GAZE, *_IDENTITY, *_MESH, *_BLENDSHAPES, *_ABOUT),
}


@dataclass(frozen=True)
class PyFeat:
    """The format.

    Attributes:
        version: 1 or 2: which of Py-Feat's two detectors it looks like.
        pictures: a table of pictures has no `approx_time`, and its `Identity` is empty: who is who in two
            pictures is unknown.
        names_files: as of `OpenFace`.

    Raises:
        ConfigError: another version.
    """

    version: int = 1
    pictures: bool = False
    names_files = True

    def __post_init__(self) -> None:
        if self.version not in _COLUMNS:
            raise ConfigError(f"Py-Feat's table has the versions 1 and 2, not {self.version!r}")

    @property
    def name(self) -> str:
        """How `--format` calls it."""
        return "pyfeat" if self.version == 1 else "pyfeat2"

    def columns(self) -> tuple[str, ...]:
        """All columns, whatever the model's AUs are."""
        time = () if self.pictures else ("approx_time",)
        return (*_COLUMNS[self.version], *time, "Identity")

    def left_out(self, aus: AUSet) -> tuple[str, ...]:
        """Labels of the AUs for which the format has no column."""
        return tuple(label for number, label in zip(aus, aus.labels, strict=True) if number not in PYFEAT_AUS)

    def for_pictures(self) -> PyFeat:
        """What that tool writes for pictures rather than videos."""
        return replace(self, pictures=True)

    def rows(self, file: str, result: FrameResult) -> list[Row]:
        """The rows of one frame: one per face; a row of empty scores per person lost, or if nobody is there.

        `frame` counts from 0 (of pictures: Py-Feat numbers them through, so `result.index` should too),
        `Identity` is "Person_" and the `face_id`, empty in pictures; `approx_time` minutes and whole seconds.
        """
        height, width = result.image.shape[:2]
        about = {
            "FrameHeight": f"{height:.1f}",
            "FrameWidth": f"{width:.1f}",
            "input": plain(file),
            "frame": str(result.index),
        }
        if not self.pictures:
            about["approx_time"] = _minutes(result.time)
        empty = dict.fromkeys(self.columns(), "") | about
        rows = {face.face_id: empty | _cells_of(face) for face in result.faces}
        rows |= dict.fromkeys(result.lost, empty)
        if not self.pictures:
            rows = {face_id: row | {"Identity": f"Person_{face_id}"} for face_id, row in rows.items()}
        return [rows[face_id] for face_id in sorted(rows)] or [empty]


def is_pyfeat(columns: tuple[str, ...]) -> bool:
    """Whether a header is one of Py-Feat's."""
    return {*_BOX, "FaceScore", "frame"} <= set(columns)


def read_pyfeat(source: CSVFile) -> pd.DataFrame:
    """A CSV of Py-Feat, of either version, in our columns.

    `AU12` becomes `AU12_p`; there are no decisions and no sides. `time` is empty, for `approx_time` is in
    whole seconds: `read_table` takes a frame rate. `face_id` is the number of `Identity`, or where that is
    missing, the place of the row in its frame, which does not follow a person. Poses are read from tables
    with `gaze_pitch`, of release 2.0 on: earlier ones have other units, signs and orders.

    Args:
        source: a table for which `is_pyfeat`.

    Raises:
        InputError: it is broken; says in which line.
    """
    import pandas as pd

    columns = source.columns
    aus = _au_columns(source)
    text = [name for name in ("input", "Identity") if name in columns]
    posed = _POSE if {*_POSE, "gaze_pitch"} <= set(columns) else ()
    found = source.read([*_BOX, "FaceScore", "frame", *posed, *aus.values()], text)
    seen = found["FaceRectX"].notna()
    frame = pd.DataFrame(
        {
            "file": found["input"].fillna(source.path.stem) if "input" in columns else source.path.stem,
            "frame": source.column(found, "frame"),
            "success": seen.astype("Int64"),
            "confidence": source.column(found, "FaceScore", "confidence").where(seen),
        },
        found.index,
    )
    for ours, theirs in zip(("box_x", "box_y", "box_w", "box_h"), _BOX, strict=True):
        frame[ours] = source.column(found, theirs, ours)
    if posed:
        radians = np.stack([source.column(found, name).to_numpy(np.float64) for name in _POSE], axis=-1)
        angles = to_angles(from_angles(np.degrees(radians * _SIGNS)))  # brought within our ranges
        frame[list(POSE_COLUMNS[:3])] = angles.round(4)
    identity = found["Identity"] if "Identity" in columns else None
    frame["face_id"] = _face_ids(source, frame, seen, identity)
    scores = {ours: source.column(found, theirs, ours) for ours, theirs in aus.items()}
    return blanked(complete(pd.concat([frame, pd.DataFrame(scores, found.index)], axis=1)))


def _au_columns(source: CSVFile) -> dict[str, str]:
    """Their name of each of our columns, by their names' order."""
    aus: dict[str, str] = {}
    for name in sorted(filter(_AU_COLUMN.fullmatch, source.columns)):
        ours = f"AU{int(name[2:])}_p"
        if ours in aus:
            raise InputError(
                f"{source.path}: its header names one AU twice, {aus[ours]} and {name}; remove one"
            )
        aus[ours] = name
    return aus


def _face_ids(source: CSVFile, frame: pd.DataFrame, seen: pd.Series, identity: pd.Series | None) -> pd.Series:
    import pandas as pd

    if identity is None or identity[seen].isna().any():
        place = frame[seen].groupby(["file", "frame"]).cumcount()
        return place.reindex(frame.index).astype("Int64")
    numbers = identity.str.extract(r"^Person_([0-9]+)$", expand=False)
    if numbers[identity.notna()].notna().all():
        ids = pd.DataFrame({"Identity": numbers.astype("float64")})
        return source.column(ids, "Identity", "face_id")
    codes = pd.Series(pd.factorize(identity)[0], identity.index)  # names given by hand
    return codes.where(codes >= 0).astype("Int64")


def _cells_of(face: FaceResult) -> dict[str, str]:
    x0, y0, x1, y1 = face.box.tolist()
    cells = dict(zip(_BOX, map(_number, (x0, y0, x1 - x0, y1 - y0)), strict=True))
    cells["FaceScore"] = _number(share(face.confidence))
    if face.pose is not None:
        angles = np.radians(face.pose.angles) * _SIGNS
        cells |= zip(_POSE, map(_number, angles.tolist()), strict=True)
    points = np.round(landmarks68(face), 3).tolist()
    for i, (x, y) in enumerate(points):
        cells[f"x_{i}"], cells[f"y_{i}"] = _number(x), _number(y)
    for number in PYFEAT_AUS:
        if f"AU{number}" in face.probability:
            cells[padded(number)] = _number(face.probability[f"AU{number}"])
    return cells


def _number(value: float) -> str:
    return "" if math.isnan(value) else str(round(value, 6))


def _minutes(seconds: float) -> str:
    if math.isnan(seconds):
        return ""
    return f"{int(seconds // 60):02d}:{int(seconds % 60):02d}"
