"""From the parts of an analyzed video to the files that were asked for.

The parts stay until everything is there, so that a kill in here costs only this step.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pandas as pd

from aulens.errors import InputError
from aulens.files import atomic_write
from aulens.output.overlay import join_overlay
from aulens.output.plan import ROWS
from aulens.output.receipt import Receipt, clear_figures, digest_of, joined, with_earlier_files
from aulens.output.settings import OutputSettings
from aulens.output.writers import count_rows, ending
from aulens.runtime.card import ModelCard
from aulens.show.figure import can_draw
from aulens.show.figures import write_figures
from aulens.show.report import write_report
from aulens.tables import TABLE_FORMATS
from aulens.tables.baseline import above
from aulens.tables.blinks import why_no_blinks
from aulens.tables.dictionary import FILE_NAME, write_dictionary
from aulens.tables.doubts import doubtful_text, hidden_text
from aulens.tables.events import events
from aulens.tables.parquet import ParquetWriter
from aulens.tables.schema import dtype
from aulens.tables.smooth import smooth
from aulens.tables.usable import Limits, left_out_text
from aulens.video import VideoInfo

DIALECT: Final = "dialect.csv"
STILLS: Final = "stills"
OVERLAY: Final = "overlay"

_CHUNK: Final = 20_000
"""Rows that are changed from one format into another at a time."""


def finish(
    part: Path,
    out: Path,
    name: str,
    settings: OutputSettings,
    card: ModelCard,
    info: VideoInfo,
    command: str | None,
    begun: Receipt,
) -> Receipt:
    """Write the table, its events, once per folder what the columns mean, and what else was asked for.

    Without time stamps there are no events, and nothing can be smoothed. Faces beyond the limits keep their
    rows, without scores, as if they had been lost (`aulens.tables.usable`).

    Args:
        part: folder of the parts.
        out: folder of the results.
        name: of the video's files in it.
        settings: what was asked for.
        card: of the model.
        info: of the video.
        command: that made it, to be shown in the report.
        begun: the receipt without files and remarks; its rows are those that were written.

    Raises:
        InputError: there are more or fewer rows: somebody else wrote there, too.
    """
    threshold = dict(zip(card.aus.labels, card.threshold, strict=True))
    rows = part / ROWS
    raw = pd.concat(_chunks(rows), ignore_index=True)
    if len(raw) != begun.rows:
        raise InputError(
            f"{rows} has {len(raw):,} rows, not the {begun.rows:,} that were written: another program wrote "
            "there. Without --resume the video is analyzed anew"
        )
    table, left_out, lacking = _usable(raw, settings.limits)
    remark = joined(doubtful_text(table), hidden_text(table))
    timed = bool(table["time"].notna().any())
    if settings.smooth is not None and timed:
        table = smooth(table, settings.smooth, thresholds=threshold)
    if settings.baseline is not None:
        try:
            rest = settings.baseline.of(table)
            table, remark = above(table, rest), joined(remark, settings.baseline.lacking(rest))
        except InputError as error:
            lacking = joined(lacking, f"there is no baseline: {error}")
    if table is not raw:
        rows = part / "added.csv"
        table.to_csv(rows, index=False, lineterminator="\n")
    kind = ending(settings.format)
    source = part / DIALECT if settings.format in TABLE_FORMATS else rows
    files = {"table": f"{name}.{kind}"}
    # Written in the folder of the parts, where no other process writes, and moved in one step.
    with atomic_write(out / files["table"], within=part) as fresh:
        _WRITERS[kind](source, fresh)
    if settings.format not in TABLE_FORMATS:
        files["columns"] = FILE_NAME
        with atomic_write(out / FILE_NAME, within=part) as fresh:
            write_dictionary(fresh, card.aus)
    found = events(table, thresholds=threshold) if timed else None
    if found is not None:
        remark = joined(remark, why_no_blinks(table))
        files["events"] = f"{name}.events.csv"
        with atomic_write(out / files["events"], within=part) as fresh:
            found.to_csv(fresh, index=False, lineterminator="\n")
    if settings.overlay:
        drawn = f"{name}.overlay.mp4"
        sound = join_overlay(part / OVERLAY, out / drawn, info, settings.start)
        if sound is not None:
            files["overlay"] = drawn
            lacking = joined(lacking, sound.problem)
    if settings.report:
        files["report"] = f"{name}.html"
        write_report(
            out / files["report"],
            table,
            card,
            stills=part / STILLS,
            events=found,
            info=info,
            command=command,
            problems=[said for said in (begun.problem, lacking) if said is not None],
            left_out=left_out,
        )
        clear_figures(out / f"{name}.figures")
        if can_draw():
            figures = f"{name}.figures"
            if write_figures(out / figures, table, threshold, events=found):
                files["figures"] = figures
    written = out / files["table"]
    return replace(
        begun,
        rows=count_rows(written),
        problem=joined(begun.problem, lacking),
        files=with_earlier_files(out / f"{name}.json", begun.identity, files),
        left_out=left_out,
        remark=remark,
        digest=digest_of([written]),
    )


def _usable(whole: pd.DataFrame, limits: Limits) -> tuple[pd.DataFrame, str | None, str | None]:
    """The rows that count, how many do not, and why none could be left out; all rows without limits."""
    if not limits:
        return whole, None, None
    try:
        usable_rows = limits.usable(whole)
    except InputError as error:  # the video was analyzed: what it gave is kept
        return whole, None, f"no face was left out: {error}"
    return usable_rows, left_out_text(whole, usable_rows, limits), None


def _chunks(path: Path) -> Iterator[pd.DataFrame]:
    kinds = {column: dtype(column) for column in pd.read_csv(path, nrows=0).columns}
    with pd.read_csv(path, dtype=kinds, chunksize=_CHUNK, keep_default_na=False, na_values=[""]) as reader:
        yield from reader


def _to_jsonl(rows: Path, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for chunk in _chunks(rows):
            chunk.to_json(file, orient="records", lines=True, force_ascii=False, double_precision=6)


def _to_parquet(rows: Path, path: Path) -> None:
    writer = ParquetWriter(path)
    for chunk in _chunks(rows):
        writer.write(chunk)
    writer.close()


_WRITERS: Final[dict[str, Callable[[Path, Path], object]]] = {
    "csv": shutil.copyfile, "jsonl": _to_jsonl, "parquet": _to_parquet,
}  # fmt: skip
