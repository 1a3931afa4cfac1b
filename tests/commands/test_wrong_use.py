"""Values that no command can do anything with: a sentence and exit code 2, whichever command it is."""

from collections.abc import Iterator

import click
import pytest
import typer

from aulens.cli import app
from command_line import aulens


def commands(group: click.Command, *names: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands below one, each with what is typed to call it."""
    if not hasattr(group, "commands"):
        yield names, group
        return
    for name, below in group.commands.items():
        yield from commands(below, *names, name)


COUNTS = [
    (*names, option)
    for names, command in commands(typer.main.get_command(app))
    for parameter in command.params
    for option in parameter.opts
    if option in ("--threads", "--processes", "--workers", "--jobs")
]


def test_all_commands_were_found() -> None:
    assert {("detect", "--threads"), ("study", "run", "--jobs"), ("render", "--processes")} <= set(COUNTS)


@pytest.mark.parametrize("call", COUNTS, ids=" ".join)
@pytest.mark.parametrize("count", [1025, 2**31 - 1, 999_999_999_999])
def test_numbers_of_threads_that_no_machine_has_are_refused(call: tuple[str, ...], count: int) -> None:
    done = aulens(*call, count)
    assert done.code == 2
    assert "1024" in done.err


@pytest.mark.parametrize(
    ("call", "given"),
    [
        (("",), "''"),
        (("detect", ""), "detect ''"),
        (("detect", "a.png", "--out", ""), "--out ''"),
        (("detect", "--out=", "a.png"), "--out="),
        (("explain", "a.png", "-o", ""), "-o ''"),
        (("train", "--config", "a.toml", "--out", "run", "--start", ""), "--start ''"),
        (("study", "run", "a.toml", "--out", "study", "--data", ""), "--data ''"),
        (("convert", "jaanet", "--out", "a.safetensors", "--folder", ""), "--folder ''"),
    ],
)  # fmt: skip
def test_an_empty_name_is_not_the_current_folder(call: tuple[str, ...], given: str) -> None:
    done = aulens(*call)
    assert done.code == 2
    assert str(done.error) == f"{given}: an empty name; an unset variable? Give . for this folder"
