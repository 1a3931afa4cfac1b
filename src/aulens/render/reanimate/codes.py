"""AU codes of portraits, as strengths of muscles per side: what each picture shows before it is moved."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from aulens.aus import MOST_INTENSE, PRESENT_STRENGTH
from aulens.data.index import LEFT_ONLY, RIGHT_ONLY
from aulens.data.portraits.codes import ABSENT_TO, PRESENT_FROM, read_portrait_codes
from aulens.render.expression import LEFT, RIGHT

Codes = dict[str, dict[int, tuple[float, float]]]
"""A picture below its folder to its AUs: (subject's right, left) 0, [PRESENT_STRENGTH, 1] or NaN."""


def read_codes(path: str | Path) -> Codes:
    """Read a table with a row per picture and coder, see `read_portrait_codes`.

    Present from a mean of 2 on, absent up to 1, unknown between and where the coders disagree about sides.

    Raises:
        DatasetError: no such file, or it is no such table.
    """
    read = read_portrait_codes(path)
    means = read.intensities.astype(np.float64)
    strength = np.where(means <= ABSENT_TO, 0.0, np.clip(means / MOST_INTENSE, PRESENT_STRENGTH, 1.0))
    strength[~((means <= ABSENT_TO) | (means >= PRESENT_FROM))] = np.nan
    sides = np.repeat(strength[..., None], 2, axis=-1)
    known = np.isfinite(strength)
    sides[known & (read.one_sided == RIGHT_ONLY), LEFT] = 0.0
    sides[known & (read.one_sided == LEFT_ONLY), RIGHT] = 0.0
    return {
        file: {au: (right, left) for au, (right, left) in zip(read.aus, row, strict=True)}
        for file, row in zip(read.files, sides[..., [RIGHT, LEFT]].tolist(), strict=True)
    }
