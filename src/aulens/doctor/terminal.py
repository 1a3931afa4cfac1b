"""A diagnosis for reading: what is wrong, then counts and rates."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from aulens.data.index import Problem
from aulens.data.protocols import PROTOCOLS
from aulens.doctor.diagnosis import Diagnosis

SHOWN: Final = 5
"""Findings of one kind that are shown; the rest are counted."""

_STYLE: Final = {"error": "bold red", "warning": "yellow", "note": "dim"}


def report(diagnosis: Diagnosis) -> RenderableType:
    """All of a diagnosis, to print with rich."""
    return Group(*_blocks(diagnosis))


def _blocks(diagnosis: Diagnosis) -> Iterator[RenderableType]:
    yield _parts(diagnosis)
    yield Text()
    yield _aus(diagnosis)
    yield Text()
    ordered = sorted(diagnosis.findings, key=lambda f: (list(_STYLE).index(f.level), f.code))
    for (level, code), group in groupby(ordered, key=lambda f: (f.level, f.code)):
        yield _findings(level, code, list(group))
    for what in diagnosis.skipped:
        yield Text.assemble(("not checked ", "dim"), what)
    yield _verdict(diagnosis)


def _findings(level: str, code: str, findings: list[Problem]) -> Text:
    text = Text()
    for finding in findings[:SHOWN]:
        text.append(f"{level} {code} ", _STYLE[level])
        text.append(finding.where, "bold")
        text.append(f": {finding.message}\n")
    more = findings[SHOWN:]
    if more:
        frames = sum(finding.frames for finding in more)
        text.append(f"{level} {code} ", _STYLE[level])
        text.append(
            f"and {len(more)} more" + (f", {frames:,} frames" if frames else "") + " (--json has all)\n"
        )
    text.rstrip()
    return text


def _parts(diagnosis: Diagnosis) -> Table:
    table = _table()
    names = sorted({name for part in diagnosis.parts for name in part.published})
    for title in (
        "Part",
        "Subjects",
        "Frames",
        *(f"published: {name}" for name in names),
        "Pictures",
        "Landmarks",
    ):
        table.add_column(title, justify="left" if title == "Part" else "right")
    for part in diagnosis.parts:
        published = [f"{part.published[name]:,}" if name in part.published else "" for name in names]
        counts = (part.subjects, part.frames), (part.pictures, part.landmarks)
        first, last = ([f"{count:,}" for count in pair] for pair in counts)
        table.add_row(part.part or "none", *first, *published, *last)
    return table


def _aus(diagnosis: Diagnosis) -> Table:
    table = _table()
    parts = sorted({part for au in diagnosis.aus for part in au.rates})
    table.add_column("AU")
    for title in (
        "Coded",
        "Present",
        "Subjects",
        *(f"Rate, part {part or 'none'}" for part in parts),
        "Agreement",
    ):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("of labels with", no_wrap=True)
    for au in diagnosis.aus:
        rates = ["" if au.rates.get(part) is None else f"{au.rates[part]:.3f}" for part in parts]
        agreement = "" if au.agreement is None else f"{au.agreement:.2f}"
        counts = [f"{count:,}" for count in (au.coded, au.present, au.subjects)]
        table.add_row(f"AU{au.au}", *counts, *rates, agreement, au.shown_by if agreement else "")
    return table


def _table() -> Table:
    return Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))


def _verdict(diagnosis: Diagnosis) -> Text:
    protocol = PROTOCOLS.get(diagnosis.dataset)
    name = diagnosis.dataset if protocol is None else protocol.title
    counts = ", ".join(f"{n} {level}{'s' * (n != 1)}" for level, n in diagnosis.counts.items())
    if not diagnosis.ok:
        words = f"{name}: these data can't give the published protocol"
        return Text.assemble((words, _STYLE["error"]), f" ({counts}); the errors say why.")
    fits = f"; frames as published ({diagnosis.frame_protocol})" if diagnosis.frame_protocol else ""
    if not diagnosis.whole:
        return Text.assemble((f"{name}, a part of it: nothing is wrong", "bold green"), f" ({counts}).")
    return Text.assemble(
        (f"{name}: nothing stands against the protocol", "bold green"), f" ({counts}{fits})."
    )
