"""What the coders saw in each portrait, and who is in it.

N pictures, A Action Units.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.aus import MISSING, AUSet
from aulens.data.portraits.codes import ABSENT_TO, CODES, PRESENT_FROM, read_portrait_codes
from aulens.data.portraits.splits import split_of, subject_of

_LOOKS = CODES.with_name("apparent.csv")


@dataclass(frozen=True, eq=False)
class Coded:
    """Pictures and their codes.

    Attributes:
        names: N times "source/file".
        persons: (N,) who is in them.
        aus: the AUs of the axis A.
        intensities: (N, A) mean of the coders, 0 to 5; NaN where one of them could not say.
    """

    names: tuple[str, ...]
    persons: NDArray[np.str_]
    aus: AUSet
    intensities: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.names)

    def __add__(self, other: Coded) -> Coded:
        return Coded(
            self.names + other.names,
            np.concatenate([self.persons, other.persons]),
            self.aus,
            np.concatenate([self.intensities, other.intensities]),
        )

    @property
    def labels(self) -> NDArray[np.int8]:
        """(N, A): present from a mean of 2 on, absent up to 1, MISSING between and where it is not known."""
        known = np.where(self.intensities >= PRESENT_FROM, 1, MISSING)
        return np.where(self.intensities <= ABSENT_TO, 0, known).astype(np.int8)

    @property
    def at_rest(self) -> NDArray[np.bool_]:
        """(N,): neither coder saw even a trace of any AU."""
        return np.asarray(np.nanmax(self.intensities, axis=1) == 0)

    def take(self, chosen: NDArray[np.bool_]) -> Coded:
        """Those where `chosen` (N,) is True."""
        names = tuple(name for name, wanted in zip(self.names, chosen, strict=True) if wanted)
        return Coded(names, self.persons[chosen], self.aus, self.intensities[chosen])

    def of(self, *sources: str) -> Coded:
        """Those of some sources."""
        return self.take(np.array([name.split("/")[0] in sources for name in self.names], bool))

    def split(self, *splits: str) -> Coded:
        """Those of some splits."""
        return self.take(np.array([split_of(name) in splits for name in self.names], bool))


def read_coded(folder: Path) -> Coded:
    """The coded pictures that are in a folder, "source/file", but for what a coder calls stylised or bad."""
    table = read_portrait_codes(CODES)
    kept = [
        row for row, file in enumerate(table.files) if not table.left_out[row] and (folder / file).is_file()
    ]
    names = tuple(table.files[row] for row in kept)
    persons = np.array([subject_of(name) for name in names])
    return Coded(names, persons, table.aus, table.intensities[kept].astype(np.float64))


def looks(persons: NDArray[np.str_]) -> pd.DataFrame:
    """How people look, a row for each of N persons: `sex`, `age`, `glasses`, `beard`; "" = not known."""
    table = pd.read_csv(_LOOKS, dtype=str, keep_default_na=False).set_index("subject")
    return table.reindex(persons).fillna("")
