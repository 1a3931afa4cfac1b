"""Look-alike folders by the look-alikes' own writers; quickly, as their pictures are a photo that moves."""

from pathlib import Path

import pytest
from actors import film

from aulens.render.lookalike import LookalikeConfig, affwild2, bp4d, disfa
from aulens.render.lookalike.cast import cast
from aulens.render.lookalike.film import Studio

FRAMES = 64


def write(layout: str, root: Path, subjects: int, frames: int, tasks: int | None = None) -> Path:
    writer = {"bp4d": bp4d, "disfa": disfa, "affwild2": affwild2}[layout]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "film", film)
        config = LookalikeConfig(layout, subjects, tasks=tasks, frames=frames, size=160)
        for take in cast(config):
            writer.write_take(root, take, Studio(config, None, []))
    (root / "lookalike.json").write_text("{}")
    return root


@pytest.fixture(scope="session")
def delivered(tmp_path_factory):
    """Layout -> a healthy folder; to be copied before it is spoilt."""
    made: dict[str, Path] = {}

    def folder(layout: str) -> Path:
        if layout not in made:
            made[layout] = write(
                layout, tmp_path_factory.mktemp(layout), 6, FRAMES, 1 if layout == "bp4d" else None
            )
        return made[layout]

    return folder
