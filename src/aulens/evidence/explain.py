"""What a network draws on its way to the Action Units of one face (paper A, Figs 5 and 6).

Shapes: A AUs, S side of the aligned face, m side of the network's maps, C channels of its features, M
eigenvectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aulens.align import TEMPLATES, transform, warp
from aulens.analysis.analyzer import Analyzer
from aulens.aus import AUSet
from aulens.errors import InputError, ModelError
from aulens.faces.default import default_detector
from aulens.faces.detector import Face, FaceDetector
from aulens.image import read_image
from aulens.relations import AURelations
from aulens.roi import centres
from aulens.runtime.backend import onnx_session, run_onnx
from aulens.runtime.model import to_input
from aulens.runtime.whole_file import read_whole

Arrays = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Explanation:
    """One face, what a model says about it, and what its network drew on the way.

    Attributes:
        model: its name.
        aus: A.
        crop: (S, S, 3) uint8 RGB, the aligned face as the network takes it.
        landmarks: (K, 2) float64, pixels of the crop.
        probability: AU label to probability.
        occurrence: AU label to present or absent.
        maps: (A, m, m) float32: paper A's ROI maps, or with `attention`, where the network looked.
        attention: whether maps say where it looked, 0 to 1, not what it found, -1 to 1.
        regions: (A, 2, 4) int64, x0, y0, x1, y1 of the cells from which scores are read, ends included; None
            for a network that does not read its maps by regions.
        x0: (C, m, m) features before the graph; None if the model's file does not hold them.
        x1: (C, m, m) features after the graph; None without a graph.
        eigenvectors: (M, m, m), not negative, of a graph whose eigenvectors belong to no AU.
        au_eigenvectors: (A, m, m), not negative, each asked for its AU in training (paper A, Eq 7).
        initial_attention: (A, m, m) before its refinement, of JAA-Net's family.
        relations: between AUs, of models with a graph over AUs.
        statement: what the card of an exported model says it was trained and validated on.
    """

    model: str
    aus: AUSet
    crop: NDArray[np.uint8]
    landmarks: NDArray[np.float64]
    probability: Mapping[str, float]
    occurrence: Mapping[str, bool]
    maps: NDArray[np.float32]
    attention: bool
    regions: NDArray[np.int64] | None = None
    x0: NDArray[np.float32] | None = None
    x1: NDArray[np.float32] | None = None
    eigenvectors: NDArray[np.float32] | None = None
    au_eigenvectors: NDArray[np.float32] | None = None
    initial_attention: NDArray[np.float32] | None = None
    relations: AURelations | None = None
    statement: str = ""

    @property
    def lacks(self) -> bool:
        """Whether there is nothing but the maps: the file was exported without the inner layers."""
        return self.x0 is None and self.initial_attention is None


def explain(
    image: str | Path | NDArray[np.uint8],
    model: str | Path | None = None,
    *,
    face: int = 0,
    detector: FaceDetector | None = None,
) -> Explanation:
    """Analyze one face of a picture, and keep what the network draws on its way.

    Args:
        image: path of a picture, or (H, W, 3) uint8 RGB.
        model: None for the shipped model; the card or .onnx of another; or a run folder or a checkpoint in
            it, which needs the extra `train`. Of an exported file, the inner layers are there if it was
            exported with `aulens export --inner`.
        face: 0 for the largest, 1 for the next.
        detector: None for aulens' own.

    Raises:
        InputError: the picture can't be read, or has no such face.
        ModelError: there is no such model.
    """
    pixels = image if isinstance(image, np.ndarray) else read_image(image)
    detector = detector or default_detector()
    found = detector(pixels)
    if not found:
        raise InputError("no face was found in this picture")
    if not 0 <= face < len(found):
        faces = f"{len(found)} face{'' if len(found) == 1 else 's'}"
        raise InputError(f"there is no face {face} in this picture: {faces} found, counted from 0")
    if model is not None and (Path(model).is_dir() or Path(model).suffix in (".safetensors", ".pt")):
        return _of_run(Path(model), pixels, found[face])
    return _of_file(Analyzer(model, detector), pixels, found[face])


def _of_file(analyzer: Analyzer, pixels: NDArray[np.uint8], face: Face) -> Explanation:
    card = analyzer.card
    (result,) = analyzer.analyze(pixels, [face])
    crop = warp(pixels, result.matrix, card.crop)
    session = onnx_session(card.onnx, read_whole(card.onnx), None)
    names = [output.name for output in session.get_outputs()]
    outputs = run_onnx(card.onnx, session, names, to_input(crop[None]))
    inner = {name: np.asarray(array[0], np.float32) for name, array in zip(names, outputs, strict=True)}
    points = inner["landmarks"] if "landmarks" in inner else transform(result.matrix, face.landmarks)
    regions = None if card.grid is None else card.grid.windows(centres(points[None], card.aus))[0]
    return Explanation(
        model=card.name, aus=card.aus, crop=crop, landmarks=np.asarray(points, np.float64),
        probability=result.probability, occurrence=result.occurrence, attention=card.attention,
        regions=regions, statement=card.statement, **_layers(inner),
    )  # fmt: skip


def _layers(inner: Arrays) -> dict[str, Any]:
    """The arrays of an `Explanation`, of those that a network gave."""
    names = ("maps", "x0", "x1", "eigenvectors", "au_eigenvectors", "initial_attention")
    return {name: inner.get(name) for name in names}


def _of_run(path: Path, pixels: NDArray[np.uint8], face: Face) -> Explanation:
    import torch

    from aulens import roi
    from aulens.models import AUModel
    from aulens.models.base import MapModel
    from aulens.training.inference import Scorer
    from aulens.training.run_folder import RunFolder

    run = RunFolder(path if path.is_dir() else path.parent)
    scorer = Scorer.of_run(run)
    model, calibration = scorer.forward, scorer.calibration
    if calibration is None:
        raise ModelError(f"{path} was never calibrated: its training has not ended. Go on with --resume.")
    assert isinstance(model, AUModel)
    matrix = TEMPLATES[model.template].matrix(face.landmarks, model.crop)
    crop, points = warp(pixels, matrix, model.crop), transform(matrix, face.landmarks)
    with torch.no_grad():
        image = torch.from_numpy(to_input(crop[None])).to(scorer.device)
        output = model(image, torch.from_numpy(points[None]).float().to(scorer.device))
        inner = {name: part[0].float().cpu().numpy() for name, part in model.inner(image).items()}
    scores = roi.side_scores(output.sides.float().cpu().numpy(), model.aus).max(-1)
    probability, labels = calibration.probability(scores)[0], model.aus.labels
    decided = probability >= calibration.threshold
    windows = None
    if isinstance(model, MapModel) and model.has_side_scores:
        windows = model.grid.windows(centres(points[None], model.aus))[0]
    return Explanation(
        model=scorer.name, aus=model.aus, crop=crop, landmarks=inner.get("landmarks", points).astype(float),
        probability=dict(zip(labels, probability.tolist(), strict=True)),
        occurrence=dict(zip(labels, decided.tolist(), strict=True)),
        attention=not isinstance(model, MapModel),
        regions=windows, relations=model.relations, **_layers(inner),
    )  # fmt: skip
