"""The numbers that were published, as printed: a TOML file per table, with its source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

from aulens.checked import checked
from aulens.errors import ConfigError

TABLES: Final = ("A1", "A2", "A3", "A4", "B1")
"""Paper A's Tables 1 to 4 and paper B's Table 1."""
AVERAGE: Final = "avg"


@dataclass(frozen=True)
class PublishedMethod:
    """One method of a table.

    Attributes:
        name: as printed.
        work: whose it is, or what it is.
        values: row → number as printed; a row that we do not know is not there.
    """

    name: str
    work: str
    values: Mapping[str, float]

    @property
    def title(self) -> str:
        """Its name among ours: a paper's "Ours" is not ours."""
        return "Ours (paper)" if self.name == "Ours" else self.name


@dataclass(frozen=True)
class PublishedTable:
    """A table of a paper.

    Attributes:
        table: one of TABLES.
        title: what it shows.
        source: the paper, and where in it.
        dataset: whose test frames, "bp4d".
        rows: AU labels and then "avg"; in B1, measures of `aulens.study.averages.MEASURES`.
        percent: whether numbers are printed in percent, not as shares.
        decimals: as printed.
        methods: in the order of the table.
        notes: sentences on what is not known, or odd.
    """

    table: str
    title: str
    source: str
    dataset: str
    rows: tuple[str, ...]
    percent: bool
    decimals: int
    methods: tuple[PublishedMethod, ...]
    notes: tuple[str, ...]

    @property
    def of_aus(self) -> bool:
        """Whether rows are AUs and their average, not measures."""
        return AVERAGE in self.rows


def load(table: str) -> PublishedTable:
    """The numbers of a table.

    Args:
        table: one of TABLES, in any case.

    Raises:
        ConfigError: there is no such table.
    """
    if table.upper() not in TABLES:
        raise ConfigError(f"There is no table {table!r}; there are {', '.join(TABLES)}.")
    file = resources.files(__package__).joinpath(f"{table.lower()}.toml")
    raw = tomllib.loads(file.read_text(encoding="utf-8"))
    rows = raw.pop("values")
    columns = (dict(zip(rows, column, strict=True)) for column in zip(*rows.values(), strict=True))
    raw["methods"] = [
        {"name": name, "work": work, "values": {row: one for row, one in column.items() if one == one}}
        for name, work, column in zip(raw["methods"], raw.pop("works"), columns, strict=True)
    ]
    return checked(PublishedTable, raw | {"table": table.upper(), "rows": list(rows)}, file)
