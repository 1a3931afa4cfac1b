"""The layout of BP4D: F001/T1/0001.jpg, AUCoding/AU_OCC/F001_T1.csv, 2DFeatures/F001_T1.mat."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import AUS, BP4D, PRESENT_STRENGTH
from aulens.landmarks import IBUG49, IBUG68, convert
from aulens.render.lookalike.cast import Take
from aulens.render.lookalike.files import write_cells, write_jpeg, write_text
from aulens.render.lookalike.film import Framing, Studio, film
from aulens.render.lookalike.rates import base_rates

FRAMING: Final = Framing(aspect=0.75)
NOT_CODED: Final = 9
"""The code for "unknown" in AU_OCC."""

# Zeros before the number of a picture, by take: as many digits, 1 = none.
_DIGITS: Final = (4, 1, 4, 5, 4, 3)


def write_take(root: Path, take: Take, studio: Studio) -> None:
    """Write one sequence: pictures, the 49 landmarks of each, at last the labels.

    A few more pictures than `take.frames` follow that are coded 9 throughout. Every third sequence has one
    AU that is 9 for a while, every second one a frame without landmarks.
    """
    rng = np.random.default_rng(studio.config.stream(5, take.number))
    more = 1 + take.frames // 20
    total = take.frames + more
    digits = _DIGITS[take.number % len(_DIGITS)]
    # Numbers without padding differ from padded ones below 1000 only.
    first = int(rng.integers(1, 1 + max(1, (900 if digits in (1, 3) else 2400) - total)))
    numbers = range(first, first + total)
    cells: list[NDArray[np.float64] | None] = [None] * (first - 1)
    shown = []
    for number, frame in zip(numbers, film(take, total, studio, FRAMING), strict=True):
        write_jpeg(root / take.subject / take.name / f"{number:0{digits}d}.jpg", frame.image)
        # MATLAB counts pixels from 1.
        cells.append(convert(frame.landmarks, IBUG68, IBUG49).astype(np.float64) + 1)
        shown.append(frame.seen)
    if take.number % 2 == 0:
        for t in rng.choice(take.frames, 1 + take.frames // 50, replace=False):
            cells[first - 1 + int(t)] = None
    write_cells(root / "2DFeatures" / f"{take.subject}_{take.name}.mat", "pred", cells)

    coded = set(base_rates(studio.config.layout))
    columns = [au for au in AUS if au in coded or au not in BP4D]
    codes = np.full((total, len(columns)), NOT_CODED)
    for t, seen in enumerate(shown[: take.frames]):
        for axis, au in enumerate(columns):
            if au in coded:
                codes[t, axis] = seen[au] >= PRESENT_STRENGTH
    if take.number % 3 == 1:
        length = max(1, take.frames // 6)
        start = int(rng.integers(0, take.frames - length + 1))
        codes[start : start + length, columns.index(int(rng.choice(BP4D.numbers)))] = NOT_CODED
    rows = [",".join(map(str, (number, *row))) for number, row in zip(numbers, codes.tolist(), strict=True)]
    header = ",".join(map(str, (0, *columns)))
    write_text(root / "AUCoding" / "AU_OCC" / f"{take.subject}_{take.name}.csv", [header, *rows])
