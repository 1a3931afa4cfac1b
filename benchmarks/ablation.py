"""Paper A's Table 3: four variants and a pooled classifier, trained alike, several seeds.

    python benchmarks/ablation.py --data renders/ict --out runs/ablation
    python benchmarks/ablation.py --data re_all prepared --out runs/ablation \\
        --config configs/portraits.toml --set model.graded=false --also graded model.graded=true \\
        --test portraits prepared --test re-animated re_all

Trains what is not yet trained (a stopped benchmark goes on where it was), evaluates each run on the test
subjects of each --test, and prints a Markdown table for each: mean over seeds with a 95 % interval by
bootstrap over subjects, and the difference to the row above with its own interval. The same draws of subjects
serve all rows, so differences are paired. AUs that fewer than five test pictures show, or lack, are left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from coded.measures import scored
from paired import Paired, add_tests, f1_and_auc

from aulens.aus import MISSING
from aulens.training import load_config, train
from aulens.training.inference import Predictions, predict
from aulens.training.sides import side_report

VARIANTS = ("pooled", "heatmap", "roi", "roi_gcn", "roi_gcn_supervised")
CONFIG = Path(__file__).resolve().parents[1] / "configs" / "renders_ablation.toml"
METRICS = ("macro F1", "macro ROC-AUC")


@dataclass(frozen=True)
class Row:
    """A variant: METRICS, and how often of samples with an AU on one side that side scores higher."""

    name: str
    measures: tuple[Paired, ...]
    true_side: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders to train on")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--config", type=Path, default=CONFIG)
    add_tests(parser)
    parser.add_argument("--variants", nargs="+", default=VARIANTS, choices=VARIANTS)
    parser.add_argument(
        "--also",
        nargs="+",
        action="append",
        default=[],
        metavar=("NAME", "KEY=VALUE"),
        help="one more row: roi_gcn_supervised with other settings",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=(1, 2, 3))
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--bootstrap", type=int, default=1000, help="draws of subjects")
    given = parser.parse_args()
    wanted = {name: [f"model.variant={name}"] for name in given.variants}
    wanted |= {name: settings for name, *settings in given.also}
    runs = {name: [run(given, name, seed, own) for seed in given.seeds] for name, own in wanted.items()}
    pages = []
    for title, *folders in given.tests or [["test subjects", *given.data]]:
        found = {
            name: [predict(one, [Path(f) for f in folders], progress=False) for one in of_seeds]
            for name, of_seeds in runs.items()
        }
        samples = found[next(iter(found))][0].samples
        labels = enough(samples.labels)
        rows = [row(name, seeds, labels, given.bootstrap) for name, seeds in found.items()]
        of = f"{title}: {len(samples)} pictures, {(labels != MISSING).any(0).sum()} AUs"
        pages.append(f"### {of}\n\n{table(rows)}\n")
    pages.append(
        f"Mean of {len(given.seeds)} seeds on test subjects [95 % interval over subjects] (each seed). True "
        "side: among samples with an AU on one side only, the share in which that side scores higher.\n"
    )
    text = "\n".join(pages)
    (given.out / "ablation.md").write_text(text, encoding="utf-8")
    print(text)


def run(given: argparse.Namespace, name: str, seed: int, own: Sequence[str]) -> Path:
    """Train one run, or find it trained."""
    out: Path = given.out / f"{name}_{seed}"
    if not (out / "val" / "report.json").is_file():
        settings = [*given.settings, *own, f"seed={seed}", f"name={name}_{seed}"]
        config = load_config(given.config, data=given.data, settings=settings)
        print(f"{name}, seed {seed}", file=sys.stderr)
        train(config, out, resume=True)
    return out


def enough(labels: np.ndarray) -> np.ndarray:
    """Labels (N, A), MISSING of AUs that too few show, or lack."""
    return np.where(scored(labels), labels, MISSING).astype(np.int8)


def row(name: str, seeds: list[Predictions], labels: np.ndarray, bootstrap: int) -> Row:
    samples = seeds[0].samples
    drawn = [f1_and_auc(labels, one.scores, one.decisions, samples.subjects, bootstrap) for one in seeds]
    sides = [
        side_report(samples.side_labels, s.sides, s.side_decisions, samples.aus).to_dict() for s in seeds
    ]
    true_side = float(np.mean([side["macro"]["true_side"] for side in sides]))
    return Row(name, tuple(Paired.of(m) for m in zip(*drawn, strict=True)), true_side)


def table(rows: Sequence[Row]) -> str:
    head = [f"{name} | difference to the row above" for name in METRICS]
    lines = [f"| variant | {' | '.join(head)} | true side |", "|" + " --- |" * 6]
    for above, one in zip([None, *rows], rows, strict=False):
        cells = [one.name]
        for m, value in enumerate(one.measures):
            cells += [f"{value} ({value.each})", value.less(above.measures[m]) if above else ""]
        # A pooled classifier has no sides: it would be at chance, 0.5.
        cells.append("–" if np.isnan(one.true_side) else f"{one.true_side:.3f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
