"""From folders to samples: renders carry splits, prepared data sets get theirs from a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING, AUSet
from aulens.data.columns import distinct_pairs
from aulens.data.folds import SplitPlan, has_own_splits, split, train_only
from aulens.data.index import LEFT_ONLY, RIGHT_ONLY
from aulens.data.prepared import Prepared, is_prepared, load_prepared
from aulens.data.registry import people_of
from aulens.data.renders import is_renders, load_renders
from aulens.data.samples import NEAR_DUPLICATES, RENDERS, SPLITS, Samples, join
from aulens.data.shards import Rows, as_rows
from aulens.errors import ConfigError, DatasetError
from aulens.landmarks import convert, layout_of
from aulens.named import several

_Number = TypeVar("_Number", np.int8, np.float32)

_OWN_SPLITS: Final = (
    "{} comes with splits of its own: data.fold and data.select_on_test have no use. Leave them out."
)


def load_data(roots: Sequence[Path], aus: AUSet, plan: SplitPlan, tests: Sequence[Path] = ()) -> Samples:
    """Read all folders of a training or an evaluation.

    Args:
        roots: folders of renders (`aulens render`) or of prepared data (`aulens prepare`), or none if there
            are `tests`.
        aus: the AUs wanted; one that a folder lacks is MISSING there.
        plan: how the subjects of prepared data are split.
        tests: other prepared folders, all of whose frames are tests; then those of `roots` are none.

    Returns:
        All samples, all splits; landmarks in the layout with the fewest points among the folders. A label
        holds for both sides of the face where a data set does not code sides.

    Raises:
        DatasetError: a folder is neither, its data are damaged or share a subject between splits, or no
            wanted AU is coded.
        ConfigError: the plan does not fit the folders.
    """
    own_splits = [root for root in roots if is_renders(root)]
    if own_splits and (plan.fold or plan.select_on_test):
        raise ConfigError(_OWN_SPLITS.format(own_splits[0]))
    prepared = [load_prepared(_checked(root), aus) for root in roots if not is_renders(root)]
    if own_splits and tests:
        raise ConfigError(
            f"{own_splits[0]} holds test samples of its own, beside data.tests. Train on prepared data."
        )
    own = [load_renders(own_splits, aus)] if own_splits else []
    own += [_samples(one, aus, _splits(one, plan, bool(tests)), plan.select_on_test) for one in prepared]
    others = [load_prepared(_checked(root), aus) for root in tests]
    tested = [_samples(other, aus, np.full(len(other), "test"), False) for other in others]
    _refuse_shared(own, tested)
    return join(_one_layout([*own, *tested]))


def _refuse_shared(trained: Sequence[Samples], tested: Sequence[Samples]) -> None:
    own, others = (
        {name for one in side for name, _ in distinct_pairs(one.subjects, one.splits)}
        for side in (trained, tested)
    )
    if shared := sorted(own & others):
        raise DatasetError(
            f"{len(shared)} of {len(others)} tested subjects are in the training data too "
            f"({several(shared)}): the test would measure memory of a face. Leave them out of one of the "
            "two: a manifest can."
        )


def _checked(root: Path) -> Path:
    if not root.exists():
        raise DatasetError(f"There is no folder {root}; give one of renders or of prepared data.")
    if not is_prepared(root):
        raise DatasetError(
            f"{root} holds neither renders nor prepared data. Make renders (aulens render), or prepare a "
            "data set (aulens prepare)."
        )
    return root


def _splits(data: Prepared, plan: SplitPlan, tested_elsewhere: bool) -> NDArray[np.str_]:
    if has_own_splits(data.part):
        if plan.fold or plan.select_on_test:
            raise ConfigError(_OWN_SPLITS.format(data.root))
        return np.where(data.part == "test", "", data.part) if tested_elsewhere else data.part
    if tested_elsewhere:
        return train_only(data.subject, plan)
    return split(data.subject, data.part, plan, data.dataset)


def _samples(data: Prepared, aus: AUSet, splits: NDArray[np.str_], select_on_test: bool) -> Samples:
    if (data.labels == MISSING).all():
        raise DatasetError(f"{data.dataset} codes none of the AUs wanted: {', '.join(aus.labels)}.")
    # Split by split, so that the samples of a split are a view; each in the order in which they are stored.
    rows = np.concatenate([np.flatnonzero(splits == name) for name in SPLITS])
    taken = as_rows(rows)
    stored = isinstance(taken, slice)
    return Samples(
        paths=data.names.take(taken),
        subjects=data.texts("subject", f"{people_of(data.dataset)}/")[taken],
        splits=splits[taken],
        side_labels=_per_side(data.labels, data.one_sided, taken),
        landmarks=data.read_landmarks(rows),
        aus=aus,
        select_on_test=select_on_test,
        sources=(_described(data),),
        order=None if stored else rows,
        intensities=None if data.intensities is None else _per_side(data.intensities, data.one_sided, taken),
    )


def _described(data: Prepared) -> str:
    """The data set in words, for run.json and the card."""
    name = f"{RENDERS} like {data.dataset}" if data.renders else data.dataset
    return f"{name} (with {data.near_duplicates} {NEAR_DUPLICATES})" if data.near_duplicates else name


def _per_side(values: NDArray[_Number], one_sided: NDArray[np.int8] | None, rows: Rows) -> NDArray[_Number]:
    """(N, A) → (n, A, 2) of the chosen rows: 0, absent, on a side that does not show what the other shows."""
    sides = np.repeat(values[rows][..., None], 2, axis=-1)
    if one_sided is not None:
        shown = sides[..., :1] > 0
        for axis, other in enumerate((LEFT_ONLY, RIGHT_ONLY)):
            sides[..., axis][shown[..., 0] & (one_sided[rows] == other)] = 0
    return sides


def _one_layout(parts: Sequence[Samples]) -> list[Samples]:
    layouts = [layout_of(part.landmarks) for part in parts]
    target = min(layouts, key=lambda layout: layout.count)
    return [
        part
        if layout == target
        else replace(part, landmarks=convert(part.landmarks, layout, target).astype(np.float32))
        for part, layout in zip(parts, layouts, strict=True)
    ]
