"""One video to its files, so that a kill loses little and `resume` goes on."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aulens.analysis.analyzer import Analyzer
from aulens.analysis.clip import analyze_clip, max_waiting
from aulens.errors import BusyError, InputError, within_memory
from aulens.files import clear_unfinished, disk_errors
from aulens.interrupts import at_ctrl_c
from aulens.locks import Held, hold
from aulens.named import as_text
from aulens.output.checkpoint import Checkpoint, Part, PartFolder, is_begun, remove_part
from aulens.output.finish import DIALECT, OVERLAY, STILLS, finish
from aulens.output.identity import identity_of
from aulens.output.names import ENDINGS, clip_names
from aulens.output.overlay import OverlayPart
from aulens.output.plan import ROWS, Job, Outcome, Plan
from aulens.output.receipt import (
    Receipt,
    begin_anew,
    joined,
    mismatch,
    not_ours,
    read_receipt,
    write_receipt,
)
from aulens.output.settings import AGAIN, OutputSettings
from aulens.output.video_parts import StillsPart, TablePart
from aulens.runtime.result import FrameResult
from aulens.show.page import versions
from aulens.tables import TABLE_FORMATS
from aulens.tables.dictionary import FILE_NAME
from aulens.video.media import Media, VideoInfo, nothing_between, unmirrored_frames
from aulens.video.reader import open_video
from aulens.video.webcam import Camera

Progress = Callable[[FrameResult, VideoInfo], None]
OnFrame = Callable[[Job, FrameResult, VideoInfo], None]
"""Called with each result of a job."""


@dataclass
class _Counts:
    frames: int = 0
    with_face: int = 0
    people: int = 0
    rows: int = 0

    def add(self, result: FrameResult) -> None:
        faces, people = len(result.faces), len(result.faces) + len(result.lost)
        self.frames += 1
        self.with_face += bool(faces)
        self.rows += max(1, people)
        self.people = max(self.people, people)


def analyze_video(
    analyzer: Analyzer,
    source: str | Path | Media,
    out: str | Path,
    settings: OutputSettings | None = None,
    *,
    name: str | None = None,
    called: str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    command: str | None = None,
    held: Held | None = None,
    checkpoint_each: int = 250,
) -> Receipt:
    """Analyze a video into OUT/NAME.csv and what else `settings` asks for.

    While it works, everything is in OUT/NAME.part; OUT/NAME.part/rows.csv can be read at any time. A video
    that is damaged gives what could be read, and says so in `Receipt.problem`.

    Args:
        analyzer: the model and the detector.
        source: path of the video, or what `aulens.open_video`, `open_sequence` or `open_webcam` gave.
        out: folder, made where it is missing.
        settings: what to write, and which frames; by default a CSV table and its events, of all frames.
        name: of the files; by default the video's own, without its ending, if no other files there have it.
        called: what tables and the report call the video; by default its path.
        resume: go on where a killed run stopped, and leave a finished one as it is.
        progress: called with each result.
        command: what to say in the report of how it was made.
        held: the lock that keeps other processes from writing files of this name (`hold_clip`), where the
            caller holds it; by default it is taken here.
        checkpoint_each: frames between two checkpoints: so many a kill costs at most, besides those in hand.

    Raises:
        InputError: the video can't be read at all, or has no frame between `start` and `stop`; an earlier
            run of another video, model or settings can't be resumed, or its table is not what it wrote; a
            file of somebody's own would be written over.
        ConfigError: the folder can't be written.
        BusyError: another process is at it.
    """
    settings = settings or OutputSettings()
    out = Path(out)
    media = open_video(source) if isinstance(source, str | Path) else source
    given = media.info.path
    called = called or as_text(given)
    name = name or clip_names([given], out, patterns=True)[0]
    identity = identity_of(media.info, analyzer, settings)
    receipt_path = out / f"{name}.json"
    with disk_errors(out, AGAIN), nullcontext(held) if held is not None else hold_clip(out, name) as held:
        if resume and (done := read_receipt(receipt_path, identity)) is not None:
            if (why := mismatch(receipt_path, done)) is not None:
                raise InputError(f"{why}; move it away, or without --resume the video is analyzed anew")
            remove_part(out / f"{name}.part")
            return done
        made = [out / f"{name}{end}" for end in ENDINGS if end != ".json"]
        made += [] if settings.format in TABLE_FORMATS else [out / FILE_NAME]
        if not is_begun(out / f"{name}.part") and (why := not_ours(receipt_path, made)) is not None:
            raise InputError(f"{why}; give another folder of results, or move it away")
        out.mkdir(parents=True, exist_ok=True)
        clear_unfinished(out)
        folder = PartFolder(out / f"{name}.part", identity, resume=resume)
        if not resume:
            begin_anew(receipt_path)
        counts, problem = _analyze(
            analyzer, media, folder, settings, called, progress, checkpoint_each, held.check
        )
        if not counts.frames:
            remove_part(folder.path)
            nothing = nothing_between(media.info, settings.start, settings.stop)
            raise InputError(f"{given}: {problem or nothing}")
        held.check()
        begun = Receipt(
            as_text(given), identity, **asdict(counts), problem=None if problem is None else as_text(problem),
            files={}, versions=versions(),
        )  # fmt: skip
        done = finish(folder.path, out, name, settings, analyzer.card, media.info, command, begun)
        held.check()
        write_receipt(receipt_path, done)
        remove_part(folder.path)
    return done


def hold_clip(out: Path, name: str) -> AbstractContextManager[Held]:
    """The lock of a video's files, which its one writer holds."""
    return hold(out / f".{name}.lock", f"{name} in {out}")


def do_clip(
    plan: Plan,
    job: Job,
    analyzer: Analyzer,
    left_out: list[str],
    on_frame: OnFrame | None = None,
    *,
    held: Held | None = None,
    worker: str = "",
    tries: int = 1,
) -> Outcome:
    """Do a job that is a video, a folder of frames or a camera, whose video Ctrl-C ends.

    Args as in `analyze_pictures` and `analyze_video`.
    """
    path, frames = job.paths[0], 0
    receipt: Receipt | None = None
    left_out.clear()

    def count(result: FrameResult, info: VideoInfo) -> None:
        nonlocal frames
        frames += 1
        if on_frame is not None:
            on_frame(job, result, info)

    try:
        media = job.open()
        with ctrl_c_ends(media), within_memory(path):
            receipt = analyze_video(
                analyzer, media, plan.out, plan.settings,
                name=job.name, called=job.call(), resume=plan.resume, progress=count, command=plan.command,
                held=held,
            )  # fmt: skip
    except InputError as error:
        why: str | None = str(error).removeprefix(f"{path}: ")
    else:
        why = receipt.problem
    return Outcome(
        job, worker, tries, receipt, frames,
        failed={} if why is None else {path: why},
        left_out={path: tuple(left_out)} if left_out else {},
    )  # fmt: skip


def ctrl_c_ends(media: Media) -> AbstractContextManager[None]:
    """Ctrl-C is how a camera's video ends, so that its files are finished."""
    return at_ctrl_c(media.stop) if isinstance(media, Camera) else nullcontext()


def _analyze(
    analyzer: Analyzer,
    media: Media,
    folder: PartFolder,
    settings: OutputSettings,
    called: str,
    progress: Progress | None,
    checkpoint_each: int,
    check: Callable[[], None],
) -> tuple[_Counts, str | None]:
    """All frames that are not in the parts yet; what was counted, and what was wrong with the video."""
    begun = folder.checkpoint
    tracker = analyzer.tracker(settings.keep_lost)
    counts = _Counts()
    if begun is not None:
        tracker.restore(dict(begun.tracker))
        counts = _Counts(**begun.counts)
    after, before = (0, None) if begun is None else (begun.next, begun.problem)

    def keep(state: Mapping[str, Any]) -> str | None:
        check()
        problem = joined(before, media.problem)
        lengths = {kind: part.keep() for kind, part in parts.items()}
        folder.keep(Checkpoint(after, state, lengths, asdict(counts), problem))
        return problem

    parts: dict[str, Part] = {}
    frames = media.frames(
        frame_step=settings.frame_step, start=settings.start, stop=settings.stop, skip=after
    )
    frames = unmirrored_frames(frames) if settings.mirrored else frames
    with ExitStack() as stack:
        for kind, part in _parts(folder, settings, media.info, called, analyzer):
            stack.push(partial(_close, part))
            parts[kind] = part
        steps = analyze_clip(
            analyzer.analyze_frames,
            frames,
            tracker,
            max_waiting=max_waiting(media.info),
            keep=checkpoint_each,
        )
        for result, state in stack.enter_context(closing(steps)):
            for part in parts.values():
                part.add(result)
            counts.add(result)
            after = result.index + 1
            if state is not None:
                keep(state)
            if progress is not None:
                progress(result, media.info)
        return counts, keep(tracker.state())


def _close(part: Part, kind: type[BaseException] | None, *_: object) -> None:
    part.close(lost=kind is not None and issubclass(kind, BusyError))


def _parts(
    folder: PartFolder, settings: OutputSettings, info: VideoInfo, called: str, analyzer: Analyzer
) -> Iterator[tuple[str, Part]]:
    """What is to be written, each opened when it is asked for."""
    card = analyzer.card
    path, length, format = folder.path, folder.length, settings.format
    yield "rows", TablePart(path / ROWS, length("rows"), called, "csv", card.aus, named=info.named)
    if format in TABLE_FORMATS:
        limits = settings.limits
        yield "dialect", TablePart(path / DIALECT, length("dialect"), called, format, card.aus, limits=limits)
    if settings.overlay:
        step, start = settings.frame_step, settings.start
        yield "overlay", OverlayPart(path / OVERLAY, length("overlay"), info, step, start)
    if settings.report:
        yield "stills", StillsPart(path / STILLS, length("stills"), card)
