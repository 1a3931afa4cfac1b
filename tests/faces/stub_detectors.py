"""Detectors that see what a test wants them to: faces are told to them frame by frame."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aulens.faces.detector import Face, iou
from moving_faces import Frame
from synthetic_faces import face68

GREY = np.full((240, 320, 3), 128, np.uint8)


def face(x: float, y: float, size: float = 60.0, confidence: float = 1.0) -> Face:
    half = size / 2
    box = np.array([x - half, y - half, x + half, y + half])
    return Face(box, face68() * half * 0.8 + (x, y), confidence)


def frame(index: int, image: NDArray[np.uint8] = GREY) -> Frame:
    """Frame `index` of 25 a second; its number is written into the first pixel, where stubs read it."""
    image = image.copy()
    image[0, 0] = (index // 256, index % 256, 0)
    return Frame(index, index / 25, image)


@dataclass
class Scripted:
    """Runs on any frame; sees the faces that it was told for that frame."""

    faces: dict[int, list[Face]]
    calls: list[int] = field(default_factory=list)

    def __call__(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        self.calls.append(number(image))
        return tuple(sorted(self.faces.get(number(image), []), key=lambda f: -f.area))


@dataclass
class Following(Scripted):
    """The same, as a `FaceFollower`: its landmarks go to a face that the box touches, or fill the box."""

    quick: list[int] = field(default_factory=list)
    nears: list[int] = field(default_factory=list)

    def landmarks(self, image: NDArray[np.uint8], box: NDArray[np.float64]) -> NDArray[np.float64]:
        for one in self.faces.get(number(image), []):
            if iou(one.box, box) > 0.3:
                return one.landmarks
        x, y = (box[:2] + box[2:]) / 2
        return face(x, y, box[2] - box[0]).landmarks

    def detect_quickly(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        self.quick.append(number(image))
        return tuple(sorted(self.faces.get(number(image), []), key=lambda f: -f.area))

    def near(self, image: NDArray[np.uint8], box: NDArray[np.float64]) -> tuple[Face, ...]:
        self.nears.append(number(image))
        return tuple(f for f in self.faces.get(number(image), []) if iou(f.box, box) > 0.2)


@dataclass
class Tracing(Following):
    """The same, as a `LandmarkFollower`: goes to the face whose middle is nearest, or finds none."""

    follows: list[int] = field(default_factory=list)
    boxes: int = 0

    def landmarks(self, image: NDArray[np.uint8], box: NDArray[np.float64]) -> NDArray[np.float64]:
        self.boxes += 1
        return super().landmarks(image, box)

    def follow_all(self, image: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> list[Face]:
        self.follows.append(number(image))
        return [self._follow(image, last) for last in landmarks]

    def _follow(self, image: NDArray[np.uint8], last: NDArray[np.float64]) -> Face:
        here = self.faces.get(number(image), [])
        near = [(float(np.abs(one.landmarks.mean(0) - last.mean(0)).max()), n) for n, one in enumerate(here)]
        away, n = min(near, default=(np.inf, 0))
        if away < 0.5 * np.ptp(last[:, 0]):
            return Face(here[n].box, here[n].landmarks, 0.9)
        return Face(np.array([*last.min(0), *last.max(0)]), last, 0.0)


@dataclass
class Colours:
    """An embedder: people differ by their height in the picture, in steps of 20 pixels."""

    same: float = 0.5
    calls: int = 0

    def __call__(self, image: NDArray[np.uint8], seen: Face) -> NDArray[np.float32]:
        self.calls += 1
        view = np.zeros(128, np.float32)
        view[round(float(seen.box[[1, 3]].mean()) / 20)] = 1.0
        return view


def number(image: NDArray[np.uint8]) -> int:
    return int(image[0, 0, 0]) * 256 + int(image[0, 0, 1])
