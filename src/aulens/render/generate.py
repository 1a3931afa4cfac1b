"""A folder of rendered faces with exact labels: the same for a seed, on any number of processes.

Layout: `images/00/000000.jpg`, `manifest.parquet` (one row per picture) and `meta.json`. See docs/renders.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pandas as pd

from aulens.aus import RENDERS
from aulens.data.whole import whole, write_text
from aulens.errors import ConfigError, DatasetError
from aulens.processes import in_processes
from aulens.render.acting import draw_action, draw_rest
from aulens.render.anny import load_anny
from aulens.render.expression import LEFT, RIGHT, Muscles, labels, lip_gap
from aulens.render.ict import load_ict
from aulens.render.person import draw_look
from aulens.render.rig import Rig
from aulens.render.scene import Person, render
from aulens.render.shot import draw_shot

RIGS: Final = ("anny", "ict")
_JPEG_QUALITY: Final = 93
_TEST_SHARE, _VAL_SHARE = 0.15, 0.15


def check_rig(name: str, assets: str | None) -> None:
    """Refuse a rig that is unknown, or lacks its assets, with a ConfigError."""
    if name not in RIGS:
        raise ConfigError(f"no rig {name!r}; there are {', '.join(RIGS)}")
    if name == "ict" and not assets:
        raise ConfigError("the rig 'ict' needs --assets: ICT-FaceKit's .npz or a checkout of its repository")


@dataclass(frozen=True)
class RenderConfig:
    """What to render.

    Attributes:
        n: number of pictures, >= 1.
        seed: any integer >= 0; decides everything.
        rig: one of `RIGS`.
        assets: where ICT-FaceKit lies (rig "ict" only).
        size: pixels of the square pictures, >= 48.
        per_subject: pictures of each person.
        wide: turn heads as far as profiles, not mostly towards the camera.
    """

    n: int
    seed: int = 1
    rig: str = "anny"
    assets: str | None = None
    size: int = 192
    per_subject: int = 12
    wide: bool = False

    def __post_init__(self) -> None:
        check_rig(self.rig, self.assets)
        if self.n < 1 or self.per_subject < 1 or self.seed < 0 or self.size < 48:
            raise ConfigError(
                f"n and per_subject must be at least 1, seed 0 and size 48; got n={self.n}, "
                f"per_subject={self.per_subject}, seed={self.seed}, size={self.size}"
            )


def load_rig(name: str, assets: str | None) -> Rig:
    """The rig by name, one of `RIGS`; "ict" needs `assets`.

    Raises:
        ConfigError: no such rig, or one without its assets.
        DatasetError: the rig's files are missing or are something else.
    """
    check_rig(name, assets)
    return load_anny() if name == "anny" else load_ict(Path(assets or ""))


def split_of(seed: int, rig: str, subject: int) -> str:
    """The one split that a subject is in: "train", "val" or "test", 70/15/15."""
    draw = np.random.default_rng([seed, RIGS.index(rig), subject, 1]).random()
    return "test" if draw < _TEST_SHARE else "val" if draw < _TEST_SHARE + _VAL_SHARE else "train"


def image_path(index: int) -> str:
    """Where picture `index` lies, below the root."""
    return f"images/{index // 1000:02d}/{index:06d}.jpg"


def render_subject(config: RenderConfig, muscles: Muscles, subject: int, root: Path) -> list[dict[str, Any]]:
    """Draw and save all pictures of one person; returns their manifest rows."""
    rng = np.random.default_rng([config.seed, RIGS.index(config.rig), subject])
    person = Person(muscles.rig.identity(rng), draw_look(rng), draw_rest(rng))
    rows = []
    first = subject * config.per_subject
    for index in range(first, min(config.n, first + config.per_subject)):
        # Each picture has its own stream, so that changing one leaves the others alone.
        own = np.random.default_rng([config.seed, RIGS.index(config.rig), subject, 2, index])
        action, shot = draw_action(own), draw_shot(own, wide=config.wide)
        picture = render(muscles, person, action, shot, config.size)
        path = root / image_path(index)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(path), picture.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]):
            raise DatasetError(f"could not write {path}: is the disk full or the folder read-only?")
        row: dict[str, Any] = {
            "file": image_path(index), "index": index, "rig": config.rig,
            "subject": f"{config.rig}-{config.seed}-{subject:05d}",
            "split": split_of(config.seed, config.rig, subject), "seed": config.seed,
            "yaw": shot.yaw, "pitch": shot.pitch, "roll": shot.roll,
        }  # fmt: skip
        seen = labels(action, lip_gap(picture.face, muscles.rig))
        for au in RENDERS:
            row[f"AU{au}_right"], row[f"AU{au}_left"] = seen[au][RIGHT], seen[au][LEFT]
        for point, (x, y) in enumerate(picture.landmarks):
            row[f"x_{point}"], row[f"y_{point}"] = float(x), float(y)
        rows.append(row)
    return rows


_worker: tuple[RenderConfig, Muscles, Path] | None = None


def _start_worker(config: RenderConfig, root: str) -> None:
    # A process of the pool keeps its rig: this is the one place where that needs a module variable.
    global _worker
    cv2.setNumThreads(0)
    _worker = (config, Muscles.of(load_rig(config.rig, config.assets)), Path(root))


def _save_table(rows: pd.DataFrame, path: Path) -> None:
    with whole(path) as part:
        rows.to_parquet(part)


def _work(subject: int) -> int:
    """Render one subject; returns the number of pictures."""
    assert _worker is not None
    config, muscles, root = _worker
    rows = render_subject(config, muscles, subject, root)
    _save_table(pd.DataFrame(rows), _part(root, subject))
    return len(rows)


def _part(root: Path, subject: int) -> Path:
    return root / "parts" / f"{subject:05d}.parquet"


def _claim(root: Path, config: RenderConfig) -> None:
    """Make the folder and note in it what is rendered; refuse one that was begun with other settings."""
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{root} is a file; give a folder to render into")
    meta = {
        key: value
        for key, value in asdict(config).items()
        if key != "assets" and (key, value) != ("wide", False)
    }
    meta_file = root / "meta.json"
    try:
        begun = json.loads(meta_file.read_text()) if meta_file.exists() else meta
    except json.JSONDecodeError as error:
        raise ConfigError(f"{meta_file} is damaged ({error}): give another --out, or delete it") from error
    if begun != meta:
        raise ConfigError(
            f"{root} was begun with {begun}, now asked for {meta}: give another --out, or delete it"
        )
    root.mkdir(parents=True, exist_ok=True)
    write_text(meta_file, json.dumps(meta, indent=1) + "\n")


def generate(
    out: str | Path,
    config: RenderConfig,
    processes: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Render a data set; after a kill, the same call goes on where it stopped.

    Args:
        out: folder, made if missing. A folder begun with other settings is refused.
        config: what to render.
        processes: how many at once; all cores by default.
        progress: called with (pictures done, pictures in all); what it raises ends the work.

    Returns:
        The path of manifest.parquet.

    Raises:
        ConfigError: if `out` is a file or holds a set made with other settings.
        DatasetError: if the rig's files are missing, the disk is full or a process died.
    """
    root = Path(out)
    _claim(root, config)
    manifest = root / "manifest.parquet"
    if manifest.exists():
        return manifest
    load_rig(config.rig, config.assets)  # fail here, in plain sight, rather than in a worker

    (root / "parts").mkdir(exist_ok=True)
    subjects = range(-(-config.n // config.per_subject))
    todo = [subject for subject in subjects if not _part(root, subject).exists()]
    done = config.n - sum(min(config.per_subject, config.n - s * config.per_subject) for s in todo)
    if progress:
        progress(done, config.n)
    pool = in_processes(
        todo, _work, processes, doing="rendering", start=_start_worker, settings=(config, str(root))
    )
    with closing(pool) as finished:
        for _, count in finished:
            done += count
            if progress:
                progress(done, config.n)
    rows = pd.concat([pd.read_parquet(_part(root, subject)) for subject in subjects], ignore_index=True)
    floats = rows.select_dtypes("float64").columns
    rows = rows.astype(dict.fromkeys(floats, np.float32))
    _save_table(rows.sort_values("index", ignore_index=True), manifest)
    for subject in subjects:
        _part(root, subject).unlink()
    (root / "parts").rmdir()
    return manifest
