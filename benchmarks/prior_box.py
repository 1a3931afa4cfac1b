"""Where dlib's box should lie in a tight, aligned picture in which it finds no face itself.

    python benchmarks/prior_box.py [--people 24] [--frames 8]

Needs the extra `render`. Cuts renders as Aff-Wild2's pictures are cut, and measures landmarks against true
ones: mean distance over the points inside the face / distance of the eye centres.
"""

import argparse
from itertools import product

import numpy as np
from numpy.typing import NDArray

from aulens.aus import AFFWILD2
from aulens.data.prepare.faces import PRIOR_BOX
from aulens.faces.dlib_detector import DlibDetector
from aulens.landmarks import IBUG49, LEFT_EYE, RIGHT_EYE
from aulens.render.expression import Muscles
from aulens.render.generate import load_rig
from aulens.render.lookalike.affwild2 import FRAMING
from aulens.render.lookalike.cast import cast
from aulens.render.lookalike.config import LookalikeConfig
from aulens.render.lookalike.film import Frame, film, level_crop

SIDE = 112


def crops(people: int, frames: int) -> list[Frame]:
    config = LookalikeConfig(AFFWILD2.name, subjects=people, frames=frames, seed=5)
    muscles = Muscles.of(load_rig(config.rig, config.assets))
    return [
        level_crop(frame, SIDE)
        for take in cast(config)
        for frame in film(take, take.frames, config, muscles, FRAMING)
    ]


def error(found: NDArray[np.float64], frame: Frame) -> float:
    true = frame.landmarks
    eyes = np.hypot(*(true[list(RIGHT_EYE)].mean(0) - true[list(LEFT_EYE)].mean(0)))
    inner = list(IBUG49.in68)
    return float(np.hypot(*(found[inner] - true[inner]).T).mean() / eyes)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--frames", type=int, default=8)
    options = parser.parse_args()
    detector = DlibDetector()
    pictures = crops(options.people, options.frames)
    found = [detector(frame.image) for frame in pictures]
    seen = [(faces[0], frame) for faces, frame in zip(found, pictures, strict=True) if faces]
    errors = [error(face.landmarks, frame) for face, frame in seen]
    boxes = np.array([(face.box + 0.5) / SIDE for face, _ in seen])
    print(f"dlib finds {len(seen)} of {len(pictures)}, error {np.mean(errors):.4f}; its mean box as shares")
    print(f"{np.round(boxes.mean(0), 3).tolist()}, spread {np.round(boxes.std(0), 3).tolist()}\n")
    print("| x0, y0, x1, y1 | mean error | of those not found |\n| --- | ---: | ---: |")
    grid = [
        (0.5 - side / 2, middle - side / 2, 0.5 + side / 2, middle + side / 2)
        for middle, side in product(np.arange(0.52, 0.77, 0.04), np.arange(0.60, 1.03, 0.06))
    ]
    lost = np.array([not faces for faces in found])
    rows = []
    for box in (PRIOR_BOX, *grid):
        place = np.array(box) * SIDE - 0.5
        each = np.array([error(detector.landmarks(frame.image, place), frame) for frame in pictures])
        rows.append((each.mean(), each[lost].mean() if lost.any() else np.nan, box))
    for mean, unfound, box in [rows[0], *sorted(rows[1:])[:8]]:
        print(f"| {', '.join(f'{share:.2f}' for share in box)} | {mean:.4f} | {unfound:.4f} |")


if __name__ == "__main__":
    main()
