"""What is said on a terminal or into a pipe: UTF-8, and no name of a file changes how a terminal behaves."""

import io
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from aulens.named import legible


class Terminal(Console):
    """A rich console that writes out what would change the terminal ("\\x1b"), wherever it comes from."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As in `Console`: all that is printed comes by here."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=legible_lines(segment.text))


def to_stderr() -> Terminal:
    """For what is said beside the results."""
    return Terminal(stderr=True, highlight=False, soft_wrap=True)


def to_stdout() -> Terminal:
    """For tables to be read; a file or a pipe has no width of its own: wide enough for every line."""
    return Terminal(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 110)


def stdout() -> TextIO:
    """Where rows go: to a program as they are, to a screen with names that are no orders to it."""
    return cast(TextIO, _Screen()) if sys.stdout.isatty() else sys.stdout


class _Screen:
    """What writers of rows need of standard output."""

    def write(self, text: str) -> int:
        return sys.stdout.write(legible_lines(text))

    def flush(self) -> None:
        sys.stdout.flush()


def legible_lines(text: object) -> str:
    """As `legible`; line feeds stay."""
    return "\n".join(map(legible, str(text).split("\n")))


def name_cell(name: str) -> Text:
    """A name in a table: in one row, whatever is in it."""
    return Text(legible(name))


def speak_utf8() -> None:
    """Whatever this machine's encoding is, names of files are read and tables are written as UTF-8."""
    if os.name == "posix" and sys.getfilesystemencoding() != "utf-8":  # decided when Python starts
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
    streams: tuple[Any, ...] = (sys.stdout, sys.stderr)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
