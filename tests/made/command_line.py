"""Calls of the command line as a user makes them, and pictures to call it with."""

from pathlib import Path

from PIL import Image
from typer.testing import CliRunner

from aulens.cli import app
from aulens.errors import AulensError
from people import astronaut, noise


class Result:
    """What a call of the command line left behind."""

    def __init__(self, code: int, out: bytes, err: str, error: BaseException | None) -> None:
        self.code, self.bytes, self.err, self.error = code, out, err, error
        self.out = out.decode("utf-8", errors="replace")


def aulens(*arguments: object) -> Result:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit | AulensError):
        raise done.exception
    code = 2 if isinstance(done.exception, AulensError) else done.exit_code
    return Result(code, done.stdout_bytes, done.stderr, done.exception)


def write_pictures(folder: Path) -> Path:
    """One picture with a face (a.png), one without (b.png), one that is none (c.jpg)."""
    folder.mkdir()
    Image.fromarray(astronaut()).save(folder / "a.png", compress_level=1)
    Image.fromarray(noise(80, 80)).save(folder / "b.png")
    (folder / "c.jpg").touch()
    return folder
