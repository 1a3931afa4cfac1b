"""AU codes of portraits by several coders, from a CSV file: mean intensities, and AUs of one side only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.aus import MAX_INTENSITY, MISSING, RENDERS, AUSet
from aulens.contents import size_of
from aulens.data.index import BOTH, LEFT_ONLY, RIGHT_ONLY
from aulens.errors import DatasetError

CODES: Final = Path(__file__).with_name("codes.csv.xz")
"""The codes of the portraits of `aulens.data.portraits`."""

PRESENT_FROM: Final = 2.0
ABSENT_TO: Final = 1.0
"""An AU is present from a mean intensity of PRESENT_FROM on, absent up to ABSENT_TO, not coded between."""

LEFT_OUT: Final = frozenset({"bad", "styl"})
"""Qualities of pictures that are no faces of people, in the eyes of one coder at least."""

_SIDE: Final = re.compile(r"AU(\d{1,9})=picture_(left|right)")


@dataclass(frozen=True, eq=False)
class PortraitCodes:
    """Codes of N pictures.

    Attributes:
        files: N names below the folder of the pictures, sorted.
        aus: A AUs, those of `RENDERS` that are coded.
        intensities: (N, A) float32, the mean of the coders, 0 to 5; NaN where one can't say, or where they
            disagree about the side.
        one_sided: (N, A) int8, the subject's side that shows the AU alone: BOTH, RIGHT_ONLY or LEFT_ONLY.
        left_out: (N,) bool, of a quality in LEFT_OUT.
    """

    files: tuple[str, ...]
    aus: AUSet
    intensities: NDArray[np.float32]
    one_sided: NDArray[np.int8]
    left_out: NDArray[np.bool_]

    @property
    def labels(self) -> NDArray[np.int8]:
        """(N, A) int8 in {0, 1, MISSING}."""
        present, absent = self.intensities >= PRESENT_FROM, self.intensities <= ABSENT_TO
        return np.where(present, 1, np.where(absent, 0, MISSING)).astype(np.int8)


def read_portrait_codes(path: str | Path) -> PortraitCodes:
    """Read a table with a row per picture and coder.

    Columns: `file`, the picture's name below its folder (its folder may stand in a column `source`), and
    `AU1`, `AU2`, ... with intensities of FACS: 0 absent, 1 a trace ... 5 maximal, empty where nobody can say.
    Rows of several coders are averaged. A column `one_sided` ("AU12=picture_left") names AUs that show in one
    half of the picture only, `quality` what the picture is like.

    Raises:
        DatasetError: no such file, or it is no such table.
    """
    try:
        size_of(Path(path))
        table = pd.read_csv(path, dtype={"file": str, "source": str, "one_sided": str, "quality": str})
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: these AU codes can't be read ({error!s:.200})") from error
    numbers = [au for au in RENDERS if f"AU{au}" in table]
    if "file" not in table or not numbers:
        raise DatasetError(
            f"{path}: AU codes need a column 'file' and columns like 'AU12'; "
            f"it has {', '.join(table.columns[:8]):.200}"
        )
    try:
        values = table[[f"AU{au}" for au in numbers]].astype(np.float64)
    except ValueError as error:
        raise DatasetError(f"{path}: AU codes are numbers from 0 to 5 ({error!s:.200})") from error
    if ((values < 0) | (values > MAX_INTENSITY)).any(axis=None):
        raise DatasetError(f"{path}: AU codes are numbers from 0 to 5; there are others")
    name = table["file"] if "source" not in table else table["source"] + "/" + table["file"]
    unsure = values.isna().groupby(name).any()
    means = values.groupby(name).mean().mask(unsure)
    aus = AUSet("portraits", tuple(numbers))
    files = tuple(str(file) for file in means.index)
    intensities = means.to_numpy(np.float32).copy()
    one_sided = _one_sided(table, name, files, aus)
    intensities[one_sided == _BOTH_HALVES] = np.nan
    one_sided[one_sided == _BOTH_HALVES] = BOTH
    bad = table["quality"].isin(LEFT_OUT) if "quality" in table else pd.Series(False, table.index)
    return PortraitCodes(files, aus, intensities, one_sided, bad.groupby(name).any().to_numpy(bool))


_BOTH_HALVES: Final = RIGHT_ONLY | LEFT_ONLY  # the coders disagree


def _one_sided(
    table: pd.DataFrame, name: pd.Series[str], files: tuple[str, ...], aus: AUSet
) -> NDArray[np.int8]:
    sides = np.full((len(files), len(aus)), BOTH, np.int8)
    if "one_sided" not in table:
        return sides
    rows = {file: row for row, file in enumerate(files)}
    noted = table["one_sided"].notna()
    for file, text in zip(name[noted].tolist(), table["one_sided"][noted].tolist(), strict=True):
        for number, half in _SIDE.findall(text):
            if int(number) in aus.numbers:
                # The picture's left is the subject's right.
                sides[rows[file], aus.index(int(number))] |= RIGHT_ONLY if half == "left" else LEFT_ONLY
    return sides
