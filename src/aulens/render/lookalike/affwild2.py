"""The layout of Aff-Wild2: cropped_aligned/VIDEO/00001.jpg and annotations/AU_Set/Train_Set/VIDEO.txt."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from aulens.aus import AFFWILD2, PRESENT_STRENGTH
from aulens.render.lookalike.cast import Take
from aulens.render.lookalike.files import write_jpeg, write_text
from aulens.render.lookalike.film import Framing, Studio, film, level_crop

FRAMING: Final = Framing(aspect=1.0, span=26.0, drop=2.0)
NOT_CODED: Final = -1
"""The code for "not annotated"."""

_SETS: Final = {"train": "Train_Set", "validation": "Validation_Set"}


def write_take(root: Path, take: Take, studio: Studio) -> None:
    """Write one person of one video: level crops, then the labels.

    A stretch of the frames is not annotated (-1 throughout), one row lacks one AU, for a stretch no face was
    found (no picture), and the labels go on for one row after the last picture.
    """
    rng = np.random.default_rng(studio.config.stream(5, take.number))
    stretch = 1 + take.frames // 20
    frames = list(film(take, take.frames, studio, FRAMING))
    rows = np.array([[frame.seen[au] >= PRESENT_STRENGTH for au in AFFWILD2] for frame in frames]).astype(int)
    at = int(rng.integers(0, take.frames - stretch + 1))
    rows[at : at + stretch] = NOT_CODED
    rows[int(rng.integers(take.frames)), int(rng.integers(len(AFFWILD2)))] = NOT_CODED
    lost = int(rng.integers(0, take.frames - stretch + 1))
    for t, frame in enumerate(frames):
        if not lost <= t < lost + stretch:
            crop = level_crop(frame, studio.config.height)
            write_jpeg(root / "cropped_aligned" / take.name / f"{t + 1:05d}.jpg", crop.image)
    lines = [",".join(map(str, row)) for row in [*rows.tolist(), rows[-1].tolist()]]
    folder = root / "annotations" / "AU_Set" / _SETS[take.part]
    write_text(folder / f"{take.name}.txt", [",".join(AFFWILD2.labels), *lines])
