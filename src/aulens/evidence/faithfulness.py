"""How faithful a network's evidence is, measured over the faces of a data set.

Shapes: N faces, A AUs, m side of the maps, C cases: a face and an AU that it shows and the network found.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from aulens import align
from aulens.data.dataset import FaceDataset, FixedOrder, make_loader, read_rgb
from aulens.errors import ConfigError, DatasetError
from aulens.evidence import measures
from aulens.evidence.methods import Explained, methods_of
from aulens.files import atomic_write, write_text
from aulens.metrics.bootstrap import Measure, mean_of_defined, measured, subject_draws
from aulens.models import AUModel
from aulens.models.regions import Regions, region_masks
from aulens.render.displacement import GRID, read_fields
from aulens.roi import RoiGrid
from aulens.training.calibration import Calibration
from aulens.training.inference import Predictions, Scorer, predict
from aulens.training.progress import Display
from aulens.training.scoring import to_input

MEASURES: Final = {
    "region": "strongest cell in the AU's region (pointing game)",
    "moved": "strongest cell where the AU moved the face",
    "overlap": "share of the strongest cells that moved, of as many as moved",
    "correlation": "rank correlation with the movement",
    "deletion": "probability while the strongest cells are deleted, lower is better",
    "insertion": "probability while the strongest cells are inserted, higher is better",
}
_REGION: Final = 5
"""The pointing game's squares are a fifth of the crop's side: paper A's regions, which are about an eighth,
with a margin, whatever the size of the network's maps."""
_DEVICE: Final = torch.device("cpu")
"""Where maps are compared, also those of a run on a GPU."""


@dataclass(frozen=True)
class Faithfulness:
    """What was measured.

    Attributes:
        name: of the model.
        cases: one row per case and method: file, subject, au, method and MEASURES, NaN where not known.
        people: of the faces that were looked at, whether anything was found in them or not.
        whole, nothing: the mean probability of the faces as they are, and blurred from end to end.
    """

    name: str
    cases: pd.DataFrame
    people: tuple[str, ...]
    whole: float
    nothing: float

    def draws(self, method: str, measure: str, bootstrap: int = 1000, seed: int = 0) -> NDArray[np.float64]:
        """(R,) the measure, a mean over AUs of means over cases, of the subjects as they are and resampled.

        The same draws serve all methods and all models of the same faces, so differences are paired.
        """
        rows = self.cases[self.cases["method"] == method].dropna(subset=measure)
        if rows.empty:
            return np.full(1, np.nan)
        _, draws = subject_draws(self.people, bootstrap, seed)
        who = np.searchsorted(sorted(self.people), rows["subject"].to_numpy(np.str_))
        au, _ = pd.factorize(rows["au"])
        sums, counts = np.zeros((2, draws.shape[1], au.max() + 1))
        np.add.at(sums, (who, au), rows[measure].to_numpy(float))
        np.add.at(counts, (who, au), 1)
        with np.errstate(invalid="ignore"):
            return mean_of_defined((draws @ sums) / (draws @ counts))

    def value(self, method: str, measure: str) -> Measure:
        """A measure and its 95 % interval over subjects."""
        return measured(self.draws(method, measure))

    @property
    def methods(self) -> tuple[str, ...]:
        """Their names, the network's own first."""
        return tuple(self.cases["method"].unique())

    def to_markdown(self) -> str:
        """The table, and what its columns say."""
        known = [name for name in MEASURES if self.cases[name].notna().any()]
        faces, subjects = self.cases["file"].nunique(), self.cases["subject"].nunique()
        lines = [
            f"# Evidence of {self.name}",
            "",
            f"{faces} faces of {subjects} people, {len(self.cases) // len(self.methods)} AUs that they show "
            "and it finds. Mean over AUs [95 % interval over people].",
            "",
            "| method | " + " | ".join(known) + " |",
            "|" + " --- |" * (len(known) + 1),
        ]
        lines += [
            f"| {method} | " + " | ".join(str(self.value(method, name)) for name in known) + " |"
            for method in self.methods
        ]
        lines += ["", *(f"* {name}: {MEASURES[name]}." for name in known)]
        lines += [
            f"* As they are, faces have a probability of {self.whole:.3f}; blurred, {self.nothing:.3f}."
        ]
        return "\n".join(lines) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """The table as JSON takes it."""
        return {
            "model": self.name, "people": list(self.people), "whole": self.whole, "nothing": self.nothing,
            "methods": {
                method: {name: self.value(method, name).to_dict() for name in MEASURES}
                for method in self.methods
            },
        }  # fmt: skip


def faithfulness(
    model: Path,
    data: Sequence[Path] = (),
    *,
    split: str = "test",
    tests: Sequence[Path] = (),
    fold: int | None = None,
    subjects: str = "*",
    out: Path | None = None,
    limit: int = 300,
    methods: Sequence[str] = (),
    threads: int | None = None,
    progress: bool = True,
) -> Faithfulness:
    """Measure how faithful a model's evidence is, beside Grad-CAM, occlusion, its regions alone and chance.

    Where the AUs' true movement is known (`aulens render --displacements`), evidence is compared with it.

    Args:
        model: a run, or an exported model, which has no gradients and so no Grad-CAM.
        data: folders; by default the run's.
        split, tests, fold, subjects: as `aulens.training.evaluate` takes them.
        out: a folder for evidence.csv, evidence.md and evidence.json.
        limit: faces at most, drawn from those that show an AU.
        methods: by name, of `aulens.evidence.methods`; none: all that the model allows.
        threads: of torch.
        progress: show it.

    Raises:
        ConfigError, DatasetError, ModelError: as `aulens.training.evaluate`; an unknown method, or no AU
            that is there and found.
    """
    found = predict(
        model, data, split=split, tests=tests, fold=fold, subjects=subjects, threads=threads,
        progress=progress,
    )  # fmt: skip
    shows = np.flatnonzero((found.samples.labels == 1).any(1))
    chosen = np.sort(np.random.default_rng(0).permutation(shows)[:limit])
    right = (found.samples.labels == 1) & found.decisions
    if not right[chosen].any():
        raise DatasetError(
            f"{found.scorer.name} finds none of the AUs that {len(chosen)} faces of the {split} split show: "
            "there is no evidence to be measured."
        )
    scorer, calibration = found.scorer, found.scorer.calibration
    assert calibration is not None
    with Display(progress) as display:
        display.begin("evidence", len(chosen))
        report = _measure(scorer, calibration, found, right, chosen, tuple(methods), display)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        with atomic_write(out / "evidence.csv") as part:
            report.cases.round(5).to_csv(part, index=False)
        write_text(out / "evidence.md", report.to_markdown())
        write_text(out / "evidence.json", json.dumps(report.to_dict(), indent=1) + "\n")
    return report


def _measure(
    scorer: Scorer,
    calibration: Calibration,
    found: Predictions,
    right: NDArray[np.bool_],
    chosen: NDArray[np.intp],
    wanted: tuple[str, ...],
    display: Display,
) -> Faithfulness:
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
        faces = Explained(scorer.forward, model, samples.aus, image, landmarks, output, seed=number)
        known = methods_of(faces)
        if unknown := [name for name in wanted if name not in known]:
            raise ConfigError(f"No method {unknown[0]!r} for this model; it has {', '.join(known)}.")
        index = items["index"].numpy()
        face, au = np.nonzero(right[chosen[index]])
        for _ in index:
            display.step()
        if not len(face):
            continue
        truth = _Truth.of(faces, [samples.paths[k] for k in index], dataset, index, face, au)
        rows, columns = torch.from_numpy(face), torch.from_numpy(au)
        probability = _probability(faces, calibration, rows, columns)
        blurred = measures.blurred(image[rows])
        ends.append(
            np.column_stack([probability(part, torch.arange(len(face))) for part in (image[rows], blurred)])
        )
        for name in wanted or known:
            maps = known[name](faces)[rows, columns].detach().numpy().astype(np.float32)
            deletion, insertion = measures.curves(maps, image[rows], blurred, probability)
            tables.append(
                pd.DataFrame(
                    {
                        "file": np.array(samples.paths)[index[face]],
                        "subject": samples.subjects[index[face]],
                        "au": np.array(samples.aus.labels)[au],
                        "method": name,
                        **truth.measured(maps),
                        "deletion": deletion,
                        "insertion": insertion,
                    }
                )
            )
    whole, nothing = np.concatenate(ends).mean(0)
    cases = pd.concat(tables, ignore_index=True)
    people = tuple(np.unique(samples.subjects).tolist())
    return Faithfulness(scorer.name, cases, people, float(whole), float(nothing))


def _probability(
    faces: Explained, calibration: Calibration, rows: Tensor, columns: Tensor
) -> Callable[[Tensor, Tensor], NDArray[np.float64]]:
    """The calibrated probability of each case's AU in its changed face."""

    def asked(image: Tensor, case: Tensor) -> NDArray[np.float64]:
        logits = faces.asked(image, rows[case])
        return np.asarray(
            calibration.probability(logits.numpy())[np.arange(len(case)), columns[case].numpy()]
        )

    return asked


@dataclass(frozen=True)
class _Truth:
    """Regions of C cases (C, m, m) bool, and how far their AUs moved the face (C, m, m), NaN: not known."""

    regions: NDArray[np.bool_]
    fields: NDArray[np.float32]

    @staticmethod
    def of(
        faces: Explained,
        paths: Sequence[str],
        dataset: FaceDataset,
        index: NDArray[np.intp],
        face: NDArray[np.intp],
        au: NDArray[np.intp],
    ) -> _Truth:
        m, size = faces.side, faces.image.shape[-1]
        side = max(3, round(m / _REGION) // 2 * 2 + 1)
        windows = Regions(faces.aus).windows(faces.landmarks, RoiGrid(crop=size, map=m, side=side))
        regions = region_masks(windows, m).any(2).numpy()[face, au]
        fields = np.full((len(face), m, m), np.nan, np.float32)
        for number, path in enumerate(paths):
            try:
                known = read_fields(path)
            except DatasetError:
                continue
            matrix = _grid_to_cells(path, dataset, int(index[number]), m)
            for case in np.flatnonzero(face == number):
                if (field := known.get(faces.aus.labels[au[case]])) is not None:
                    fields[case] = cv2.warpAffine(field, matrix, (m, m))
        return _Truth(regions, fields)

    def measured(self, maps: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
        """What of MEASURES compares evidence (C, m, m) with it."""
        known = np.isfinite(self.fields).all((1, 2)) & (self.fields.max((1, 2)) > 0)
        shown = np.where(known[:, None, None], self.fields, 0)
        moved = measures.moved_cells(shown)

        def told(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.where(known, values, np.nan)

        return {
            "region": measures.hits(maps, self.regions),
            "moved": told(measures.hits(maps, moved)),
            "overlap": told(measures.overlap(maps, moved)),
            "correlation": told(measures.rank_correlation(maps, shown)),
        }


def _grid_to_cells(path: str, dataset: FaceDataset, index: int, m: int) -> NDArray[np.float64]:
    """(2, 3) from a displacement field of a picture to the cells of its crop."""
    picture = read_rgb(path)
    size = dataset.crop.size
    to_crop = dataset.crop.template.matrix(dataset.samples.landmarks[index], size)
    to_picture = _stretched(picture.shape[1] / GRID, picture.shape[0] / GRID)
    return align.compose(_stretched(m / size, m / size), align.compose(to_crop, to_picture))


def _stretched(x: float, y: float) -> NDArray[np.float64]:
    """(2, 3) that stretches, integer = pixel centre before and after."""
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2]])
