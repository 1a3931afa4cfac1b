"""What people name: files and folders, of pictures, of videos or of nothing for us; times on a clip."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from PIL import UnidentifiedImageError

from aulens.errors import ConfigError, InputError
from aulens.formats import (
    BOXES,
    DAMAGE,
    MEANT_SUFFIXES,
    MJPEG_SUFFIXES,
    PICTURE_SUFFIXES,
    VIDEO_SUFFIXES,
    known_kind,
    no_picture,
    open_picture,
    pages,
)
from aulens.named import first_bytes, real, regular_file

MediaKind = Literal["picture", "clip"]

_PREVIEWS: Final = frozenset({".lrf", ".lrv", ".thm"})
"""Small copies that cameras put beside their videos."""
_MAYBE_TEXT: Final = frozenset({".mod", ".ts"})
"""Endings that programs have too."""
_NO_TEXT: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True)
class Found:
    """The files that a path stands for.

    Attributes:
        pictures: by their content, sorted by path; and what is none, but was meant as one: reading it says
            why it can't be read.
        clips: videos and pictures that move or have several pages, likewise.
        failed: folders that can't be looked into, and why.
        others: how many other files there were, by the ending of their names; "hidden .jpg" those that could
            be pictures or videos, but for the point with which their names begin.
    """

    pictures: tuple[Path, ...]
    clips: tuple[Path, ...]
    failed: Mapping[Path, str]
    others: Mapping[str, int]


def media_at(path: str | Path, *, skip: Iterable[Path] = ()) -> Found:
    """A folder stands for all pictures and videos below it, also where links lead; a file stands for itself.

    What a file is, its content says. In a folder, hidden files, the previews of cameras, what is in `skip`,
    and everything below a folder in it are left out. A file is taken whatever it is, also if missing.
    """
    path = Path(path)
    by_kind: dict[MediaKind, list[Path]] = {"picture": [], "clip": []}
    failed: dict[Path, str] = {}
    others = Counter[str]()
    listed = path.is_dir()
    if listed and _is_of_kernel(path):
        failed[path] = "this is the kernel's, not a folder on a disk; it holds no pictures, no videos"
    barred = {str(real(one)) for one in skip}
    for file in sorted(_files(path, barred, failed)) if listed else [path]:
        ending = file.suffix.lower()
        if listed and file.name.startswith(".") and ending != ".icloud":
            # macOS writes a "._NAME" beside each file on other disks.
            others[f"hidden {ending}"] += ending in MEANT_SUFFIXES and not file.name.startswith("._")
            continue
        kind = _kind(file)
        if listed and (kind is None or ending in _PREVIEWS):
            others[ending] += 1
        else:
            by_kind[kind or _promised(file)].append(file)
    return Found(tuple(by_kind["picture"]), tuple(by_kind["clip"]), failed, dict(+others))


def walk(
    top: Path, unread: Callable[[OSError], None] | None = None
) -> Iterator[tuple[Path, list[str], list[str]]]:
    """As `os.walk`, sorted, no hidden folders; also where links lead, each folder once, however many do.

    Folders of the kernel (/proc, /sys) are left out: links there lead to all that is mounted.
    """
    seen = set[str]()
    for here, folders, names in os.walk(top, followlinks=True, onerror=unread):
        place = str(real(here))
        if place in seen or _is_of_kernel(here):
            folders.clear()
            continue
        seen.add(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield Path(here), folders, sorted(names)


def media_kind(path: str | Path) -> MediaKind:
    """What a file is by its content, whatever its name: a picture, or a clip to be read frame by frame.

    A damaged picture is one too: reading it says what is wrong with it.

    Raises:
        InputError: it is neither, and why.
    """
    path = Path(path)
    regular_file(path)
    try:
        with open_picture(path) as picture:
            frames = path.suffix.lower() in MJPEG_SUFFIXES and picture.format == "JPEG"
            return "clip" if frames or len(pages(picture)) > 1 else "picture"
    except UnidentifiedImageError:
        pass
    except InputError:
        raise
    except DAMAGE:
        return "picture"
    why = no_picture(path)
    if _is_text(path) or known_kind(path) is not None:
        raise InputError(f"{path}: {why}")
    from aulens.video.container import opened  # takes longer to load than a picture takes

    try:
        with opened(path):
            return "clip"
    except InputError as error:
        if _promised(path) == "clip":
            raise
        raise InputError(f"{path}: {why}") from error


def is_clip(path: Path) -> bool:
    """Whether a file is to be read frame by frame: a video, or a picture that moves or has several pages."""
    try:
        return media_kind(path) == "clip"
    except InputError:
        return _promised(path) == "clip"  # reading it says what is wrong with it


def parse_time(text: str | None, option: str) -> float | None:
    """A time of day on a clip: "90", "1:30" and "0:01:30.0" are the same.

    Raises:
        ConfigError: it is no such time.
    """
    if text is None:
        return None
    parts = text.split(":")
    try:
        numbers = [float(part) for part in parts]
        fine = len(parts) <= 3 and all(0 <= n < 60 for n in numbers[1:]) and 0 <= numbers[0] < float("inf")
    except ValueError:
        fine = False
    if not fine:
        raise ConfigError(f"{option} {text}: not a time; write seconds (90), 1:30 or 0:01:30.5")
    total = 0.0
    for number in numbers:
        total = 60 * total + number
    return total


def _files(top: Path, barred: set[str], failed: dict[Path, str]) -> Iterator[Path]:
    """All that is no folder below one."""

    def unread(error: OSError) -> None:
        failed[Path(error.filename)] = f"the folder can't be looked into ({error.strerror})"

    for here, folders, names in walk(top, unread):
        place = real(here)
        if not barred.isdisjoint(map(str, (place, *place.parents))):
            folders.clear()
            continue
        for name in names:
            file = here / name
            if not (barred and str(real(file)) in barred):
                yield file


def _is_of_kernel(folder: str | Path) -> bool:
    """Whether what looks like files there is made by Linux as it is read."""
    try:
        kernel = [os.stat(top).st_dev for top in ("/proc", "/sys") if os.path.ismount(top)]
        return os.stat(folder).st_dev in kernel
    except OSError:  # gone meanwhile
        return False


def _kind(file: Path) -> MediaKind | None:
    """What a file is or was meant as; None if it has nothing to do with us."""
    try:
        return media_kind(file)
    except InputError:
        pass
    ending = file.suffix.lower()
    if ending in _MAYBE_TEXT and _is_text(file):
        return None
    # A folder of a participant may be a link whose disk is not there.
    is_lost = not ending and file.is_symlink() and not os.path.exists(file)
    is_meant = is_lost or ending in MEANT_SUFFIXES or first_bytes(file)[4:8] in BOXES
    return _promised(file) if is_meant else None


def _promised(file: Path) -> MediaKind:
    """What a file that can't be read promises to be, by its name and how it begins."""
    if file.suffix.lower() in VIDEO_SUFFIXES - PICTURE_SUFFIXES:
        return "clip"
    return "clip" if first_bytes(file)[4:8] in BOXES and known_kind(file) is None else "picture"


def _is_text(file: Path) -> bool:
    start = first_bytes(file, 4096)
    return start.startswith((b"\xff\xfe", b"\xfe\xff")) or _NO_TEXT.search(start) is None
