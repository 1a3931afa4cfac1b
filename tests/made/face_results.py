"""Results made up by hand, for tests of what is done with results."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from aulens.aus import AUSet
from aulens.pose import HeadPose
from aulens.runtime.result import Evidence, FaceResult, FrameResult
from synthetic_faces import face68

PAIR = {"AU1": 0.25, "AU12": 0.75}


def result(
    probability: Mapping[str, float] = PAIR,
    *,
    face_id: int = 0,
    box: Sequence[float] = (10, 20, 40, 80),
    landmarks: np.ndarray | None = None,
    confidence: float = 1.5,
    left: float | None = None,
    threshold: float = 0.5,
    quality: float = float("nan"),
    hidden: Sequence[str] = (),
    look: str = "",
    pose: HeadPose | None = None,
    intensity: Mapping[str, float] = MappingProxyType({}),
    left_intensity: Mapping[str, float] | None = None,
) -> FaceResult:
    """A face with these probabilities; both sides alike, unless `left` says what its left is."""
    aus = AUSet("made", tuple(int(label[2:]) for label in probability))
    matrix = np.array([[1.0, 0, 0], [0, 1, 0]])
    return FaceResult(
        face_id=face_id,
        box=np.array(box, dtype=np.float64),
        landmarks=face68() * 20 + 50 if landmarks is None else landmarks,
        confidence=confidence,
        probability=dict(probability),
        occurrence={label: share >= threshold for label, share in probability.items()},
        left={label: share if left is None else left for label, share in probability.items()},
        right=dict(probability),
        threshold=dict.fromkeys(probability, threshold),
        evidence=Evidence(aus, np.zeros((len(aus), 8, 8), np.float32), matrix, 32, (90, 120)),
        matrix=matrix,
        quality=quality,
        hidden=tuple(hidden),
        look=look,
        pose=pose,
        intensity=intensity,
        left_intensity=intensity if left_intensity is None else left_intensity,
        right_intensity=intensity,
    )


def frame_result(
    index: int, time: float, faces: Sequence[FaceResult] = (), lost: Sequence[int] = ()
) -> FrameResult:
    """A frame of 120 x 90 pixels."""
    return FrameResult(index, time, np.zeros((90, 120, 3), np.uint8), tuple(faces), tuple(lost))
