"""Which of the 189 points placed by hand on the Face Research Lab London Set have a partner among the 68.

The points are those of the template "FRL-face" of WebMorph (debruine/webmorphR, inst/extdata/tem_defs/FRL.csv
says what each is; "left" there is the picture's left). A partner is a point that both schemes define by
anatomy; iBUG's brows run along the upper edge, so that their inner ends are its corners. Without one are
points whose place along an edge each scheme chooses as it likes (along brows, lids, jaw, the lips between
their corners and peaks), and the bridge and tip of the nose (the template has its sides).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PARTNERS: Final[Mapping[str, tuple[tuple[int, int, str], ...]]] = MappingProxyType(
    {
        "eyes": (
            (36, 18, "outer corner, subject's right"),
            (39, 22, "inner corner, right"),
            (42, 23, "inner corner, left"),
            (45, 27, "outer corner, left"),
        ),
        "brows": (
            (17, 71, "outer end, right"),
            (21, 75, "upper corner of the inner end, right"),
            (22, 78, "upper corner of the inner end, left"),
            (26, 82, "outer end, left"),
        ),
        "nose": (
            (31, 64, "bottom of the wing, right"),
            (33, 55, "bottom of the septum"),
            (35, 69, "bottom of the wing, left"),
        ),
        "mouth": (
            (48, 87, "corner, right"),
            (50, 89, "peak of the upper lip, right"),
            (51, 90, "dip between the peaks"),
            (52, 91, "peak of the upper lip, left"),
            (54, 93, "corner, left"),
            (57, 106, "middle of the lower lip's edge"),
            (62, 96, "middle of the upper lip, inside"),
            (66, 101, "middle of the lower lip, inside"),
        ),
        "chin": ((8, 129, "its lowest point"),),
    }
)
"""By part of the face: (index among the 68, index among the 189, what it is)."""

LIDS: Final = ((37, 38, 20), (41, 40, 29), (43, 44, 25), (47, 46, 32))
"""Two points of a lid among the 68, whose middle lies near the lid's middle, and that among the 189. Reported
apart: the middle of two points of a curve lies 0.5 % of the eyes' distance inside of it."""

LOOKED_AT: Final = (
    "001_03.jpg", "007_03.jpg", "013_03.jpg", "020_03.jpg", "027_03.jpg", "034_03.jpg",
    "042_03.jpg", "063_03.jpg", "070_03.jpg", "090_03.jpg", "099_03.jpg", "105_03.jpg",
    "115_03.jpg", "122_03.jpg", "128_03.jpg", "135_03.jpg", "141_03.jpg",
)  # fmt: skip
"""Faces by which the labels of real-looking portraits were brought near to iBUG's places before training."""
