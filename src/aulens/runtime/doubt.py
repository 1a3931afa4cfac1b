"""Which faces are seen too badly for their Action Units to say much, and why; which parts are hidden.

docs/faces.md says on what the numbers were chosen.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.landmarks import BROWS, IBUG68, LEFT_EYE, MOUTH, NOSE, RIGHT_EYE

DOUBTFUL: Final = 0.5
"""A face of a lower quality is doubtful."""
PARTS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {"brows": BROWS, "eyes": RIGHT_EYE + LEFT_EYE, "nose": NOSE, "mouth": MOUTH}
)
"""The points of the 68 of each part that can be hidden."""
AUS_OF: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "brows": (1, 2, 4),
        "eyes": (4, 5, 6, 7, 43, 45, 46),
        "nose": (9,),
        "mouth": (*range(10, 29),),
    }
)
"""The AUs that are guesses where a part is hidden."""
_IN_SIGHT: Final = 0.5  # of a part, the mean of its points
_TURNED: Final = 40.0  # degrees
_SMALL: Final = 50.0  # pixels, height of the box


def hidden_parts(visibility: NDArray[np.float64] | None) -> tuple[str, ...]:
    """Which of `PARTS` can't be seen, by the visibility (68,) of landmarks; () where nothing is known."""
    if visibility is None or len(visibility) != IBUG68.count:
        return ()
    return tuple(part for part, points in PARTS.items() if visibility[list(points)].mean() < _IN_SIGHT)


def guessed(hidden: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """Which of some AUs are guesses where these parts are hidden."""
    of = {f"AU{number}" for part in hidden for number in AUS_OF.get(part, ())}
    return tuple(label for label in labels if label in of)


def guesses_text(hidden: Sequence[str], labels: Sequence[str]) -> str:
    """The same in words: "AU4, AU43 are guesses"; "" for none."""
    found = guessed(hidden, labels)
    return f"{', '.join(found)} {'is a guess' if len(found) == 1 else 'are guesses'}" if found else ""


def doubt(quality: float, yaw: float, pitch: float, height: float, hidden: Sequence[str]) -> str:
    """Why a face is doubtful: "turned away", "small", "mouth hidden", or what is left, "dark or blurred".

    Args:
        quality: 0 to 1; NaN: nobody knows, which is no doubt.
        yaw: degrees, NaN where not known, as pitch.
        pitch: degrees.
        height: of the box, pixels.
        hidden: of `PARTS`.

    Returns:
        One reason, that which says most; "" for a face that is not doubtful.
    """
    if math.isnan(quality) or quality >= DOUBTFUL:
        return ""
    if abs(yaw) > _TURNED or abs(pitch) > _TURNED:
        return "turned away"
    if height < _SMALL:
        return "small"
    return hidden_text(hidden) or "dark or blurred"


def hidden_text(hidden: Sequence[str]) -> str:
    """Parts in words: "nose and mouth hidden"; "" for none."""
    return f"{' and '.join(hidden)} hidden" if hidden else ""


def caution(why: str, hidden: Sequence[str], labels: Sequence[str]) -> str:
    """What a reader is to know of a doubtful face, and of one with hidden parts, in sentences; "" of others.

    Args:
        why: of `doubt`.
        hidden: of `PARTS`.
        labels: of the model's AUs.
    """
    said = [f"This face is doubtful: {why}."] if why else []
    if guesses := guesses_text(hidden, labels):
        said.append(f"{hidden_text(hidden).capitalize()}: {guesses}.")
    return " ".join(said)


def doubts_text(reasons: Mapping[str, int], faces: int, noun: str = "faces") -> str | None:
    """How many of so many faces are doubtful, and why; None if none is.

    Args:
        reasons: how many have each of `doubt`'s reasons; "" does not count.
        faces: all that count.
        noun: what they are called.
    """
    counts = [(why, count) for why, count in Counter(reasons).most_common() if why and count]
    if not counts:
        return None
    said = ", ".join(f"{count:,} {why}" for why, count in counts)
    total = sum(count for _, count in counts)
    verb = "is" if total == 1 else "are"
    return f"{total:,} of {faces:,} {noun} {verb} doubtful (quality below {DOUBTFUL:g}): {said}"
