"""Pictures to look at: a random sample of a data set."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.aus import PRESENT_STRENGTH, RENDERS
from aulens.data.renders import render_table
from aulens.files import write_bytes
from aulens.image import encode_picture, read_image

Image = NDArray[np.uint8]


def _tile(images: list[Image], columns: int) -> Image:
    """Equal pictures in rows; the last row is filled with grey."""
    blank = np.full_like(images[0], 40)
    images = images + [blank] * (-len(images) % columns)
    rows = [np.hstack(images[start : start + columns]) for start in range(0, len(images), columns)]
    return np.vstack(rows)


def _captioned(image: Image, text: str, side: int) -> Image:
    picture = np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    strip = np.full((18, side, 3), 24, np.uint8)
    cv2.putText(strip, text, (3, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (235, 235, 235), 1, cv2.LINE_AA)
    return np.vstack([picture, strip])


def _caption(row: pd.Series) -> str:
    """AUs present; R or L where only one side shows."""
    words = []
    for au in RENDERS:
        right, left = row[f"AU{au}_right"] >= PRESENT_STRENGTH, row[f"AU{au}_left"] >= PRESENT_STRENGTH
        if right or left:
            words.append(f"{au}" + ("" if right and left else "R" if right else "L"))
    return " ".join(words) or "rest"


def contact_sheet(
    root: str | Path, out: str | Path, count: int = 40, columns: int = 8, seed: int = 0
) -> Path:
    """Write one picture with `count` random renders of a data set and their AUs.

    Args:
        root: folder made by `generate`.
        out: .png or .jpg to write.
        count: how many, >= 1.
        columns: per row.
        seed: which ones.

    Raises:
        DatasetError: if `root` holds no finished data set.
        InputError: if one of its pictures can't be read.
        ConfigError: `out` ends neither in .png nor in .jpg.
    """
    rows = render_table(Path(root), ("file",))
    rows = rows.sample(min(count, len(rows)), random_state=seed)
    tiles = []
    for _, row in rows.iterrows():
        tiles.append(_captioned(read_image(Path(root) / row["file"]), _caption(row), 160))
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(out, encode_picture(out, _tile(tiles, columns)))
    return out
