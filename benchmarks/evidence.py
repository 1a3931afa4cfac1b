"""How faithful evidence is: networks' own maps beside Grad-CAM, occlusion, their regions alone and chance.

    aulens render --portraits pictures --displacements --n 800 --seed 77 --out moved
    python benchmarks/evidence.py --out evidence --test re-animated moved \\
        --model "paper A" runs/roi_gcn_supervised_1 runs/roi_gcn_supervised_2 --model JAA-Net runs/b_1/stage1

Measures each run (or exported model) on each test set, once (kept in --out), and prints a Markdown table for
each set: mean over the seeds of a model with a 95 % interval by bootstrap over people. The same people are
drawn for all rows. A second table has the share of cases whose strongest cell lies in the AU's region, by
score.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from paired import Paired

from aulens.evidence.faithfulness import MEASURES, Faithfulness, faithfulness

BINS = ["score below 0", "0 to 0.25", "0.25 to 0.5", "0.5 and more"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    pair = {"nargs": "+", "action": "append", "required": True}
    parser.add_argument("--model", dest="models", metavar=("NAME", "RUN"), help="runs: its seeds", **pair)
    parser.add_argument("--test", dest="tests", metavar=("NAME", "FOLDER"), help="a test set", **pair)
    parser.add_argument("--out", type=Path, required=True, help="folder for what is measured")
    parser.add_argument("--faces", type=int, default=100, help="of each test set, at most")
    given = parser.parse_args()
    for title, *folders in given.tests:
        rows, scores = [], []
        for name, *runs in given.models:
            found = [measured(Path(run), folders, given.out / title, given.faces) for run in runs]
            rows += [row(name, method, found) for method in found[0].methods]
            scores.append([name, *by_score(found)])
        print(f"### {title}\n\n{table(rows, ['model', 'method', *MEASURES])}\n", flush=True)
        print(f"{table(scores, ['model', *BINS])}\n", flush=True)


def measured(run: Path, folders: list[str], out: Path, faces: int) -> Faithfulness:
    """Of a run, or what was kept of it."""
    kept = out / f"{run.parent.name}-{run.name}"
    if not (kept / "evidence.json").is_file():
        return faithfulness(run, [Path(f) for f in folders], out=kept, limit=faces, progress=False)
    people = json.loads((kept / "evidence.json").read_text())["people"]
    return Faithfulness(run.name, pd.read_csv(kept / "evidence.csv"), tuple(people), np.nan, np.nan)


def row(name: str, method: str, runs: list[Faithfulness]) -> list[str]:
    drawn = [str(Paired.of([run.draws(method, measure) for run in runs])) for measure in MEASURES]
    return [name, method, *drawn]


def by_score(runs: list[Faithfulness]) -> list[str]:
    """Of each of BINS: share of hits by the network's own maps, and of how many cases."""
    cases = pd.concat([run.cases[run.cases["method"] == "own"] for run in runs])
    bins = pd.cut(cases["score"], [-np.inf, 0, 0.25, 0.5, np.inf], right=False, labels=BINS)
    groups = cases.groupby(bins, observed=False)["region"]
    return [f"{hits:.2f} ({n})" if n else "" for hits, n in zip(groups.mean(), groups.size(), strict=True)]


def table(rows: list[list[str]], columns: list[str]) -> str:
    lines = [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    return "\n".join([*lines, *("| " + " | ".join(cells) + " |" for cells in rows)])


if __name__ == "__main__":
    main()
