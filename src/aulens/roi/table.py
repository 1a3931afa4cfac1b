"""Where on the face each AU shows: the table AU → two centres.

Every axis of length 2 is [subject_right, subject_left]: the person's own sides. For the AUs of the whole lips
(`CentreRule.midline`) the two are instead the upper and the lower lip, which belong to both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.aus import AUSet
from aulens.errors import ConfigError
from aulens.landmarks import IBUG68, INNER_EYE_CORNERS, SUBJECT_RIGHT, layout_of


@dataclass(frozen=True)
class CentreRule:
    """Where an AU's two regions lie.

    Attributes:
        right: landmark of the subject's right side, an index of the 68.
        left: its mirror partner on the subject's left side; or both are on the midline.
        offset: how far below the landmarks the centres lie, in inner-eye-corner distances; negative = above.

    Raises:
        ConfigError: when the two are neither mirror partners (right one first) nor both on the midline.
    """

    right: int
    left: int
    offset: float = 0.0

    def __post_init__(self) -> None:
        sides = (self.right, self.left)
        if not all(0 <= i < IBUG68.count for i in sides):
            raise ConfigError(f"a centre rule's landmarks are among 0 to {IBUG68.count - 1}, got {sides}")
        mirrored = tuple(IBUG68.mirror[i] for i in sides)
        if not (self.midline or (mirrored == sides[::-1] and self.right in SUBJECT_RIGHT)):
            raise ConfigError(
                f"a centre rule needs a landmark of the subject's right side and its mirror partner, "
                f"or two on the midline; got right {self.right}, left {self.left}, "
                f"whose mirror partners are {mirrored[0]} and {mirrored[1]}"
            )

    @property
    def midline(self) -> bool:
        """Whether both points are on the midline of the face, so that neither region belongs to one side."""
        return IBUG68.mirror[self.right] == self.right and IBUG68.mirror[self.left] == self.left


CENTRES: Final[Mapping[int, CentreRule]] = MappingProxyType(
    {
        # The rules of JAA-Net (Shao et al., ECCV 2018) and, before it, EAC-Net:
        1: CentreRule(21, 22, -1 / 2),  # above the inner brows
        2: CentreRule(18, 25, -1 / 3),  # above the outer brows
        4: CentreRule(19, 24, 1 / 3),  # below the middle of the brows
        6: CentreRule(41, 46, 1.0),  # the cheeks, below the eyes
        7: CentreRule(38, 43),  # upper lids
        9: CentreRule(32, 34, -1 / 2),  # the sides of the nose
        10: CentreRule(61, 63),  # upper lip
        12: CentreRule(48, 54),  # lip corners
        14: CentreRule(48, 54),
        15: CentreRule(48, 54),
        17: CentreRule(58, 56, 1 / 2),  # the chin, below the lower lip
        23: CentreRule(51, 57),  # middle of the upper and of the lower lip
        24: CentreRule(51, 57),
        25: CentreRule(51, 57),
        26: CentreRule(58, 56, 1 / 2),
        # Our own, for the AUs that they lack:
        5: CentreRule(37, 44),  # the outer half of the upper lid's edge, where white shows as the lid goes up
        11: CentreRule(49, 53, -1 / 3),  # the middle of the nasolabial fold, between nose wing and lip
        13: CentreRule(48, 54, -1 / 3),  # above the lip corners, where levator anguli oris puffs the cheek
        16: CentreRule(58, 56),  # the lower lip's edge, which depressor labii inferioris draws down
        18: CentreRule(51, 57),  # the whole lips pushed forward: as the other actions of orbicularis oris
        20: CentreRule(48, 54),  # risorius ends at the lip corners
        22: CentreRule(51, 57),
        27: CentreRule(58, 56, 1 / 2),  # the jaw again, as AU26
        28: CentreRule(51, 57),
        43: CentreRule(37, 44, 1 / 6),  # the middle of the open eye (a third as high as it is wide)
        45: CentreRule(37, 44, 1 / 6),
    }
)
"""AU number → where it shows; every AU of `aulens.aus.AUS` has its rule."""


def centres(landmarks: ArrayLike, aus: AUSet, upright: bool = False) -> NDArray[np.float64]:
    """The two centres of each AU.

    Offsets go down the face, at a right angle to the line of the inner eye corners, so that the centres
    turn and grow with the face: centres of transformed landmarks are the transformed centres. With `upright`,
    they go down the picture by the horizontal distance of the inner eye corners, as in JAA-Net, whose faces
    are aligned; on a level face the two agree.

    Args:
        landmarks: (..., K, 2) in any layout of `landmarks.LAYOUTS`.
        aus: whose centres.
        upright: offsets as JAA-Net draws them.

    Returns:
        (..., A, 2, 2) float64: per AU and side (x, y), in the landmarks' own pixels.

    Raises:
        InputError: when the landmarks are of no known layout.
    """
    layout = layout_of(landmarks)
    points = np.asarray(landmarks, np.float64)
    rules = [CENTRES[n] for n in aus]
    chosen = [layout.positions((rule.right, rule.left)) for rule in rules]
    right, left = (points[..., i, :] for i in layout.positions(INNER_EYE_CORNERS))
    across = left - right
    if upright:
        down = np.stack([np.zeros_like(across[..., 0]), np.abs(across[..., 0])], -1)
    else:
        down = np.stack([-across[..., 1], across[..., 0]], -1)
    offsets = np.array([rule.offset for rule in rules])[:, None, None]
    return np.asarray(points[..., np.array(chosen), :] + offsets * down[..., None, None, :])
