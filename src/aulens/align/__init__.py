"""From image to aligned crop and back: one similarity transform, one resample.

Conventions, everywhere in aulens:

* points are (x, y) pixels, y down; an integer is a pixel's CENTRE, so a picture of width W spans
  -0.5 .. W - 0.5 (as in OpenCV and dlib);
* a matrix is (2, 3) float64 and maps `p' = m[:, :2] @ p + m[:, 2]`; that of a template maps image → crop;
* augmentation is composed into that matrix, so that pixels are resampled once.
"""

from aulens.align.matrix import Matrix, compose, flip_matrix, invert, rotation_scale, similarity, transform
from aulens.align.template import (
    FACE,
    FIVE_POINTS,
    JAANET,
    TEMPLATES,
    AnchorTemplate,
    SquareTemplate,
    Template,
    anchors,
    five_points,
)
from aulens.align.warp import stretch, warp, warp_back

__all__ = [
    "FACE",
    "FIVE_POINTS",
    "JAANET",
    "TEMPLATES",
    "AnchorTemplate",
    "Matrix",
    "SquareTemplate",
    "Template",
    "anchors",
    "compose",
    "five_points",
    "flip_matrix",
    "invert",
    "rotation_scale",
    "similarity",
    "stretch",
    "transform",
    "warp",
    "warp_back",
]
