"""The command line: `aulens detect`, `report`, `app`; `prepare`, `render`, `train`, `evaluate` and more.

Results go to standard output, all else to standard error. Exit codes: 0 all done, 1 some inputs failed,
2 wrong use.
"""

import re
import shlex
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from aulens import __version__
from aulens.commands.app import app as web_page
from aulens.commands.convert import app as convert
from aulens.commands.detect import detect
from aulens.commands.doctor import doctor
from aulens.commands.explain import explain
from aulens.commands.graph import graph
from aulens.commands.prepare import prepare
from aulens.commands.render import render
from aulens.commands.report import report
from aulens.commands.research import evaluate, export, train
from aulens.commands.study import app as study
from aulens.commands.terminal import legible_lines, speak_utf8
from aulens.errors import AulensError, ConfigError
from aulens.interrupts import ended_by_signals


class _NoEmptyArguments(TyperGroup):
    """Commands of which none is given an empty name: as a path, that would be the current folder."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for place, arg in enumerate(args):
            if not arg or re.fullmatch("--[a-z0-9-]+=", arg):
                given = args[max(place - 1, 0) : place + 1] if not arg else [arg]
                raise ConfigError(
                    f"{shlex.join(given)}: an empty name; an unset variable? Give . for this folder"
                )
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="aulens",
    cls=_NoEmptyArguments,
    help="Find facial Action Units in pictures and videos: which, on which side of the face, and where.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _panel, _command in (
    ("Use a model", detect),
    ("Use a model", report),
    ("Use a model", explain),
    ("Use a model", web_page),
    ("Make a model", doctor),
    ("Make a model", prepare),
    ("Make a model", render),
    ("Make a model", train),
    ("Make a model", evaluate),
    ("Make a model", export),
    ("Make a model", graph),
):
    app.command(rich_help_panel=_panel)(_command)
app.add_typer(study, name="study", rich_help_panel="Make a model")
app.add_typer(convert, name="convert", rich_help_panel="Make a model")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aulens {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop."),
    ] = False,
) -> None:
    pass


def main(command: Callable[[], object] = app) -> None:
    """Run the command line; an error that the user can mend is one line on standard error, exit code 2.

    SIGTERM and SIGHUP stop a command as Ctrl-C does, with exit code 143 or 129.
    """
    speak_utf8()
    with ended_by_signals():
        _run(command)


def _run(command: Callable[[], object]) -> None:
    try:
        command()
    except (AulensError, OSError) as error:  # OSError: a folder without write permission, a full disk
        sys.stderr.write(f"aulens: {legible_lines(error)}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
