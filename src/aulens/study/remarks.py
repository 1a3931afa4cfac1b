"""What a reader of a comparison must know: missing runs, other frames, AUs without F1, lone subjects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from aulens.metrics.counts import f1
from aulens.study.grid import Grid, Key, run_name

_NAMED: Final = 4
"""As many missing runs are named; more are counted."""


def remarks(grid: Grid, wanted: Sequence[Key], missing: Sequence[Key]) -> Iterator[str]:
    """Sentences on the runs; none if the study is whole and even."""
    for variant in dict.fromkeys(name for name, _, _ in missing):
        lacking = [run_name((fold, seed)) for name, fold, seed in missing if name == variant]
        planned = sum(name == variant for name, _, _ in wanted)
        more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
        yield (
            f"{variant}: {planned - len(lacking)} of {planned} runs; "
            f"missing: {', '.join(lacking[:_NAMED])}{more}."
        )
    for fold in grid.uneven:
        where = f" of fold {fold}" if fold else ""
        yield f"The runs{where} were not all tested on the same labels: differences are of unlike frames too."
    for fold in grid.lone:
        where = f"Fold {fold}" if fold else "The test"
        yield f"{where} has one subject only: it adds nothing to intervals and p."
    for variant, runs in grid.counts.items():
        undefined = np.isnan([f1(counts)[0] for counts in runs.values()]).sum(0)
        named = [
            f"{label} ({count} of {len(runs)} runs)"
            for label, count in zip(grid.aus.labels, undefined.tolist(), strict=True)
            if count
        ]
        if named:
            yield (
                f"{variant}: no F1, as it neither occurs nor is ever decided there (left out of the means): "
                f"{', '.join(named)}."
            )
    if len(grid.commits) > 1:
        yield f"The runs were made by {len(grid.commits)} versions of the code."
