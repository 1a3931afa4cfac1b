"""Decisions as files in the two forms that the ABAW challenges have asked for; those files read and checked.

* ABAW-2 (and 1): a folder with one text per video, "VIDEO.txt". Its first line names the AUs, "AU1,AU2,...";
  then comes one line "0,1,..." for each frame of the video, from the first to the last.
* ABAW-3 on: one text for all videos. Its first line is "image_location,AU1,AU2,..."; then comes one line
  "VIDEO/00001.jpg,0,1,..." for each image.

Every frame is decided, also those where no face was found: a submission knows no MISSING. Reading is strict,
because a frame that is lost or stands twice moves all others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.aus import AFFWILD2, MISSING, AUSet
from aulens.contents import text_of
from aulens.errors import DatasetError, InputError
from aulens.files import write_text
from aulens.metrics.counts import checked_decisions

IMAGE_COLUMN: Final = "image_location"
"""Name of the first column of the one-file form."""
_IMAGE_COLUMNS: Final = (IMAGE_COLUMN, "image")  # the second is read too

Decisions = NDArray[np.int8]


def write_video_decisions(
    folder: Path, decisions: Mapping[str, ArrayLike], aus: AUSet = AFFWILD2
) -> tuple[Path, ...]:
    """Write the ABAW-2 form: FOLDER/VIDEO.txt for each video. Files of the same name are replaced.

    Args:
        folder: made if need be.
        decisions: for each video's name, e.g. "30-30-1920x1080_left": (frames, A) bool or {0, 1}.
        aus: the AUs of the axis A.

    Returns:
        The files, in the order of `decisions`.

    Raises:
        InputError: a name that is no file name, or decisions of another shape or code; nothing is written
            then.
    """
    texts: dict[Path, str] = {}
    for video, values in decisions.items():
        if not _is_name(video, '/\\:*?"<>|') or not video.strip(". "):
            raise InputError(
                f"{video!r:.80} is no name of a video; give a text that can name a file, without folder and "
                "ending"
            )
        rows = _decisions(values, aus, f"video {video!r}")
        texts[Path(folder) / f"{video}.txt"] = _text(aus.labels, *rows.tolist())
    Path(folder).mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        write_text(path, text)
    return tuple(texts)


def write_image_decisions(
    path: Path, images: Sequence[str], decisions: ArrayLike, aus: AUSet = AFFWILD2
) -> None:
    """Write the form of ABAW-3 on: one file of all images.

    Args:
        path: of the file; its folder must exist.
        images: (N,) "VIDEO/00001.jpg" and so on, each once.
        decisions: (N, A) bool or {0, 1}.
        aus: the AUs of the axis A.

    Raises:
        InputError: an image named twice, a name that would break the file, or decisions of another shape or
            code; nothing is written then.
    """
    rows = _decisions(decisions, aus, "the images")
    if len(images) != len(rows):
        raise InputError(f"{len(images)} images but decisions for {len(rows)}; give one row for each image")
    if odd := [image for image in images if not _is_name(image, ",")]:
        raise InputError(
            f"{odd[0]!r:.80} cannot name an image; give a text without comma, line break or other control "
            "characters, and without spaces at its ends"
        )
    if twice := [image for image, count in Counter(images).items() if count > 1]:
        raise InputError(f"image {twice[0]!r} is given twice; decide each image once")
    lines = ((image, *row) for image, row in zip(images, rows.tolist(), strict=True))
    write_text(Path(path), _text((IMAGE_COLUMN, *aus.labels), *lines))


def read_video_decisions(
    folder: Path, aus: AUSet = AFFWILD2, frames: Mapping[str, int] | None = None
) -> dict[str, Decisions]:
    """Read and check the ABAW-2 form: every .txt file of a folder.

    Args:
        folder: with one file per video.
        aus: the AUs that the files must name, in this order.
        frames: how many frames each video has, if known: then every video must be there, in full.

    Returns:
        Video → (frames, A) int8 in {0, 1}, by name.

    Raises:
        DatasetError: it says which file, which line, what is wrong and what to do.
    """
    files = {path.stem: path for path in sorted(Path(folder).glob("*.txt"))}
    if not files:
        raise DatasetError(f"{folder} holds no .txt file; give the folder with one text per video")
    _compare(Path(folder), "video", files, frames)
    found: dict[str, Decisions] = {}
    for video, path in files.items():
        rows = [_row(cells, aus, path, line) for line, cells in _lines(path, [aus.labels])]
        if frames is not None and len(rows) != frames[video]:
            raise DatasetError(
                f"{path} decides {len(rows)} frames, but the video has {frames[video]}; write one line for "
                "every frame, also where no face was found"
            )
        found[video] = np.array(rows, np.int8).reshape(-1, len(aus))
    return found


def read_image_decisions(
    path: Path, aus: AUSet = AFFWILD2, images: Collection[str] | None = None
) -> tuple[tuple[str, ...], Decisions]:
    """Read and check the form of ABAW-3 on.

    Args:
        path: of the file.
        aus: the AUs that it must name, in this order.
        images: the images to decide, if known: then every one must be there, and no other.

    Returns:
        The N images in the order of the file, and (N, A) int8 in {0, 1}.

    Raises:
        DatasetError: it says which line, what is wrong and what to do.
    """
    path = Path(path)
    headers = [(column, *aus.labels) for column in _IMAGE_COLUMNS]
    rows: list[tuple[int, ...]] = []
    lines: dict[str, int] = {}
    for line, (image, *cells) in _lines(path, headers):
        if not image:
            raise DatasetError(f"{path}, line {line} names no image; begin it with VIDEO/00001.jpg or alike")
        if image in lines:
            raise DatasetError(
                f"{path}, line {line}: image {image} was decided in line {lines[image]} already; keep one"
            )
        lines[image] = line
        rows.append(_row(cells, aus, path, line))
    _compare(path, "image", lines, images)
    return tuple(lines), np.array(rows, np.int8).reshape(-1, len(aus))


def _is_name(name: object, barred: str) -> bool:
    """Whether this is a text, not empty, of one line, without the barred marks and spaces at its ends."""
    return (
        isinstance(name, str)
        and 0 < len(name) == len(name.strip())
        and name.isprintable()  # no NUL, which no file can be called, and no half of a character
        and not any(mark in name for mark in barred)
    )


def _decisions(values: ArrayLike, aus: AUSet, whose: str) -> Decisions:
    """(N, A) in {0, 1}, or an InputError that says whose they are."""
    try:
        rows = checked_decisions(values)
    except InputError as error:
        raise InputError(f"{whose}: {error}; frames without a face need a decision too") from None
    if rows.shape[1] != len(aus):
        raise InputError(f"{whose}: decisions of {rows.shape[1]} AUs, but {aus.name!r} has {len(aus)}")
    return rows.astype(np.int8)


def _text(*lines: Iterable[object]) -> str:
    return "".join(",".join(map(str, line)) + "\n" for line in lines)


def _lines(path: Path, headers: Sequence[Sequence[str]]) -> Iterator[tuple[int, list[str]]]:
    """Check the header; then give (2, its cells) and so on, as many cells as the header has."""
    try:
        lines = text_of(path).rstrip().split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read as text: {error}") from None
    header = [cell.strip() for cell in lines[0].split(",")]
    if header not in [list(allowed) for allowed in headers]:
        raise DatasetError(
            f"{path}, line 1: the header must be {','.join(headers[0])!r}, got {','.join(header)[:200]!r}; "
            "name all AUs in this order"
        )
    for number, line in enumerate(lines[1:], 2):
        cells = [cell.strip() for cell in line.split(",")]
        if cells == [""]:
            raise DatasetError(
                f"{path}, line {number} is empty; remove it, or decide the frame that it stands for"
            )
        if len(cells) != len(header):
            raise DatasetError(
                f"{path}, line {number} has {len(cells)} values, but the header names {len(header)}; "
                f"write {','.join(header)}"
            )
        yield number, cells


def _row(cells: Sequence[str], aus: AUSet, path: Path, line: int) -> tuple[int, ...]:
    """The decisions of a line."""
    for label, cell in zip(aus.labels, cells, strict=True):
        if cell not in ("0", "1"):
            hint = (
                f"{MISSING} is for label files: decide every frame, e.g. like the last one with a face"
                if cell == str(MISSING)
                else "apply the threshold first"
            )
            raise DatasetError(f"{path}, line {line}: {label} must be 0 or 1, got {cell!r:.80}; {hint}")
    return tuple(int(cell) for cell in cells)


def _compare(path: Path, kind: str, found: Collection[str], wanted: Collection[str] | None) -> None:
    """Refuse names that are lacking or too many, if it is known which are wanted."""
    if wanted is None:
        return
    present, asked = set(found), set(wanted)
    if lacking := [name for name in wanted if name not in present]:
        raise DatasetError(
            f"{path} lacks {len(lacking)} of {len(asked)} {kind}s, the first is {lacking[0]}; "
            f"decide every {kind}"
        )
    if surplus := [name for name in found if name not in asked]:
        raise DatasetError(
            f"{path} has {len(surplus)} {kind}s that were not asked for, the first is {surplus[0]}; "
            "leave them out"
        )
