"""The data dictionary: what each column of a table means, in which unit, range and type.

The words are in columns.toml, the types in `schema`.
"""

import csv
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from aulens.aus import NAMES, AUSet
from aulens.errors import ConfigError
from aulens.faces.detector import LOOKS
from aulens.files import atomic_write
from aulens.named import first_bytes
from aulens.runtime.doubt import PARTS
from aulens.tables.schema import ADDED_ENDS, EVENT_TYPES, au_of, columns, dtype, face_columns

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
_TYPES: Final = {"str": "text", "Int64": "whole number", "float64": "number", "bool": "true or false"}


def describe(name: str) -> Column:
    """What one column of our tables of faces means.

    Raises:
        ConfigError: it is no such column.
    """
    if name in face_columns(named=True):
        return _column("face", name, name, dtype(name))
    label = au_of(name)
    if label is None or label not in NAMES:
        raise ConfigError(f"{name!r} is no column of a table of faces")
    au = f"{label} ({NAMES[label]})"
    return _column("au", name.removeprefix(f"{label}_"), name, dtype(name), au)


def event_columns() -> tuple[Column, ...]:
    """What the columns of a table of events mean, in their order."""
    return tuple(_column("event", name, name, kind) for name, kind in EVENT_TYPES.items())


def is_dictionary(path: Path) -> bool:
    """Whether a file begins as a dictionary."""
    header = ",".join(field.name for field in fields(Column)).encode()
    return first_bytes(path, len(header)) == header


def write_dictionary(path: Path, aus: AUSet) -> None:
    """Write the dictionary of all that we write of these AUs as CSV, the same whatever a run was asked for.

    A line per column: those of faces, raw, smoothed and above baselines, then those that only events have.
    Intensities are among them for the AUs of which the model has them.
    """
    added = (
        f"{label}_{end}"
        for number, label in zip(aus, aus.labels, strict=True)
        for end in ADDED_ENDS
        if end != "smooth_i" or number in aus.intense
    )
    faces = {name: describe(name) for name in (*columns(aus, named=True), *added)}
    events = (column for column in event_columns() if column.name not in faces)
    with atomic_write(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in fields(Column))
        writer.writerows(astuple(column) for column in (*faces.values(), *events))


def _column(kind: str, key: str, name: str, dtype: str, au: str = "") -> Column:
    looks = ", ".join(look for look in LOOKS if look)
    words = (
        text.format(au=au, looks=looks, parts=", ".join(PARTS), no_face=_NO_FACE)
        for text in _words()[kind][key]
    )
    meaning, unit, allowed, empty = words
    return Column(name, meaning, unit, allowed, _TYPES[dtype], empty)


@cache
def _words() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Kind of column ("face", "au", "event") → column → meaning, unit, range, when it is empty."""
    return tomllib.loads(files(__package__).joinpath("columns.toml").read_text(encoding="utf-8"))
