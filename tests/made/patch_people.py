"""People as coloured patches: clips of them, and what finds them and tells them apart at once."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from aulens.faces.detector import Face, largest_first
from aulens.faces.registry import DetectorEntry
from synthetic_faces import face68

Image = NDArray[np.uint8]
SIZE = (160, 96)
HUES = {"red": (220, 40, 40), "blue": (40, 40, 220)}


def patch_frame(people: dict[str, tuple[int, int]]) -> Image:
    """A grey picture with a 40 x 40 patch per person at its upper left corner (x, y)."""
    image = np.full((SIZE[1], SIZE[0], 3), 110, np.uint8)
    for name, (x, y) in people.items():
        image[y : y + 40, x : x + 40] = HUES[name]
    return image


class PatchDetector:
    """A `FaceDetector` of such patches; its landmarks lie where a face's would."""

    def __call__(self, image: Image) -> tuple[Face, ...]:
        faces = []
        for hue in HUES.values():
            near = np.abs(image.astype(int) - hue).max(axis=2) < 60
            if near.sum() < 400:
                continue
            ys, xs = np.nonzero(near)
            box = np.array([xs.min(), ys.min(), xs.max(), ys.max()], float)
            points = face68()
            points = (points - points.min(axis=0)) / np.ptp(points, axis=0)
            faces.append(Face(box, box[:2] + points * (box[2:] - box[:2]), 2.0))
        return largest_first(faces)


ENTRY = DetectorEntry(lambda spec: PatchDetector(), has_quality=True)


class PatchEmbedder:
    """A `FaceEmbedder` that tells them by their colour; dlib's takes a tenth of a second for a face."""

    same = 0.5

    def __call__(self, image: Image, face: Face) -> NDArray[np.float32]:
        x, y = np.rint((face.box[:2] + face.box[2:]) / 2).astype(int)
        return image[y, x].astype(np.float32) / 255


def write_people(
    path: Path,
    count: int,
    where: Callable[[int], dict[str, tuple[int, int]]] = lambda i: {"red": (10 + i % 30, 20)},
    rate: Fraction | int = 25,
) -> Path:
    """A clip of `count` frames; `where` says who is where in a frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, width=SIZE[0], height=SIZE[1])
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "10"}
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(patch_frame(where(number)), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
