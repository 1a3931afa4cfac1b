"""What is handed out to workers, and what comes back; who gets which name is decided here, before."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Literal, Self

from aulens.errors import ConfigError
from aulens.inputs import is_clip
from aulens.output import Receipt
from aulens.output.names import clip_names

Kind = Literal["video", "sequence", "pictures"]

_MOST_PARTS: Final = 2000
_LEAST_PICTURES: Final = 16


@dataclass(frozen=True)
class Job:
    """What one worker does at a time.

    Attributes:
        kind: a video, a folder of frames, or some pictures.
        name: of the files that are made of it; of pictures, the number of their part.
        paths: of the video or folder; of the pictures.
        rate: frames per second of a folder of frames.
    """

    kind: Kind
    name: str
    paths: tuple[str, ...]
    rate: float | None = None

    def to_json(self) -> str:
        """As one line of text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote."""
        found = json.loads(text)
        return cls(**found | {"paths": tuple(found["paths"])})


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: it.
        worker: "HOST PID" of who did it.
        tries: how often it was begun; above 1, a worker had died at it.
        recorded: what was made of a video, now or by an earlier run; None where it can't be read.
        frames: of a video, analyzed in the last try; 0 where it was done before.
        pictures: that were read.
        faces: in pictures.
        with_face: pictures with at least one.
        failed: inputs that can't be read, or not to their end, each with the reason.
        left_out: for inputs with faces that were left out: which and why.
        fatal: why no job can be done, or None.
    """

    job: Job
    worker: str
    tries: int = 1
    recorded: Receipt | None = None
    frames: int = 0
    pictures: int = 0
    faces: int = 0
    with_face: int = 0
    failed: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fatal: str | None = None

    def to_json(self) -> str:
        """As one line of text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote."""
        found = json.loads(text)
        recorded = found["recorded"]
        return cls(
            **found
            | {
                "job": Job.from_json(json.dumps(found["job"])),
                "recorded": None if recorded is None else Receipt(**recorded),
                "left_out": {path: tuple(why) for path, why in found["left_out"].items()},
            }
        )


def plan_jobs(
    paths: Iterable[str | Path],
    out: str | Path | None = None,
    *,
    sequence: bool = False,
    rate: float | None = None,
) -> list[Job]:
    """The jobs of some files: one for each video, one for each few pictures; large videos first.

    Args:
        paths: of pictures and videos; one that is given twice counts once.
        out: folder of the results, where names may be taken.
        sequence: each path is a folder whose pictures are the frames of a video.
        rate: frames per second of those.

    Raises:
        ConfigError: a rate for videos, which have their own.
    """
    if rate is not None and not sequence:
        raise ConfigError("a rate is for sequences only; a video has its own time stamps")
    once: dict[Path, Path] = {}
    for path in map(Path, paths):
        once.setdefault(path.resolve(), path)
    files = list(once.values())
    if sequence:
        named = zip(clip_names(files, out), files, strict=True)
        return [Job("sequence", name, (str(path),), rate) for name, path in named]
    clips = [path for path in files if is_clip(path)]
    barred = set(clips)
    pictures = [str(path) for path in files if path not in barred]
    named = zip(clip_names(clips, out), clips, strict=True)
    jobs = [Job("video", name, (str(path),)) for name, path in named]
    # The last to be handed out should be short: the others wait for it.
    jobs.sort(key=lambda job: -_size(job.paths[0]))
    each = max(_LEAST_PICTURES, -(-len(pictures) // _MOST_PARTS))
    for number, first in enumerate(range(0, len(pictures), each)):
        jobs.append(Job("pictures", f"{number:06d}", tuple(pictures[first : first + each])))
    return jobs


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0  # the worker says what is wrong with it
