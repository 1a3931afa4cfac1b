"""Which Action Units have sides to show."""

from typing import Final

from aulens.roi import CENTRES
from aulens.runtime.result import FaceResult

# Chin and jaw: regions on either side of the midline, but what moves there moves as one. As with the lips
# models learn one label for both (`aulens.render.expression.MEDIAN`): a difference between the two is noise.
_CHIN_AND_JAW: Final = frozenset({17, 26, 27})


def has_sides(label: str) -> bool:
    """Whether an AU can be one-sided; False for lips, chin and jaw, whose sides are in tables only."""
    number = int(label.removeprefix("AU"))
    return number not in _CHIN_AND_JAW and not (number in CENTRES and CENTRES[number].midline)


def sides_of(result: FaceResult, label: str) -> tuple[bool, bool] | None:
    """Whether an AU is present on the subject's (right, left); None: it has no sides, or the model none."""
    return result.sides(label) if has_sides(label) else None
