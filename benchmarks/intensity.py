"""How well a model's scores tell intensities: curves fitted on validation faces, measured on test faces.

    python benchmarks/intensity.py FOLDER ... [--model CARD] [--limit 800] [--bootstrap 1000]

FOLDER: renders (`aulens render`) or prepared data with intensities and splits of their own (`aulens prepare
portraits`). For a model whose card holds no curves yet; where it does, `aulens evaluate CARD --data FOLDER`
measures these. Prints ICC(3,1), Pearson's r and mean absolute error of each AU's stronger side, and the means
of single sides.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aulens import metrics
from aulens.data.folds import SplitPlan
from aulens.data.loading import load_data
from aulens.data.samples import Samples
from aulens.runtime.card import find_card, read_card
from aulens.runtime.intensity import side_intensities
from aulens.training.inference import Scorer
from aulens.training.intensity import fit_curves
from aulens.training.progress import Display


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--limit", type=int, default=800, help="faces of each split, drawn")
    parser.add_argument("--bootstrap", type=int, default=1000)
    options = parser.parse_args()
    scorer = Scorer.of_card(read_card(find_card(options.model)), None)
    samples = load_data(options.folders, scorer.aus, SplitPlan())
    fitted, fitted_sides = scored(scorer, samples, "val", options.limit)
    tested, sides = scored(scorer, samples, "test", options.limit)
    curves = fit_curves(scorer.aus, intensities(fitted), fitted_sides, scorer.has_side_scores)
    told = side_intensities(curves, sides)
    print(f"{scorer.name}: curves of {len(fitted)} validation faces, measured on {len(tested)} test faces.\n")
    found = metrics.intensity_report(
        intensities(tested).max(-1), told.max(-1), tested.subjects, scorer.aus, options.bootstrap
    )
    print(found.to_markdown())
    if not scorer.has_side_scores:
        return
    each = metrics.intensity_report(
        np.concatenate(list(np.moveaxis(intensities(tested), -1, 0))),
        np.concatenate(list(np.moveaxis(told, -1, 0))),
        np.tile(tested.subjects, 2),
        scorer.aus,
        options.bootstrap,
    )
    means = [f"{metrics.INTENSITY_MEASURES[name]} {one.of_macro()}" for name, one in each.metrics.items()]
    print(f"Of single sides, means over AUs: {', '.join(means)}.")


def scored(scorer: Scorer, samples: Samples, split: str, limit: int) -> tuple[Samples, NDArray[np.float32]]:
    """Some of a split's samples, at most `limit`, and their side scores (N, A, 2)."""
    part = samples.split(split)
    if scorer.seen:
        scorer.seen.refuse(part, split, scorer.selected_on_test, scorer.name)
    part = part.take(np.sort(np.random.default_rng(0).permutation(len(part))[:limit]))
    with Display(False) as display:
        return part, scorer.score(part, 32, display).sides


def intensities(samples: Samples) -> NDArray[np.float32]:
    if samples.intensities is None:
        raise SystemExit("These data hold no intensities; prepare them again, or take others.")
    return samples.intensities


if __name__ == "__main__":
    main()
