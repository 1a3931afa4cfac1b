"""Look-alike folders by the look-alikes' own writers; quickly, as their pictures are a photo that moves."""

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from actors import Acted

from aulens.data.registry import LOOKALIKE
from aulens.render.lookalike import LookalikeConfig, layouts
from aulens.render.lookalike.config import cast

FRAMES = 48


def write(layout: str, root: Path) -> Path:
    if layout == "manifest":
        return write_manifest(root)
    config = LookalikeConfig(layout, 6, tasks=1 if layout == "bp4d" else None, frames=FRAMES, size=160)
    for take in cast(config):
        layouts.WRITERS[layout](root, take, Acted(config, None, []))
    (root / LOOKALIKE).write_text("{}")
    return root


def write_manifest(root: Path) -> Path:
    """Three subjects, two of them with two clips; there are no pictures to look at."""
    clips = [
        ("a", "1", "train"),
        ("a", "2", "train"),
        ("b", "1", "test"),
        ("b", "2", "test"),
        ("c", "1", "test"),
    ]
    rows = [
        {
            "path": f"{s}{q}{t}.jpg",
            "subject": s,
            "sequence": q,
            "frame": t,
            "part": part,
            "AU12": (t // 5) % 2,
        }
        for s, q, part in clips
        for t in range(20)
    ]
    for row in rows:
        (root / str(row["path"])).touch()
    pd.DataFrame(rows).to_csv(root / "manifest.csv", index=False)
    return root


@pytest.fixture(scope="session")
def delivered(tmp_path_factory):
    """Layout -> a healthy folder, not to be changed."""
    made: dict[str, Path] = {}

    def folder(layout: str) -> Path:
        if layout not in made:
            made[layout] = write(layout, tmp_path_factory.mktemp(layout))
        return made[layout]

    return folder


@pytest.fixture
def copied(delivered, tmp_path: Path):
    """Layout -> a copy to be spoilt, in which large files are links (see `spoil`)."""

    def copy(old: str, new: str) -> None:
        large = old.endswith((".jpg", ".avi", "_lm.mat"))
        (os.link if large else shutil.copyfile)(old, new)

    def folder(layout: str) -> Path:
        return shutil.copytree(delivered(layout), tmp_path / layout, copy_function=copy)

    return folder
