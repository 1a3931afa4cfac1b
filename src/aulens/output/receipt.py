"""What was made of one video, and how: NAME.json, beside the table."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from aulens.errors import InputError
from aulens.files import write_text
from aulens.output.identity import IF_SET, VIDEO, differs
from aulens.output.names import ENDINGS

_FORMAT: Final = "aulens-clip/1"
_OUTPUTS: Final = ("format", "overlay", "report")
"""Settings that choose what is written, and change nothing of what is in it."""
_REPLACED: Final = "replaced"
_FIGURE: Final = re.compile(r"(?:timeline|cooccurrence)(?:-person[0-9]+)?\.(?:svg|pdf)")


@dataclass(frozen=True)
class Receipt:
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
        left_out: how many faces the settings' limits left out of events, page and figures, in words; None:
            there are no limits.
        remark: what else is to be known of the results: who has no baseline, why there are no blinks; or
            None.
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
    left_out: str | None = None
    remark: str | None = None


def write_receipt(path: Path, done: Receipt) -> None:
    """Write it as JSON, in one step."""
    text = json.dumps({"format": _FORMAT, **asdict(done)}, indent=1, ensure_ascii=False) + "\n"
    write_text(path, text)


def read_receipt(path: Path, identity: Mapping[str, Any]) -> Receipt | None:
    """What an earlier run made of the same video with the same settings and all of whose files are there.

    None for a video that was not done, or changed since.

    Raises:
        InputError: it was done with other settings.
    """
    found = _read(path)
    if found is None or _REPLACED in found["identity"]:
        return None
    if any(found["identity"].get(key) != identity[key] for key in (*VIDEO, "frames")):
        return None
    if found["identity"] != identity:
        raise InputError(f"{path}: it was done before, but {differs(found['identity'], identity)}")
    done = Receipt(**found)
    return done if all((path.parent / name).exists() for name in done.files.values()) else None


def files_of(path: Path) -> dict[str, Path]:
    """What a receipt NAME.json names and is of NAME alone, by what it is; nothing if it is no receipt."""
    found = _read(path)
    files = found["files"].items() if found is not None else ()
    named = {kind: name for kind, name in files if isinstance(name, str) and name.startswith(path.stem)}
    return {
        kind: path.with_name(name) for kind, name in named.items() if name.removeprefix(path.stem) in ENDINGS
    }


def with_old(path: Path, identity: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, str]:
    """What is there of a video: what an earlier run made stays if it tells the same, else it is taken away.

    Args:
        path: of the earlier run's receipt.
        identity: of the new run.
        files: names of what the new run made, by what it is.
    """
    found, kept = _read(path), dict(files)
    before = {} if found is None else found["identity"]
    same = all(before.get(key) == identity.get(key) for key in {*identity, *IF_SET} - {*_OUTPUTS})
    for kind, old in files_of(path).items():
        if old.name in files.values() or not old.exists():
            continue
        if same:
            kept[kind if kind not in files else f"{kind}{old.suffix}"] = old.name
        elif old.is_dir():
            clear_figures(old)
        else:
            old.unlink()
    return kept


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
    """A run begins that replaces what an earlier one made: nothing of it is done any more."""
    found = _read(path)
    if found is not None:
        write_receipt(path, replace(Receipt(**found), identity={**found["identity"], _REPLACED: True}))


def _read(path: Path) -> dict[str, Any] | None:
    """What `write_receipt` wrote; None if there is no such file, or one of somebody else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError, ValueError):
        return None
    if not isinstance(found, dict) or found.pop("format", None) != _FORMAT:
        return None
    found = {"left_out": None, "remark": None} | found  # earlier versions had none
    return found if found.keys() == {field.name for field in fields(Receipt)} else None
