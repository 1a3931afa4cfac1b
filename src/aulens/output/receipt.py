"""What was made, of what and with what: NAME.json of a video, results.json of all pictures of a run."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from aulens.checked import checked
from aulens.errors import ConfigError, InputError
from aulens.files import write_text
from aulens.output.identity import IF_SET, VIDEO, differs
from aulens.output.names import ENDINGS

CLIP: Final = "aulens-clip/1"
PICTURES: Final = "aulens-pictures/2"
_OUTPUTS: Final = ("format", "overlay", "report")
"""Settings that choose what is written, and change nothing of what is in it."""
_REPLACED: Final = "replaced"
_OF_PICTURES: Final = ("poor", "failed")
_FIGURE: Final = re.compile(r"(?:timeline|cooccurrence)(?:-person[0-9]+)?\.(?:svg|pdf)")
_RESULT: Final = re.compile(r"results\.(?:csv|jsonl|parquet)|index\.html|pictures/[^/]+\.jpg")


@dataclass(frozen=True)
class Receipt:
    """What was made of one video, or of all pictures of a run.

    Attributes:
        source: path of the video, as it was given; None: of pictures.
        identity: the inputs, the model and the settings, by which a later run knows that this is done.
        frames: analyzed; pictures that were read.
        with_face: of these, in which at least one face was seen.
        people: who were told apart; faces in pictures.
        rows: of the table.
        problem: where the video ended early and why, or None.
        files: what was written, by what it is ("table", "events", "overlay", "report"), names in the folder.
        versions: of aulens and of the packages that a result depends on.
        left_out: how many faces the settings' limits left out of events, page and figures, in words; None:
            there are no limits.
        remark: what else is to be known of the results: who has no baseline, why there are no blinks; or
            None.
        poor: faces in pictures that are seen so badly that their AUs say little.
        failed: pictures that can't be read, each with the reason.
    """

    source: str | None
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
    poor: int = 0
    failed: Mapping[str, str] = field(default_factory=dict)


def write_receipt(path: Path, receipt: Receipt) -> None:
    """Write it as JSON, in one step."""
    told = {"format": PICTURES if receipt.source is None else CLIP, **asdict(receipt)}
    if receipt.source is not None:
        told = {name: value for name, value in told.items() if name not in _OF_PICTURES}
    write_text(path, json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def read_receipt(path: Path, identity: Mapping[str, Any]) -> Receipt | None:
    """What an earlier run made of the same inputs with the same settings and all of whose files are there.

    None for inputs that were not done, or changed since.

    Raises:
        InputError: a video was done with other settings.
    """
    found = _read(path)
    if found is None or _REPLACED in found.identity:
        return None
    if found.identity != identity:
        if found.source is None or any(
            found.identity.get(key) != identity[key] for key in (*VIDEO, "frames")
        ):
            return None
        raise InputError(f"{path}: it was done before, but {differs(found.identity, identity)}")
    return found if all((path.parent / name).exists() for name in found.files.values()) else None


def files_of(path: Path) -> dict[str, Path]:
    """What a receipt names and is of its results alone, by what it is; nothing if it is no receipt."""
    found = _read(path)
    named = {} if found is None else found.files
    if found is not None and found.source is None:
        ours = {kind: name for kind, name in named.items() if _RESULT.fullmatch(name)}
    else:
        ours = {kind: name for kind, name in named.items() if name in {path.stem + end for end in ENDINGS}}
    return {kind: path.parent / name for kind, name in ours.items()}


def with_old(path: Path, identity: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, str]:
    """What is there now: what an earlier run made stays if it tells the same, else it is taken away.

    Args:
        path: of the earlier run's receipt.
        identity: of the new run.
        files: names of what the new run made, by what it is.
    """
    found, kept = _read(path), dict(files)
    before = {} if found is None else found.identity
    same = all(before.get(key) == identity.get(key) for key in {*identity, *IF_SET} - {*_OUTPUTS})
    for kind, old in files_of(path).items():
        name = old.relative_to(path.parent).as_posix()
        if name in files.values() or not old.exists():
            continue
        if same:
            kept[kind if kind not in files else f"{kind}{old.suffix}"] = name
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
        write_receipt(path, replace(found, identity={**found.identity, _REPLACED: True}))


def _read(path: Path) -> Receipt | None:
    """What `write_receipt` wrote; None if there is no such file, or one of somebody else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError, ValueError):
        return None
    if not isinstance(found, dict) or found.pop("format", None) not in (CLIP, PICTURES):
        return None
    try:
        return checked(Receipt, found)  # earlier versions had no remarks and left nobody out
    except ConfigError:
        return None
