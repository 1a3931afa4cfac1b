"""A data set of re-animated portraits, in the folder layout of `aulens render`."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from aulens.data.portraits.splits import split_of
from aulens.errors import DatasetError
from aulens.faces.default import MakeDetector
from aulens.faces.detector import described
from aulens.faces.registry import DetectorSpec
from aulens.files import atomic_write
from aulens.image import read_image
from aulens.render.acting import draw_joint
from aulens.render.dataset import Rows, Worker, build, claim, image_path, picture_columns, save_image
from aulens.render.displacement import save_fields
from aulens.render.reanimate.animate import animate, displaced, draw_manner, draw_portrait_appearance
from aulens.render.reanimate.frame import draw_cut, frame
from aulens.render.reanimate.labels import may_add, moved_labels, read_codes
from aulens.render.reanimate.portraits import (
    CHUNK,
    Points,
    ReanimateConfig,
    Studio,
    digest_of,
    parted,
    pictures_of,
    points_in,
    read_landmarks,
    surveyor,
)

Report = Callable[[str, int, int], None]
"""Called with (what is done: "portraits" or "pictures", done, in all)."""
_NAMED: Final = 3


@dataclass(frozen=True)
class Made:
    """A finished data set.

    Attributes:
        manifest: its manifest.parquet.
        portraits: how many were re-animated.
        left_out: name of each portrait that was not, to the reason.
    """

    manifest: Path
    portraits: int
    left_out: Mapping[str, str]


def reanimate(
    out: str | Path,
    config: ReanimateConfig,
    processes: int | None = None,
    progress: Report | None = None,
    detector: MakeDetector = DetectorSpec(),  # noqa: B008 - it is frozen
) -> Made:
    """Re-animate a folder of portraits; after a kill, the same call goes on where it stopped.

    A portrait that can't be used (unreadable, no face or several, small, turned away, unlike any head) is
    left out, and noted with the reason in left_out.csv.

    Args:
        out: folder, made if missing. A folder begun with other settings is refused.
        config: what to make.
        processes: how many at once; all cores by default.
        progress: what it raises ends the work.
        detector: makes what finds the landmarks, if no file gives them; importable in other processes.

    Raises:
        ConfigError: there are no pictures, or `out` holds something else.
        DatasetError: landmarks, codes or rig can't be read; no portrait can be used; the disk is full.
    """
    root = Path(out)
    pictures = pictures_of(config, root)
    if config.landmarks:
        read_landmarks(config.landmarks)
    if config.codes:
        read_codes(config.codes)
    paths = ("portraits", "assets", "landmarks", "codes")
    settings = {key: value for key, value in asdict(config).items() if key not in paths}
    if not config.displacements:  # older folders go on
        del settings["displacements"]
    if not config.landmarks and detector != DetectorSpec():
        settings["detector"] = described(detector())
    claim(root, {**settings, "portraits": len(pictures), "inputs": digest_of(config, pictures)})

    chunks = [min(CHUNK, len(pictures) - first) for first in range(0, len(pictures), CHUNK)]
    survey = build(
        root / "portraits.parquet", chunks, surveyor, (config, pictures, detector), doing="detecting",
        processes=processes, progress=progress and partial(progress, "portraits"),
    )  # fmt: skip
    left_out = _note_left_out(root, survey)
    usable = survey[survey["left_out"] == ""].sort_values("file", ignore_index=True)
    if usable.empty:
        examples = "; ".join(f"{file}: {why}" for file, why in list(left_out.items())[:_NAMED])
        raise DatasetError(f"none of {len(survey)} portraits can be re-animated: {examples}")
    points = {str(row["file"]): points_in(row) for _, row in usable.iterrows()}
    counts = _pictures_each(config, len(points))
    manifest = root / "manifest.parquet"
    build(
        manifest, counts, _animator, (config, pictures, points, counts, root), doing="rendering",
        processes=processes, progress=progress and partial(progress, "pictures"),
    )  # fmt: skip
    return Made(manifest, sum(count > 0 for count in counts), left_out)


def _note_left_out(root: Path, survey: pd.DataFrame) -> dict[str, str]:
    rows = survey.loc[survey["left_out"] != "", ["file", "left_out"]].sort_values("file")
    with atomic_write(root / "left_out.csv") as part:
        rows.rename(columns={"left_out": "why"}).to_csv(part, index=False)
    return dict(zip(rows["file"], rows["left_out"], strict=True))


def _pictures_each(config: ReanimateConfig, portraits: int) -> list[int]:
    """How many pictures are made of each portrait; which ones get one more is drawn."""
    counts = np.full(portraits, config.n // portraits)
    more = np.random.default_rng(config.seed).permutation(portraits)[: config.n % portraits]
    counts[more] += 1
    return [int(count) for count in counts]


def _animator(
    config: ReanimateConfig, pictures: Mapping[str, Path], points: Mapping[str, Points], counts: list[int],
    root: Path,
) -> Worker:  # fmt: skip
    studio, names = Studio.of(config, pictures), list(points)
    firsts = np.concatenate([[0], np.cumsum(counts)])

    def work(portrait: int) -> Rows:
        file = names[portrait]
        return reanimate_portrait(studio, file, points[file], int(firsts[portrait]), counts[portrait], root)

    return work


def reanimate_portrait(studio: Studio, file: str, points: Points, first: int, count: int, root: Path) -> Rows:
    """Draw and save `count` pictures of a portrait, from picture `first` on; returns their manifest rows."""
    config, muscles = studio.config, studio.basis.muscles
    if not count:
        return []
    image, fitted, shows = read_image(studio.pictures[file]), studio.fitted(file, points), studio.shows(file)
    opening = parted(points) / fitted.scale
    allowed = may_add(shows, fitted.units, opening)
    # A portrait's own stream: others in the folder change nothing about it.
    own = zlib.crc32(file.encode())
    appearance = draw_portrait_appearance(np.random.default_rng([config.seed, own]))
    rows = []
    for number in range(count):
        rng = np.random.default_rng([config.seed, own, number])
        action = draw_joint(rng, allowed)
        manner = draw_manner(rng, appearance, fitted.pose[0])
        framed = frame(image, fitted, muscles.rig, draw_cut(rng), config.size)
        picture = animate(muscles, framed, action, manner)
        save_image(root, first + number, picture.image)
        if config.displacements:
            save_fields(root, first + number, displaced(muscles, framed, action, manner))
        yaw, pitch, roll = picture.pose
        row: dict[str, Any] = {
            "file": image_path(first + number), "index": first + number, "rig": config.rig, "subject": file,
            "split": split_of(file), "seed": config.seed, "portrait": file,
            "yaw": yaw, "pitch": pitch, "roll": roll,
        }  # fmt: skip
        seen = moved_labels(shows, action, opening, picture.parted)
        rows.append(row | picture_columns(seen, picture.landmarks))
    return rows
