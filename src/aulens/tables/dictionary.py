"""The data dictionary: what each column of a table means, in which unit, range and type."""

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Final

from aulens.aus import AUS, AUSet
from aulens.errors import ConfigError
from aulens.faces.detector import LOOKS
from aulens.files import atomic_write
from aulens.tables.schema import ADDED_ENDS, EVENT_TYPES, FACE_COLUMNS, au_of, columns, dtype

FILE_NAME: Final = "columns.csv"
"""How the dictionary is called beside a table."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: as in the header.
        meaning: in plain words.
        unit: of its numbers; "" where there is none.
        range: of its values.
        type: "text", "whole number", "number" or "true or false".
        empty: when it is empty; "" for never.
    """

    name: str
    meaning: str
    unit: str
    range: str
    type: str
    empty: str


_NO_FACE: Final = "no face in this row (success 0)"
_NO_POSE: Final = f"{_NO_FACE}, or its landmarks tell no pose"
_PICTURE: Final = "a picture"
_SIDES: Final = f"{_NO_FACE}, or the model does not tell sides"
_TYPES: Final = {"str": "text", "Int64": "whole number", "float64": "number", "bool": "true or false"}

_FACE: Final = {
    "file": ("the picture or video, as it was given", "", "", ""),
    "frame": ("number of the frame in its video; frames that were left out count", "", "from 0", _PICTURE),
    "time": (
        "when the frame is shown, from the start of the clip, by the video's own time stamps",
        "s",
        "from 0",
        f"{_PICTURE}, or the video has no time stamps",
    ),
    "face_id": (
        "video: the person, the same through the clip, numbered as they first appear; picture: 0 is the "
        "largest face",
        "",
        "from 0",
        "nobody is in the frame and nobody was before",
    ),
    "success": ("whether the face was found in this frame", "", "0 or 1", ""),
    "confidence": (
        "the face detector's score, comparable within one detector",
        "",
        "depends on it",
        _NO_FACE,
    ),
    "box_x": ("left edge of the face's box; may lie outside of the picture", "pixels", "", _NO_FACE),
    "box_y": ("upper edge of the face's box", "pixels", "", _NO_FACE),
    "box_w": ("width of the face's box", "pixels", "above 0", _NO_FACE),
    "box_h": ("height of the face's box", "pixels", "above 0", _NO_FACE),
    "quality": (
        "how far the face's AUs can be trusted: low where it is covered, dark, blurred, small or turned away",
        "",
        "0 to 1",
        f"{_NO_FACE}, or the detector does not say",
    ),
    "look": (
        "how the picture had to be looked at to find the face: larger, smaller, with more contrast, turned "
        "clockwise",
        "",
        ", ".join(look for look in LOOKS if look),
        f"as it is, or {_NO_FACE}",
    ),
    "pose_pitch": ("how far the head is turned down (above 0) or up", "degrees", "-90 to 90", _NO_POSE),
    "pose_yaw": (
        "how far it is turned to the person's left, the picture's right (above 0), or right",
        "degrees",
        "-180 to 180",
        _NO_POSE,
    ),
    "pose_roll": (
        "how far it is tilted counter-clockwise in the picture (above 0), or clockwise",
        "degrees",
        "-180 to 180",
        _NO_POSE,
    ),
    "pose_distance": (
        "how far away the head is, if the camera is the one that docs/tables.md states",
        "mm",
        "above 0",
        _NO_POSE,
    ),
}
_AU: Final = {
    "p": ("calibrated probability that {au} is present: the larger of its sides", "", "0 to 1", _NO_FACE),
    "c": ("{au} is present (1) or absent (0), by the model's threshold for it", "", "0 or 1", _NO_FACE),
    "left_p": ("probability of {au} on the person's own left", "", "0 to 1", _SIDES),
    "right_p": ("probability of {au} on the person's own right", "", "0 to 1", _SIDES),
    "i": (
        "intensity of {au}: 0 absent, 1 a trace (FACS's A), 2 slight, 3 marked, 4 severe, 5 maximal (E); the "
        "larger of its sides, by the curve in the model's card; or read from OpenFace's AUxx_r",
        "FACS intensity",
        "0 to 5",
        _NO_FACE,
    ),
    "left_i": ("intensity of {au} on the person's own left", "FACS intensity", "0 to 5", _SIDES),
    "right_i": ("intensity of {au} on the person's own right", "FACS intensity", "0 to 5", _SIDES),
    "smooth_p": ("probability of {au}, smoothed over time", "", "0 to 1", _NO_FACE),
    "smooth_c": ("{au} is present (1) or absent (0), by the smoothed probability", "", "0 or 1", _NO_FACE),
    "smooth_i": ("intensity of {au}, smoothed over time", "FACS intensity", "0 to 5", _NO_FACE),
    "above": (
        "how far the log odds of {au} are above those of the person's own baseline",
        "log odds",
        "",
        f"{_NO_FACE}, or the person has no baseline",
    ),
}
_EVENT: Final = {
    "file": ("the video", "", "", ""),
    "face_id": ("the person", "", "from 0", ""),
    "au": ("the AU", "", "AU1, AU2, ...", ""),
    "onset": ("start of the first frame in which the AU is present", "s", "from 0", ""),
    "apex": ("start of the frame in which it is strongest", "s", "onset to offset", "no strength"),
    "offset": ("end of the last frame in which the AU is present", "s", "from onset on", ""),
    "duration": ("offset - onset", "s", "from 0", ""),
    "onset_frame": ("number of the first frame", "", "from 0", ""),
    "apex_frame": ("number of the frame of the apex", "", "from 0", "no strength"),
    "offset_frame": ("number of the last frame", "", "from 0", ""),
    "peak_p": ("probability at the apex, smoothed if the table is", "", "0 to 1", "no probabilities"),
    "mean_p": ("mean probability from onset to offset, likewise", "", "0 to 1", "no probabilities"),
    "side": (
        "side on which the AU is, by its mean there",
        "",
        "left, right, both",
        "the model does not tell sides, or no thresholds were given",
    ),
    "open_start": ("the person came into view with it: it may have begun before", "", "", ""),
    "open_end": ("the person went out of view with it: it may have gone on", "", "", ""),
    "per_minute": (
        "how many events of this AU the person has for each minute in which they are seen",
        "1/min",
        "above 0",
        "the person is seen in one frame that has no length",
    ),
}


def describe(name: str) -> Column:
    """What one column of our tables of faces means.

    Raises:
        ConfigError: it is no such column.
    """
    if name in FACE_COLUMNS:
        return _column(name, _FACE[name], dtype(name))
    label = au_of(name)
    if label is None or int(label[2:]) not in AUS:
        raise ConfigError(f"{name!r} is no column of a table of faces")
    meaning, *rest = _AU[name.removeprefix(f"{label}_")]
    au = f"{label} ({AUS[int(label[2:])].name})"
    return _column(name, (meaning.format(au=au), *rest), dtype(name))


def event_columns() -> tuple[Column, ...]:
    """What the columns of a table of events mean, in their order."""
    return tuple(_column(name, _EVENT[name], kind) for name, kind in EVENT_TYPES.items())


def general_columns() -> tuple[Column, ...]:
    """What the columns of any table of faces mean; those of an AU are written `AU*_p`."""
    face = [describe(name) for name in FACE_COLUMNS]
    return (
        *face,
        *(
            _column(f"AU*_{end}", (meaning.format(au="the AU"), *rest), dtype(f"AU_{end}"))
            for end, (meaning, *rest) in _AU.items()
        ),
    )


def write_full_dictionary(path: Path, aus: AUSet) -> None:
    """Write the dictionary of all that we write of these AUs, the same whatever a run was asked for.

    Columns of faces, raw, smoothed and above baselines, then those that only events have. Intensities are
    among them for the AUs of which the model tells them.

    Args:
        path: of the file; `FILE_NAME` beside the tables.
        aus: of the model.
    """
    added = (
        f"{label}_{end}"
        for number, label in zip(aus, aus.labels, strict=True)
        for end in ADDED_ENDS
        if end != "smooth_i" or number in aus.intense
    )
    faces = {name: describe(name) for name in (*columns(aus), *added)}
    events = (column for column in event_columns() if column.name not in faces)
    write_dictionary(path, (*faces.values(), *events))


def write_dictionary(path: Path, columns: Iterable[Column]) -> None:
    """Write a data dictionary as CSV, a line per column."""
    with atomic_write(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in fields(Column))
        writer.writerows(astuple(column) for column in columns)


def markdown(columns: Iterable[Column]) -> str:
    """A data dictionary as a table in Markdown."""
    heads = [field.name for field in fields(Column)]
    lines = [heads, ["---"] * len(heads)]
    lines += [[f"`{column.name}`", *astuple(column)[1:]] for column in columns]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def _column(name: str, entry: tuple[str, ...], kind: str) -> Column:
    meaning, unit, allowed, empty = entry
    return Column(name, meaning, unit, allowed, _TYPES[kind], empty)
