"""How often AUs are present together."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.errors import InputError
from aulens.metrics.counts import ratio
from aulens.tables.schema import aus_in, take_smoothed


@dataclass(frozen=True, eq=False)
class Cooccurrence:
    """Counts of frames (rows of a table), row AU by column AU; every measure follows from them.

    Attributes:
        labels: A of them, the meaning of both axes.
        known: (A, A) int64, rows in which both AUs are decided.
        row: (A, A) int64, of these, rows in which the row's AU is present.
        both: (A, A) int64, of these, rows in which both are.

    Raises:
        InputError: a count has another shape, or can't be.
    """

    labels: tuple[str, ...]
    known: NDArray[np.int64]
    row: NDArray[np.int64]
    both: NDArray[np.int64]

    def __post_init__(self) -> None:
        side = len(self.labels)
        for name in ("known", "row", "both"):
            if (shape := getattr(self, name).shape) != (side, side):
                raise InputError(f"{name} must be {(side, side)} for {side} AUs, got {shape}")
        if not ((self.both >= 0) & (self.both <= self.row) & (self.row <= self.known)).all():
            raise InputError("counts must be 0 <= both <= row <= known")

    @property
    def counts(self) -> pd.DataFrame:
        """Rows in which both are present; on the diagonal, in which the AU is."""
        return self._frame(self.both)

    @property
    def joint(self) -> pd.DataFrame:
        """P(row and column present), NaN where they are never decided together."""
        return self._frame(ratio(self.both, self.known))

    @property
    def conditional(self) -> pd.DataFrame:
        """P(column present | row present), NaN where the row never is."""
        return self._frame(ratio(self.both, self.row))

    @property
    def jaccard(self) -> pd.DataFrame:
        """Rows with both over rows with either, NaN where there are none."""
        return self._frame(ratio(self.both, self.row + self.row.T - self.both))

    @property
    def phi(self) -> pd.DataFrame:
        """The correlation of the two decisions, -1 to 1, NaN where one of them never changes."""
        n, row, column, both = (m.astype(np.float64) for m in (self.known, self.row, self.row.T, self.both))
        spread = np.sqrt(row * (n - row)) * np.sqrt(column * (n - column))
        return self._frame(ratio(n * both - row * column, spread))

    def _frame(self, matrix: NDArray[np.int64] | NDArray[np.float64]) -> pd.DataFrame:
        return pd.DataFrame(matrix, index=list(self.labels), columns=list(self.labels))


def cooccurrence(table: pd.DataFrame, *, smoothed: bool | None = None) -> Cooccurrence:
    """Count over the rows of a table in which a face was seen: all people and files, filter it for less.

    Args:
        table: our columns.
        smoothed: by `AU12_smooth_c`, not `AU12_c`; None: where they exist.

    Raises:
        InputError: the table has no such columns.
    """
    labels = aus_in(table)
    end = "smooth_c" if take_smoothed(table, labels, smoothed) else "c"
    names = [f"{label}_{end}" for label in labels]
    lacking = [name for name in ("success", *names) if name not in table.columns]
    if lacking or not labels:
        raise InputError(f"the table has no {lacking[0] if lacking else 'columns of AUs'}")
    decided = table.loc[table["success"] == 1, names].to_numpy(dtype=np.float64, na_value=np.nan)
    known = np.isfinite(decided).astype(np.float64)
    present = (decided == 1).astype(np.float64)
    # Sums of ones: exact in float64, and many times faster than integers.
    counted = [(a.T @ b).astype(np.int64) for a, b in ((known, known), (present, known), (present, present))]
    return Cooccurrence(labels, *counted)
