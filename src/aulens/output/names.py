"""Names of the files that are made of several inputs: none is written over by another."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from aulens.contents import json_of
from aulens.formats import MEANT_SUFFIXES
from aulens.named import MOVES_TERMINALS, first_bytes
from aulens.output.checkpoint import CHECKPOINT, is_ours
from aulens.output.identity import VIDEO, video_of

_KEPT: Final = ("columns", "results", "index")
"""What `aulens detect` writes beside the files of videos: columns.csv, results.csv, index.html."""
_EVENTS: Final = ".events"
_PART: Final = ".part"
ENDINGS: Final = (".csv", ".jsonl", ".parquet", ".events.csv", ".json", ".html", ".figures", ".overlay.mp4")
"""What files and folders that belong to one video are called behind its name."""
_MAX_BYTES: Final = 180  # bytes of a name: most disks take 255, and endings come behind it


def free_name(stem: str, taken: set[str]) -> str:
    """`stem`, or with the first number that makes it new: "a", "a-2", "a-3"; notes it as taken.

    Names that differ by case only, or by how their accents are stored, are one, as some disks have it. Very
    long ones are cut.
    """
    stem = MOVES_TERMINALS.sub("_", stem).replace("\\", "_")  # elsewhere it parts folders
    stem = stem.encode("utf-8", "replace")[:_MAX_BYTES].decode("utf-8", "ignore")
    name, number = stem, 2
    while _key(name) in taken:
        name, number = f"{stem}-{number}", number + 1
    taken.add(_key(name))
    return name


def names_beside(clips: Iterable[str]) -> set[str]:
    """What is taken, for `free_name`, where a picture's table comes beside the files of these videos."""
    return {_key(name) for name in (*_KEPT, *clips)}


def clip_names(
    paths: Iterable[str | Path], out: str | Path | None = None, *, patterns: bool = False
) -> tuple[str, ...]:
    """A name for the files of each video, by its own.

    Of several "talk" in several folders, each has its folder in its name, "P01_talk", "P02_talk"; what still
    has the same becomes "talk-2". So does a video "a.events" beside "a", as the events of "a" are so called.
    A video from which something was made in `out` keeps its name; names of files there that are not known to
    be of this video are not taken, but where a receipt is damaged: whoever writes that video says so.

    Args:
        paths: of videos, or of what stands for one.
        out: folder of the results; None: nothing is there.
        patterns: a path that is no file may stand for pictures ("day1/*.png"), which are called by their
            folder; else a star is a letter as any other.
    """
    given = [str(path) for path in paths]
    taken = names_beside(())
    names: dict[int, str] = {}
    theirs: set[str] = set()
    if out is not None and Path(out).is_dir():
        names, damaged = _known(given, Path(out))
        theirs = _there(Path(out)) - damaged | {_key(name) for name in names.values()}
        taken |= theirs
    stems = _stems(given, patterns)
    for number, path in enumerate(given):
        if number in names:
            continue
        stem, parent = stems[number], Path(path).parent.name
        if _key(stem) in theirs and parent and stem == _stem(path, patterns):
            stem = f"{parent}_{stem}"
        name = free_name(stem, taken)
        taken.add(_key(f"{name}{_EVENTS}"))
        if name.endswith(_EVENTS):
            taken.add(_key(name.removesuffix(_EVENTS)))
        names[number] = name
    return tuple(names[number] for number in range(len(given)))


def _stems(given: list[str], patterns: bool) -> list[str]:
    """The name of each without its ending; of those that share one, with the folders that differ."""
    stems = [_stem(path, patterns) for path in given]
    count = Counter(_key(stem) for stem in stems)
    folders = [Path(os.path.abspath(path)).parent for path in given]
    top = os.path.commonpath(folders) if folders else ""
    return [
        "_".join([*folder.relative_to(top).parts, stem]) if count[_key(stem)] > 1 else stem
        for folder, stem in zip(folders, stems, strict=True)
    ]


def stem_of(path: str) -> str:
    """A file's name without its ending, if that is one of pictures or videos: "tape.01" has none."""
    name = Path(path).name
    stem, ending = os.path.splitext(name)
    return stem if ending.lower() in MEANT_SUFFIXES else name


def _stem(path: str, patterns: bool) -> str:
    """Of a folder of pictures, all of its name; of a pattern of pictures, the folder's."""
    if patterns and not os.path.lexists(path) and re.search(r"[*?]|%0?\d*d", path):
        path = os.path.dirname(path) or "."
    path = os.path.abspath(path)
    return Path(path).name if os.path.isdir(path) else stem_of(path)


def _key(name: str) -> str:
    """Equal for names that some disk takes for one."""
    return unicodedata.normalize("NFC", name).casefold()


def _known(given: list[str], out: Path) -> tuple[dict[int, str], set[str]]:
    """The names of those of which something was made, by their place; names whose receipts are damaged."""
    by_path: dict[str, str] = {}
    by_video: dict[tuple[Any, ...], str] = {}
    damaged: set[str] = set()
    for file, name in _records(out):
        try:
            found = json_of(file)
            identity = found["identity"]
            by_video[tuple(identity.get(key) for key in VIDEO)] = name
            by_path[found["source"]] = name
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            if _begins_as_ours(file):
                damaged.add(_key(name))
    videos = [video_of(path) for path in given]
    # What a camera saw is there once: it is never written over.
    there = [number for number, video in enumerate(videos) if video["bytes"] is not None]
    names: dict[int, str] = {}
    used: set[str] = set()

    def take(number: int, name: str | None) -> None:
        if number not in names and name is not None and name not in used:
            names[number] = name
            used.add(name)

    for number in there:
        take(number, by_path.get(given[number]))
    for number in there:
        take(number, by_video.get(tuple(videos[number][key] for key in VIDEO)))
    return names, damaged


def _begins_as_ours(record: Path) -> bool:
    """Whether a file begins as a receipt or a checkpoint, or has nothing in it that can be read."""
    begin = first_bytes(record, 64)
    return record.is_file() and (not begin or b'"aulens-' in begin)


def _records(out: Path) -> Iterable[tuple[Path, str]]:
    """What says of which video something in the folder is."""
    for path in sorted(out.iterdir()):
        if path.suffix == ".json" and path.is_file():
            yield path, path.stem
        elif path.suffix == _PART:
            yield path / CHECKPOINT, path.stem


def _there(out: Path) -> set[str]:
    """Names that files in the folder have."""
    paths = list(out.iterdir())
    parts = [path for path in paths if path.suffix == _PART]
    begun = {path.stem for path in parts if (path / CHECKPOINT).is_file() or not is_ours(path)}
    done = {path.name.removesuffix(end) for path in paths for end in ENDINGS if path.name.endswith(end)}
    return {_key(name) for name in begun | done}
