"""AU codes of portraits, from a CSV file: what each picture shows before it is moved."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from aulens.aus import RENDERS
from aulens.errors import DatasetError
from aulens.render.expression import LEFT, PRESENT, RIGHT

Codes = dict[str, dict[int, tuple[float, float]]]
"""Name of a picture, below its folder, to its AUs: (subject's right, left) 0, [PRESENT, 1] or NaN."""

_PRESENT_FROM, _ABSENT_TO, _MOST = 2.0, 1.0, 5.0
_SIDE: Final = re.compile(r"AU(\d+)=picture_(left|right)")


def read_codes(path: str | Path) -> Codes:
    """Read a table with a row per picture and coder.

    Columns: `file`, the picture's name below its folder (its folder may stand in a column `source`), and
    `AU1`, `AU2`, ... with intensities of FACS: 0 absent, 1 a trace ... 5 maximal, empty where nobody can say.
    Rows of several coders are averaged: present from a mean of 2 on, absent up to 1, unknown between.
    A column `one_sided` ("AU12=picture_left") names AUs that show in one half of the picture only.

    Raises:
        DatasetError: no such file, or it is no such table.
    """
    try:
        table = pd.read_csv(path, dtype={"file": str, "source": str, "one_sided": str})
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: these AU codes can't be read ({error})") from error
    columns = {au: f"AU{au}" for au in RENDERS if f"AU{au}" in table}
    if "file" not in table or not columns:
        raise DatasetError(
            f"{path}: AU codes need a column 'file' and columns like 'AU12'; "
            f"it has {', '.join(table.columns[:8])}"
        )
    try:
        values = table[list(columns.values())].astype(np.float64)
    except ValueError as error:
        raise DatasetError(f"{path}: AU codes are numbers from 0 to 5 ({error})") from error
    if ((values < 0) | (values > _MOST)).any(axis=None):
        raise DatasetError(f"{path}: AU codes are numbers from 0 to 5; there are others")
    table[values.columns] = values
    name = table["file"] if "source" not in table else table["source"] + "/" + table["file"]
    codes: Codes = {}
    for file, rows in table.groupby(name):
        sided = _SIDE.findall(" ".join(rows["one_sided"].dropna()) if "one_sided" in rows else "")
        codes[str(file)] = {
            au: _sides(rows[column].to_numpy(np.float64), {half for n, half in sided if int(n) == au})
            for au, column in columns.items()
        }
    return codes


def _sides(values: np.ndarray, halves: set[str]) -> tuple[float, float]:
    mean = float(np.mean(values))  # NaN where a coder could not say
    if not (mean >= _PRESENT_FROM or mean <= _ABSENT_TO):
        return float("nan"), float("nan")
    strength = 0.0 if mean <= _ABSENT_TO else max(PRESENT, min(1.0, mean / _MOST))
    if strength == 0 or not halves:
        return strength, strength
    if len(halves) > 1:  # the coders disagree
        return float("nan"), float("nan")
    sides = [0.0, 0.0]
    sides[RIGHT if halves == {"left"} else LEFT] = strength  # the picture's left is the subject's right
    return sides[RIGHT], sides[LEFT]
