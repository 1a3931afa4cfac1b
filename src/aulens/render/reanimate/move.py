"""From an action to displacements on a portrait: lids that meet, and a small turn of the head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from aulens.render.expression import LEFT, RIGHT, Action, Muscles
from aulens.render.reanimate.frame import Frame
from aulens.render.rig import Floats, smoothstep
from aulens.render.shot import PIVOT

# Upper and lower lid points that face each other, per side.
LIDS: Final = {RIGHT: ((37, 38), (41, 40)), LEFT: ((43, 44), (47, 46))}
_FURTHER: Final[Mapping[int, float]] = {4: 1.3, 5: 1.3, 9: 1.2}
"""AUs that move further on a picture than the rig's recipe says: its moves look small there."""
_TIGHTER: Final = 1.4  # AU7 likewise ...
_OPEN: Final = 0.42  # ... but this share of the lids' opening stays
_OVERLAP: Final = 0.07  # centimetres by which the lids of a shut eye cross, so that nothing shows between


def projected(frame: Frame, displacement: Floats) -> Floats:
    """Displacements (V, 3) in the head's frame as pixels (V, 2) of the working picture."""
    x, y = displacement @ frame.rotation[0], displacement @ frame.rotation[1]
    return np.stack([x, -y], 1) * np.float32(frame.scale)


def displace(muscles: Muscles, frame: Frame, action: Action) -> Floats:
    """The displacement (V, 3) of an action, centimetres in the head's frame.

    AU43 closes the lids of this portrait exactly; AU7 narrows them, and never shuts.
    """
    others = {
        au: (_FURTHER.get(au, 1.0) * right, _FURTHER.get(au, 1.0) * left)
        for au, (right, left) in action.items()
        if au not in (7, 43)
    }
    total = muscles.move(others)
    for side in (RIGHT, LEFT):
        shut, tight = action.get(43, (0.0, 0.0))[side], action.get(7, (0.0, 0.0))[side]
        if shut > 0:
            share = _to_gap(muscles, frame, total, side, 43, -_OVERLAP * frame.scale)
            total += np.float32(np.clip(share, 0.2, 1.5)) * muscles.bases[43][side]
        elif tight > 0:
            least = _OPEN * _gap(muscles, frame, np.zeros_like(total), side)
            most = max(0.1, _to_gap(muscles, frame, total, side, 7, least))
            total += np.float32(min(_TIGHTER * tight, most)) * muscles.bases[7][side]
    return total


def _gap(muscles: Muscles, frame: Frame, displacement: Floats, side: int) -> float:
    """Mean opening of the lids in pixels, along the head's own up."""
    at = muscles.rig.landmarks
    upper, lower = (at[list(points)] for points in LIDS[side])
    up = projected(frame, np.array([[0, 1, 0]], np.float32))[0]
    up /= np.linalg.norm(up) + 1e-9
    moved = frame.pixels + projected(frame, displacement)
    return float(((moved[upper] - moved[lower]) @ up).mean())


def _to_gap(muscles: Muscles, frame: Frame, displacement: Floats, side: int, au: int, gap: float) -> float:
    """How strong an AU must be to bring the lids' opening to `gap` pixels; inf if it closes nothing."""
    now = _gap(muscles, frame, displacement, side)
    closes = now - _gap(muscles, frame, displacement + muscles.bases[au][side], side)
    return (now - gap) / closes if closes > 1e-6 else float("inf")


def sink_eyes(muscles: Muscles, face: Floats, action: Action) -> Floats:
    """`face` (V, 3) with the balls of shut eyes a little deeper, where no thin lid lets them through."""
    face = face.copy()
    for side in (RIGHT, LEFT):
        if action.get(43, (0.0, 0.0))[side] > 0:
            face[muscles.rig.eyes[side], 2] -= np.float32(0.6)
    return face


def turn_head(
    muscles: Muscles, frame: Frame, moved: Floats, yaw: float, pitch: float
) -> tuple[Floats, Floats]:
    """A head turned by some degrees: rotation (3, 3) of it and displacement (V, 2) in pixels.

    The neck follows less and less towards the shoulders.
    """
    a, b = np.radians([yaw, pitch])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    rotation = (frame.rotation @ about_x @ about_y).astype(np.float32)
    change = (moved - PIVOT) @ (rotation - frame.rotation).T
    y, z = muscles.rig.canonical[:, 1], muscles.rig.canonical[:, 2]
    # Of the neck: below the chin, or behind it.
    height = np.maximum(y, np.where(z > 6, -9.0, -30.0))
    follow = smoothstep(-14, -8, height)[:, None]
    shift = np.stack([change[:, 0], -change[:, 1]], 1) * follow * frame.scale
    return rotation, shift.astype(np.float32)
