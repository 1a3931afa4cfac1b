"""Rows of pictures and videos to standard output: nothing is kept."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from aulens.analysis.analyzer import Analyzer
from aulens.commands.bar import FrameBar
from aulens.commands.printed import Printed
from aulens.commands.tally import Tally
from aulens.errors import InputError, within_memory
from aulens.named import as_text
from aulens.output.pictures import analyze_picture
from aulens.output.plan import Job
from aulens.output.settings import OutputSettings
from aulens.tables.usable import out_of
from aulens.video.media import nothing_between

if TYPE_CHECKING:
    from aulens.commands.clip_table import ClipTable


def stream_pictures(
    paths: Sequence[Path],
    analyzer: Analyzer,
    settings: OutputSettings,
    printed: Printed,
    tally: Tally,
    bar: FrameBar,
) -> None:
    """Print the rows of pictures."""
    for path in paths:
        seen, _ = analyze_picture(str(path), as_text(path), analyzer, settings, tally.left_out)
        tally.end_of(path)
        tally.add_picture(seen)
        printed.picture(seen)
        bar.picture(seen)
    if settings.limits and tally.faces:
        tally.say(out_of(tally.beyond, tally.faces, settings.limits))


def stream_clips(
    jobs: Sequence[Job],
    analyzer: Analyzer,
    settings: OutputSettings,
    printed: Printed,
    table: "ClipTable | None",
    tally: Tally,
    bar: FrameBar,
) -> None:
    """Print the rows of videos; `table` sums them up for reading."""
    from aulens.output.video import ctrl_c_ends

    for job in jobs:
        path, called = Path(job.paths[0]), as_text(job.paths[0])
        try:
            media = job.open()
            results = analyzer.video(
                media, frame_step=settings.frame_step, start=settings.start, stop=settings.stop,
                keep_lost=settings.keep_lost, mirrored=settings.mirrored,
            )  # fmt: skip
            with ctrl_c_ends(media), within_memory(path), closing(results):
                before = tally.frames
                for result in results:
                    printed.frame(called, result)
                    if table is not None:
                        table.add(called, result)
                    bar.frame(job, result, media.info)
                    tally.frames += 1
                if tally.frames == before:
                    raise InputError(
                        media.problem or nothing_between(media.info, settings.start, settings.stop)
                    )
        except InputError as error:
            tally.fail(path, error)
            continue
        finally:
            bar.end(job)
            tally.end_of(path)
        tally.clips += 1
        for remark in () if table is None else table.remarks(called):
            tally.say(f"{path}: {remark}")
        if media.problem is not None:
            tally.fail(path, media.problem)
