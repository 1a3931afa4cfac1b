"""What a reader of a comparison must know: missing runs, other frames, AUs without F1, lone subjects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from aulens.metrics.counts import f1
from aulens.named import several
from aulens.study.grid import Grid, Key, run_name


def remarks(grid: Grid, wanted: Sequence[Key], missing: Sequence[Key]) -> Iterator[str]:
    """Sentences on the runs; none if the study is whole and even."""
    for variant in dict.fromkeys(name for name, _, _ in missing):
        lacking = [run_name((fold, seed)) for name, fold, seed in missing if name == variant]
        planned = sum(name == variant for name, _, _ in wanted)
        yield f"{variant}: {planned - len(lacking)} of {planned} runs; missing: {several(lacking)}."
    for fold in grid.uneven:
        where = f" of fold {fold}" if fold else ""
        yield f"The runs{where} were not all tested on the same labels: differences are of unlike frames too."
    for fold in grid.lone:
        where = f"Fold {fold}" if fold else "The test"
        yield f"{where} has one subject only: it adds nothing to intervals and p."
    if grid.not_coded:
        yield f"Left out, as {grid.dataset} does not code them: {', '.join(grid.not_coded)}."
    for variant, runs in grid.counts.items():
        lacks = np.array([counts[0].coded == 0 for counts in runs.values()])
        undefined = np.isnan([f1(counts)[0] for counts in runs.values()]) & ~lacks
        if named := _named(grid, lacks):
            yield f"{variant}: not coded in some runs (left out of the means): {named}."
        if named := _named(grid, undefined):
            yield (
                f"{variant}: no F1, as it neither occurs nor is ever decided there (left out of the means): "
                f"{named}."
            )
    if grid.data_unknown:
        yield (
            f"{grid.data_unknown} of {sum(map(len, grid.counts.values()))} results do not say which data "
            "they are of, as an older version made them: they were taken for this study's."
        )
    if len(grid.commits) > 1:
        yield f"The runs were made by {len(grid.commits)} versions of the code."


def _named(grid: Grid, which: NDArray[np.bool_]) -> str:
    """AUs by the number of runs, of (runs, A), in which something is so: "AU1 (2 of 3 runs), AU2 (...)"."""
    return ", ".join(
        f"{label} ({count} of {len(which)} runs)"
        for label, count in zip(grid.aus.labels, which.sum(0).tolist(), strict=True)
        if count
    )
