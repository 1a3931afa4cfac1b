"""How good a trained face network is on people of neither training nor validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from aulens.files import plain
from aulens.training.face_nets.networks import load_best
from aulens.training.face_nets.tasks import open_task
from aulens.training.run_folder import RunFolder

_WORDS: Final[Mapping[str, str]] = {
    "average_precision": "average precision at an overlap of 0.5",
    "recall": "share found where one answer in a hundred scenes is false",
    "points_error": "error of the five points, % of the face's size",
    "plain_error": "error of the 68 points, % of inter-ocular distance",
    "plain_error_seen": "the same of points in sight",
    "hard_error": "error where crops are far off, hidden, dark, blurred",
    "hard_error_seen": "the same of points in sight",
    "plain_visibility_right": "visibility right",
    "hard_visibility_right": "the same of spoilt crops",
    "plain_present": "taken for a face",
    "hard_present": "the same of spoilt crops",
    "nobody_present": "taken for a face where there is none",
    "plain_quality_error": "mean error of quality",
    "hard_quality_error": "the same of spoilt crops",
    "found": "share of one person's pairs that are nearer than all but 1 % of two people's",
    "auc": "how often a pair of one person is nearer than one of two",
}


@dataclass(frozen=True)
class FaceEvaluation:
    """Measures of one split.

    Attributes:
        name: of the run.
        split: "val" or "test".
        measures: by name; see the page.
    """

    name: str
    split: str
    measures: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"model": self.name, "split": self.split, "measures": plain(self.measures)}

    def to_markdown(self) -> str:
        """A page with one table."""
        rows = [
            f"| {words} | {self.measures[key]:.3f} |" for key, words in _WORDS.items() if key in self.measures
        ]
        head = ["| measure, on drawn pictures | |", "| --- | ---: |"]
        return "\n".join([f"# {self.name} on the {self.split} split", "", *head, *rows]) + "\n"


def evaluate_face_net(run: RunFolder, data: Sequence[Path], split: str) -> FaceEvaluation:
    """Measure a run's best epoch; arguments and errors as of `aulens.training.evaluation.evaluate`."""
    config = run.read_config()
    if data:
        config = replace(config, data=replace(config.data, roots=tuple(map(str, data)), shares=()))
    task = open_task(config, splits=(split,))
    return FaceEvaluation(config.name, split, task.measure(load_best(run), split))
