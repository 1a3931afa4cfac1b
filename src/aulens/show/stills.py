"""The frames of a clip that a report shows: a bounded number, chosen while the clip goes by.

Half are spread evenly in time; the others are apexes, the frames in which an Action Unit of a person was
strongest while it was present. They lie in a folder, so that memory does not grow and a run that was stopped
can go on.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

import msgspec

from aulens.aus import AUSet
from aulens.checked import Positive
from aulens.errors import ConfigError, InputError
from aulens.files import clear_unfinished, write_bytes
from aulens.runtime.result import FaceResult, FrameResult
from aulens.show.still import Shot, Still, take
from aulens.tables.apexes import Apex, Apexes, Run

INDEX: Final = "stills.json"
_FORMAT: Final = "aulens-stills/1"
_OWN: Final = re.compile(r"\d{9,}(\.\d+)?\.(jpg|png)|stills\.json")

_FIRST_STEP: Final = 0.02  # seconds; doubled until few enough are left
_UNTIMED: Final = 0.04  # a frame counts for so long in a clip without time stamps
_FACES: Final = 6  # largest faces of a frame whose evidence is kept
_EACH: Final = 250  # frames between two savings


@dataclass(frozen=True)
class StillsIndex:
    """What a folder of stills holds.

    Attributes:
        folder: where.
        labels: of the AUs, in the order of the maps.
        stills: by frame.
        apexes: of the stills that are apexes.
    """

    folder: Path
    labels: tuple[str, ...]
    stills: tuple[Still, ...]
    apexes: tuple[Apex, ...]


@dataclass(frozen=True)
class _Saved:
    """The file that says what is in a folder, and where a run that was stopped is."""

    format: Literal["aulens-stills/1"]
    labels: tuple[str, ...]
    last: int
    step: Positive
    even: tuple[tuple[int, int], ...]
    apexes: tuple[Apex, ...]
    runs: tuple[Run, ...]
    stills: tuple[Still, ...]
    attention: bool = False  # nobody reads it, but earlier versions go on with no part that lacks it


class Stills:
    """Keeps stills of one clip in a folder; to be used in a `with`, or ended by `close`.

    Args:
        folder: made if missing; files of other names in it are left alone.
        aus: of the model.
        limit: most stills, at least 4; while the clip goes by there may be one more per event that goes on.
        side: longer side of a still, pixels.
        resume: go on with the stills of a run that was stopped: frames up to the last one saved are passed
            over. False begins anew and removes the stills of an earlier run.

    Raises:
        ConfigError: the limit is too small.
        InputError: `resume`, and the folder's index is damaged or of other AUs.
    """

    def __init__(
        self,
        folder: Path,
        aus: AUSet,
        *,
        limit: int = 120,
        side: int = 640,
        resume: bool = False,
    ) -> None:
        if limit < 4 or side < 16:
            raise ConfigError(f"stills need a limit of at least 4 and a side of 16, got {limit} and {side}")
        self._folder, self._aus, self._limit, self._side = folder, aus, limit, side
        self._stills: dict[int, Still] = {}
        self._shots: dict[int, Shot] = {}  # not yet on disk
        self._even: dict[int, int] = {}  # slot to frame
        self._step = _FIRST_STEP
        self._apexes = Apexes(limit - limit // 2)
        self._last, self._since = -1, 0
        folder.mkdir(parents=True, exist_ok=True)
        if resume and (folder / INDEX).is_file():
            self._restore()
        self._clean()

    @property
    def last(self) -> int:
        """Number of the last frame that was taken in; -1 before the first."""
        return self._last

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        # A run that was stopped goes on where it was: its events are not over.
        self.close() if kind is None else self.save()

    def add(self, result: FrameResult) -> None:
        """Take in the next frame; what is kept of it is kept small."""
        if result.index <= self._last:
            return
        self._last = result.index
        now = result.index * _UNTIMED if math.isnan(result.time) else result.time
        slot = math.floor(now / self._step + 1e-9)
        even = slot not in self._even
        present = {face.face_id: {au: face.probability[au] for au in face.present} for face in result.faces}
        stronger = self._apexes.add(result.index, now, present)
        if even or stronger:
            largest = sorted(result.faces, key=_area)[-_FACES:]
            wanted = {face.face_id for face in largest} | {apex.face_id for apex in stronger}
            shot = take(result, self._aus, self._side, sorted(wanted))
            self._shots[result.index] = shot
            self._stills[result.index] = shot.still
        if even:
            self._even[slot] = result.index
            self._thin()
        self._drop()
        self._since += 1
        if self._since >= _EACH:
            self.save()

    def save(self) -> None:
        """Bring all to disk: after this a new `Stills` with `resume` goes on from here."""
        for shot in self._shots.values():
            for name, data in shot.files.items():
                (self._folder / name).write_bytes(data)
        self._shots.clear()
        even, stills = sorted(self._even.items()), sorted(self._stills.items())
        state = _Saved(
            _FORMAT, self._aus.labels, self._last, self._step, tuple(even), *self._apexes.state(),
            tuple(still for _, still in stills),
        )  # fmt: skip
        write_bytes(self._folder / INDEX, msgspec.json.encode(state))
        self._clean()
        self._since = 0

    def close(self) -> None:
        """The clip is over: so are its events."""
        self._apexes.close()
        self._drop()
        self.save()

    def _thin(self) -> None:
        """Of too many even stills keep the first in each stretch of twice the length."""
        while len(self._even) > self._limit // 2:
            self._step *= 2
            kept: dict[int, int] = {}
            for slot, frame in sorted(self._even.items()):
                kept.setdefault(slot // 2, frame)
            self._even = kept

    def _drop(self) -> None:
        """Forget what is not used any more; files go when the next index is written."""
        for frame in self._stills.keys() - {*self._even.values(), *self._apexes.frames}:
            del self._stills[frame]
            self._shots.pop(frame, None)

    def _clean(self) -> None:
        """Remove files of ours that the index does not name."""
        kept = {name for still in self._stills.values() for name in still.files}
        if self._stills or self._last >= 0:
            kept.add(INDEX)
        clear_unfinished(self._folder)
        for path in self._folder.iterdir():
            if _OWN.fullmatch(path.name) and path.name not in kept:
                path.unlink()

    def _restore(self) -> None:
        saved = _read(self._folder)
        if saved.labels != self._aus.labels:
            raise InputError(
                f"{self._folder / INDEX}: stills of other AUs ({', '.join(saved.labels[:4])} ...), so of "
                "another model; begin anew"
            )
        self._last, self._step, self._even = saved.last, saved.step, dict(saved.even)
        self._stills = {still.frame: still for still in saved.stills}
        self._apexes.restore(saved.apexes, saved.runs)


def read_stills(folder: Path) -> StillsIndex:
    """What a folder of stills holds.

    Raises:
        InputError: there are no stills, the index is damaged, or a file that it names is missing.
    """
    saved = _read(folder)
    return StillsIndex(folder, saved.labels, saved.stills, saved.apexes)


def _read(folder: Path) -> _Saved:
    path = folder / INDEX
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=_Saved)
    except OSError as error:
        raise InputError(f"{path}: there are no stills here ({error.strerror})") from error
    except msgspec.ValidationError as error:
        raise InputError(
            f"{path}: damaged, or not an index of stills of aulens ({error}); analyze the clip anew"
        ) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(f"{path}: damaged, not JSON ({error}); analyze the clip anew") from error
    for name in (name for still in saved.stills for name in still.files):
        if not _OWN.fullmatch(name) or not (folder / name).is_file():
            raise InputError(f"{folder / name}: this still is missing; analyze the clip anew")
    return saved


def _area(face: FaceResult) -> float:
    return float((face.box[2] - face.box[0]) * (face.box[3] - face.box[1]))
