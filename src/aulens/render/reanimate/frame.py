"""The working picture: a portrait's face, cut out twice as large as wanted, and where its pixels move.

Legend: n pixels of its side, V vertices of the rig.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.render.canonical import CANONICAL_LANDMARKS
from aulens.render.compiled import compiled
from aulens.render.raster import empty_buffers, rasterize, vertex_normals
from aulens.render.reanimate.fit import Fit
from aulens.render.reanimate.relight import SkinLight, light_on_skin
from aulens.render.rig import Floats, Ints, Material, Rig, smoothstep
from aulens.render.shot import FIELD

SUPERSAMPLING: Final = 2
GAMMA: Final = 2.2
_MARGIN: Final = 0.3  # centimetres that belong to the face beyond the jaw's outline
_HALF_WIDTH: Final = 7.6  # canonical centimetres: ears are further out

AS_IT_IS, SKIN, HIDDEN_SKIN, INSIDE = 0, 1, 2, 3
"""What is seen at a pixel: the picture's own, moved skin, skin that the picture does not show, or what lies
inside of the mouth or the eye and is not in the picture."""
_SKIN, _EYE = int(Material.SKIN), int(Material.EYE)
_BEHIND: Final = 0.3  # centimetres behind what the picture shows: hidden
_REACH: Final = (1.0, 1.8)  # centimetres that the surroundings follow, and per centimetre of movement


@dataclass(frozen=True)
class Seen:
    """The part of a mesh that is seen and moves: `rasterize`'s buffers."""

    depth: Floats  # (n, n) centimetres, +inf where nothing is
    index: Ints  # (n, n) triangle, -1 for none
    weights: Floats  # (n, n, 2)

    @classmethod
    def of(cls, points: Floats, away: Floats, rig: Rig, moves: NDArray[np.bool_], size: int) -> Seen:
        """Rasterise vertices at `points` (V, 2), `away` (V,) from the viewer.

        The lashes are left out, and what does not move (`moves` (F,), see `front`) only hides what is behind.
        """
        depth, index, weights = empty_buffers(size)
        solid = np.flatnonzero(rig.material != Material.LASH).astype(np.int32)
        screen = np.concatenate([points, away[:, None]], 1).astype(np.float32)
        rasterize(screen, rig.triangles, solid, depth, index, weights)
        still = (index >= 0) & ~moves[index]
        depth[still], index[still] = np.inf, -1
        return cls(depth, index, weights)

    def made_of(self, rig: Rig, material: Material) -> NDArray[np.bool_]:
        """Where (n, n) this material is seen."""
        return np.asarray((self.index >= 0) & (rig.material[self.index] == material))


def front(rig: Rig) -> NDArray[np.bool_]:
    """Which triangles (F,) belong to the face: what lies in front of the jaw's outline.

    Ears, neck and scalp are no part of it. The surroundings of the face follow its edge like a rubber sheet,
    which no seam shows; two surfaces that slide along each other would.
    """
    x, y, z = rig.canonical[rig.triangles].mean(1).T
    outline = CANONICAL_LANDMARKS[8:17]
    edge = np.interp(y, outline[:, 1], outline[:, 2])
    return np.asarray((z > edge - _MARGIN) & (y > outline[0, 1] - _MARGIN) & (np.abs(x) < _HALF_WIDTH))


@dataclass(frozen=True)
class Frame:
    """A portrait in its working picture.

    Attributes:
        linear: (n, n, 3) float32, the picture in linear light, 0..1.
        pixels: (V, 2) float32, where the vertices lie in it.
        face: (V, 3) float32 centimetres, head's frame.
        rotation: (3, 3) float32, head to camera.
        scale: pixels per centimetre.
        away: (V,) float32 centimetres from the viewer.
        normals: (V, 3) float32, camera's frame.
        moves: (F,) bool, the triangles of the face, see `front`.
        seen: the mesh as it lies in the picture.
        light: what the skin says about the light.
    """

    linear: Floats
    pixels: Floats
    face: Floats
    rotation: Floats
    scale: float
    away: Floats
    normals: Floats
    moves: NDArray[np.bool_]
    seen: Seen
    light: SkinLight

    @property
    def size(self) -> int:
        """Pixels of the working picture's side."""
        return len(self.linear)


@dataclass(frozen=True)
class Cut:
    """How a face is cut out of its picture.

    Attributes:
        zoom: magnification; 1 shows about 24 cm across, as in `Shot`.
        roll: degrees that the picture is turned counter-clockwise.
        shift: (2,) where the face sits, as a share of the picture.
    """

    zoom: float = 1.12
    roll: float = 0.0
    shift: tuple[float, float] = (0.0, 0.02)


def draw_cut(rng: np.random.Generator) -> Cut:
    """A random cut, face upright or tilted a little."""
    return Cut(
        float(rng.uniform(1.02, 1.25)),
        float(np.clip(rng.normal(0, 5), -15, 15)),
        (float(rng.normal(0, 0.015)), float(rng.normal(0.02, 0.015))),
    )


def frame(image: NDArray[np.uint8], fitted: Fit, rig: Rig, cut: Cut, size: int) -> Frame:
    """Cut a fitted face out of its picture (H, W, 3) for pictures of `size` pixels."""
    n = size * SUPERSAMPLING
    enlarged = n * cut.zoom / FIELD / fitted.scale
    c, s = np.cos(np.radians(cut.roll)), np.sin(np.radians(cut.roll))
    centre = fitted.pixels[rig.landmarks[27:]].mean(0)
    turn = enlarged * np.array([[c, s], [-s, c]])
    matrix = np.column_stack([turn, n / 2 + n * np.array(cut.shift) - turn @ centre])
    if enlarged < 0.7:  # no finer detail than the working picture holds
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.35 / enlarged), np.uint8)
    how = cv2.INTER_CUBIC if enlarged > 1 else cv2.INTER_LINEAR
    picture = cv2.warpAffine(image, matrix, (n, n), flags=how, borderMode=cv2.BORDER_REPLICATE)
    linear = ((picture.astype(np.float32) / 255) ** np.float32(GAMMA)).astype(np.float32)

    pixels = (fitted.pixels @ turn.T + matrix[:, 2]).astype(np.float32)
    about_z = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    rotation = (about_z @ fitted.rotation).astype(np.float32)
    away = -(fitted.face @ rotation[2])
    normals = vertex_normals(fitted.face, rig.triangles) @ rotation.T
    moves = front(rig)
    seen = Seen.of(pixels, away, rig, moves, n)
    light = light_on_skin(linear.mean(2), seen.index, seen.weights, normals, rig)
    return Frame(
        linear, pixels, fitted.face, rotation, enlarged * fitted.scale, away, normals, moves, seen, light
    )


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
