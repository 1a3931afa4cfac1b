"""Tables of intensities: how far the variants of a study agree with the codes, per AU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from aulens.metrics.intensity import INTENSITY_MEASURES, drawn_intensity
from aulens.metrics.report import estimate
from aulens.study.averages import over_runs
from aulens.study.grid import Run, count_people, draw_subjects
from aulens.study.results import RunResult
from aulens.study.tables import Method, StudyTable, cell_of, dataset_title


def intensity_tables(
    results: Sequence[RunResult], *, bootstrap: int = 1000, renders: bool = False, notes: Sequence[str] = ()
) -> tuple[StudyTable, ...]:
    """A table per measure of intensities; () where no run has codes and tells intensities.

    Measured per run, then averaged over a fold's seeds and over folds, as F1 is; intervals come from drawing
    test subjects within folds.

    Args:
        results: runs tested on one data set, of one AU set, in the order that tables shall have.
        bootstrap: resamples of subjects; 0 for no intervals.
        renders: the tested faces are rendered look-alikes, not people.
        notes: further sentences to stand below.
    """
    given = [one for one in results if one.coded is not None and one.predicted is not None]
    if not given:
        return ()
    draws = draw_subjects(given, [np.ones(len(one), bool) for one in given], bootstrap, 0)
    found: dict[str, dict[Run, np.ndarray]] = {}
    for one in given:
        assert one.coded is not None
        assert one.predicted is not None
        names, times = draws[one.fold]
        subject = np.searchsorted(names, one.subjects)
        measures = drawn_intensity(one.coded, one.predicted, subject, times)
        found.setdefault(one.variant, {})[one.fold, one.seed] = measures
    chosen = {one.variant for one in given if one.selected_on_test}

    def method(name: str, place: int) -> Method:
        measures = estimate(over_runs(found[name])[place]).measures
        cells = (replace(cell_of(measure), chosen_on_test=name in chosen) for measure in measures)
        return Method(name, True, tuple(cells), name in chosen, tuple(found[name]))

    return tuple(
        StudyTable(
            table="",
            title=f"{title} of intensities (0 to 5) on {dataset_title(given[0].dataset)}",
            dataset=given[0].dataset,
            rows=(*given[0].aus.labels, "Avg."),
            methods=tuple(method(name, place) for name in found),
            decimals=3,
            notes=(*_notes(bootstrap), *notes),
            renders=renders,
            subjects=count_people(draws),
            draws=bootstrap,
        )
        for place, title in enumerate(INTENSITY_MEASURES.values())
    )


def _notes(bootstrap: int) -> Iterator[str]:
    yield (
        "Mean over folds and seeds. Intensities by each AU's curve, fitted on validation subjects; an AU is "
        "as intense as its stronger side. n/a: in no run did enough validation faces show it for a curve, "
        "or the measure is undefined."
    )
    if bootstrap:
        yield f"In brackets: 95 % interval, {bootstrap} resamples of the test subjects within folds."
