"""What was made, of what and with what: NAME.json of a video, results.json of all pictures of a run."""

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from aulens.checked import checked
from aulens.contents import json_of
from aulens.errors import ConfigError, InputError
from aulens.files import clear_unfinished, write_text
from aulens.output.identity import IF_SET, VIDEO, differs
from aulens.output.names import ENDINGS
from aulens.output.writers import count_rows
from aulens.tables.dictionary import FILE_NAME, is_dictionary

CLIP: Final = "aulens-clip/1"
PICTURES: Final = "aulens-pictures/2"
_LOG: Final = logging.getLogger(__name__)
_OUTPUTS: Final = ("format", "overlay", "report")
"""Settings that choose what is written, and change nothing of what is in it."""
_REPLACED: Final = "replaced"
_OF_PICTURES: Final = ("doubts", "failed")
_FIGURE: Final = re.compile(r"(?:timeline|cooccurrence)(?:-person[0-9]+)?\.(?:svg|pdf)")
_TABLE: Final = re.compile(r"(?!columns\.)[^/\\]+\.csv")
_RESULT: Final = re.compile(r"results\.(?:csv|jsonl|parquet)|index\.html|pictures/[^/]+\.jpg")


@dataclass(frozen=True)
class Receipt:
    """What was made of one video, or of all pictures of a run.

    Attributes:
        source: path of the video, as it was given; None: of pictures.
        identity: the inputs, the model and the settings, by which a later run knows that this is done.
        frames: analyzed; pictures that were read.
        with_face: of these, in which at least one face was seen.
        people: who were distinguished; faces in pictures.
        rows: of the table.
        problem: where the video ended early and why, or None.
        files: what was written, by what it is ("table", "events", "overlay", "report"), names in the folder.
        versions: of aulens and of the packages that a result depends on.
        left_out: how many faces the settings' limits left out, in words; None: there are no limits.
        remark: what else is to be known of the results: how many rows are doubtful and why, who has no
            baseline, why there are no blinks; or None.
        digest: of the tables as they were written, SHA-256; None: of an earlier version.
        doubts: why faces in pictures are doubtful (`FaceResult.doubt`), and how many are so.
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
    digest: str | None = None
    doubts: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)


def joined(*texts: str | None) -> str | None:
    """Sentences as one text, each said once; None without any."""
    return "; ".join(dict.fromkeys(one for text in texts if text for one in text.split("; "))) or None


def write_receipt(path: Path, receipt: Receipt) -> None:
    """Write it as JSON, in one step."""
    content = {"format": PICTURES if receipt.source is None else CLIP, **asdict(receipt)}
    if receipt.source is not None:
        content = {name: value for name, value in content.items() if name not in _OF_PICTURES}
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_receipt(path: Path, identity: Mapping[str, Any]) -> Receipt | None:
    """What an earlier run made of the same inputs with the same settings and all of whose files are there.

    None for inputs that were not done, or changed since.

    Raises:
        InputError: a video was done with other settings.
    """
    found = current_receipt(path)
    if found is None:
        return None
    if found.identity != identity:
        if found.source is None:
            return None
        if any(found.identity.get(key) != identity[key] for key in (*VIDEO, "frames")):
            _LOG.warning("%s: the video has changed since it was analyzed; it is analyzed anew", found.source)
            return None
        raise InputError(f"{path}: it was done before, but {differs(found.identity, identity)}")
    # Not Path.exists, which raises at names that no disk can hold.
    return found if all(os.path.exists(path.parent / name) for name in found.files.values()) else None


def mismatch(path: Path, receipt: Receipt) -> str | None:
    """In what tables are not what the receipt at `path` says, or None: another run or somebody wrote them."""
    tables = tables_of(_named(path, receipt))
    if not tables:
        return f"{path} names no table"
    try:
        rows, digest = sum(map(count_rows, tables)), digest_of(tables)
    except FileNotFoundError:
        return None  # it was taken away, and is made anew
    except (OSError, ValueError) as error:
        return f"{tables[0]} can't be read as a table ({error})"
    if rows != receipt.rows:
        return f"{tables[0]} has {rows:,} rows, but {path.name} says {receipt.rows:,}"
    if receipt.digest not in (None, digest):
        return f"{tables[0]} was changed since {path.name} was written"
    return None


def current_receipt(path: Path) -> Receipt | None:
    """That of an earlier run, unless there is none or a run has begun to replace what it made."""
    found = _read(path)
    return None if found is None or _REPLACED in found.identity else found


def tables_of(made: Mapping[str, Path]) -> list[Path]:
    """The table among the files of a receipt; of pictures there may be one for each."""
    if "table" in made:
        return [made["table"]]
    return [path for kind, path in made.items() if kind == path.name and path.suffix == ".csv"]


def digest_of(tables: Iterable[Path]) -> str:
    """SHA-256 of what is in them, one after another."""
    digest = hashlib.sha256()
    for table in tables:
        with table.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()


def not_ours(path: Path, made: Iterable[Path]) -> str | None:
    """What would be written over although aulens did not make it, or None.

    Args:
        path: of the receipt that will say what was made; an earlier one says what was.
        made: files to be made, in the same folder.
    """
    if os.path.lexists(path) and _read(path) is None:
        return f"{path} is no receipt of aulens, or a damaged one, and would be written over"
    ours = set(files_of(path).values())
    for file in made:
        if file in ours or not os.path.lexists(file):
            continue
        if file.name != FILE_NAME or not is_dictionary(file):  # that is of all runs into a folder
            return f"{file} would be written over, and {path.name} does not say that aulens made it"
    return None


def files_of(path: Path) -> dict[str, Path]:
    """What a receipt names and is of its results alone, by what it is; nothing if it is no receipt.

    A table of one picture, which may be called as anything, is so only as long as it is what was written.
    """
    found = _read(path)
    if found is None:
        return {}
    made = _named(path, found)
    if found.source is None and "table" not in made and mismatch(path, found) is not None:
        return {kind: file for kind, file in made.items() if file.suffix != ".csv"}
    return made


def _named(path: Path, receipt: Receipt) -> dict[str, Path]:
    """What it names and may be of its results; nothing of what lies elsewhere, or behind a link."""
    if receipt.source is not None:
        ours = {path.stem + end for end in ENDINGS}
        made = {kind: name for kind, name in receipt.files.items() if name in ours}
    else:
        made = {
            kind: name for kind, name in receipt.files.items()
            if _RESULT.fullmatch(name) or (kind == name and _TABLE.fullmatch(name))
        }  # fmt: skip
    files = {kind: path.parent / name for kind, name in made.items()}
    linked = {file.parent for file in files.values() if file.parent.is_symlink()} - {path.parent}
    return {kind: file for kind, file in files.items() if file.parent not in linked}


def with_earlier_files(path: Path, identity: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, str]:
    """What is there now, of a run's identity and files: what an earlier run made stays if it says the same.

    Else it is taken away; `path` is that of its receipt.
    """
    found, kept = _read(path), dict(files)
    before = {} if found is None else found.identity
    same = all(before.get(key) == identity.get(key) for key in {*identity, *IF_SET} - {*_OUTPUTS})
    for kind, old in files_of(path).items():
        name = old.relative_to(path.parent).as_posix()
        if name in files.values() or not old.exists():
            continue
        if same:
            kept[kind if kind not in {*files, "table"} else f"{kind}{old.suffix}"] = name
        elif old.is_dir():
            clear_figures(old)
        else:
            old.unlink()
    return kept


def clear_figures(folder: Path) -> None:
    """Remove the figures of an earlier run, which may be of other people; then the folder, if it is empty."""
    if not folder.is_dir() or folder.is_symlink():
        return
    clear_unfinished(folder)
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
        found = json_of(path)
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or found.pop("format", None) not in (CLIP, PICTURES):
        return None
    try:
        return checked(Receipt, found)  # earlier versions had no remarks and left nobody out
    except ConfigError:
        return None
