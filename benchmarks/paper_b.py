"""Paper B's Table 1: JAA-Net against JAA-Net with the graph, several seeds.

    python benchmarks/paper_b.py --data renders/ict renders/anny --out runs/paper_b
    python benchmarks/paper_b.py --data re_all prepared --out runs/paper_b \\
        --test portraits prepared --test re-animated re_all

Trains what is not yet trained (a stopped benchmark goes on where it was): per seed both stages, and a
third row that the paper lacks, the second stage with every AU related to itself alone, which tells what the
graph does from what more epochs of training do. Prints Markdown tables of the test subjects of each --test:
mean over seeds with a 95 % interval by bootstrap over subjects, and the difference to JAA-Net with its own
interval; of the graph also that to the control. The same draws of subjects serve all rows, so differences are
paired. AUs that fewer than five test pictures show, or lack, are left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from coded.measures import scored
from paired import SEED, Paired, add_tests, f1_and_auc

from aulens.aus import MISSING
from aulens.metrics.bootstrap import drawn_counts, subject_draws
from aulens.models import model_config
from aulens.relations import AURelations
from aulens.training import load_config, train
from aulens.training.inference import Predictions, predict
from aulens.training.stages import STAGE1

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "paper_b_renders.toml"
COLUMNS = ("F1", "accuracy", "0.5 F1 + 0.5 accuracy", "ROC-AUC")
RULES = ("p >= 0.5 (the paper's rule)", "thresholds chosen on validation subjects")


@dataclass(frozen=True)
class Row:
    """A model: COLUMNS, and the landmark error of each seed."""

    name: str
    measures: tuple[Paired, ...]
    landmark_error: str


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders to train on")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--config", type=Path, default=CONFIG)
    add_tests(parser)
    parser.add_argument("--seeds", type=int, nargs="+", default=(1, 2, 3))
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--bootstrap", type=int, default=1000, help="draws of subjects")
    given = parser.parse_args()
    pairs = [(run(given, seed, "graph"), run(given, seed, "control")) for seed in given.seeds]
    runs = {
        "JAA-Net": [graph / STAGE1 for graph, _ in pairs],
        "+ graph (paper B)": [graph for graph, _ in pairs],
        "+ second stage without relations": [control for _, control in pairs],
    }
    for title, *folders in given.tests or [["test subjects", *given.data]]:
        found = {
            name: [predict(one, [Path(f) for f in folders], progress=False) for one in of_seeds]
            for name, of_seeds in runs.items()
        }
        samples = found["JAA-Net"][0].samples
        labels = np.where(scored(samples.labels), samples.labels, MISSING).astype(np.int8)
        print(f"### {title}: {len(samples)} pictures, {(labels != MISSING).any(0).sum()} AUs\n")
        for rule in RULES:
            rows = [row(name, of, labels, given.bootstrap, rule) for name, of in found.items()]
            print(f"Decided by {rule}:\n\n{table(rows)}\n")
    print(
        f"Mean of {len(pairs)} seeds on test subjects [95 % interval over subjects] (each seed). Landmark "
        "error: mean over the 49 points and all faces, in distances between the eye centres, each seed."
    )


def run(given: argparse.Namespace, seed: int, kind: str) -> Path:
    """Train one run, or find it trained."""
    out: Path = given.out / f"{kind}_{seed}"
    if not (out / "val" / "report.json").is_file():
        settings = [*given.settings, f"seed={seed}"]
        if kind == "control":
            start = given.out / f"graph_{seed}" / STAGE1
            settings += [f"model.graph_matrix={alone(given)}", f"stage2.start={start}"]
        config = load_config(given.config, data=given.data, settings=settings)
        print(f"{kind}, seed {seed}", file=sys.stderr)
        train(config, out, resume=True)
    return out


def alone(given: argparse.Namespace) -> Path:
    """A file of relations in which every AU is related to itself alone."""
    config = load_config(given.config, data=given.data, settings=given.settings)
    aus = model_config(config.model).au_set
    path: Path = given.out / "alone.json"
    AURelations(aus, np.eye(len(aus)), np.ones(len(aus), np.int64)).save(path)
    return path


def row(name: str, seeds: Sequence[Predictions], labels: np.ndarray, bootstrap: int, rule: str) -> Row:
    subjects = seeds[0].samples.subjects
    who, draws = subject_draws(subjects, bootstrap, SEED)
    measures = []
    for one in seeds:
        decisions = one.decisions if rule == RULES[1] else one.uncalibrated
        f1, area = f1_and_auc(labels, one.scores, decisions, subjects, bootstrap)
        drawn = drawn_counts(labels, decisions, who, draws)
        right = (drawn.tp + drawn.tn).sum(1)
        accuracy = right / (right + (drawn.fp + drawn.fn).sum(1))
        measures.append((f1, accuracy, (f1 + accuracy) / 2, area))
    errors = [one.landmark_error for one in seeds]
    told = ", ".join("–" if error is None else f"{np.nanmean(error):.4f}" for error in errors)
    return Row(name, tuple(Paired.of(m) for m in zip(*measures, strict=True)), told)


def table(rows: Sequence[Row]) -> str:
    head = " | ".join(f"{name} | difference to JAA-Net" for name in COLUMNS)
    lines = [f"| model | {head} | landmark error |", "|" + " --- |" * 10]
    for one in rows:
        cells = [one.name]
        for m, value in enumerate(one.measures):
            gap = "" if one is rows[0] else value.less(rows[0].measures[m])
            cells += [f"{value} ({value.each})", gap]
        lines.append(f"| {' | '.join(cells)} | {one.landmark_error} |")
    gaps = (a.less(b) for a, b in zip(rows[1].measures, rows[2].measures, strict=True))
    told = ", ".join(f"{name} {gap}" for name, gap in zip(COLUMNS, gaps, strict=True))
    return "\n".join([*lines, "", f"The graph less its control: {told}."])


if __name__ == "__main__":
    main()
