"""Paper B's Table 1 on renders: JAA-Net against JAA-Net with the graph, several seeds.

    python benchmarks/paper_b.py --data renders/ict renders/anny --out runs/paper_b

Trains what is not yet trained (a stopped benchmark goes on where it was): per seed both stages, and a
third row that the paper lacks, the second stage with every AU related to itself alone, which tells what
the graph does from what three more epochs of training do. Prints a Markdown table: mean over seeds with a
95 % interval by bootstrap over test subjects, and the difference to JAA-Net with its own interval.
The same draws of subjects serve all rows, so differences are paired.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aulens import metrics
from aulens.metrics.bootstrap import drawn_counts, mean_of_defined, subject_draws
from aulens.models import ModelConfig
from aulens.relations import AURelations
from aulens.training import load_config, train
from aulens.training.predictions import Predictions, predict
from aulens.training.stages import STAGE1

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "paper_b_renders.toml"
COLUMNS = ("F1", "accuracy", "0.5 F1 + 0.5 accuracy", "ROC-AUC")


@dataclass(frozen=True)
class Row:
    """A model. draws (3, 1 + R): measures of all samples and of each draw, seeds averaged; seeds (4, S)."""

    name: str
    draws: np.ndarray
    seeds: np.ndarray
    landmark_error: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of renders")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--seeds", type=int, nargs="+", default=(1, 2, 3))
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--bootstrap", type=int, default=1000, help="draws of subjects")
    arguments = parser.parse_args()
    graphs = [run(arguments, seed, "graph") for seed in arguments.seeds]
    controls = [run(arguments, seed, "control") for seed in arguments.seeds]
    rows = {
        "JAA-Net": [graph / STAGE1 for graph in graphs],
        "+ graph (paper B)": graphs,
        "+ second stage without relations": controls,
    }
    found = {name: [predict(one, progress=False) for one in runs] for name, runs in rows.items()}
    for rule in ("p >= 0.5 (the paper's rule)", "thresholds chosen on validation subjects"):
        print(f"Decided by {rule}:\n")
        calibrated = "validation" in rule
        print(
            table([row(name, seeds, arguments.bootstrap, calibrated) for name, seeds in found.items()]), "\n"
        )
    print(
        f"Mean of {len(graphs)} seeds on test subjects [95 % interval over subjects] (each seed). Landmark "
        "error: mean over the 49 points and all faces, in distances between the eye centres, each seed."
    )


def run(arguments: argparse.Namespace, seed: int, kind: str) -> Path:
    """Train one run, or find it trained."""
    out: Path = arguments.out / f"{kind}_{seed}"
    if not (out / "val" / "report.json").is_file():
        settings = [*arguments.settings, f"seed={seed}"]
        if kind == "control":
            start = arguments.out / f"graph_{seed}" / STAGE1
            settings += [f"model.graph_matrix={alone(arguments)}", f"stage2.start={start}"]
        config = load_config(arguments.config, data=arguments.data, settings=settings)
        print(f"{kind}, seed {seed}", file=sys.stderr)
        train(config, out, resume=True)
    return out


def alone(arguments: argparse.Namespace) -> Path:
    """A file of relations in which every AU is related to itself alone."""
    config = load_config(arguments.config, data=arguments.data, settings=arguments.settings)
    aus = ModelConfig.from_dict(config.model).au_set
    path: Path = arguments.out / "alone.json"
    AURelations(aus, np.eye(len(aus)), np.ones(len(aus), np.int64)).save(path)
    return path


def row(name: str, seeds: list[Predictions], bootstrap: int, calibrated: bool) -> Row:
    samples = seeds[0].samples
    subject, draws = subject_draws(samples.subjects, bootstrap, 0)
    measures = []
    for one in seeds:
        decisions = one.decisions if calibrated else one.uncalibrated
        drawn = drawn_counts(samples.labels, decisions, subject, draws)
        f1, right = mean_of_defined(metrics.f1(drawn)), (drawn.tp + drawn.tn).sum(1)
        accuracy = right / (right + (drawn.fp + drawn.fn).sum(1))
        measures.append((f1, accuracy, (f1 + accuracy) / 2))
    values = np.array(measures)  # seed, measure, draw
    area = [float(np.nanmean(metrics.roc_auc(samples.labels, one.scores))) for one in seeds]
    errors = [one.landmark_error for one in seeds]
    return Row(
        name,
        values.mean(0),
        np.vstack([values[:, :, 0].T, [area]]),
        np.array([np.nan if error is None else float(np.nanmean(error)) for error in errors]),
    )


def table(rows: list[Row]) -> str:
    head = [*(f"{name} | difference to JAA-Net" for name in COLUMNS[:3]), COLUMNS[3], "landmark error"]
    lines = [f"| model | {' | '.join(head)} |", "|" + " --- |" * 9]
    for one in rows:
        cells = [one.name]
        for m in range(3):
            low, high = np.quantile(one.draws[m, 1:], (0.025, 0.975))
            each = ", ".join(f"{value:.3f}" for value in one.seeds[m])
            cells.append(f"{one.draws[m, 0]:.3f} [{low:.3f}, {high:.3f}] ({each})")
            if one is rows[0]:
                cells.append("")
                continue
            gap = one.draws[m] - rows[0].draws[m]
            low, high = np.quantile(gap[1:], (0.025, 0.975))
            cells.append(f"{gap[0]:+.3f} [{low:+.3f}, {high:+.3f}]")
        cells.append(", ".join(f"{value:.3f}" for value in one.seeds[3]))
        cells.append(", ".join(f"{value:.4f}" for value in one.landmark_error))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
