"""A diagnosis for reading: what is wrong, then counts and rates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from aulens.data.index import Problem
from aulens.data.registry import protocol_of
from aulens.doctor.diagnosis import FRAMES, LEVELS, Diagnosis
from aulens.named import legible

WIDTH: Final = 100
"""Columns that a report is made for; it fits narrower terminals less well."""

SHOWN: Final[Mapping[str, int]] = MappingProxyType({"error": 5, "warning": 5, "note": 2})
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
    ordered = sorted(diagnosis.findings, key=lambda f: (LEVELS.index(f.level), f.code))
    for (level, code), group in groupby(ordered, key=lambda f: (f.level, f.code)):
        yield from _findings(level, code, list(group))
    if diagnosis.skipped:
        yield Text("not checked", "dim")
        yield from map(_indented, diagnosis.skipped)
    yield Text()
    yield _verdict(diagnosis)


def _findings(level: str, code: str, findings: list[Problem]) -> Iterator[RenderableType]:
    head = f"{level} {code} ", _STYLE[level]
    for finding in findings[: SHOWN[level]]:
        yield Text.assemble(head, (legible(finding.where), "bold"))
        yield _indented(finding.message)
    more = findings[SHOWN[level] :]
    if more:
        frames = sum(finding.frames for finding in more)
        of = f", {frames:,} frame{'s' * (frames != 1)}" if frames else ""
        yield Text.assemble(head, f"and {len(more)} more{of} (--json has all)")


def _indented(words: str) -> Padding:
    return Padding(Text(words), (0, 0, 0, 4), expand=False)


def _parts(diagnosis: Diagnosis) -> Table:
    table = _table()
    names = sorted({name for part in diagnosis.parts for name in part.published})
    table.add_column("Part")
    published = [f"Published:\n{FRAMES.get(name, name)}" for name in names]
    for title in ("Subjects", "Frames", *published, "With\npicture", "With\nlandmarks"):
        table.add_column(title, justify="right")
    for part in diagnosis.parts:
        expected = [part.published.get(name) for name in names]
        counts = (part.subjects, part.frames, *expected, part.pictures, part.landmarks)
        table.add_row(Text(legible(part.part) or "none"), *("" if n is None else f"{n:,}" for n in counts))
    return table


def _aus(diagnosis: Diagnosis) -> Table:
    table = _table()
    parts = sorted({part for au in diagnosis.aus for part in au.rates})
    rates_in = (f"Rate in\n{'part ' * part.isdigit()}{legible(part) or 'none'}" for part in parts)
    table.add_column("AU", no_wrap=True)
    for title in ("Frames\ncoded", "Frames\npresent", "Subjects\nshowing it", *rates_in):
        table.add_column(Text(title), justify="right")
    agreeing = any(au.agreement is not None for au in diagnosis.aus)
    if agreeing:
        table.add_column("Agreement\nof labels", justify="right")
        table.add_column("with\nlandmarks'")
    for au in diagnosis.aus:
        rates = ["" if (rate := au.rates.get(part)) is None else f"{rate:.3f}" for part in parts]
        counts = [f"{count:,}" for count in (au.coded, au.present, au.subjects)]
        agreement = ("", "") if au.agreement is None else (f"{au.agreement:.2f}", au.shown_by)
        table.add_row(f"AU{au.au}", *counts, *rates, *(agreement if agreeing else ()))
    return table


def _table() -> Table:
    return Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))


def _verdict(diagnosis: Diagnosis) -> Text:
    protocol = protocol_of(diagnosis.dataset)
    name = diagnosis.dataset if protocol is None else protocol.title
    if diagnosis.renders:
        name = f"{name}, rendered faces" if protocol is None else f"Renders in the layout of {name}"
    counts = ", ".join(f"{n} {level}{'s' * (n != 1)}" for level, n in diagnosis.counts.items())
    if not diagnosis.ok:
        words = f"{name}: these data can't give the published protocol"
        return Text.assemble((words, _STYLE["error"]), f" ({counts}); the errors say why.")
    if not diagnosis.whole:
        words = f"{name}, taken as a part of it: no error was found"
        return Text.assemble((words, "bold green"), f" ({counts}).")
    fits = FRAMES.get(diagnosis.frame_protocol, diagnosis.frame_protocol)
    counts += f"; as many frames as published of {fits}" if fits else ""
    return Text.assemble((f"{name}: nothing stands against the protocol", "bold green"), f" ({counts}).")
