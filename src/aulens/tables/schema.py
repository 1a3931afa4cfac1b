"""Results as rows: one per face and frame, one for a person who is lost, one where there is nobody."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Final, TextIO

from aulens.aus import AUSet
from aulens.errors import InputError
from aulens.runtime.result import FaceResult

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Cell = str | int | float | None
Row = Mapping[str, Cell]

POSE_COLUMNS: Final = ("pose_pitch", "pose_yaw", "pose_roll", "pose_distance")
FACE_COLUMNS: Final = (
    "file", "frame", "time", "face_id", "success", "confidence", "box_x", "box_y", "box_w", "box_h",
    "quality", "hidden", "look", *POSE_COLUMNS,
)  # fmt: skip
PICTURE: Final = "picture"
"""The column behind those, in tables of sequences alone: the name of the picture that is the frame."""
_TEXT: Final = ("file", PICTURE, "hidden", "look")
AU_ENDS: Final = ("p", "c", "left_p", "right_p")
"""The columns of each AU: `AU12_p`, `AU12_c`, `AU12_left_p`, `AU12_right_p`."""
INTENSITY_ENDS: Final = ("i", "left_i", "right_i")
"""Those besides of an AU of which the model gives the intensity."""
SMOOTH_ENDS: Final = ("smooth_p", "smooth_c", "smooth_i")
"""What `smooth` adds, the last to AUs with an intensity."""
ADDED_ENDS: Final = (*SMOOTH_ENDS, "above")
"""What is made of a whole video: what `smooth` and `baseline.above` add."""
MORE_ENDS: Final = (*INTENSITY_ENDS, *ADDED_ENDS)
"""Those that there may be besides: intensities, what is made of a whole video."""
EVENT_TYPES: Final[Mapping[str, str]] = (
    {"file": "str", "face_id": "Int64", "au": "str"}
    | dict.fromkeys(("onset", "apex", "offset", "duration"), "float64")
    | dict.fromkeys(("onset_frame", "apex_frame", "offset_frame"), "Int64")
    | dict.fromkeys(("peak_p", "mean_p"), "float64")
    | {"side": "str", "open_start": "bool", "open_end": "bool", "unseen": "float64", "per_minute": "float64"}
)
"""The columns of a table of events, in order, and their pandas types; `dictionary` says what they mean."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""With what a cell begins that spreadsheets work out, and so obey whoever named the file."""
_AU_COLUMN: Final = re.compile(rf"(AU[1-9][0-9]*)_(?:{'|'.join(AU_ENDS + MORE_ENDS)})")


def columns(aus: AUSet, *, named: bool = False) -> tuple[str, ...]:
    """Names of the columns: those of the face, then four for each AU and three more for `aus.intense`.

    Args:
        aus: the AUs of the table.
        named: with `PICTURE`.
    """
    return face_columns(named) + tuple(
        f"{label}_{end}"
        for number, label in zip(aus, aus.labels, strict=True)
        for end in (*AU_ENDS, *(INTENSITY_ENDS if number in aus.intense else ()))
    )


def rows_of(
    file: str,
    results: Sequence[FaceResult],
    aus: AUSet,
    *,
    frame: int | None = None,
    time: float | None = None,
    lost: Sequence[int] = (),
    picture: str | None = None,
) -> list[Row]:
    """Rows of one picture or of one frame of a video, ascending by `face_id`.

    A person who is lost has a row with `success` 0 and None for every score. Where there are no faces and
    nobody is lost, there is one row with `success` 0 and `face_id` None.

    Args:
        file: where the picture or video is; see `plain`.
        results: of its faces.
        aus: the AUs of the table.
        frame: number of the frame, from 0; None for a picture.
        time: of the frame, seconds; None for a picture, None or NaN where it is not known.
        lost: ids of people who were seen before and are not in this frame.
        picture: the name of the picture that is the frame, in a sequence.
    """
    seconds = None if time is None or math.isnan(time) else round(time, 6)
    empty = dict.fromkeys(columns(aus, named=picture is not None)) | {
        "file": plain(file), "frame": frame, "time": seconds, "success": 0,
    }  # fmt: skip
    if picture is not None:
        empty[PICTURE] = plain(picture)
    rows = [(result.face_id, empty | _cells_of(result, aus)) for result in results]
    rows += [(face_id, empty | {"face_id": face_id}) for face_id in lost]
    return [row for _, row in sorted(rows, key=itemgetter(0))] or [empty]


def without_scores(row: Row) -> Row:
    """The row of a face that does not count: box, pose and quality stay, to show why."""
    return {**row, "success": 0} | {name: None for name in row if au_of(name)}


def plain(file: str) -> str:
    """A file as tables name it: with "./" before it where a spreadsheet would compute it ("=1+2.mp4")."""
    return f"./{file}" if file.startswith(_FORMULA) else file


def to_frame(rows: Iterable[Row], aus: AUSet, *, named: bool = False) -> pd.DataFrame:
    """Rows as a DataFrame, each column of its `dtype`; empty is NA. `named` as in `columns`."""
    import pandas as pd

    frame = pd.DataFrame(list(rows), columns=list(columns(aus, named=named)))
    return frame.astype({name: dtype(name) for name in frame.columns})


def dtype(column: str) -> str:
    """The pandas type of one of our columns: "str", "Int64" or "float64"."""
    if column in _TEXT:
        return "str"
    whole = column in {"frame", "face_id", "success"} or column.endswith("_c")
    return "Int64" if whole else "float64"


def au_of(column: str) -> str | None:
    """The AU that one of our columns is about: "AU12" for "AU12_left_p"; None for the face's own columns."""
    found = _AU_COLUMN.fullmatch(column)
    return None if found is None else found[1]


def aus_in(frame: pd.DataFrame) -> tuple[str, ...]:
    """Labels of the AUs that a table has columns of, in its order."""
    return tuple(dict.fromkeys(label for label in map(au_of, frame.columns) if label is not None))


def rows_with_face(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows have a face that was found."""
    return ((table["success"] == 1) & table["face_id"].notna()).fillna(False).to_numpy(dtype=bool)


def of_person(table: pd.DataFrame, face_id: int) -> pd.DataFrame:
    """The rows of one person of a clip: of faces, or of events."""
    return table[(table["face_id"] == face_id).fillna(False).to_numpy(bool)]


def take_smoothed(table: pd.DataFrame, labels: Iterable[str], smoothed: bool | None) -> bool:
    """Whether to read the smoothed columns of these AUs; None: where all of them have some.

    Raises:
        InputError: they are wanted, and missing.
    """
    if smoothed is False:
        return False
    lacking = next((label for label in labels if f"{label}_smooth_c" not in table.columns), None)
    if smoothed and lacking is not None:
        raise InputError(
            f"the table is not smoothed: it has no {lacking}_smooth_c; smooth it first, or smoothed=False"
        )
    return lacking is None


def complete(frame: pd.DataFrame) -> pd.DataFrame:
    """A table from elsewhere with all of our columns, ordered and typed; what it lacks is NA.

    Intensities (`AU12_i`) and smoothed columns follow the four columns of their AU, columns that are not
    ours come last, as they are.
    """
    ours = list(face_columns(PICTURE in frame.columns))
    for label in aus_in(frame):
        ours += [f"{label}_{end}" for end in AU_ENDS]
        ours += [name for name in (f"{label}_{end}" for end in MORE_ENDS) if name in frame.columns]
    others = [name for name in frame.columns if name not in set(ours)]
    return frame.reindex(columns=[*ours, *others]).astype({name: dtype(name) for name in ours})


def write_rows(file: TextIO, names: Sequence[str], rows: Iterable[Row], *, header: bool = False) -> None:
    """Write rows as CSV, no spaces, after a `header`; a cell that is None, or missing, is an empty field."""
    writer = csv.writer(file, lineterminator="\n")
    quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    if header:
        writer.writerow(names)
    for row in rows:
        cells = [row.get(name) for name in names]
        # Before Python 3.13 a carriage return in a file's name is not quoted.
        returns = any(isinstance(cell, str) and "\r" in cell for cell in cells)
        (quoted if returns else writer).writerow(cells)


def face_columns(named: bool) -> tuple[str, ...]:
    """The columns that are about no AU; `named` as in `columns`."""
    place = FACE_COLUMNS.index("time") + 1
    return (*FACE_COLUMNS[:place], PICTURE, *FACE_COLUMNS[place:]) if named else FACE_COLUMNS


def _cells_of(result: FaceResult, aus: AUSet) -> dict[str, Cell]:
    x0, y0, x1, y1 = result.box.tolist()
    cells: dict[str, Cell] = {
        "face_id": result.face_id,
        "success": 1,
        "confidence": _rounded(result.confidence, 4),
        "box_x": round(x0, 1),
        "box_y": round(y0, 1),
        "box_w": round(x1 - x0, 1),
        "box_h": round(y1 - y0, 1),
        "quality": _rounded(result.quality, 4),
        "hidden": " ".join(result.hidden) or None,
        "look": result.look or None,
    }
    if (pose := result.pose) is not None:
        numbers = [*(round(angle, 2) for angle in pose.angles), round(pose.distance, 1)]
        cells |= dict(zip(POSE_COLUMNS, numbers, strict=True))
    for label in aus.labels:
        cells[f"{label}_p"] = _rounded(result.probability[label], 6)
        cells[f"{label}_c"] = int(result.occurrence[label])
        cells[f"{label}_left_p"] = _rounded(result.left[label], 6)
        cells[f"{label}_right_p"] = _rounded(result.right[label], 6)
    for number in aus.intense:
        label = f"AU{number}"
        cells[f"{label}_i"] = _rounded(result.intensity[label], 3)
        cells[f"{label}_left_i"] = _rounded(result.left_intensity[label], 3)
        cells[f"{label}_right_i"] = _rounded(result.right_intensity[label], 3)
    return cells


def _rounded(number: float, digits: int) -> float | None:
    return None if math.isnan(number) else round(number, digits)
