"""Which faces count: those that are not turned too far and whose picture is good enough."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
from msgspec import Meta
from numpy.typing import ArrayLike, NDArray

from aulens.checked import Checked
from aulens.errors import InputError
from aulens.runtime.result import FaceResult
from aulens.tables.schema import au_of

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS: Final = ("pose_yaw", "pose_pitch", "quality")


@dataclass(frozen=True)
class Limits(Checked):
    """From which yaw, pitch and quality on a face counts as not seen; None: from none.

    What has a limit must be known: `min_quality` leaves out a face of unknown quality, in a table as in rows
    that are printed.

    Attributes:
        max_yaw: degrees, 0 to 180: turned further to either side.
        max_pitch: degrees, 0 to 90: further up or down.
        min_quality: 0 to 1: of less.

    Raises:
        ConfigError: one is out of range.
    """

    max_yaw: Annotated[float, Meta(ge=0, le=180, description="degrees from 0 to 180")] | None = None
    max_pitch: Annotated[float, Meta(ge=0, le=90, description="degrees from 0 to 90")] | None = None
    min_quality: Annotated[float, Meta(ge=0, le=1, description="a share from 0 to 1")] | None = None

    def __bool__(self) -> bool:
        return any(value is not None for value in astuple(self))

    def __str__(self) -> str:
        """Of what is left out, for sentences: "turned by more than 30°, or of a quality below 0.3"."""
        texts = (
            (self.max_yaw, "turned by more than {:g}°"),
            (self.max_pitch, "up or down by more than {:g}°"),
            (self.min_quality, "of a quality below {:g}"),
        )
        return ", or ".join(text.format(value) for value, text in texts if value is not None)

    def keep(self, yaw: ArrayLike, pitch: ArrayLike, quality: ArrayLike) -> NDArray[np.bool_]:
        """Which of some faces count; not one whose yaw, pitch or quality has a limit and is NaN."""
        kept = np.ones(np.shape(yaw), dtype=bool)
        if self.max_yaw is not None:
            kept &= np.abs(yaw) <= self.max_yaw
        if self.max_pitch is not None:
            kept &= np.abs(pitch) <= self.max_pitch
        if self.min_quality is not None:
            kept &= np.asarray(quality) >= self.min_quality
        return kept

    def counts(self, face: FaceResult) -> bool:
        """Whether a face counts, by the same rule as `keep`."""
        pitch, yaw = (math.nan, math.nan) if face.pose is None else face.pose.angles[:2]
        return bool(self.keep(yaw, pitch, face.quality))

    def usable(self, table: pd.DataFrame) -> pd.DataFrame:
        """A copy of a table of our columns, in which faces beyond the limits count as not seen.

        Their rows have `success` 0 and no scores, like those of somebody who is lost, so that smoothing,
        events, shares, co-occurrence, figures and reports leave them out. Box, pose and quality stay, to show
        why. Smooth afterwards: what was smoothed before has taken in what is left out.

        Raises:
            InputError: no row with a face has the pose or the quality.
        """
        seen = (table["success"] == 1).fillna(False).to_numpy(dtype=bool)
        columns = {}
        for name, limit in zip(_COLUMNS, astuple(self), strict=True):
            numbers = np.full(len(table), math.nan)
            if limit is not None and name in table.columns:
                numbers = table[name].to_numpy(dtype=np.float64, na_value=np.nan)
            if limit is not None and seen.any() and np.isnan(numbers[seen]).all():
                raise InputError(
                    f"the table has no {name} in any row with a face, so none can be left out by it: it "
                    "is of an earlier version, or its detector does not give it; analyze anew or set no limit"
                )
            columns[name] = numbers
        out = seen & ~self.keep(*columns.values())
        kept = table.copy()
        kept.loc[out, "success"] = 0
        kept.loc[out, [name for name in table.columns if au_of(name)]] = math.nan
        return kept


def left_out_text(table: pd.DataFrame, kept: pd.DataFrame, limits: Limits) -> str:
    """How many rows of a table `limits` left out, in words."""
    before, after = (int((one["success"] == 1).sum()) for one in (table, kept))
    return out_of(before - after, before, limits)


def out_of(out: int, faces: int, limits: Limits) -> str:
    """How many of so many faces are left out, in words."""
    return f"{out:,} of {faces:,} rows with a face are left out ({limits})"
