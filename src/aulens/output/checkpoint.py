"""Files that grow while a video is analyzed, and the checkpoint from which a killed run goes on.

Everything lies in one folder, NAME.part, until the video is done. Each part file only ever grows. Now and
then the checkpoint is replaced in one step; it holds the length that each part had then, the tracker's
state, and the next frame. To go on, each part is cut back to that length, and the tracker gets its state:
what follows is what would have followed.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from aulens.checked import Natural, checked
from aulens.contents import json_of
from aulens.errors import InputError
from aulens.files import atomic_write, refuse_links, write_text
from aulens.output.identity import differs
from aulens.runtime.result import FrameResult

CHECKPOINT: Final = "note.json"
_FORMAT: Final = "aulens-part/1"
_MARK: Final = ".aulens"  # there from the beginning: a folder without it is somebody else's


class Part(Protocol):
    """Something that takes one frame after another, and can be cut back to what it had when it was kept."""

    def add(self, result: FrameResult) -> None:
        """Take the next frame."""

    def keep(self) -> int:
        """Bring all that was taken safely to the disk; the length to come back to."""

    def close(self, *, lost: bool = False) -> None:
        """Let go of the files, at the end or after an error; `lost`: another run is at them now."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stood.

    Attributes:
        next: the first frame that is not in the parts.
        tracker: the tracker's state before that frame.
        lengths: of each part, by name.
        counts: what was counted so far.
        problem: what was wrong with the video so far, or None.
    """

    next: Natural
    tracker: Mapping[str, Any]
    lengths: Mapping[str, Natural]
    counts: Mapping[str, Natural]
    problem: str | None = None


class PartFolder:
    """The folder of one unfinished video.

    Args:
        path: of the folder; made where it is missing.
        identity: what must be the same for a run to go on: the video, the model, the settings.
        resume: go on where an earlier run stopped; else whatever lies there is thrown away.

    Raises:
        InputError: an earlier run was of another video, model or settings.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any], *, resume: bool) -> None:
        self.path = path
        self._identity = json.loads(json.dumps(identity))
        self.checkpoint: Checkpoint | None = self._read() if resume else None
        if self.checkpoint is None and path.exists():
            if not is_ours(path):
                raise InputError(f"{path} was not made by aulens; give another folder of results, or move it")
            shutil.rmtree(path)
        path.mkdir(parents=True, exist_ok=True)
        refuse_links(path)
        (path / _MARK).touch()

    def length(self, part: str) -> int:
        """Bytes (or whatever a part counts in) that are sound of a part; 0 at the beginning."""
        return 0 if self.checkpoint is None else self.checkpoint.lengths.get(part, 0)

    def keep(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint."""
        text = json.dumps({"format": _FORMAT, "identity": self._identity, **asdict(checkpoint)})
        write_text(self.path / CHECKPOINT, text)

    def _read(self) -> Checkpoint | None:
        if (found := _read(self.path)) is None:
            return None
        identity, checkpoint = found
        if identity != self._identity:
            raise InputError(f"{self.path}: the earlier run can't go on, {differs(identity, self._identity)}")
        return checkpoint


def _read(part: Path) -> tuple[Mapping[str, Any], Checkpoint] | None:
    """Of what and how far the run in a folder was; None: no checkpoint, or none that can be used."""
    try:
        found = json_of(part / CHECKPOINT)
        if not isinstance(found, dict) or found.get("format") != _FORMAT:
            return None
        return checked(dict[str, Any], found.get("identity")), checked(Checkpoint, found, others=True)
    except (OSError, ValueError):
        return None  # written by hand or by a broken disk: begin anew


def remove_part(path: Path) -> None:
    """Throw the folder of a video away that is finished; nothing if it is gone, or was never ours."""
    if is_ours(path):
        # The mark last: what a kill leaves is then known as ours.
        for inner in path.iterdir():
            if inner.is_dir() and not inner.is_symlink():
                shutil.rmtree(inner)
            elif inner.name != _MARK:
                inner.unlink()
        shutil.rmtree(path)


def is_begun(path: Path) -> bool:
    """Whether a folder is one of an unfinished video."""
    return path.suffix == ".part" and (path / _MARK).exists()


def is_ours(path: Path) -> bool:
    """Whether a folder NAME.part is one of an unfinished video, or empty."""
    return path.is_dir() and not path.is_symlink() and ((path / _MARK).exists() or not any(path.iterdir()))


def cut_back(path: Path, length: int) -> None:
    """Make a file, or cut it back to `length` bytes; shorter than that, it was tampered with.

    Raises:
        InputError: the file holds less than it did.
    """
    size = path.stat().st_size if path.exists() else 0
    if size < length:
        raise InputError(
            f"{path} holds {size} bytes, but it held {length}: it was changed since. Without --resume the "
            "video is analyzed anew"
        )
    # A file of its own: who was at it, and is not as dead as it looked, goes on in one that nobody sees.
    with atomic_write(path, to_disk=False) as part:
        part.touch()
        if length:
            shutil.copyfile(path, part)
            os.truncate(part, length)


def frames_kept(out: Path, name: str) -> int:
    """Frames of a video in work that are safe in OUT/NAME.part; 0 if there is nothing."""
    found = _read(out / f"{name}.part")
    return 0 if found is None else found[1].counts.get("frames", 0)
