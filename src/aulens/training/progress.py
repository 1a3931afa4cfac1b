"""The progress of a training: a bar and one line per epoch, on stderr."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Display:
    """A bar over the steps of an epoch; silent when not wanted. Use as a context manager."""

    def __init__(self, wanted: bool) -> None:
        self._console = Console(stderr=True, quiet=not wanted)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        # A log file gets the lines only.
        self._bar = Progress(
            *columns,
            console=self._console,
            transient=True,
            disable=not (wanted and self._console.is_terminal),
        )
        self._task = self._bar.add_task("", total=1, note="")

    def __enter__(self) -> Display:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, title: str, total: int, done: int = 0) -> None:
        """Start a new bar."""
        self._bar.reset(self._task, description=title, total=total, completed=done, note="")

    def step(self, note: str = "") -> None:
        """Advance by one."""
        self._bar.update(self._task, advance=1, note=note)

    def say(self, text: str) -> None:
        """Write a line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
