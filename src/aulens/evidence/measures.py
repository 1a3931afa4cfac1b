"""How far evidence for an AU can be believed: what the network does without it, and what truly moved there.

Shapes: N cases (a face and an AU that it shows), m side of the maps, S side of the crop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

Maps = NDArray[np.float32]
Floats = NDArray[np.float64]

SHARES: Final = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""Of the crop, deleted or inserted: a curve's points. An AU's regions are about 1/32."""
MOVED: Final = 0.25
"""A cell has moved that moved at least so far, as a share of the cell that moved furthest."""


def hits(maps: Maps, inside: NDArray[np.bool_]) -> Floats:
    """The pointing game (J. Zhang et al., IJCV 2018): whether the strongest cell lies inside, (N,) 0 or 1.

    Args:
        maps: (N, m, m).
        inside: (N, m, m) bool.
    """
    strongest = maps.reshape(len(maps), -1).argmax(1)
    return np.asarray(inside.reshape(len(inside), -1)[np.arange(len(maps)), strongest], np.float64)


def moved_cells(fields: Maps) -> NDArray[np.bool_]:
    """Where (N, m, m) an AU moved the face: see MOVED."""
    furthest = fields.max((1, 2), keepdims=True)
    return np.asarray((fields >= MOVED * furthest) & (furthest > 0))


def overlap(maps: Maps, moved: NDArray[np.bool_]) -> Floats:
    """Of as many of the strongest cells as moved, the share that did move, (N,); NaN where none moved."""
    shares = np.full(len(maps), np.nan)
    for case, (heat, truth) in enumerate(zip(maps, moved, strict=True)):
        if count := int(truth.sum()):
            strongest = np.argsort(-heat, axis=None, kind="stable")[:count]
            shares[case] = truth.ravel()[strongest].mean()
    return shares


def rank_correlation(maps: Maps, fields: Maps) -> Floats:
    """Spearman's correlation of evidence and movement over a crop's cells, (N,); NaN where one is flat."""
    ranks = [rankdata(values.reshape(len(values), -1), axis=1) for values in (maps, fields)]
    a, b = (values - values.mean(1, keepdims=True) for values in ranks)
    with np.errstate(invalid="ignore"):
        return np.asarray((a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1)))


def beside_movement(maps: Maps, fields: Maps) -> dict[str, Floats]:
    """What evidence (N, m, m) and true movement (N, m, m) have in common; NaN where none is known.

    Returns:
        "moved" (`hits` of what moved), "overlap" and "correlation", each (N,).
    """
    known = np.isfinite(fields).all((1, 2)) & (fields.max((1, 2)) > 0)
    fields = np.where(known[:, None, None], fields, 0)
    moved = moved_cells(fields)
    compared = {
        "moved": hits(maps, moved),
        "overlap": overlap(maps, moved),
        "correlation": rank_correlation(maps, fields),
    }
    return {name: np.where(known, values, np.nan) for name, values in compared.items()}


def blurred(image: Tensor) -> Tensor:
    """Faces (N, 3, S, S) of which nothing is left but their colours."""
    size = image.shape[-1]
    result: Tensor = gaussian_blur(image, [(size - 1) // 2 * 2 - 1] * 2, [size / 8])
    return result


def curves(
    maps: Maps, image: Tensor, without: Tensor, probability: Callable[[Tensor, Tensor], Floats]
) -> tuple[Floats, Floats]:
    """Deletion and insertion (V. Petsiuk et al., BMVC 2018), each the mean probability over SHARES.

    What is deleted is blurred away, strongest cells first; what is inserted is shown on the blurred face.

    Args:
        maps: (N, m, m).
        image: (N, 3, S, S) float32 in [0, 1].
        without: likewise, `blurred`.
        probability: of changed faces (M, 3, S, S) of the cases (M,): (M,).

    Returns:
        Deletion (N,), the lower the better; insertion (N,), the higher the better.
    """
    count, side = len(maps), maps.shape[-1]
    size = image.shape[-1]
    order = np.argsort(-maps.reshape(count, -1), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(side * side)[None], axis=1)
    deletion, insertion = np.zeros(count), np.zeros(count)
    rows = torch.arange(count)
    for share in SHARES:
        chosen = torch.from_numpy(rank.reshape(count, 1, side, side) < share * side * side).float()
        mask = torch.nn.functional.interpolate(chosen, size, mode="nearest")
        deletion += probability(torch.lerp(image, without, mask), rows) / len(SHARES)
        insertion += probability(torch.lerp(without, image, mask), rows) / len(SHARES)
    return deletion, insertion
