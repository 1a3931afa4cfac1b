"""What the runs of a study reached, a row each: OUT/rows.csv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from aulens import metrics
from aulens.files import write_text
from aulens.study.planning import PlannedRun
from aulens.study.results import RunResult
from aulens.study.table_notes import DAGGER
from aulens.training.run_facts import read_log
from aulens.training.run_folder import RunFolder

_OF_RESULT: Final = (
    "dataset", "trained_on", "variant", "fold", "seed", "frames", "subjects", "selected_on_test"
)  # fmt: skip


def rows(runs: Sequence[PlannedRun]) -> pd.DataFrame:
    """One row per finished model: what it was, how it was trained, its means over AUs by both rules."""
    table: list[dict[str, Any]] = []
    for run in runs:
        if not run.finished:
            continue
        for (_, folder), target in zip(run.variants, run.results, strict=True):
            facts = {"renders": run.renders, **_facts(RunResult.load(target))}
            table.append({**facts, **_training(RunFolder(folder))})
    return pd.DataFrame(table)


def write_rows(runs: Sequence[PlannedRun], out: Path) -> None:
    """Write OUT/rows.csv; a kill never leaves half of it, and of several that write it the last knows all."""
    out.mkdir(parents=True, exist_ok=True)
    while True:
        finished = [run.finished for run in runs]
        write_text(out / "rows.csv", rows(runs).to_csv(index=False))
        # Another process may have ended a run meanwhile, and written before this one did.
        if finished == [run.finished for run in runs]:
            return


def summary(run: PlannedRun) -> str:
    """Mean F1 of a finished run by the study's rule, in words; marked if chosen on the test subjects."""
    found = [RunResult.load(folder) for folder in run.results]
    return ", ".join(
        f"{one.variant} mean F1 {_facts(one)[f'f1_{run.decide}']:.3f}{DAGGER * one.selected_on_test}"
        for one in found
    )


def _facts(result: RunResult) -> dict[str, Any]:
    facts = result.to_dict() | {"trained_on": result.trained_on or result.dataset}
    row = {name: facts[name] for name in _OF_RESULT}
    for rule, decisions in (("papers", result.uncalibrated), ("calibrated", result.decisions)):
        row[f"f1_{rule}"] = metrics.mean_f1(result.labels, decisions)
        row[f"accuracy_{rule}"] = metrics.total_accuracy(result.labels, decisions)
    ranks = metrics.roc_auc(result.labels, result.scores)
    row["roc_auc"] = float(np.nanmean(ranks)) if np.isfinite(ranks).any() else float("nan")
    return row | {"run": result.run, "commit": result.commit}


def _training(folder: RunFolder) -> dict[str, Any]:
    log = read_log(folder.log)
    return {
        "epochs": len(log),
        "train_seconds": round(sum(record["seconds"] for record in log), 1),
        "waiting_for_data": round(
            float(np.mean([record.get("waiting_for_data", np.nan) for record in log])), 4
        ),
    }
