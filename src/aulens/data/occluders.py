"""Things in front of a face: boxes, blobs, hands, glasses. All that is random is drawn from `random`."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.align import anchors

Image = NDArray[np.uint8]


def draw_occluder(image: Image, random: np.random.Generator) -> Image:
    """Return a copy with one object over about 1..16 % of the (H, W, 3) uint8 picture, anywhere in it."""
    kind = int(random.integers(0, 3))
    side = image.shape[0]
    centre = random.uniform(0, side, 2)
    mask = np.zeros(image.shape[:2], np.uint8)
    if kind == 0:
        extent = random.uniform(0.1, 0.4, 2) * side
        corners = cv2.boxPoints((centre.tolist(), extent.tolist(), float(random.uniform(0, 90))))
        cv2.fillConvexPoly(mask, np.rint(corners).astype(np.int32), 255)
    elif kind == 1:
        axes = np.rint(random.uniform(0.06, 0.2, 2) * side).astype(int).tolist()
        cv2.ellipse(mask, pixel(centre), axes, float(random.uniform(0, 180)), 0, 360, 255, -1)
    else:
        palm = random.uniform(0.07, 0.13) * side
        fill_hand(mask, centre, palm, max(2, round(palm * 0.45)), random)
    skin = kind == 2 or random.random() < 0.3
    paint = skin_tone(random) if skin else random.uniform(0, 255, 3)
    # Half of the objects are soft at the edge, as things near the lens are.
    if random.random() < 0.5:
        mask = np.asarray(cv2.blur(mask, (3, 3)), dtype=np.uint8)
    texture = random.normal(0, random.uniform(0, 25), (4, 4, 3)).astype(np.float32)
    tone = cv2.resize(texture, (side, image.shape[0]), interpolation=cv2.INTER_LINEAR)
    surface = np.asarray(tone + paint.astype(np.float32), dtype=np.float32)
    return _blend(image, surface, mask)


def draw_glasses(image: Image, landmarks: NDArray[np.float64], random: np.random.Generator) -> Image:
    """Return a copy with a pair of glasses: frames, bridge, sometimes tinted lenses or a glint.

    Args:
        image: (H, W, 3) uint8 RGB.
        landmarks: (68, 2) crop pixels.
    """
    right, left, _ = anchors(landmarks)
    across = left - right
    distance = float(np.hypot(*across))
    angle = float(np.degrees(np.arctan2(across[1], across[0])))
    axes = np.rint(distance * np.array([random.uniform(0.33, 0.44), random.uniform(0.24, 0.38)])).astype(int)
    if axes.min() < 2:  # a face of a few pixels: nothing to draw
        return image.copy()
    down = np.array([-across[1], across[0]]) * random.uniform(0.0, 0.12)
    thickness = int(random.integers(1, max(2, round(distance * 0.09)) + 1))
    colour = random.uniform(0, 90, 3) if random.random() < 0.7 else random.uniform(60, 255, 3)
    out = image.copy()
    lenses = np.zeros(image.shape[:2], np.uint8)
    rectangular = random.random() < 0.4
    frames: list[NDArray[np.int32]] = []
    for centre in (right + down, left + down):
        if rectangular:
            corners = cv2.boxPoints((centre.tolist(), (2.0 * axes).tolist(), angle))
            frames.append(np.rint(corners).astype(np.int32))
        else:
            outline = cv2.ellipse2Poly(pixel(centre), axes.tolist(), round(angle), 0, 360, 15)
            frames.append(np.asarray(outline, dtype=np.int32))
    if random.random() < 0.35:
        cv2.fillPoly(lenses, frames, int(random.uniform(25, 130)))
        tint = np.broadcast_to(random.uniform(0, 120, 3).astype(np.float32), image.shape)
        out = _blend(out, tint, lenses)
    for frame in frames:
        cv2.polylines(out, [frame], True, colour.tolist(), thickness, cv2.LINE_AA)
    inner = axes[0] / distance
    bridge = [pixel(right + down + across * inner), pixel(right + down + across * (1 - inner))]
    cv2.line(out, bridge[0], bridge[1], colour.tolist(), thickness, cv2.LINE_AA)
    for start, sign in ((right + down - across * inner, -1), (left + down + across * inner, 1)):
        cv2.line(
            out, pixel(start), pixel(start + sign * across * 0.5), colour.tolist(), thickness, cv2.LINE_AA
        )
    return out


def fill_hand(
    mask: Image, centre: NDArray[np.float64], palm: float, finger: int, random: np.random.Generator
) -> float:
    """A palm with four fingers, drawn into a mask (H, W); returns where they point, radians.

    Args:
        mask: (H, W) uint8, changed: 255 where the hand is.
        centre: (2,) of the palm.
        palm: its radius, pixels.
        finger: thickness of one, pixels.
    """
    heading = float(random.uniform(0, 2 * np.pi))
    cv2.circle(mask, pixel(centre), max(1, round(palm)), 255, -1)
    for spread in np.linspace(-0.6, 0.6, 4) * random.uniform(0.3, 1.2):
        reach = palm * random.uniform(1.8, 2.6)
        tip = centre + reach * np.array([np.cos(heading + spread), np.sin(heading + spread)])
        cv2.line(mask, pixel(centre), pixel(tip), 255, finger)
    return heading


def skin_tone(random: np.random.Generator) -> NDArray[np.float64]:
    """A colour (3,) of skin, 0 to 255, pale to dark."""
    pale, dark = np.array([235.0, 200, 180]), np.array([75.0, 48, 35])
    return np.asarray(dark + (pale - dark) * random.random() + random.normal(0, 8, 3), dtype=np.float64)


def _blend(image: Image, surface: NDArray[np.float32], mask: Image) -> Image:
    weight = (mask.astype(np.float32) * np.float32(1 / 255))[..., None]
    mixed = image + (surface - image) * weight
    return np.asarray(np.clip(mixed + 0.5, 0, 255), dtype=np.uint8)


def pixel(point: NDArray[np.float64]) -> tuple[int, int]:
    """The pixel nearest to a point (2,); of those far away some other far one, which OpenCV can draw to."""
    x, y = np.clip(point, -4000, 4000)
    return round(float(x)), round(float(y))
