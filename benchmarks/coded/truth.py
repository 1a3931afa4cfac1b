"""What two coders saw in each portrait.

N pictures, A Action Units.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sight.pictures import Portraits, bucket

from aulens.aus import MISSING, AUSet

_PRESENT_FROM, _ABSENT_TO = 2, 1
_UNFIT = {"styl", "bad"}


@dataclass(frozen=True, eq=False)
class Coded:
    """Pictures and their codes.

    Attributes:
        names: N times "source/file".
        persons: (N,) who is in them.
        aus: the AUs of the axis A.
        intensities: (N, A) mean of the coders, 0 to 5; NaN where one of them could not say.
        most: (N, A) the larger of the coders' two; NaN where both could not say.
    """

    names: tuple[str, ...]
    persons: NDArray[np.str_]
    aus: AUSet
    intensities: NDArray[np.float64]
    most: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def labels(self) -> NDArray[np.int8]:
        """(N, A): present from a mean of 2 on, absent up to 1, MISSING between and where it is not known."""
        known = np.where(self.intensities >= _PRESENT_FROM, 1, MISSING)
        return np.where(self.intensities <= _ABSENT_TO, 0, known).astype(np.int8)

    @property
    def at_rest(self) -> NDArray[np.bool_]:
        """(N,): neither coder saw even a trace of any AU."""
        return np.asarray(np.nanmax(self.most, axis=1) < 1)

    def take(self, chosen: NDArray[np.bool_]) -> Coded:
        """Those where `chosen` (N,) is True."""
        names = tuple(name for name, wanted in zip(self.names, chosen, strict=True) if wanted)
        return Coded(names, self.persons[chosen], self.aus, self.intensities[chosen], self.most[chosen])

    def __add__(self, other: Coded) -> Coded:
        return Coded(
            self.names + other.names,
            np.concatenate([self.persons, other.persons]),
            self.aus,
            np.concatenate([self.intensities, other.intensities]),
            np.concatenate([self.most, other.most]),
        )

    def of(self, *sources: str) -> Coded:
        """Those of some sources."""
        return self.take(np.array([name.split("/")[0] in sources for name in self.names], bool))

    def between(self, low: int, high: int) -> Coded:
        """Those whose `bucket` is at least `low` and below `high`."""
        return self.take(np.array([low <= bucket(name) < high for name in self.names], bool))


def read_coded(portraits: Portraits, codes: Path, aus: AUSet) -> Coded:
    """All pictures that two coders coded and neither calls stylised or bad, and that are there."""
    table = pd.read_csv(codes, dtype={"file": str, "source": str})
    table["name"] = table["source"] + "/" + table["file"]
    there = set(portraits.names(*table["source"].unique()))
    unfit = set(table.loc[table["quality"].isin(_UNFIT), "name"])
    table = table[table["name"].isin(there - unfit)].sort_values(["name", "rater"])
    names = tuple(table["name"].unique())
    columns = [label if label in table else "" for label in aus.labels]
    values = table.reindex(columns=columns).to_numpy(np.float64).reshape(len(names), 2, len(aus))
    with np.errstate(invalid="ignore"):
        most = np.fmax(values[:, 0], values[:, 1])
    return Coded(names, np.array([_person(name) for name in names]), aus, values.mean(1), most)


def _person(name: str) -> str:
    source, _, file = name.partition("/")
    return f"{source}/{file.split('_')[0]}" if source in {"openpeople", "london"} else name


def sexes(names: Sequence[str]) -> NDArray[np.str_]:
    """(N,) "female" or "male" of cc0 and openpeople, which say it; "" of others."""
    return np.array([_sex(name) for name in names])


def _sex(name: str) -> str:
    source, _, file = name.partition("/")
    if source == "cc0":
        return file.split("_")[0]
    package = importlib.util.find_spec("openpeople") if source == "openpeople" else None
    if package is None or package.origin is None:
        return ""
    person = Path(package.origin).parent / "data" / "curated" / file.split("_")[0] / "metadata.json"
    said = json.loads(person.read_text(encoding="utf-8"))
    return str(said["character_details"]["demographics"]["sex"])
