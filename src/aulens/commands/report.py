"""`aulens report`: a page and figures for each video; `aulens detect --report` with less to say."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from aulens.commands.analysis import Analysis, note_missing_figures
from aulens.commands.option_groups import (
    ClusterOptions,
    ModelOptions,
    Resume,
    SourceOptions,
    VideoOptions,
    grouped,
)
from aulens.commands.options import refuse_file
from aulens.commands.printed import Format
from aulens.commands.sources import command_line
from aulens.commands.terminal import to_stderr
from aulens.errors import ConfigError, InputError
from aulens.files import disk_errors
from aulens.inputs import media_kind
from aulens.output.names import free_name, stem_of
from aulens.output.plan import unique
from aulens.runtime.card import ModelCard, find_card, read_card
from aulens.show.figure import can_draw
from aulens.tables import read_table
from aulens.tables.usable import Limits, left_out_text

if TYPE_CHECKING:
    import pandas as pd

_TABLES: Final = frozenset({".csv", ".jsonl", ".parquet", ".tsv", ".txt"})
_INSTEAD: Final = {
    "--smooth": "smooth it with aulens.tables.smooth",
    "--baseline": "take aulens.tables.baseline",
    "--neutral": "take aulens.tables.baseline",
    "--mirrored": "its left and right are as they were analyzed",
}
"""Option of videos -> what to do with a table instead."""


@grouped
def report(
    videos: VideoOptions,
    models: ModelOptions,
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="INPUT...", help="Pictures, videos, folders with them, or tables of videos."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for results.")],
    overlay: Annotated[bool, typer.Option("--overlay", help="Also draw the results on the video.")] = False,
    resume: Resume = False,
) -> None:
    """Write a page for each video (NAME.html, a single file to keep or send) and figures for print.

    The same as `aulens detect --report`: the table and its events are written too. A table that
    `aulens detect` made of videos (NAME.csv) may be given instead; its page lacks the video's frames.
    """
    refuse_file(out)
    tables = [path for path in inputs if _is_table(path)]
    others = [path for path in inputs if path not in tables]
    if tables:
        _refuse(tables[0], videos, ["overlay"] * overlay + ["resume"] * resume)
    if others:
        models.refuse(videos)
    limits = Limits(videos.max_yaw, videos.max_pitch, videos.min_quality)
    failed = _of_tables(unique(tables), out, read_card(find_card(models.model)), limits) if tables else False
    if others:
        sources, cluster = SourceOptions(), ClusterOptions()
        Analysis(others, out, Format.TABLE, overlay, True, resume, videos, sources, models, cluster).run()
    if failed:
        raise typer.Exit(1)


def _is_table(path: Path) -> bool:
    """Whether a file is called a table and is no picture and no video."""
    if path.suffix.lower() not in _TABLES:
        return False
    try:
        media_kind(path)
    except InputError:
        return True
    return False


def _refuse(table: Path, videos: VideoOptions, more: Sequence[str]) -> None:
    """Raise `ConfigError` at an option that only a video can have; the page would say it had been done."""
    given = [field.name for field in fields(videos) if getattr(videos, field.name) != field.default]
    for name in (*(name for name in given if name not in Limits.__dataclass_fields__), *more):
        option = {"start": "--from", "stop": "--to"}.get(name, f"--{name.replace('_', '-')}")
        instead = _INSTEAD.get(option, "leave it out")
        raise ConfigError(f"{option} is for videos, and {table} is a table: {instead}, or give the video")


def _of_tables(paths: list[Path], out: Path, card: ModelCard, limits: Limits) -> bool:
    """Pages of tables; whether one could not be made."""
    console = to_stderr()
    failed, taken = False, set[str]()
    note_missing_figures(console)
    for path in paths:
        try:
            table = read_table(path)
            if table.empty:
                raise InputError("the table has no rows; give one of a video that was analyzed to its end")
            clips = [clip for _, clip in table.groupby("file", sort=False, dropna=False)]
            for clip in clips:
                stem = path.stem if len(clips) == 1 else stem_of(str(clip["file"].iloc[0]))
                name = free_name(stem, taken)
                left_out = _of_table(clip, out, name, card, limits)
                if left_out is not None:
                    console.print(f"{path}: {left_out}", markup=False)
                console.print(f"{path}: see {out / f'{name}.html'}", markup=False)
        except InputError as error:
            failed = True
            message = str(error)
            named = message.startswith((f"{path}: ", f"{path}, "))  # "table.csv, line 3: ..."
            console.print(f"aulens: {message if named else f'{path}: {message}'}", style="red", markup=False)
    return failed


def _of_table(table: "pd.DataFrame", out: Path, name: str, card: ModelCard, limits: Limits) -> str | None:
    """Page and figures of one clip; how many faces the limits left out."""
    from aulens.show.figures import write_figures
    from aulens.show.report import write_report

    page = out / f"{name}.html"
    if page.exists():
        raise InputError(f"{page} is there already, perhaps with the video's frames; give another --out")
    if table["frame"].isna().any():
        raise InputError("this table is of pictures, which have no time line; a video's table has a page")
    scores = [f"{label}_p" for label in card.aus.labels]
    seen = table["success"] == 1
    if not all(
        name in table.columns and table.loc[seen, name].notna().any() == seen.any() for name in scores
    ):
        raise InputError(
            f"this table lacks probabilities of the AUs of the model {card.name}: one of another model needs "
            "--model, one of another tool has none (docs/openface.md says what can be made of it)"
        )
    left_out = None
    if limits:
        kept = limits.usable(table)
        table, left_out = kept, left_out_text(table, kept, limits)
    with disk_errors(out, "the same command"):
        out.mkdir(parents=True, exist_ok=True)
        write_report(page, table, card, command=command_line(), left_out=left_out)
        if can_draw():
            threshold = dict(zip(card.aus.labels, card.threshold, strict=True))
            write_figures(out / f"{name}.figures", table, threshold)
    return left_out
