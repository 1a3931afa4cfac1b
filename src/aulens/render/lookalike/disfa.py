"""The layout of DISFA: left camera's videos, a file of intensities per AU, 66 landmarks per frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import PRESENT_STRENGTH
from aulens.data.protocols import DISFA_PROTOCOL
from aulens.landmarks import IBUG66, IBUG68, convert
from aulens.render.lookalike.cast import Take
from aulens.render.lookalike.files import write_matrix, write_text, write_video
from aulens.render.lookalike.film import Frame, Framing, Studio, film

FRAMING: Final = Framing(aspect=4 / 3)
AUS_WITH_FILES: Final = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
# Landmark files of this subject count from 1 and are named otherwise; one of them lacks.
_OTHERWISE: Final = "SN031"


def intensity_code(intensity: float) -> int:
    """0 to 5 of an intensity 0..1: present (2 or more) from PRESENT_STRENGTH on, 1 = a trace."""
    if intensity < PRESENT_STRENGTH:
        return int(intensity >= PRESENT_STRENGTH / 2)
    return min(5, 2 + int((intensity - PRESENT_STRENGTH) / (1 - PRESENT_STRENGTH) * 4))


def write_take(root: Path, take: Take, studio: Studio) -> None:
    """Write one subject: video, landmarks, at last the labels."""
    seen: list[Frame] = []

    def images() -> Iterator[NDArray[np.uint8]]:
        for frame in film(take, take.frames, studio, FRAMING):
            seen.append(frame)
            yield frame.image

    rate = round(DISFA_PROTOCOL.frame_rate or 20)
    write_video(root / "Videos_LeftCamera" / f"LeftVideo{take.subject}_comp.avi", images(), rate)
    for t, frame in enumerate(seen):
        name = f"{take.subject}_{t:04d}_lm.mat"
        if take.subject == _OTHERWISE:
            if t == take.frames // 2:
                continue
            name = f"l0{t + 1:04d}_lm.mat"
        # MATLAB counts pixels from 1.
        points = convert(frame.landmarks, IBUG68, IBUG66).astype(np.float64) + 1
        write_matrix(root / "Landmark_Points" / take.subject / "tmp_frame_lm" / name, "pts", points)
    for au in AUS_WITH_FILES:
        lines = [f"{t + 1},{intensity_code(frame.seen[au])}" for t, frame in enumerate(seen)]
        write_text(root / "ActionUnit_Labels" / take.subject / f"{take.subject}_au{au}.txt", lines)
