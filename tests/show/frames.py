"""Made-up results of a clip's frames, for tests that need no model."""

from collections.abc import Mapping, Sequence

import numpy as np

from aulens.align import FACE
from aulens.aus import AUSet
from aulens.runtime.result import Evidence, FaceResult, FrameResult
from synthetic_faces import face68

AUS = AUSet("made-up", (1, 6, 12, 25))
THRESHOLD = 0.5
CROP = 64


def face(
    face_id: int, probability: Mapping[str, float], shape: tuple[int, int], at: tuple[float, float] = (60, 60)
) -> FaceResult:
    """A face of 40 pixels at a place, whose map of each AU is flat, as strong as its probability."""
    points = face68() * 20 + at
    maps = np.stack([np.full((16, 16), 2 * probability.get(label, 0.0) - 1) for label in AUS.labels])
    matrix = FACE.matrix(points, CROP)
    shares = {label: probability.get(label, 0.0) for label in AUS.labels}
    return FaceResult(
        face_id=face_id,
        box=np.array([at[0] - 20, at[1] - 20, at[0] + 20, at[1] + 20], np.float64),
        landmarks=points,
        confidence=1.0,
        probability=shares,
        occurrence={label: share >= THRESHOLD for label, share in shares.items()},
        left=shares,
        right={label: share / 2 for label, share in shares.items()},
        threshold=dict.fromkeys(AUS.labels, THRESHOLD),
        evidence=Evidence(AUS, maps.astype(np.float32), matrix, CROP, shape),
        matrix=matrix,
    )


def frame(
    index: int,
    people: Mapping[int, Mapping[str, float]],
    *,
    rate: float | None = 25.0,
    shape: tuple[int, int] = (120, 160),
    lost: Sequence[int] = (),
) -> FrameResult:
    """A frame whose picture is grey, by its number; people stand beside each other."""
    image = np.full((*shape, 3), (index * 7) % 256, np.uint8)
    faces = [face(k, people[k], shape, (40.0 + 60 * place, 60.0)) for place, k in enumerate(sorted(people))]
    time = float("nan") if rate is None else index / rate
    return FrameResult(index, time, image, tuple(faces), tuple(lost))
