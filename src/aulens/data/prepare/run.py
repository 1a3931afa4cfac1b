"""A whole data set, unit by unit, on several processes; a killed run goes on where it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet
from numpy.typing import NDArray

from aulens.data.columns import point_columns
from aulens.data.folds import has_own_splits
from aulens.data.frames import read_picture
from aulens.data.index import PICTURE, FrameIndex
from aulens.data.near_duplicates import FACE, WHOLE, Prints, find_near_duplicates, upright
from aulens.data.prepare.folder import LOCK, claim, describe, finish, is_finished, tidy
from aulens.data.prepare.settings import PrepareSettings
from aulens.data.prepare.units import UNIT_FRAMES, Unit, divide
from aulens.data.prepare.work import Job, layout_for, rows_file, work
from aulens.data.prepared import read_about
from aulens.data.samples import SPLITS
from aulens.data.shards import ByteRange, stored_picture
from aulens.errors import ConfigError, DatasetError, InputError
from aulens.faces.default import MakeDetector, default_detector
from aulens.faces.detector import described
from aulens.files import disk_errors
from aulens.locks import hold
from aulens.named import several
from aulens.processes import cpus_here, in_processes

Progress = Callable[[int, int], None]
_BLANK = np.zeros((1, 1, 3), np.uint8)


@dataclass(frozen=True)
class PrepareResult:
    """What was prepared.

    Attributes:
        root: the folder; `aulens.data.prepared.load_prepared` reads it.
        frames: coded frames of the data set.
        stored: those of which a face is stored.
        found: where the landmarks come from ("given", "detected", "prior") → frames.
        missing: why no face is stored → frames; missing.csv names each.
        detector: what found faces, in a line; None where none was asked for, or a folder does not say.
        done: frames that this call worked on; the others were done before.
        seconds: that it took.
        cpu_seconds: of all its processes.
        near_duplicates: pairs of nearly the same picture in two splits, which were allowed.
    """

    root: Path
    frames: int
    stored: int
    found: Mapping[str, int]
    missing: Mapping[str, int]
    detector: str | None
    done: int
    seconds: float
    cpu_seconds: float
    near_duplicates: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """Frames per second; 0 if this call did none."""
        return self.done / self.seconds if self.done else 0.0

    @property
    def rate_per_core(self) -> float:
        """Frames per second of CPU time; 0 if this call did none."""
        return self.done / self.cpu_seconds if self.done and self.cpu_seconds else 0.0


def prepare(
    index: FrameIndex,
    out: Path,
    settings: PrepareSettings,
    *,
    detector: MakeDetector = default_detector,
    processes: int | None = None,
    allow_near_duplicates: bool = False,
    progress: Progress | None = None,
    unit_frames: int = UNIT_FRAMES,
) -> PrepareResult:
    """Store one face of each frame; after a kill, the same call goes on and gives the same bytes.

    Args:
        index: the frames.
        out: folder, made if missing. One begun with other settings, another detector or other data is
            refused.
        settings: how faces are stored.
        detector: makes what finds faces with 68 points, where landmarks are to be detected; one in each
            process, to which it can be sent.
        processes: how many at once; all cores by default. The result does not depend on it.
        allow_near_duplicates: finish data whose parts are splits though two of these hold nearly the same
            picture, as different people in one studio may look; prepared.json names the pairs.
        progress: called with (frames done, frames in all); what it raises ends the work.
        unit_frames: frames that are stored, and lost by a kill, together, at most.

    Raises:
        ConfigError: `out` is a file, can't be written to (the disk is full, say), holds something else, or
            was begun with other settings or data.
        BusyError: another process prepares into it.
        ModelError: the detector can't be made.
        DatasetError: the index has no frames, its landmarks are of no known layout, its parts are splits,
            two of which hold nearly the same picture, or a process died.
    """
    start = time.perf_counter()
    if not len(index):
        raise DatasetError(f"{index.dataset} has no coded frames. aulens doctor says what was found.")
    try:
        points = layout_for(index, settings).count
    except InputError as error:
        raise DatasetError(f"The landmarks of {index.dataset} can't be used: {error}.") from error
    # None is made where none is needed; what it lacks is better known before the hours that follow.
    finds = None if settings.landmarks == "given" else described(detector())
    root, about = Path(out), describe(index, settings, points, finds)
    done, cpu_seconds = 0, 0.0
    if not is_finished(root, about):
        with ExitStack() as held:
            try:
                held.enter_context(hold(root / LOCK, f"The folder {root}"))
                finished = claim(root, about)  # by another process, just now
            except OSError as error:
                file = next((one for one in root.absolute().parents if one.is_file()), None)
                why = f"{file} is a file" if file else error.strerror or str(error)
                raise ConfigError(f"Cannot prepare into {root}: {why}; give a folder to write to") from error
            if not finished:
                with disk_errors(root, "the same command"):
                    units = divide(index, unit_frames)
                    done, cpu_seconds = _fill(root, index, units, settings, detector, processes, progress)
                    _finish(root, index, units, about, allow_near_duplicates)
    tidy(root)
    counts = read_about(root)
    return PrepareResult(
        root, len(index), counts["stored"], counts["found"], counts["missing"], counts.get("detector"),
        done, time.perf_counter() - start, cpu_seconds, tuple(counts.get("near_duplicates", ())),
    )  # fmt: skip


def _fill(
    root: Path,
    index: FrameIndex,
    units: Sequence[Unit],
    settings: PrepareSettings,
    detector: MakeDetector,
    processes: int | None,
    progress: Progress | None,
) -> tuple[int, float]:
    """Do what is left; returns frames done and the CPU seconds that they took."""
    done, cpu_seconds = 0, 0.0
    todo = [unit for unit in units if not rows_file(root, unit.name).exists()]
    before = len(index) - sum(len(unit.rows) for unit in todo)
    bare = replace(index, problems=())
    jobs = (Job(unit.name, bare.take(unit.rows), settings, detector, root) for unit in todo)
    if progress:
        progress(before, len(index))
    with closing(_worked(jobs, min(processes or cpus_here(), len(todo)))) as results:
        for job, seconds in results:
            done += len(job.frames)
            cpu_seconds += seconds
            if progress:
                progress(before + done, len(index))
    return done, cpu_seconds


def _finish(
    root: Path, index: FrameIndex, units: Sequence[Unit], about: Mapping[str, Any], allowed: bool
) -> None:
    pairs = _pairs_between_splits(index, root, units, about["points"])
    if pairs and not allowed:
        raise DatasetError(
            f"{len(pairs)} pairs of pictures in two splits are nearly the same, so a test would measure "
            f"memory: {several(pairs)}. Give both of a pair to one part, or leave one out. If they are "
            "different people all the same, --allow-near-duplicates keeps them, and says so in what is made."
        )
    finish(root, {**about, "near_duplicates": pairs} if pairs else about, [unit.name for unit in units])


def _pairs_between_splits(index: FrameIndex, root: Path, units: Sequence[Unit], points: int) -> list[str]:
    """Nearly the same pictures or faces in two splits of the data: "F001/a/1 (train) and F002/a/1 (test)"."""
    if not has_own_splits(index.part):
        return []
    whole = Prints.of(map(_picture, index.media, index.position.tolist()))
    stored = Prints.of(_faces(root, units, points))
    faces = stored.take(np.argsort(np.concatenate([unit.rows for unit in units])))
    pairs = set[tuple[int, int]]()
    homes = [np.flatnonzero(index.part == name) for name in SPLITS]
    for one, other in combinations(homes, 2):
        for prints, likeness in ((whole, WHOLE), (faces, FACE)):
            found = find_near_duplicates(prints.take(one), prints.take(other), likeness)
            pairs |= {(int(one[a]), int(other[b])) for a, b in found}
    keys, part = index.keys, index.part
    return [f"{keys[a]} ({part[a]}) and {keys[b]} ({part[b]})" for a, b in sorted(pairs)]


def _picture(path: str, position: int) -> NDArray[np.uint8]:
    with suppress(DatasetError):  # what can't be read is in missing.csv
        if path and position == PICTURE:
            return read_picture(path)
    return _BLANK


def _faces(root: Path, units: Sequence[Unit], points: int) -> Iterator[NDArray[np.uint8]]:
    """The stored faces, upright and tightly cut, unit by unit; a blank for one that is missing."""
    names = point_columns(points)
    for unit in units:
        table: Any = pyarrow.parquet.read_table(
            rows_file(root, unit.name), columns=["shard", "offset", "length", *names]
        )
        landmarks = np.stack([table[name].to_numpy() for name in names], 1).reshape(-1, points, 2)
        byte_ranges = zip(*(table[name].to_pylist() for name in ("shard", "offset", "length")), strict=True)
        for (shard, offset, length), face in zip(byte_ranges, landmarks, strict=True):
            if not shard:
                yield _BLANK
                continue
            place = ByteRange(str(root / shard), offset, length)
            yield upright(stored_picture(place, f"at byte {offset} of {place.path}"), face)


def _worked(jobs: Iterator[Job], processes: int) -> Generator[tuple[Job, float], None, None]:
    """The jobs done, in any order; at most a few more are made than are being worked on."""
    if processes <= 1:
        return ((job, work(job)) for job in jobs)
    return in_processes(jobs, work, processes, doing="preparing", start=cv2.setNumThreads, settings=(0,))
