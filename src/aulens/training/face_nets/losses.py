"""The losses of FaceNet and LandmarkNet: which cell answers for which face, and how far off its answer is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from aulens.models.face_net import STRIDES

_SIZES: Final = ((0.0, 40.0), (28.0, 88.0), (62.0, 1e9))
"""Which faces each stride answers for: square root of the box's area, pixels. Between two, both do."""
_SLACK: Final = 1.5  # a stride that nearly answers for a face is not punished for an answer
_NEAR, _AROUND = 0.16, 0.3  # of a face's size around its middle: answers; may answer
_SMALL: Final = 40.0  # pixels
_ALPHA, _GAMMA = 0.35, 2.0  # focal loss (Lin et al., ICCV 2017)


def assign(size: int, boxes: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
    """Which face each cell answers for.

    Args:
        size: S, side of the scene in pixels.
        boxes: (F, 4) x0, y0, x1, y1.
        asked: (F,) bool.

    Returns:
        (N,) int64, the face, or -1; and (N,) bool, whether the cell's score counts.
    """
    which, counts = [], []
    middle, extent = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    side = extent.clamp_min(0).prod(1).sqrt()
    for stride, (smallest, largest) in zip(STRIDES, _SIZES, strict=True):
        row = (torch.arange(size // stride, dtype=torch.float32) + 0.5) * stride
        cell = torch.stack(torch.meshgrid(row, row, indexing="ij"), -1).flip(-1).reshape(-1, 1, 2)
        if not len(boxes):
            which.append(torch.full((len(cell),), -1))
            counts.append(torch.ones(len(cell), dtype=torch.bool))
            continue
        unit = (extent / side[:, None]).clamp_min(0.5)
        off = ((cell - middle) / unit).abs().amax(-1)  # (cells, F)
        # Of a face whose middle is cut off, the cells at the border answer.
        away = ((cell - middle.clamp(0, size)) / unit).abs().amax(-1)
        ours = (side >= smallest) & (side < largest)
        nearly = (side * _SLACK >= smallest) & (side / _SLACK < largest)
        near = away <= torch.maximum(_NEAR * side, torch.tensor(0.75 * stride))
        around = away <= torch.maximum(_AROUND * side, torch.tensor(1.5 * stride))
        positive = near & ours & asked
        distance = torch.where(positive, away / side, torch.inf)
        best = distance.min(1)
        chosen = torch.where(best.values.isfinite(), best.indices, -1)
        doubtful = (around & nearly).any(1)
        # Nothing is said of faces that are not asked for; but parts of a large one are no faces themselves.
        inside = ((off <= 0.5 * side) & ~asked & (nearly | (side < _SMALL))).any(1)
        which.append(chosen)
        counts.append((chosen >= 0) | ~(doubtful | inside))
    return torch.cat(which), torch.cat(counts)


def face_loss(
    answers: tuple[Tensor, Tensor, Tensor],
    size: int,
    boxes: Sequence[Tensor],
    points: Sequence[Tensor],
    asked: Sequence[Tensor],
) -> dict[str, Tensor]:
    """Losses of a batch of scenes; "loss" is the one to minimise.

    Score: focal loss, over the number of answering cells. Box: 1 - GIoU (Rezatofighi et al., CVPR 2019).
    Points: smooth L1 of the distance in shares of the face's size.

    Args:
        answers: boxes (B, N, 4), points (B, N, 5, 2), scores (B, N) of the network.
        size: S, side of the scenes.
        boxes, points, asked: for each scene its faces, (F, 4), (F, 5, 2), (F,) bool, on the CPU.
    """
    found_boxes, found_points, scores = answers
    device = scores.device
    targets = [assign(size, b, a) for b, a in zip(boxes, asked, strict=True)]
    which = torch.stack([t[0] for t in targets]).to(device)
    counts = torch.stack([t[1] for t in targets]).to(device)
    positive = which >= 0
    total = positive.sum().clamp_min(1)
    wanted = positive.float()
    cross = functional.binary_cross_entropy_with_logits(scores, wanted, reduction="none")
    right = torch.where(positive, scores.sigmoid(), 1 - scores.sigmoid())
    weight = torch.where(positive, _ALPHA, 1 - _ALPHA) * (1 - right) ** _GAMMA
    score = (weight * cross * counts).sum() / total
    at = positive.nonzero(as_tuple=True)
    zero = scores.sum() * 0
    if not len(at[0]):
        return {"loss": score, "score": score, "box": zero, "points": zero}
    offsets = torch.tensor([0, *(len(b) for b in boxes)], device=device).cumsum(0)[:-1]
    face = which[at] + offsets[at[0]]
    true_boxes, true_points = (torch.cat(list(true)).to(device)[face] for true in (boxes, points))
    box = (1 - giou(found_boxes[at], true_boxes)).mean()
    side = (true_boxes[:, 2:] - true_boxes[:, :2]).prod(1).sqrt()
    off = (found_points[at] - true_points) / side[:, None, None]
    near = functional.smooth_l1_loss(off, torch.zeros_like(off), beta=0.02)
    return {"loss": score + 2.0 * box + 4.0 * near, "score": score, "box": box, "points": near}


def giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised intersection over union of boxes (N, 4) and (N, 4): (N,), -1 to 1."""
    shared = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp_min(0).prod(1)
    union = (a[:, 2:] - a[:, :2]).clamp_min(0).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - shared
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1).clamp_min(1e-6)
    return shared / union.clamp_min(1e-6) - (hull - union) / hull


def landmark_loss(
    answers: tuple[Tensor, Tensor, Tensor, Tensor],
    landmarks: Tensor,
    visible: Tensor,
    quality: Tensor,
    present: Tensor,
) -> dict[str, Tensor]:
    """Losses of a batch of crops; "loss" is the one to minimise.

    Points: the distance (Charbonnier, 0.5 pixels soft), those out of sight at 0.3 of the weight. Visibility
    and quality: binary cross-entropy. Where there is no face, only quality (0) and presence count.

    Args:
        answers: landmarks (B, 68, 2), logits of visibility (B, 68), quality (B,), presence (B,).
        landmarks: (B, 68, 2) pixels of the crop.
        visible: (B, 68), 0..1.
        quality: (B,), 0..1.
        present: (B,) bool. These four may lie on another device than the answers.
    """
    found, seen, good, there = answers
    landmarks, visible, quality, present = (
        true.to(found.device) for true in (landmarks, visible, quality, present)
    )
    distance = ((found - landmarks).square().sum(-1) + 0.25).sqrt() - 0.5
    weight = (0.3 + 0.7 * visible) * present[:, None]
    near = (distance * weight).sum() / weight.sum().clamp_min(1e-6)
    cross = functional.binary_cross_entropy_with_logits
    sight = cross(seen[present], visible[present]) if bool(present.any()) else seen.sum() * 0
    worth, face = cross(good, quality), cross(there, present.float())
    loss = near + sight + worth + face
    return {"loss": loss, "points": near, "visibility": sight, "quality": worth, "presence": face}
