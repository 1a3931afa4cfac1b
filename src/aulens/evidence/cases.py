"""Evidence of a network in each of its cases, by each method, beside what is known of them.

Shapes: N faces, A AUs, m side of the maps, C cases: a face and an AU that it shows and the network found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from aulens.align import compose, stretch
from aulens.data.dataset import FaceDataset, FixedOrder, make_loader
from aulens.data.shards import read_rgb
from aulens.errors import ConfigError, DatasetError
from aulens.evidence import measures
from aulens.evidence.methods import Explained, methods_of
from aulens.models import AUModel
from aulens.models.regions import Regions, region_masks
from aulens.render.displacement import GRID, read_fields
from aulens.roi import RoiGrid
from aulens.training.calibration import Calibration
from aulens.training.inference import Predictions
from aulens.training.scoring import to_input

_REGION: Final = 5
"""The pointing game's squares are a fifth of the crop's side: paper A's regions, which are about an eighth,
with a margin, whatever the size of the network's maps."""
_DEVICE: Final = torch.device("cpu")
"""Where maps are compared, also those of a run on a GPU."""


def measure_cases(
    found: Predictions,
    right: NDArray[np.bool_],
    chosen: NDArray[np.intp],
    wanted: tuple[str, ...],
    step: Callable[[], object],
) -> tuple[pd.DataFrame, tuple[float, float]]:
    """Measure the evidence of each case by each method.

    Args:
        found: faces, labels and what a calibrated network says of them.
        right: (N, A) where it finds what is there.
        chosen: positions of the faces to measure, ascending.
        wanted: names of methods; none: all that the network allows.
        step: called for each face.

    Returns:
        A row per case and method, see `Faithfulness.cases`; and the mean probability of the cases' faces as
        they are, and blurred.

    Raises:
        ConfigError: an unknown method.
    """
    scorer, calibration = found.scorer, found.scorer.calibration
    assert calibration is not None
    model = scorer.forward if isinstance(scorer.forward, AUModel) else None
    if model is not None:
        model.to(_DEVICE)
    samples = found.samples.take(chosen)
    dataset = FaceDataset(samples, scorer.crop)
    tables, ends = [], []
    for number, items in enumerate(make_loader(dataset, FixedOrder(len(samples), 32), 0)):
        image = to_input(items["image"], _DEVICE, channels_last=False)
        landmarks = items["landmarks"].to(_DEVICE)
        with torch.no_grad():
            output = scorer.forward(image, landmarks)
        output = replace(output, maps=output.maps.float())
        faces = Explained(
            scorer.forward, model, samples.aus, image, landmarks, output, scorer.grid, seed=number
        )
        known = methods_of(faces)
        if unknown := [name for name in wanted if name not in known]:
            raise ConfigError(f"No method {unknown[0]!r} for this model; it has {', '.join(known)}.")
        index = items["index"].numpy()
        for _ in index:
            step()
        face, au = np.nonzero(right[chosen[index]])
        if not len(face):
            continue
        rows, columns = torch.from_numpy(face), torch.from_numpy(au)
        probability = _probability(faces, calibration, rows, columns)
        regions = _regions(faces)[face, au]
        fields = _fields(faces, dataset, index, face, au)
        blurred = measures.blurred(image[rows])
        both = [probability(part, torch.arange(len(face))) for part in (image[rows], blurred)]
        ends.append(np.column_stack(both))
        for name in wanted or known:
            maps = known[name](faces)[rows, columns].detach().numpy().astype(np.float32)
            deletion, insertion = measures.curves(maps, image[rows], blurred, probability)
            columns_of = {
                "file": [samples.paths[number] for number in index[face].tolist()],
                "subject": samples.subjects[index[face]],
                "au": np.array(samples.aus.labels)[au],
                "score": (output.logits[rows, columns] - scorer.decision_threshold).numpy(),
                "method": name,
                "region": measures.hits(maps, regions),
                **measures.beside_movement(maps, fields),
                "deletion": deletion,
                "insertion": insertion,
            }
            tables.append(pd.DataFrame(columns_of))
    whole, nothing = np.concatenate(ends).mean(0).tolist()
    return pd.concat(tables, ignore_index=True), (whole, nothing)


def _probability(
    faces: Explained, calibration: Calibration, rows: Tensor, columns: Tensor
) -> Callable[[Tensor, Tensor], NDArray[np.float64]]:
    """The calibrated probability of each case's AU in its changed face."""

    def asked(image: Tensor, case: Tensor) -> NDArray[np.float64]:
        shares = calibration.probability(faces.asked(image, rows[case]).numpy())
        return np.asarray(shares[np.arange(len(case)), columns[case].numpy()])

    return asked


def _regions(faces: Explained) -> NDArray[np.bool_]:
    """(N, A, m, m) where each AU's squares are."""
    m, size = faces.side, faces.image.shape[-1]
    side = max(3, round(m / _REGION) // 2 * 2 + 1)
    windows = Regions(faces.aus).windows(faces.landmarks, RoiGrid(crop=size, map=m, side=side))
    return np.asarray(region_masks(windows, m).any(2).numpy())


def _fields(
    faces: Explained,
    dataset: FaceDataset,
    index: NDArray[np.intp],
    face: NDArray[np.intp],
    au: NDArray[np.intp],
) -> NDArray[np.float32]:
    """(C, m, m) how far the AU of each case moved its face; NaN where that is not known."""
    m = faces.side
    fields = np.full((len(face), m, m), np.nan, np.float32)
    for number in np.unique(face):
        path = dataset.samples.paths[index[number]]
        try:
            known = read_fields(path)
        except DatasetError:
            continue
        matrix = _grid_to_cells(path, dataset, int(index[number]), m)
        for case in np.flatnonzero(face == number):
            if (field := known.get(faces.aus.labels[au[case]])) is not None:
                fields[case] = cv2.warpAffine(field, matrix, (m, m))
    return fields


def _grid_to_cells(path: str, dataset: FaceDataset, index: int, m: int) -> NDArray[np.float64]:
    """(2, 3) from a displacement field of a picture to the cells of its crop."""
    picture = read_rgb(path)
    size = dataset.crop.size
    to_crop = dataset.crop.template.matrix(dataset.samples.landmarks[index], size)
    to_picture = stretch(picture.shape[1] / GRID, picture.shape[0] / GRID)
    return compose(stretch(m / size, m / size), compose(to_crop, to_picture))
