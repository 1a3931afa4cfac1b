"""What was made of one video, and how: NAME.json, beside the table."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from aulens.errors import InputError
from aulens.record.identity import VIDEO, differs
from aulens.record.names import ENDINGS

_FORMAT: Final = "aulens-clip/1"
_FIGURE: Final = re.compile(r"(?:timeline|cooccurrence)(?:-person[0-9]+)?\.(?:svg|pdf)")


@dataclass(frozen=True)
class Recorded:
    """What was made of one video.

    Attributes:
        source: path of the video, as it was given.
        identity: the video, the model and the settings, by which a later run knows that this is done.
        frames: analyzed.
        with_face: frames in which at least one face was seen.
        people: who were told apart.
        rows: of the table.
        problem: where the video ended early and why, or None.
        files: what was written, by what it is ("table", "events", "overlay", "report"), names in the folder.
        versions: of aulens and of the packages that a result depends on.
    """

    source: str
    identity: Mapping[str, Any]
    frames: int
    with_face: int
    people: int
    rows: int
    problem: str | None
    files: Mapping[str, str]
    versions: Mapping[str, str]


def write_done(path: Path, done: Recorded) -> None:
    """Write it as JSON, in one step."""
    fresh = path.with_name(f"{path.name}.new")
    text = json.dumps({"format": _FORMAT, **asdict(done)}, indent=1, ensure_ascii=False) + "\n"
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def read_done(path: Path, identity: Mapping[str, Any]) -> Recorded | None:
    """What an earlier run made of the same video with the same settings and all of whose files are there.

    None for a video that was not done, or changed since.

    Raises:
        InputError: it was done with other settings.
    """
    found = _read(path)
    if found is None or found["identity"].keys() == set(VIDEO):
        return None
    if any(found["identity"].get(key) != identity[key] for key in (*VIDEO, "frames")):
        return None
    if found["identity"] != identity:
        raise InputError(f"{path}: it was done before, but {differs(found['identity'], identity)}")
    done = Recorded(**found)
    return done if all((path.parent / name).exists() for name in done.files.values()) else None


def made_by(path: Path) -> dict[str, Path]:
    """What a receipt NAME.json names and is of NAME alone, by what it is; nothing if it is no receipt."""
    found = _read(path)
    files = found["files"].items() if found is not None else ()
    named = {kind: name for kind, name in files if isinstance(name, str) and name.startswith(path.stem)}
    return {
        kind: path.with_name(name) for kind, name in named.items() if name.removeprefix(path.stem) in ENDINGS
    }


def remove_old(path: Path, files: Mapping[str, str]) -> None:
    """Take away what an earlier run made, by its receipt at `path`, and the new one did not make.

    Args:
        path: of the receipt.
        files: names of what the new run made, by what it is.
    """
    for old in made_by(path).values():
        if old.name in files.values():
            continue
        if old.is_dir():
            clear_figures(old)
        else:
            old.unlink(missing_ok=True)


def clear_figures(folder: Path) -> None:
    """Remove the figures of an earlier run, which may be of other people; then the folder, if it is empty."""
    if not folder.is_dir() or folder.is_symlink():
        return
    for path in folder.iterdir():
        if _FIGURE.fullmatch(path.name):
            path.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def begin_anew(path: Path) -> None:
    """A run begins that replaces what an earlier one made: only of which video that is stays known."""
    found = _read(path)
    if found is not None:
        write_done(
            path, replace(Recorded(**found), identity={key: found["identity"].get(key) for key in VIDEO})
        )


def _read(path: Path) -> dict[str, Any] | None:
    """What `write_done` wrote; None if there is no such file, or one of somebody else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError, ValueError):
        return None
    if not isinstance(found, dict) or found.pop("format", None) != _FORMAT:
        return None
    return found if found.keys() == {field.name for field in fields(Recorded)} else None
