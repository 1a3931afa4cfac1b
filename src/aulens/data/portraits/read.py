"""Adapter for coded portraits: folders of pictures cut from public sources, with the codes that lie here.

ROOT holds `sfhq/`, `cc0/`, `pexels/`, `openpeople/` and `london/`, or some of them, as
`python -m aulens.data.portraits.cut` makes them, or is one of them. A row is a picture that two coders coded;
its part is its split, always "test" for openpeople and london.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from aulens.data.folders import delivered_root, listing
from aulens.data.index import PICTURE, FrameIndex, Problem
from aulens.data.portraits.codes import CODES, read_portrait_codes
from aulens.data.portraits.cut import CUT, is_delivered
from aulens.data.portraits.splits import PORTRAITS, TESTING, TRAINING, split_of, subject_of
from aulens.data.registry import DatasetEntry
from aulens.errors import DatasetError
from aulens.named import several

SOURCES: Final = (*TRAINING, *TESTING)


def read_portraits(root: Path) -> FrameIndex:
    """The coded portraits of a folder, or of one source if it is given.

    Pictures that are stylised or bad in the eyes of one coder stay out. The frame of a picture is the number
    in its name where a person has several, else 0.

    Raises:
        DatasetError: there is no such folder, no source in it, or it holds the sources as delivered.
    """
    home = delivered_root(Path(root), SOURCES)
    wanted = SOURCES if home == Path(root) else (Path(root).resolve().name.lower(),)
    root = home
    there = [source for source in wanted if (root / source).is_dir()]
    if not there:
        what = "pictures as delivered" if is_delivered(root) else f"none of the folders {', '.join(SOURCES)}"
        raise DatasetError(f"{root} holds {what}; cut the portraits out first: {CUT}")
    codes = read_portrait_codes(CODES)
    present = {f"{source}/{name}" for source in there for name in listing(root / source).files}
    kept = {
        file: row
        for row, file in enumerate(codes.files)
        if file.partition("/")[0] in there and not codes.left_out[row]
    }
    files = sorted(kept, key=lambda file: (subject_of(file), _frame(file)))
    rows = [kept[file] for file in files]
    return FrameIndex(
        dataset=PORTRAITS,
        aus=codes.aus,
        media=tuple(str(root / file) if file in present else "" for file in files),
        position=np.full(len(rows), PICTURE, np.int32),
        subject=np.array([subject_of(file) for file in files], dtype=np.str_),
        sequence=np.full(len(rows), "portrait"),
        frame=np.array([_frame(file) for file in files], np.int64),
        labels=codes.labels[rows],
        landmarks=None,
        part=np.array([split_of(file) for file in files], dtype=np.str_),
        problems=tuple(_problems(wanted, there, [file for file in files if file not in present])),
        intensities=codes.intensities[rows],
        one_sided=codes.one_sided[rows],
    )


def _frame(file: str) -> int:
    """P001_07_Confused.jpg: 7, 001_08.jpg: 8; there is one of everybody else."""
    source, _, name = file.partition("/")
    return int(Path(name).stem.split("_")[1]) if source in TESTING else 0


def _problems(wanted: Sequence[str], there: Sequence[str], lost: Sequence[str]) -> list[Problem]:
    problems = []
    for source in wanted:
        if source not in there:
            problems.append(Problem("note", "missing_source", source, "there is no folder of this source."))
        elif names := [file for file in lost if file.startswith(f"{source}/")]:
            message = f"{len(names)} coded pictures are missing ({several(names)}); cut them out again."
            problems.append(Problem("warning", "missing_picture", source, message, len(names)))
    return problems


ENTRY: Final = DatasetEntry(read_portraits)
