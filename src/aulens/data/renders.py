"""Adapter for rendered faces: folders made by ``aulens render``.

A folder holds ``manifest.parquet`` (one row per picture) and the pictures. Columns read here: ``file``,
``rig``, ``subject``, ``split``, ``AU<n>_right`` and ``AU<n>_left`` (strength 0..1 on the subject's own
sides; an intensity is 5 times as much), ``x_0..x_67`` and ``y_0..y_67`` (iBUG-68 landmarks, pixels of the
picture).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.aus import MISSING, PRESENT_STRENGTH, AUSet
from aulens.contents import frame_of
from aulens.data.columns import point_columns
from aulens.data.portraits.splits import PORTRAITS
from aulens.data.samples import Samples, join
from aulens.data.shards import StoredImages
from aulens.errors import DatasetError
from aulens.named import several

POINTS: Final[int] = 68
_MEASURED: Final = re.compile(r"AU\d+_(?:left|right)|[xy]_\d+|yaw")


def is_renders(root: Path) -> bool:
    """Whether a folder was made by ``aulens render``, or in its format."""
    return (Path(root) / "manifest.parquet").is_file() and not (Path(root) / "prepared.json").is_file()


def render_table(root: Path, columns: Iterable[str]) -> pd.DataFrame:
    """The manifest of a folder as ``aulens render`` writes it.

    Raises:
        DatasetError: there is none, it can't be read or lacks one of the columns, or measures are no numbers.
    """
    manifest = Path(root) / "manifest.parquet"
    if not manifest.is_file():
        raise DatasetError(f"{root} has no {manifest.name}; give a folder that `aulens render` has written")
    try:
        table: pd.DataFrame = frame_of(manifest)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{manifest} can't be read ({error}); make the folder anew") from error
    if lacking := sorted(set(columns) - set(table.columns)):
        raise DatasetError(f"{manifest} lacks the columns {several(lacking)}")
    measured = [name for name in table.columns if _MEASURED.fullmatch(str(name))]
    if words := [name for name in measured if not pd.api.types.is_numeric_dtype(table[name])]:
        raise DatasetError(
            f"{manifest}: the columns {several(words)} hold other things than numbers; make the folder anew"
        )
    return table


def load_renders(roots: Sequence[Path], aus: AUSet) -> Samples:
    """Read one or several folders of renders.

    Args:
        roots: folders with a ``manifest.parquet``.
        aus: the AUs wanted; one that a manifest lacks is MISSING throughout that folder.

    Returns:
        All samples, all splits. Subjects are prefixed by their rig, re-animated ones by "portraits"; a rig
        that is in several folders is the same set of people, so its subjects keep their split across folders
        (checked).

    Raises:
        DatasetError: no folder, no manifest, a column is missing, no AU in common, a picture is missing,
            or a subject is in two splits.
    """
    return join([_load(Path(root), aus) for root in roots])


def _load(root: Path, aus: AUSet) -> Samples:
    manifest = root / "manifest.parquet"
    points = point_columns(POINTS)
    table = render_table(root, ("file", "rig", "subject", "split", *points))
    if table.empty:
        raise DatasetError(f"{manifest} has no rows.")
    landmarks = table[points].to_numpy(np.float32).reshape(-1, POINTS, 2)
    if not np.isfinite(landmarks).all():
        row = int(np.flatnonzero(~np.isfinite(landmarks).all((1, 2)))[0])
        raise DatasetError(
            f"{manifest}: {table['file'].iloc[row]} has a landmark that is not a finite number."
        )
    # Re-animated portraits are the people of the portraits, whatever rig moved them.
    rig = pd.Series(PORTRAITS, table.index) if "portrait" in table else table["rig"].astype(str)
    subject = table["subject"].astype(str)
    strengths = _strengths(table, aus, manifest)
    # A subject already written as "rig..." is prefixed once more: harmless, and never a collision.
    return Samples(
        paths=StoredImages.of(_paths(root, table["file"].astype(str).tolist())),
        subjects=(rig + "/" + subject).to_numpy(np.str_),
        splits=table["split"].astype(str).to_numpy(np.str_),
        side_labels=np.where(np.isfinite(strengths), strengths >= PRESENT_STRENGTH, MISSING).astype(np.int8),
        landmarks=landmarks,
        aus=aus,
        intensities=5 * strengths,
    )


def _paths(root: Path, files: list[str]) -> tuple[str, ...]:
    paths = tuple(str(root / file) for file in files)
    for path in (paths[0], paths[-1]):  # cheap: a moved or half-copied folder shows at its ends
        if not os.path.isfile(path):
            raise DatasetError(
                f"The manifest of {root} names {path}, which does not exist. Was the folder copied whole?"
            )
    return paths


def _strengths(table: pd.DataFrame, aus: AUSet, manifest: Path) -> NDArray[np.float32]:
    """(N, A, 2) from 0 to 1, NaN where not coded."""
    strengths = np.full((len(table), len(aus), 2), np.nan, np.float32)
    for index, label in enumerate(aus.labels):
        for side, name in enumerate(("right", "left")):
            column = f"{label}_{name}"
            if column in table:
                strengths[:, index, side] = table[column].to_numpy(np.float32)
    strengths[~np.isfinite(strengths)] = np.nan
    if np.isnan(strengths).all():
        raise DatasetError(f"{manifest} codes none of the AUs wanted: {', '.join(aus.labels)}.")
    return strengths
