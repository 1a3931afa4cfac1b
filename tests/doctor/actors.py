"""People who act out AUs over time: landmarks that follow labels, and pictures of one face that moves so."""

from collections.abc import Iterator, Sequence
from functools import cache

import cv2
import numpy as np

from aulens.aus import AUS, AUSet
from aulens.data.index import PICTURE, FrameIndex
from aulens.data.protocols import PROTOCOLS
from aulens.landmarks import (
    IBUG68,
    INNER_BROWS,
    INNER_LIPS,
    LAYOUTS,
    LOWER_LIDS,
    LOWER_LIP_BOTTOM,
    MOUTH_CORNERS,
    NOSE_BASE,
    OUTER_BROWS,
    UPPER_LIDS,
    UPPER_LIP_TOP,
    convert,
)
from aulens.render.lookalike.config import Take
from aulens.render.lookalike.film import Frame, Framing, Studio
from people import detector, head
from synthetic_faces import face68

RATES = {
    1: 0.2,
    2: 0.17,
    4: 0.2,
    6: 0.46,
    7: 0.55,
    9: 0.1,
    10: 0.59,
    12: 0.56,
    14: 0.47,
    15: 0.17,
    17: 0.34,
    23: 0.17,
    24: 0.15,
    25: 0.4,
    26: 0.2,
}

RIGHT_CORNER, LEFT_CORNER = MOUTH_CORNERS

# AU -> (points, how far they go at full intensity, in eye distances; x away from the midline).
MOVES: dict[int, list[tuple[Sequence[int], tuple[float, float]]]] = {
    1: [(INNER_BROWS, (0, -0.12))],
    2: [(OUTER_BROWS, (0, -0.12))],
    4: [(INNER_BROWS, (-0.05, 0.06))],
    6: [(LOWER_LIDS, (0, -0.03))],
    7: [(UPPER_LIDS, (0, 0.03)), (LOWER_LIDS, (0, -0.02))],
    9: [(NOSE_BASE, (0, -0.025))],
    10: [(UPPER_LIP_TOP, (0, -0.05))],
    12: [(MOUTH_CORNERS, (0.14, -0.06))],
    15: [(MOUTH_CORNERS, (0, 0.1))],
    17: [(LOWER_LIP_BOTTOM, (0, -0.05))],
    23: [(UPPER_LIP_TOP, (0, 0.03)), (LOWER_LIP_BOTTOM, (0, -0.02))],
    24: [(UPPER_LIP_TOP, (0, 0.04)), (LOWER_LIP_BOTTOM, (0, -0.03))],
    25: [(INNER_LIPS[1], (0, 0.12))],
    26: [(INNER_LIPS[1], (0, 0.1)), (LOWER_LIP_BOTTOM, (0, 0.2))],
}


def act(rng: np.random.Generator, frames: int, rate: float) -> np.ndarray:
    """(frames,) intensity 0..1 of one AU: events of half a second or more that rise and fall."""
    intensity = np.zeros(frames)
    while (intensity >= 0.2).mean() < rate - 0.5 / frames:
        length = min(int(rng.integers(12, 24)), max(4, round(rate * frames)))
        start = int(rng.integers(0, frames - length + 1))
        event = np.sin(np.linspace(0.25, np.pi - 0.25, length)) * rng.uniform(0.8, 1)
        part = intensity[start : start + length]
        np.maximum(part, event, out=part)
    return intensity


def move(face: np.ndarray, actions: dict[int, np.ndarray]) -> np.ndarray:
    """(T, 68, 2): an upright face (68, 2), its eyes one apart, doing (T,) intensities of AUs."""
    frames = len(next(iter(actions.values())))
    points = np.repeat(face[None], frames, 0)
    middle = face[27:31, 0].mean()
    for au, moves in MOVES.items():
        for indices, (out, down) in moves:
            side = np.sign(face[list(indices), 0] - middle)
            points[:, list(indices), 0] += actions[au][:, None] * side * out
            points[:, list(indices), 1] += actions[au][:, None] * down
    return points


def poses(rng: np.random.Generator, frames: int, reach: float) -> np.ndarray:
    """(T, 2, 3): a head that sways, leans and comes nearer, slowly; matrices about the origin."""
    t = np.arange(frames)[:, None]
    waves = np.sin(2 * np.pi * t / rng.uniform(11, 19, 4) + rng.uniform(0, 6, 4)) * rng.uniform(0.6, 1, 4)
    angle, scale = 0.06 * waves[:, 2], 1 + 0.04 * waves[:, 3]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
    return np.concatenate([turn * scale[:, None, None], reach * waves[:, :2, None]], 2)


def level(face: np.ndarray) -> tuple[np.ndarray, float]:
    """A face about its eyes, one eye distance apart, and that distance."""
    right, left = face[36:42].mean(0), face[42:48].mean(0)
    size = float(np.hypot(*(left - right)))
    return (face - (right + left) / 2) / size, size


def performances(
    aus: AUSet,
    subjects: Sequence[tuple[str, str]],
    *,
    tasks: int = 1,
    frames: int = 150,
    points: int = 49,
    dataset: str = "acted",
    seed: int = 0,
    noise: float = 0.01,
) -> FrameIndex:
    """An index of subjects (name, part) whose landmarks follow their labels; its files don't exist."""
    plain, _ = level(face68())
    layout = next(layout for layout in LAYOUTS.values() if layout.count == points)
    names, sequences, parts, labels, landmarks = [], [], [], [], []
    for s, (name, part) in enumerate(subjects):
        rng = np.random.default_rng((seed, s))
        own = plain + rng.normal(0, 0.02, plain.shape)
        for task in range(tasks):
            actions = {au: act(rng, frames, rate) for au, rate in RATES.items()}
            posed = move(own, actions) * 60
            pose = poses(rng, frames, 12.0)
            posed = posed @ pose[:, :, :2].transpose(0, 2, 1) + pose[:, None, :, 2] + 200
            landmarks.append(convert(posed + rng.normal(0, 60 * noise, posed.shape), IBUG68, layout))
            labels.append(np.stack([actions[au] >= 0.2 for au in aus], -1).astype(np.int8))
            names += [name] * frames
            sequences += [f"T{task + 1}"] * frames
            parts += [part] * frames
    n = len(names)
    number = np.tile(np.arange(1, frames + 1), n // frames)
    return FrameIndex(
        dataset,
        aus,
        tuple(f"{s}/{q}/{f}.jpg" for s, q, f in zip(names, sequences, number, strict=True)),
        np.full(n, PICTURE, np.int32),
        np.array(names),
        np.array(sequences),
        number.astype(np.int64),
        np.concatenate(labels),
        np.concatenate(landmarks).astype(np.float32),
        np.array(parts),
    )


def people(dataset: str, count: int) -> list[tuple[str, str]]:
    """Published subjects and their parts, in turn from each part."""
    parts = PROTOCOLS[dataset].parts
    by_part = [[(name, part) for name in names] for part, names in parts.items()]
    return [one for row in zip(*by_part, strict=False) for one in row][:count]


class Acted(Studio):
    """A studio that moves and warps a photo of a face a little, in place of rendering.

    The skin follows eyes and brows and mouth, so that a detector sees the landmarks where they are.
    """

    def film(self, take: Take, frames: int, framing: Framing) -> Iterator[Frame]:
        rng = np.random.default_rng((9, take.number))
        photo, face = _portrait()
        plain, size = level(face)
        tint = np.random.default_rng((8, take.person)).uniform(0.75, 1.0, 3)
        height = self.config.height - self.config.height % 2
        width = 2 * round(height * framing.aspect / 2)
        actions = {au: act(rng, frames, RATES.get(au, 0.0)) for au in AUS}
        posed, pose = move(plain, actions), poses(rng, frames, 0.1)
        unit = 0.24 * height
        for t in range(frames):
            matrix = unit * pose[t]
            matrix[:, 2] += width / 2, 0.42 * height
            landmarks = posed[t] @ matrix[:, :2].T + matrix[:, 2]
            # From the photo: about the eyes, one eye distance = 1, then as the face is posed.
            about = (face[36:42].mean(0) + face[42:48].mean(0)) / 2
            whole = matrix.copy()
            whole[:, :2] /= size
            whole[:, 2] -= whole[:, :2] @ about
            image = cv2.warpAffine(photo, whole, (width, height), borderMode=cv2.BORDER_REFLECT)
            seen = {au: float(values[t]) for au, values in actions.items()}
            yield Frame((image * tint).astype(np.uint8), landmarks.astype(np.float32), seen)


@cache
def _portrait() -> tuple[np.ndarray, np.ndarray]:
    photo = head()
    return photo, detector()(photo)[0].landmarks
