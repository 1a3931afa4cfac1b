"""How faithful a network's evidence is, measured over the faces of a data set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.errors import DatasetError
from aulens.evidence.cases import measure_cases
from aulens.files import atomic_write, write_text
from aulens.metrics.bootstrap import Measure, mean_of_defined, measured, subject_draws
from aulens.training.inference import predict
from aulens.training.progress import Display

MEASURES: Final = {
    "region": "strongest cell in the AU's region (pointing game)",
    "moved": "strongest cell where the AU moved the face",
    "overlap": "share of the strongest cells that moved, of as many as moved",
    "correlation": "rank correlation with the movement",
    "deletion": "probability while the strongest cells are deleted, lower is better",
    "insertion": "probability while the strongest cells are inserted, higher is better",
}


@dataclass(frozen=True)
class Faithfulness:
    """What was measured.

    Attributes:
        name: of the model.
        cases: one row per case and method: file, subject, au, score (the network's; it decides at 0 in the
            papers), method and MEASURES, NaN where not known.
        people: of all faces that were measured, whether anything was found in them or not.
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
    with Display(progress) as display:
        display.begin("evidence", len(chosen))
        cases, ends = measure_cases(found, right, chosen, tuple(methods), display.step)
    people = tuple(np.unique(found.samples.subjects[chosen]).tolist())
    report = Faithfulness(found.scorer.name, cases, people, *ends)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        with atomic_write(out / "evidence.csv") as part:
            report.cases.round(5).to_csv(part, index=False)
        write_text(out / "evidence.md", report.to_markdown())
        write_text(out / "evidence.json", json.dumps(report.to_dict(), indent=1) + "\n")
    return report
