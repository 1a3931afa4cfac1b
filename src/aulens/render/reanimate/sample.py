"""Where in the picture each pixel of the moved face comes from.

Legend: n pixels of the working picture's side, V vertices.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.render.compiled import compiled
from aulens.render.reanimate.frame import Frame, Seen
from aulens.render.rig import Floats, Ints, Material, Rig, smoothstep

AS_IT_IS, SKIN, HIDDEN_SKIN, INSIDE = 0, 1, 2, 3
"""What is seen at a pixel: the picture's own, moved skin, skin that the picture does not show, or what lies
inside of the mouth or the eye and is not in the picture."""
_SKIN, _EYE = int(Material.SKIN), int(Material.EYE)
_BEHIND: Final = 0.3  # centimetres behind what the picture shows: hidden
_REACH: Final = (1.0, 1.8)  # centimetres that the surroundings follow, and per centimetre of movement


class Sources(NamedTuple):
    """Where the pixels of the moved face come from."""

    x: Floats  # (n, n) pixel of the working picture
    y: Floats
    kind: NDArray[np.uint8]  # (n, n) see above


@compiled
def _trace(
    index: Ints, weights: Floats, triangles: Ints, material: NDArray[np.int8], back: Floats, away: Floats,
    depth_before: Floats, index_before: Ints, dx: Floats, dy: Floats, kind: NDArray[np.uint8],
) -> None:  # fmt: skip
    height, width = index.shape
    for row in range(height):
        for col in range(width):
            t = index[row, col]
            if t < 0:
                continue
            i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            a, b = weights[row, col, 0], weights[row, col, 1]
            c = 1 - a - b
            dx[row, col] = a * back[i, 0] + b * back[j, 0] + c * back[k, 0]
            dy[row, col] = a * back[i, 1] + b * back[j, 1] + c * back[k, 1]
            x, y = int(np.rint(col + dx[row, col])), int(np.rint(row + dy[row, col]))
            hidden, was = False, -1
            if x >= 0 and y >= 0 and x < width and y < height:
                before = index_before[y, x]
                if before >= 0:
                    was = material[before]
                hidden = a * away[i] + b * away[j] + c * away[k] > depth_before[y, x] + _BEHIND
            if material[t] == _SKIN:
                kind[row, col] = HIDDEN_SKIN if hidden else SKIN
            elif material[t] == _EYE:
                if was != _EYE or hidden:
                    kind[row, col] = INSIDE
            elif was < 1 or was == _EYE or hidden:
                kind[row, col] = INSIDE


def trace(frame: Frame, rig: Rig, moved: Floats, seen: Seen) -> Sources:
    """The source of each pixel of a face whose vertices have moved to `moved` (V, 2).

    The surroundings of the face, which are no part of the rig, follow its edge and fade out: the background
    is stretched instead of torn.
    """
    n = frame.size
    dx, dy = np.zeros((n, n), np.float32), np.zeros((n, n), np.float32)
    kind = np.zeros((n, n), np.uint8)
    # The way back, not the place itself, is interpolated: where nothing moves it is exactly 0.
    back = (frame.pixels - moved).astype(np.float32)
    _trace(
        seen.index, seen.weights, rig.triangles, rig.material, back, frame.away, frame.seen.depth,
        frame.seen.index, dx, dy, kind,
    )  # fmt: skip
    _follow(seen.index < 0, dx, dy, frame.scale)
    y, x = np.indices((n, n), np.float32)
    return Sources(x + dx, y + dy, kind)


def _follow(outside: NDArray[np.bool_], dx: Floats, dy: Floats, scale: float) -> None:
    """Extend a displacement (n, n) beyond the face, in place."""
    if not outside.any() or outside.all() or not (dx.any() or dy.any()):
        return
    distance, label = cv2.distanceTransformWithLabels(
        outside.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.zeros(label.max() + 1, np.int64)
    nearest[label[~outside]] = np.flatnonzero(~outside)
    source = nearest[label]
    length = np.hypot(dx, dy).ravel()[source]
    fade = 1 - smoothstep(0, _REACH[0] * scale + _REACH[1] * length, np.asarray(distance))
    for d in (dx, dy):
        whole = cv2.GaussianBlur(d.ravel()[source] * fade, (0, 0), 0.2 * scale)
        d[outside] = whole[outside]
