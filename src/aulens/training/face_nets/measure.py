"""How good FaceNet and LandmarkNet are on drawn scenes and crops of validation people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.align.template import five_points
from aulens.data.face_nets.crops import FaceCrop
from aulens.data.face_nets.scenes import Scene
from aulens.faces.box_net import nms_sorted
from aulens.training.calibration import platt_scale

Floats = NDArray[np.floating]
_SAME: Final = 0.45  # overlap above which two answers are one face
_RIGHT: Final = 0.5  # overlap from which an answer is right
_MIN_SCORE: Final = -4.0  # answers below are left out
_BATCH: Final = 25


def nms(boxes: Floats, scores: Floats, same: float = _SAME) -> NDArray[np.intp]:
    """Indices of the boxes (N, 4) that stay when of boxes that overlap by more than `same` the best stays."""
    order = np.argsort(-scores, kind="stable")
    return order[nms_sorted(boxes[order].astype(np.float64), same)]


def pairwise_iou(a: Floats, b: Floats) -> Floats:
    """Intersection over union of boxes (N, 4) with boxes (M, 4): (N, M)."""
    shared = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    of_a, of_b, area = (
        np.clip(extent, 0, None).prod(-1) for extent in (a[:, 2:] - a[:, :2], b[:, 2:] - b[:, :2], shared)
    )
    shares: Floats = area / np.maximum(of_a[:, None] + of_b - area, 1e-9)
    return shares


def scene_measures(
    scenes: Sequence[Scene], scored: Callable[[Sequence[NDArray[np.uint8]]], tuple[Floats, ...]]
) -> dict[str, float]:
    """Average precision over scenes, recall at one false answer in a hundred scenes, the points' error, and
    Platt's slope and offset: confidence = sigmoid(slope * score + offset) is the share of right answers.

    Answers at faces that are not asked for count neither way, nor does a second one at a face.

    Args:
        scenes: with their faces.
        scored: pictures → boxes (B, N, 4), points (B, N, 5, 2), scores (B, N).
    """
    detections: list[tuple[float, bool]] = []
    total, errors = 0, list[float]()
    for start in range(0, len(scenes), _BATCH):
        part = scenes[start : start + _BATCH]
        for scene, boxes, points, scores in zip(part, *scored([s.image for s in part]), strict=True):
            likely = np.flatnonzero(scores > _MIN_SCORE)
            kept = likely[nms(boxes[likely], scores[likely])]
            total += int(scene.asked.sum())
            shares = pairwise_iou(boxes[kept], scene.boxes) if len(scene.boxes) else np.zeros((len(kept), 0))
            free = np.ones(len(scene.boxes), bool)
            for row, answer in enumerate(kept):
                face = int(np.argmax(shares[row] * free)) if free.any() else -1
                if face >= 0 and shares[row, face] * free[face] >= _RIGHT:
                    free[face] = False
                    if scene.asked[face]:
                        detections.append((float(scores[answer]), True))
                        side = float(np.sqrt(np.prod(scene.boxes[face][2:] - scene.boxes[face][:2])))
                        errors.append(float(np.hypot(*(points[answer] - scene.points[face]).T).mean()) / side)
                elif not ((shares[row] > 0.25) & (~scene.asked | ~free)).any():
                    detections.append((float(scores[answer]), False))
    detections.sort(reverse=True)
    hits = np.array([hit for _, hit in detections], bool)
    precision = np.cumsum(hits) / np.maximum(np.arange(1, len(hits) + 1), 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    false = np.cumsum(~hits)
    allowed = hits[false <= max(1, len(scenes) // 100)].sum()
    scores = np.array([score for score, _ in detections])
    slope, offset = platt_scale(hits, scores) or (1.0, 0.0)
    return {
        "average_precision": float(best[hits].sum() / max(total, 1)),
        "recall": float(allowed / max(total, 1)),
        "points_error": 100 * float(np.mean(errors)) if errors else float("nan"),
        "slope": slope,
        "offset": offset,
    }


def landmark_measures(
    crops: Sequence[FaceCrop], landmarks: Floats, visible: Floats, quality: Floats, name: str
) -> dict[str, float]:
    """Errors in per cent of inter-ocular distance, of all points and of those in sight, and of the rest.

    The distance is never taken below 0.15 of the crop, which a face in profile would go to nothing by.
    """
    true = np.stack([crop.landmarks for crop in crops])
    right, left = five_points(true)[:, 0], five_points(true)[:, 1]
    across = np.maximum(np.hypot(*(left - right).T), 0.15 * crops[0].image.shape[0])
    off = np.hypot(*np.moveaxis(landmarks - true, -1, 0)) / across[:, None]
    seen = np.stack([crop.visible for crop in crops]) > 0.5
    true_quality = np.array([crop.quality for crop in crops])
    return {
        f"{name}_error": 100 * float(off.mean()),
        f"{name}_error_seen": 100 * float(off[seen].mean()),
        f"{name}_visibility_right": float(((visible > 0.5) == seen).mean()),
        f"{name}_quality_error": float(np.abs(quality - true_quality).mean()),
    }
