"""What the picture does not show: hidden lips and lids, what lies in the mouth, newly seen eyeballs.

Legend: n pixels of the working picture's side, V vertices. Colours are linear RGB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.render.expression import LEFT, RIGHT, Action
from aulens.render.light import light_of
from aulens.render.person import Appearance
from aulens.render.reanimate.frame import GAMMA, HIDDEN_SKIN, INSIDE, SKIN, Frame, Seen, Sources
from aulens.render.rig import Floats, Material, Rig
from aulens.render.scene import iris_centres
from aulens.render.shade import Mesh, shade
from aulens.render.shot import PIVOT, Shot

Mask = NDArray[np.bool_]

_RINGS: Final = {RIGHT: range(36, 42), LEFT: range(42, 48)}
# Skin between the upper lid and the brow above it, and below the eye towards the corner of the mouth.
_ABOVE: Final = {RIGHT: ((37, 38), (19, 20)), LEFT: ((43, 44), (23, 24))}
_BELOW: Final = {RIGHT: ((40, 41), (48, 48)), LEFT: ((46, 47), (54, 54))}
_SHUT_LINE: Final = {RIGHT: (36, 41, 40, 39), LEFT: (42, 47, 46, 45)}
_GROWS, _STEPS = 0.25, 40  # centimetres over which skin turns into its surroundings; rounds of spreading
_DARKEST_LID: Final = 0.5  # of the cheek's brightness
_IRIS: Final = (0.45, 0.9)  # centimetres on the rig: smallest and largest radius; that of children is large


@dataclass(frozen=True)
class Moved:
    """The moved face in the working picture.

    Attributes:
        frame: the portrait.
        rig: whose mesh it is.
        action: what it does.
        pixels: (V, 2) float32.
        face: (V, 3) float32 centimetres, head's frame.
        normals: (V, 3) float32, camera's frame.
        rotation: (3, 3) float32, head to camera.
        seen: the mesh as it now lies.
        sources: where its pixels come from.
        ratio: (n, n, 3) float32, see `relight`.
    """

    frame: Frame
    rig: Rig
    action: Action
    pixels: Floats
    face: Floats
    normals: Floats
    rotation: Floats
    seen: Seen
    sources: Sources
    ratio: Floats

    def points(self, which: Any) -> Floats:
        """Landmarks (P, 2) in the working picture."""
        at: Floats = self.pixels[self.rig.landmarks[list(which)]]
        return at

    def points_before(self, which: Any) -> Floats:
        """The same before the move."""
        at: Floats = self.frame.pixels[self.rig.landmarks[list(which)]]
        return at


def _polygon(points: Floats, size: int) -> Mask:
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.round(points).astype(np.int32)], (1,))
    return mask > 0


def _wider(mask: Mask, pixels: int) -> Mask:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((pixels, pixels), np.uint8)) > 0)


def _lay(out: Floats, colour: Floats, cover: Floats) -> None:
    out += (colour - out) * cover[..., None]


def fill_lips(moved: Moved, out: Floats) -> None:
    """Lips that roll out, into the colour of those that are seen; `out` (n, n, 3) is changed in place."""
    n = moved.frame.size
    hidden = moved.sources.kind == HIDDEN_SKIN
    lips = _polygon(moved.points_before(range(48, 60)), n)
    lips &= moved.frame.seen.made_of(moved.rig, Material.SKIN)
    if not hidden.any() or lips.sum() < 20:
        return
    hull = np.asarray(cv2.convexHull(moved.points(range(48, 68))), np.float32)[:, 0]
    mouth = _polygon(hull, n)
    cover = cv2.GaussianBlur((hidden & mouth).astype(np.float32), (0, 0), 0.8)
    colour = 0.9 * np.median(moved.frame.linear[lips], axis=0) * np.clip(moved.ratio, 0.6, 1.2)
    _lay(out, colour.astype(np.float32), cover)


def fill_lids(moved: Moved, out: Floats) -> None:
    """Lid skin that was folded away, or would be taken from the eye, into the colour of lid and cheek."""
    n, sources = moved.frame.size, moved.sources
    y, x = np.indices((n, n), np.float32)
    shifted = np.abs(sources.x - x) + np.abs(sources.y - y) > 0.7
    for side in (RIGHT, LEFT):
        ring = moved.points_before(_RINGS[side])
        eye = _wider(_polygon(ring, n), 3)
        from_eye = cv2.remap(eye.astype(np.uint8), sources.x, sources.y, cv2.INTER_NEAREST) > 0
        skin, hidden = sources.kind == SKIN, sources.kind == HIDDEN_SKIN
        bad = _wider(_polygon(ring, n), 9) & ((skin & from_eye & shifted) | hidden)
        if moved.action.get(43, (0.0, 0.0))[side] > 0:  # what would be stretched over a shut eye is lashes
            bad |= eye & skin & shifted
        if bad.sum() < 4:
            continue
        cheek = np.median(_colours_between(moved, *_BELOW[side], (0.3, 0.4, 0.5)), axis=0)
        # Not the lashes, a fold or the brow, which are darker; the cheek says how dark skin can be here.
        lid = np.quantile(_colours_between(moved, *_ABOVE[side], (0.35, 0.5, 0.65)), 0.6, axis=0)
        bright = max(lid.mean(), _DARKEST_LID * cheek.mean())
        lid = 0.5 * bright * (lid / (lid.mean() + 1e-4) + cheek / (cheek.mean() + 1e-4))
        _grow_over(out, bad, (lid * np.clip(moved.ratio, 0.75, 1.1)).astype(np.float32), moved.frame.scale)


def _grow_over(out: Floats, bad: Mask, colour: Floats, scale: float) -> None:
    """Replace pixels of `out` by `colour` (n, n, 3), which turns into what is around at their edge."""
    rows, columns = np.nonzero(bad)
    room = 2
    part = (
        slice(max(0, rows.min() - room), rows.max() + room + 1),
        slice(max(0, columns.min() - room), columns.max() + room + 1),
    )
    inside = bad[part][..., None]
    around = out[part] - colour[part]
    difference = np.where(inside, 0, around)
    keep = 1 - 1 / (_GROWS * scale) ** 2  # what is left of it after a step, to reach so far
    for _ in range(_STEPS):
        difference = np.where(inside, keep * cv2.blur(difference, (3, 3)), around)
    out[part] = np.where(inside, colour[part] + difference, out[part])


def _colours_between(
    moved: Moved, first: Sequence[int], last: Sequence[int], shares: Sequence[float]
) -> Floats:
    """Colours (P, 3) of the portrait at some shares of the way from two landmarks to two others."""
    ways = np.linspace(0, 1, 3)[:, None]
    ends = [one * (1 - ways) + other * ways for one, other in map(moved.points_before, (first, last))]
    at = np.concatenate([ends[0] * (1 - share) + ends[1] * share for share in shares])
    at = np.clip(np.round(at).astype(int), 0, moved.frame.size - 1)
    return np.asarray(cv2.blur(moved.frame.linear, (3, 3))[at[:, 1], at[:, 0]], np.float32)


def fill_inside(moved: Moved, appearance: Appearance, strength: Floats, exposure: float, out: Floats) -> None:
    """Teeth, tongue, mouth and newly seen eyeball, by the renderer's own shader in the picture's light."""
    inside = moved.sources.kind == INSIDE
    if not inside.any():
        return
    colour = _shaded(moved, appearance, strength, inside)
    skin = moved.frame.light.median
    colour *= np.float32(0.55 + 0.45 * min(1.0, skin / 0.3))
    teeth = inside & moved.seen.made_of(moved.rig, Material.TEETH)
    if teeth.sum() > 5:
        white = exposure * min(0.9, max(1.45 * skin, 0.34))
        lit = colour[teeth].mean(1, keepdims=True)
        gain = min(5.0, white / (float(np.percentile(lit, 85)) + 1e-4))
        x = moved.rig.canonical[moved.rig.triangles[moved.seen.index[teeth]], 0].mean(1, keepdims=True)
        far = np.clip((np.abs(x) - 0.7) / 1.0, 0, 1)  # back teeth lie in the dark
        tint = np.array([1.07, 1.0, 0.86], np.float32)
        colour[teeth] = (0.2 * white + 0.8 * gain * lit) * (1 - 0.7 * far) * tint
    _fill_eyes(moved, inside & moved.seen.made_of(moved.rig, Material.EYE), colour)
    if np.abs(moved.frame.linear - moved.frame.linear.mean(2, keepdims=True)).mean() < 0.004:
        colour[:] = colour.mean(2, keepdims=True)  # a black and white picture stays one
    cover = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.7)
    spread = cv2.GaussianBlur(colour * inside[..., None], (0, 0), 0.7) / (cover[..., None] + 1e-4)
    _lay(out, np.where(inside[..., None], colour, spread), cover)


def _shaded(moved: Moved, appearance: Appearance, strength: Floats, inside: Mask) -> Floats:
    rig, n, light = moved.rig, moved.frame.size, moved.frame.light
    position = ((moved.face - PIVOT) @ moved.rotation.T).astype(np.float32)
    power = float(np.linalg.norm(light.towards))
    total = light.ambient + power + 1e-6
    x, y, z = light.towards / (power + 1e-6)
    shot = Shot(
        key=(1.2 * power / total,) * 3,
        key_angles=(float(np.arctan2(x, max(z, 0.2))), float(np.arcsin(np.clip(y, -0.2, 0.9)))),
        fill=(0.1, 0.1, 0.1),
        ambient=(1.3 * light.ambient / total,) * 3,
    )
    casting = np.flatnonzero(rig.material != Material.LASH).astype(np.int32)
    mesh = Mesh(
        position, moved.normals, rig.canonical, np.zeros(len(position), np.float32), rig.triangles,
        rig.material, moved.rotation, iris_centres(rig),
    )  # fmt: skip
    deepest = moved.seen.depth[np.isfinite(moved.seen.depth)].max()
    depth = np.where(np.isfinite(moved.seen.depth), moved.seen.depth, deepest).astype(np.float32)
    nearer = np.clip(1.1 * (depth - cv2.GaussianBlur(depth, (0, 0), 0.02 * n)), -0.1, 1.2)
    openness = np.clip(1 - 0.6 * nearer, 0.15, 1.05).astype(np.float32)
    colour = np.zeros((n, n, 3), np.float32)
    alpha, flesh = np.zeros((n, n), np.float32), np.zeros((n, n), np.float32)
    index = np.where(inside, moved.seen.index, -1).astype(np.int32)
    lamp = light_of(shot, position, rig.triangles, casting, n // 2)
    shade(index, moved.seen.weights, openness, mesh, appearance, strength, lamp, colour, alpha, flesh)
    return colour


def _fill_eyes(moved: Moved, new: Mask, colour: Floats) -> None:
    """Newly seen eyeball: the picture's own white, and its own iris, mirrored up and down."""
    n, linear = moved.frame.size, moved.frame.linear
    seen = moved.frame.seen.made_of(moved.rig, Material.EYE)
    inner = cv2.erode(seen.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    up = moved.frame.rotation[:2, 1] * np.array([1, -1], np.float32)
    up /= np.linalg.norm(up) + 1e-6
    for side in (RIGHT, LEFT):
        own = inner & _wider(_polygon(moved.points_before(_RINGS[side]), n), 9)
        mine = new & _wider(_polygon(moved.points(_RINGS[side]), n), 9)
        if not mine.any() or own.sum() < 10:
            continue
        bright = linear[own].mean(1)
        white = linear[own][bright >= np.quantile(bright, 0.7)].mean(0)
        lit = colour[mine].mean(1, keepdims=True)
        colour[mine] = 0.8 * white * (0.5 + 0.5 * np.clip(lit / (lit.mean() + 1e-4), 0.3, 1.3))
        rows, columns = np.nonzero(own)
        dark = bright < _iris_threshold(bright)
        centre, radius = _iris(np.stack([columns, rows], 1)[dark], up, moved.frame.scale)
        y, x = np.nonzero(mine)
        offset = np.stack([x, y], 1) - centre
        mirrored = np.round(np.stack([x, y], 1) - 2 * (offset @ up)[:, None] * up).astype(int)
        mirrored = np.clip(mirrored, 0, n - 1)
        near = np.linalg.norm(offset, axis=1) < radius
        good = near & inner[mirrored[:, 1], mirrored[:, 0]]
        colour[y[near], x[near]] = 0.85 * np.median(linear[own][dark], axis=0)
        colour[y[good], x[good]] = 0.85 * linear[mirrored[good, 1], mirrored[good, 0]]


def _iris_threshold(bright: Floats) -> float:
    """The brightness between iris and white, of the pixels (P,) of an eye."""
    levels = np.clip(255 * bright ** (1 / GAMMA), 0, 255).astype(np.uint8)
    level, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return float(((level + 1) / 255) ** GAMMA)


def _iris(dark: NDArray[np.int64], up: Floats, scale: float) -> tuple[Floats, float]:
    """Centre (2,) and radius of an iris from its pixels (P, 2); the lid may hide its upper part."""
    right = np.array([-up[1], up[0]])
    across, along = dark @ right, dark @ up
    low, high = np.quantile(across, [0.1, 0.9])
    radius = float(np.clip((high - low) / (2 * 0.687), _IRIS[0] * scale, _IRIS[1] * scale))
    # A disc's own tenths lie at 0.687 of its radius. Its lowest point says how high it is, if that is seen.
    height = np.clip(np.quantile(along, 0.03) + radius, np.median(along), np.quantile(along, 0.97))
    return (low + high) / 2 * right + height * up, radius


def draw_lashes(moved: Moved, appearance: Appearance, out: Floats) -> None:
    """The dark line along a shut lid."""
    n = moved.frame.size
    for side in (RIGHT, LEFT):
        if moved.action.get(43, (0.0, 0.0))[side] <= 0:
            continue
        points, t = moved.points(_SHUT_LINE[side]), np.linspace(0, 1, 24)
        curve = [np.polyval(np.polyfit(np.linspace(0, 1, 4), points[:, axis], 3), t) for axis in (0, 1)]
        line = np.zeros((n, n), np.float32)
        cv2.polylines(
            line, [np.round(np.stack(curve, 1) * 16).astype(np.int32)], False, (1.0,), 2, cv2.LINE_AA, 4
        )
        cover = cv2.GaussianBlur(line, (0, 0), 0.9) * np.float32(0.45 + 0.35 * appearance.lashes)
        out *= 1 - cover[..., None] * np.array([0.75, 0.82, 0.85], np.float32)
