"""What is to be made: jobs with the names of their files, decided once and before anything is done."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Literal, Self

import msgspec

from aulens.errors import ConfigError
from aulens.inputs import is_clip
from aulens.named import as_text, real
from aulens.output.names import clip_names, free_name, names_beside, stem_of
from aulens.output.receipt import Receipt, not_ours
from aulens.output.settings import OutputSettings
from aulens.output.writers import ending, format_of
from aulens.tables.dictionary import FILE_NAME
from aulens.video.media import Media

Kind = Literal["video", "sequence", "camera", "pictures"]

PAGE: Final = "index.html"
_TILES: Final = re.compile(r"\.face([0-9]+)$", re.IGNORECASE)
"""What the pictures with the tiles of a face are called behind the name of their drawing."""
DRAWN: Final = "pictures"
"""The folder of drawn pictures."""
PICTURES_RECEIPT: Final = "results.json"
PARTS: Final = "results.part"
"""Where the parts of pictures are while a run goes on."""
ROWS: Final = "rows.csv"
"""The part of a video, in NAME.part, that holds its rows."""

_MAX_PARTS: Final = 2000
_MIN_PICTURES: Final = 16


class _Line:
    """Goes to another process as a line of text."""

    def to_json(self) -> str:
        """As one line of text."""
        return json.dumps(asdict(self))  # type: ignore[call-overload]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote."""
        return msgspec.convert(json.loads(text), cls)


@dataclass(frozen=True)
class Job(_Line):
    """What is done at a time, here or by one worker.

    Attributes:
        kind: a video, a folder of frames, a camera, or some pictures.
        name: of the files that are made of it; of pictures, the number of their part.
        paths: of the video or folder; of the pictures.
        called: what tables and pages call each; () stands for their paths.
        rate: frames per second of a folder of frames.
        times: a list of their times instead, or None.
        camera: number of a camera.
        first: of pictures: how many come before in the run.
        drawn: of pictures: what the drawing of each is called, without an ending.
        digest: of pictures: of all those of the run, by name, size and time of change.
    """

    kind: Kind
    name: str
    paths: tuple[str, ...]
    called: tuple[str, ...] = ()
    rate: float | None = None
    times: str | None = None
    camera: int | None = None
    first: int = 0
    drawn: tuple[str, ...] = ()
    digest: str = ""

    def call(self, number: int = 0) -> str:
        """What tables call one of its paths."""
        return (self.called or self.paths)[number]

    def open(self) -> Media:
        """The video, folder of frames or camera.

        Raises:
            InputError: it can't be read.
        """
        from aulens.video import open_sequence, open_video, webcam

        if self.camera is not None:
            return webcam.open_webcam(self.camera)
        if self.kind == "sequence":
            return open_sequence(self.paths[0], self.rate, times=self.times)
        return open_video(self.paths[0])


@dataclass(frozen=True)
class Outcome(_Line):
    """What became of a job.

    Attributes:
        job: it.
        worker: "HOST PID" of who did it.
        tries: how often it was begun; above 1, a worker had died at it.
        receipt: of a video, or of pictures if all of the run were done before; else None.
        frames: of a video, analyzed in the last try; of pictures, looked at in it; 0: it was done before.
        failed: inputs that can't be read, or not to their end, each with the reason.
        left_out: for inputs with faces that were left out: which and why.
        fatal: why no job can be done, or None.
    """

    job: Job
    worker: str
    tries: int = 1
    receipt: Receipt | None = None
    frames: int = 0
    failed: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fatal: str | None = None


@dataclass(frozen=True)
class Plan:
    """All that is to be made.

    Attributes:
        out: folder of the results, absolute.
        settings: what to make of a video, and in which format and with which drawings of pictures.
        jobs: some pictures each, then a video each, as they were given.
        resume: keep what an earlier run did, and go on with what it began.
        command: what to say in reports of how they were made.
    """

    out: Path
    settings: OutputSettings
    jobs: tuple[Job, ...]
    resume: bool = False
    command: str | None = None

    @property
    def pictures(self) -> tuple[Job, ...]:
        """The jobs of pictures."""
        return tuple(job for job in self.jobs if job.kind == "pictures")

    @property
    def clips(self) -> tuple[Job, ...]:
        """The other jobs."""
        return tuple(job for job in self.jobs if job.kind != "pictures")


def make_plan(
    paths: Iterable[str | Path],
    out: str | Path,
    settings: OutputSettings | None = None,
    *,
    called: Sequence[str] = (),
    clips: Iterable[str | Path] | None = None,
    sequence: bool = False,
    rate: float | None = None,
    times: str | None = None,
    camera: int | None = None,
    resume: bool = False,
    command: str | None = None,
) -> Plan:
    """Decide what is made of some files, and what it is called.

    Args:
        paths: of pictures and videos; one that is given twice counts once.
        out: folder of the results, where names may be taken.
        settings: what to make; by default a CSV table, and events of videos.
        called: what tables and pages call each of the paths; by default the path itself.
        clips: those that are videos, where it is known; by default each file is looked into.
        sequence: each path is a folder whose pictures are the frames of a video.
        rate: frames per second of those.
        times: a list of their times instead, one in each folder or one for all; see `open_sequence`.
        camera: number of one, instead of paths.
        resume: go on with what an earlier run began.
        command: what to say in reports of how they were made.

    Raises:
        ConfigError: a rate for videos, which have their own; an input that would be written over.
    """
    settings, out = settings or OutputSettings(), Path(out).absolute()
    if (rate is not None or times is not None) and not sequence:
        raise ConfigError("a rate or a list of times is for sequences only; a video has its own time stamps")
    texts = [str(Path(path)) for path in paths]
    names = dict(zip(texts, called or texts, strict=True))
    files = unique(texts)
    given = {str(path): names[str(path)] for path in files}
    known = (path for path in given if sequence or is_clip(Path(path))) if clips is None else map(str, clips)
    are_videos = set(known)
    videos = [path for path in given if path in are_videos]
    pictures = [path for path in given if path not in are_videos]
    jobs = _picture_jobs(pictures, given)
    kind: Kind = "sequence" if sequence else "video"
    # Called as they are given, so that nobody else's name for a file is taken.
    called_videos = clip_names([given[path] for path in videos], out, patterns=sequence)
    for path, name in zip(videos, called_videos, strict=True):
        listed = None if times is None else times_of(path, times)
        jobs.append(Job(kind, name or "file", (path,), (as_text(given[path]),), rate, listed))
    if camera is not None:
        path = f"camera {camera}"
        jobs.append(Job("camera", clip_names([path], out)[0], (path,), camera=camera))
    plan = Plan(out, settings, tuple(jobs), resume, command)
    _refuse_inputs(plan, files)
    return plan


def times_of(folder: str, times: str) -> str:
    """The list of times in a folder of frames, if there is one of that name; else the one that was given."""
    inside = Path(folder, times)
    return str(inside if inside.is_file() else times)


def unique(paths: Iterable[str | Path]) -> list[Path]:
    """Each file once, in the order given."""
    once: dict[Path, Path] = {}
    for path in map(Path, paths):
        once.setdefault(real(path), path)
    return list(once.values())


def _picture_jobs(pictures: Sequence[str], given: Mapping[str, str]) -> list[Job]:
    each = max(_MIN_PICTURES, -(-len(pictures) // _MAX_PARTS))
    stamps = [(given[path], *stamp(path)) for path in pictures]
    digest = hashlib.sha256(json.dumps(stamps).encode()).hexdigest()
    taken: set[str] = set()
    jobs = []
    for number, first in enumerate(range(0, len(pictures), each)):
        paths = tuple(pictures[first : first + each])
        # None is called as the tiles of a face of another.
        drawn = tuple(free_name(_TILES.sub(r"_face\1", stem_of(given[path])), taken) for path in paths)
        called = tuple(as_text(given[path]) for path in paths)
        called = () if called == paths else called
        jobs.append(Job("pictures", f"{number:06d}", paths, called, first=first, drawn=drawn, digest=digest))
    return jobs


def stamp(path: str) -> tuple[int | None, int | None]:
    """Size and time of change of a file; None where it is not there."""
    try:
        about = os.stat(path)
    except OSError:
        return None, None
    return about.st_size, about.st_mtime_ns


def results_path(out: Path, format: str) -> Path:
    """The table of all pictures."""
    return out / f"results.{ending(format)}"


def _refuse_inputs(plan: Plan, files: Iterable[Path]) -> None:
    """Raise `ConfigError` if an input, or another file of somebody's own, lies where something is written."""
    out, format = plan.out, plan.settings.format
    pictures = {path: job.call(place) for job in plan.pictures for place, path in enumerate(job.paths)}
    theirs = format_of(format, picture=True)
    if theirs is not None and not theirs.names_files:
        taken = names_beside(job.name for job in plan.clips)
        outputs = [out / f"{free_name(stem_of(name), taken)}.csv" for name in pictures.values()]
    else:
        outputs = [results_path(out, format)]
    if plan.settings.draws_pictures and pictures:
        outputs.append(out / PAGE)
        for path in pictures:
            if real(path).parent == real(out / DRAWN):
                raise ConfigError(f"{path} lies where the drawings go; give another --out")
        outputs += [out / DRAWN / f"{name}.jpg" for job in plan.pictures for name in job.drawn]
    refuse_inputs(outputs, files)
    if theirs is None:
        outputs.append(out / FILE_NAME)
    if not pictures or any((out / PARTS).glob("[0-9]*.jsonl")):
        return  # of what a stopped run wrote no receipt tells yet
    if (why := not_ours(out / PICTURES_RECEIPT, outputs)) is not None:
        raise ConfigError(f"{why}; give another --out, or move it away")


def refuse_inputs(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Raise `ConfigError` if one of the outputs is an input that would be overwritten."""
    barred = {real(path) for path in inputs}
    for path in outputs:
        if real(path) in barred:
            raise ConfigError(f"{path} is one of the inputs and would be overwritten; give another --out")
