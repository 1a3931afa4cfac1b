"""The paper's Table 3 on renders: four variants and a pooled classifier, trained alike, several seeds.

    python benchmarks/ablation.py --data renders/ict --out runs/ablation

Trains what is not yet trained (a stopped benchmark goes on where it was), evaluates each run on test
subjects, and prints a Markdown table: mean over seeds with a 95 % interval by bootstrap over subjects, and
the difference to the row above with its own interval. The same draws of subjects serve all rows, so
differences are paired.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aulens import metrics
from aulens.training import load_config, train
from aulens.training.predictions import Predictions, predict
from aulens.training.sides import side_report

VARIANTS = ("pooled", "heatmap", "roi", "roi_gcn", "roi_gcn_supervised")
METRICS = ("macro F1", "macro ROC-AUC")
CONFIG = Path(__file__).resolve().parents[1] / "configs" / "renders_ablation.toml"


@dataclass(frozen=True)
class Row:
    """A variant. draws (2, 1 + R): metrics of all samples and of each draw, seeds averaged; seeds: (2, S)."""

    variant: str
    draws: np.ndarray
    seeds: np.ndarray
    true_side: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of renders")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--variants", nargs="+", default=VARIANTS, choices=VARIANTS)
    parser.add_argument("--seeds", type=int, nargs="+", default=(1, 2, 3))
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--bootstrap", type=int, default=500, help="draws of subjects")
    arguments = parser.parse_args()
    rows = []
    for variant in arguments.variants:
        runs = [run(arguments, variant, seed) for seed in arguments.seeds]
        rows.append(row(variant, [predict(one, progress=False) for one in runs], arguments.bootstrap))
        text = table(rows, len(arguments.seeds))
        (arguments.out / "ablation.md").write_text(text, encoding="utf-8")
    print(text)


def run(arguments: argparse.Namespace, variant: str, seed: int) -> Path:
    """Train one run, or find it trained."""
    out: Path = arguments.out / f"{variant}_{seed}"
    if not (out / "val" / "report.json").is_file():
        settings = [*arguments.settings, f"model.variant={variant}", f"seed={seed}", f"name={variant}_{seed}"]
        config = load_config(arguments.config, data=arguments.data, settings=settings)
        print(f"{variant}, seed {seed}", file=sys.stderr)
        train(config, out, resume=True)
    return out


def row(variant: str, seeds: list[Predictions], bootstrap: int) -> Row:
    samples = seeds[0].samples
    subjects, index = np.unique(samples.subjects, return_inverse=True)
    of_subject = [np.flatnonzero(index == s) for s in range(len(subjects))]
    random = np.random.default_rng(0)  # the same draws for each variant
    draws = [np.arange(len(samples))]
    for _ in range(bootstrap):
        chosen = random.integers(0, len(subjects), len(subjects))
        draws.append(np.concatenate([of_subject[s] for s in chosen]))
    labels = samples.labels
    values = np.array([[macro(labels, one, draw) for draw in draws] for one in seeds])  # seed, draw, metric
    sides = [
        side_report(samples.side_labels, s.sides, s.side_decisions, samples.aus).to_dict() for s in seeds
    ]
    true_side = float(np.mean([side["macro"]["true_side"] for side in sides]))
    return Row(variant, values.mean(0).T, values[:, 0].T, true_side)


def macro(labels: np.ndarray, one: Predictions, draw: np.ndarray) -> tuple[float, float]:
    f1 = metrics.f1(metrics.counts(labels[draw], one.decisions[draw]))
    return float(np.nanmean(f1)), float(np.nanmean(metrics.roc_auc(labels[draw], one.scores[draw])))


def table(rows: list[Row], seeds: int) -> str:
    head = [f"{name} | difference to the row above" for name in METRICS]
    lines = [f"| variant | {' | '.join(head)} | true side |", "|" + " --- |" * 6]
    above = None
    for one in rows:
        cells = [one.variant]
        for m in range(len(METRICS)):
            low, high = np.quantile(one.draws[m, 1:], (0.025, 0.975))
            each = ", ".join(f"{value:.3f}" for value in one.seeds[m])
            cells.append(f"{one.draws[m, 0]:.3f} [{low:.3f}, {high:.3f}] ({each})")
            if above is None:
                cells.append("")
                continue
            gap = one.draws[m] - above.draws[m]
            low, high = np.quantile(gap[1:], (0.025, 0.975))
            cells.append(f"{gap[0]:+.3f} [{low:+.3f}, {high:+.3f}]")
        # A pooled classifier has no sides: it would be at chance, 0.5.
        cells.append(f"{one.true_side:.3f}")
        lines.append("| " + " | ".join(cells) + " |")
        above = one
    lines.append("")
    lines.append(
        f"Mean of {seeds} seeds on test subjects [95 % interval over subjects] (each seed). True side: among "
        "samples with an AU on one side only, the share in which that side scores higher."
    )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
