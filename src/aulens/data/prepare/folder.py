"""The folder of prepared data: who may go on in it, and how its units become one manifest."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pyarrow
import pyarrow.compute
import pyarrow.parquet

from aulens.contents import json_of
from aulens.data import digest
from aulens.data.index import FrameIndex
from aulens.data.prepare.settings import PrepareSettings
from aulens.data.prepare.units import fingerprint
from aulens.data.prepare.work import PARTS, SHARDS, rows_file
from aulens.data.prepared import ABOUT, ABSENT, BEGUN, FORMAT, MANIFEST, read_about
from aulens.errors import ConfigError, DatasetError
from aulens.files import atomic_write, clear_unfinished, write_json

LOCK: Final = ".prepare.lock"
"""There while a process prepares into the folder."""

_BATCH: Final = 64
"""Units that are joined at once: a row group of the manifest."""

_BEFORE: Final = (
    "DlibDetector(DlibBoxes(upscale=None, threshold=0.2, max_side=3200), "
    "predictor='shape_predictor_68_face_landmarks.dat, 99693937 bytes')"
)
"""What found the faces of folders that do not say so, those of aulens 0.1."""

_LISTED: Final = ("key", "reason", "file")
"""Columns of missing.csv."""


def describe(
    index: FrameIndex, settings: PrepareSettings, points: int, detector: str | None
) -> dict[str, Any]:
    """What is known of prepared data before they are: the first half of prepared.json."""
    return {
        "format": FORMAT,
        "dataset": index.dataset,
        "aus": {"name": index.aus.name, "numbers": list(index.aus.numbers)},
        "aligned": index.aligned,
        "renders": index.renders,
        "points": points,
        **asdict(settings),
        "detector": detector,
        "frames": len(index),
        "problems": dict(Counter(problem.code for problem in index.problems)),
        "fingerprint": fingerprint(index),
        "intensities": None if index.intensities is None else digest.fingerprint([index.intensities], ()),
    }


def is_finished(root: Path, about: Mapping[str, Any]) -> bool:
    """Whether the folder is finished, of the same data and settings.

    Raises:
        ConfigError: `root` is a file, or was made with other settings or data.
    """
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{root} is a file; give a folder to prepare into")
    if not (root / ABOUT).is_file():
        return False
    _check_same(root, read_about(root), about)
    return True


def claim(root: Path, about: Mapping[str, Any]) -> bool:
    """Make the folder, or check that it was begun with the same; whether it is finished.

    Who calls it holds the folder's lock.

    Raises:
        ConfigError: `root` holds something else, or was begun with other settings or data.
    """
    begun = root / BEGUN
    if is_finished(root, about):
        return True
    if begun.is_file():
        try:
            before = json_of(begun)
            # A finished folder without intensities, made before they were stored, stays as it is.
            before = {"intensities": None, **before}
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(
                f"{begun} is damaged ({error}). Give another folder, or delete this one."
            ) from error
        _check_same(root, before, about)
        for folder in (root, root / SHARDS, root / PARTS):
            clear_unfinished(folder)
        return False
    there = (path for path in root.rglob("*") if path.is_file())
    if any(path.name != LOCK and not path.name.endswith(".part") for path in there):
        raise ConfigError(f"{root} is not empty and holds no prepared data; give another folder")
    (root / SHARDS).mkdir(parents=True, exist_ok=True)
    (root / PARTS).mkdir(exist_ok=True)
    write_json(begun, about)
    return False


def _check_same(root: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for key in ("format", "dataset", *PrepareSettings.__dataclass_fields__):
        if before.get(key) != now[key]:
            raise ConfigError(
                f"{root} was begun with {key} = {before.get(key)!r}, now it is {now[key]!r}. Give another "
                "folder, or delete this one."
            )
    _check_detector(root, before, now)
    given = now["intensities"]
    if before.get("fingerprint") != now["fingerprint"] or before.get("intensities", given) != given:
        raise ConfigError(
            f"{root} was begun with other data: {before.get('frames')} frames then, {now['frames']} now, and "
            "their labels, intensities, landmarks or files differ. Give another folder, or delete this one."
        )


def _check_detector(root: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """One detector for all of a folder; which, is all one where none was needed in the end."""
    found = before.get("detector", None if now["detector"] is None else _BEFORE)
    decided = {*before.get("found", ("detected",)), *before.get("missing", ())} - {"given"}
    if found == now["detector"] or decided.isdisjoint({"detected", "prior", "no_face"}):
        return
    raise ConfigError(
        f"{root} was begun with the detector {found}, now it is {now['detector']}. Take the same "
        f"({'--detector dlib' if 'detector' not in before else '--detector'}), give another folder, or "
        "delete this one."
    )


def finish(root: Path, about: Mapping[str, Any], units: Sequence[str]) -> None:
    """Join the rows of all units into manifest.parquet and missing.csv, and say that all is done.

    Raises:
        OSError: the files can't be written.
        DatasetError: rows are damaged.
    """
    found, missing = Counter[str](), Counter[str]()
    schema = _rows(root, units[:1]).schema
    kept = [name for name in schema.names if name not in ("reason", "file")]
    with ExitStack() as stack:
        manifest = stack.enter_context(atomic_write(root / MANIFEST))
        absent = stack.enter_context(atomic_write(root / ABSENT))
        columns = pyarrow.schema([schema.field(name) for name in kept])
        table = stack.enter_context(pyarrow.parquet.ParquetWriter(manifest, columns))
        lines = csv.writer(
            stack.enter_context(absent.open("w", encoding="utf-8", newline="")), lineterminator="\n"
        )
        lines.writerow(_LISTED)
        for first in range(0, len(units), _BATCH):
            rows = _rows(root, units[first : first + _BATCH])
            stored = pyarrow.compute.equal(rows["reason"], "")
            here, gone = rows.filter(stored), rows.filter(pyarrow.compute.invert(stored))
            table.write_table(here.select(kept))
            lines.writerows(zip(*(gone[name].to_pylist() for name in _LISTED), strict=True))
            found.update(here["found"].to_pylist())
            missing.update(gone["reason"].to_pylist())
    counts = {
        "stored": found.total(),
        "found": dict(sorted(found.items())),
        "missing": dict(sorted(missing.items())),
    }
    write_json(root / ABOUT, {**about, **counts})


def tidy(root: Path) -> None:
    """Delete the rows of the units, which a finished folder has in one file; several may do so at once."""
    shutil.rmtree(root / PARTS, True)


def _rows(root: Path, units: Sequence[str]) -> Any:
    tables = []
    for path in (rows_file(root, name) for name in units):
        try:
            tables.append(pyarrow.parquet.read_table(path))
        except pyarrow.ArrowException as error:
            raise DatasetError(
                f"{path} is damaged ({error}). Delete it; the same command goes on."
            ) from error
    return pyarrow.concat_tables(tables)
