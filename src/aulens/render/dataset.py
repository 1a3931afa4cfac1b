"""A folder of pictures and its table, made subject by subject.

It is the same on any number of processes, and after a kill.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.aus import RENDERS
from aulens.checked import checked
from aulens.contents import json_of
from aulens.data.columns import point_columns
from aulens.errors import AulensError, ConfigError, DatasetError
from aulens.files import atomic_write, write_text
from aulens.processes import in_processes
from aulens.render.expression import LEFT, RIGHT, Action
from aulens.render.rig import Floats

Rows = list[dict[str, Any]]
Worker = Callable[[int], Rows]
"""Does all that is to do for one subject; returns its rows of the table."""
Progress = Callable[[int, int], None]
"""Called with (done, in all)."""

_JPEG_QUALITY: Final = 93


def image_path(index: int) -> str:
    """Where picture `index` lies, below the root."""
    return f"images/{index // 1000:02d}/{index:06d}.jpg"


def save_image(root: Path, index: int, image: NDArray[np.uint8]) -> None:
    """Write picture `index`, (H, W, 3) RGB; DatasetError if it can't be written."""
    path = root / image_path(index)
    path.parent.mkdir(parents=True, exist_ok=True)
    bgr = np.ascontiguousarray(image[..., ::-1])
    if not cv2.imwrite(str(path), bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]):
        raise DatasetError(f"could not write {path}: is the disk full or the folder read-only?")


def picture_columns(seen: Action, landmarks: Floats) -> dict[str, Any]:
    """The columns of a manifest that say what a picture shows: AUs of both sides, and landmarks (68, 2)."""
    row: dict[str, Any] = {}
    for au in RENDERS:
        row[f"AU{au}_right"], row[f"AU{au}_left"] = seen[au][RIGHT], seen[au][LEFT]
    return row | dict(zip(point_columns(len(landmarks)), map(float, landmarks.ravel()), strict=True))


def begun(
    root: Path, name: str, settings: Mapping[str, Any], beside: Collection[str] = ()
) -> dict[str, Any] | None:
    """What the note `name` of a folder says; None if there is none.

    Args:
        root: the folder.
        name: of the JSON file.
        settings: that the folder must have been begun with.
        beside: what else the note may say.

    Raises:
        ConfigError: `root` is a file, or was begun otherwise.
    """
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{root} is a file; give a folder to render into")
    file = root / name
    if not file.exists():
        return None
    try:
        note = checked(dict[str, Any], json_of(file))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} is damaged ({error}): give another --out, or delete it") from error
    before = {key: value for key, value in note.items() if key not in beside}
    if before != settings:
        raise ConfigError(
            f"{root} was begun with {before}, now asked for {settings}: give another --out, or delete it"
        )
    return note


def claim(root: Path, meta: Mapping[str, Any]) -> None:
    """Make the folder and note in meta.json what it holds; errors as in `begun`."""
    if begun(root, "meta.json", meta) is None:
        root.mkdir(parents=True, exist_ok=True)
        write_text(root / "meta.json", json.dumps(meta, indent=1) + "\n")


_worker: tuple[Worker, Path] | AulensError


def _start(make: Callable[..., Worker], settings: tuple[Any, ...], parts: Path) -> None:
    # A process of the pool keeps its rig: this is the one place where that needs a module variable.
    global _worker
    cv2.setNumThreads(0)
    try:
        _worker = make(*settings), parts
    except AulensError as error:  # raised here, it would only say that a process died
        _worker = error


def _work(subject: int) -> int:
    if isinstance(_worker, AulensError):
        raise _worker
    return _do(*_worker, subject)


def _do(work: Worker, parts: Path, subject: int) -> int:
    _save_table(pd.DataFrame(work(subject)), _part(parts, subject))
    return subject


def _save_table(rows: pd.DataFrame, path: Path) -> None:
    with atomic_write(path) as part:
        rows.to_parquet(part)


def _part(parts: Path, subject: int) -> Path:
    return parts / f"{subject:05d}.parquet"


def do_all(
    parts: Path,
    counts: Sequence[int],
    make: Callable[..., Worker],
    settings: tuple[Any, ...],
    *,
    doing: str,
    processes: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Do all subjects but those whose rows lie in the folder `parts`; see `build`."""
    parts.mkdir(exist_ok=True)
    todo = [subject for subject in range(len(counts)) if not _part(parts, subject).exists()]
    done, total = sum(counts) - sum(counts[subject] for subject in todo), sum(counts)
    if progress:
        progress(done, total)
    if processes == 1:
        work = make(*settings)
        pool = ((subject, _do(work, parts, subject)) for subject in todo)
    else:
        given = (make, settings, parts)
        pool = in_processes(todo, _work, processes, doing=doing, start=_start, settings=given)
    with closing(pool) as finished:
        for subject, _ in finished:
            done += counts[subject]
            if progress:
                progress(done, total)


def build(
    table: Path,
    counts: Sequence[int],
    make: Callable[..., Worker],
    settings: tuple[Any, ...],
    *,
    doing: str,
    processes: int | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Do all subjects and write their table, which comes last: one that is there is complete, and is read.

    A subject whose rows lie in TABLE.parts beside it is done, and is not done again.

    Args:
        table: the .parquet to make; its folder exists. Numbers with a point are stored as float32.
        counts: what each subject counts for in `progress`: its pictures.
        make: called once in each process with `settings`; returns what does a subject. Importable there.
        settings: picklable.
        doing: for the message when a process dies: "rendering".
        processes: how many at once; all cores by default. 1 = this process.
        progress: what it raises ends the work.

    Raises:
        DatasetError: the disk is full or a process died.
        AulensError: what `make` raises.
    """
    parts = table.with_suffix(".parts")  # of this table alone: a folder may hold two of them
    if table.exists():
        shutil.rmtree(parts, ignore_errors=True)  # left by a kill after the table was written
        return pd.read_parquet(table)
    do_all(parts, counts, make, settings, doing=doing, processes=processes, progress=progress)
    rows = pd.concat(
        [pd.read_parquet(_part(parts, subject)) for subject in range(len(counts))], ignore_index=True
    )
    rows = rows.astype(dict.fromkeys(rows.select_dtypes("float64").columns, np.float32))
    if "index" in rows:
        rows = rows.sort_values("index", ignore_index=True)
    _save_table(rows, table)
    shutil.rmtree(parts)
    return rows
