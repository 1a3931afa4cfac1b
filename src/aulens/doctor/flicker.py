"""Checks of codes in time: an AU lasts many frames, so codes change seldom from one frame to the next."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING
from aulens.data.index import FrameIndex, Problem

MIN_EXPECTED: Final = 10.0
"""A clip is judged if shuffling its frames would make 10 changes of code or more."""

MIN_FRAMES: Final = 20

RESTLESS: Final = 0.5
"""Codes that change half as often as in shuffled frames, or more, are no events. Events of 4 frames stay
below it; at 20 to 30 frames a second most last 10 frames and more, and the share is 0.02 to 0.2."""

SHUFFLED: Final = 0.8
"""From this share on it is chance itself, and an error."""


def changes(labels: NDArray[np.int8], frame: NDArray[np.int64]) -> tuple[float, float]:
    """Changes of code between neighbouring frames of one clip.

    Args:
        labels: (N, A) in {0, 1, MISSING}.
        frame: (N,) ascending; neighbours are one apart.

    Returns:
        How many there are, over all AUs, and how many to expect if the frames stood in random order.
    """
    both = (labels[1:] != MISSING) & (labels[:-1] != MISSING) & (np.diff(frame) == 1)[:, None]
    seen = float(((labels[1:] != labels[:-1]) & both).sum())
    coded = (labels != MISSING).sum(0)
    present = (labels == 1).sum(0)
    # Of the pairs of different frames, those of different code.
    share = 2.0 * present * (coded - present) / np.maximum(coded * (coded - 1.0), 1.0)
    return seen, float((both.sum(0) * share).sum())


def check_flicker(index: FrameIndex) -> tuple[list[Problem], list[str]]:
    """Find clips whose codes change as if their rows were shuffled.

    Returns:
        Findings, and what could not be judged.
    """
    restless, judged = list[tuple[str, float, float, int]](), 0
    for subject, sequence, rows in index.sequences():
        if len(rows) < MIN_FRAMES:
            continue
        seen, expected = changes(index.labels[rows], index.frame[rows])
        if expected < MIN_EXPECTED:
            continue
        judged += 1
        if seen > RESTLESS * expected:
            restless.append((f"{subject}/{sequence}", seen, expected, len(rows)))
    if not judged:
        return [], ["flicker of codes: no clip has enough neighbouring frames in which AUs come and go"]
    if len(restless) > judged / 2:
        seen, expected = sum(row[1] for row in restless), sum(row[2] for row in restless)
        frames = sum(row[3] for row in restless)
        return [_finding(f"{len(restless)} of {judged} clips", seen, expected, frames)], []
    return [_finding(*row) for row in restless], []


def _finding(where: str, seen: float, expected: float, frames: int) -> Problem:
    message = (
        f"codes change {seen:.0f} times between neighbouring frames; shuffled rows would change "
        f"{expected:.0f} times, muscles a tenth as often: the rows are shuffled or not of these frames; "
        "get the label file again, and don't sort it by anything but the frame."
    )
    return Problem("error" if seen > SHUFFLED * expected else "warning", "flicker", where, message, frames)
