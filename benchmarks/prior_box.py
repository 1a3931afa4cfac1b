"""Where a detector's box should lie in a tight, aligned picture in which it finds no face itself.

    python benchmarks/prior_box.py [--n 240] [--detector dlib]

Needs the extra `render`, and for dlib the extra `dlib`. Cuts renders as Aff-Wild2's pictures are cut, and
measures landmarks against true ones: mean distance over the points inside the face / distance of the eye
centres.
"""

import argparse
import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.align import AnchorTemplate, transform, warp
from aulens.faces.detector import AlignedFollower
from aulens.faces.registry import DEFAULT_DETECTOR, DetectorSpec
from aulens.landmarks import IBUG49, LEFT_EYE, RIGHT_EYE
from aulens.render.expression import Muscles
from aulens.render.generate import RenderConfig, load_rig, render_subject

SIDE = 112
TIGHT = AnchorTemplate("tight", right_eye=(0.345, 0.46), left_eye=(0.655, 0.46), mouth=(0.5, 0.82))


@dataclass(frozen=True, eq=False)
class Crop:
    image: NDArray[np.uint8]
    landmarks: NDArray[np.float64]


def crops(count: int) -> list[Crop]:
    config = RenderConfig(n=count, seed=5, size=256, per_subject=4)
    muscles = Muscles.of(load_rig(config.rig, config.assets))
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for subject in range(-(-count // config.per_subject)):
            for row in render_subject(config, muscles, subject, Path(folder)):
                image = cv2.imread(str(Path(folder) / row["file"]), cv2.IMREAD_COLOR_RGB)
                points = np.array([(row[f"x_{k}"], row[f"y_{k}"]) for k in range(68)])
                matrix = TIGHT.matrix(points, SIDE)
                made.append(Crop(warp(image, matrix, SIDE), transform(matrix, points)))
    return made


def error(found: NDArray[np.float64], frame: Crop) -> float:
    true = frame.landmarks
    eyes = np.hypot(*(true[list(RIGHT_EYE)].mean(0) - true[list(LEFT_EYE)].mean(0)))
    inner = list(IBUG49.in68)
    return float(np.hypot(*(found[inner] - true[inner]).T).mean() / eyes)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", type=int, default=240, help="pictures")
    parser.add_argument("--detector", default=DEFAULT_DETECTOR)
    options = parser.parse_args()
    detector = DetectorSpec(options.detector)()
    if not isinstance(detector, AlignedFollower):
        parser.error(f"{options.detector} lays no landmarks into a box")
    pictures = crops(options.n)
    found = [detector(frame.image) for frame in pictures]
    seen = [(faces[0], frame) for faces, frame in zip(found, pictures, strict=True) if faces]
    errors = [error(face.landmarks, frame) for face, frame in seen]
    boxes = np.array([(face.box + 0.5) / SIDE for face, _ in seen])
    print(f"{options.detector} finds {len(seen)} of {len(pictures)}, error {np.mean(errors):.4f};")
    print("its mean box as shares")
    print(f"{np.round(boxes.mean(0), 3).tolist()}, spread {np.round(boxes.std(0), 3).tolist()}\n")
    print("| x0, y0, x1, y1 | mean error | of those not found |\n| --- | ---: | ---: |")
    prior = np.array(detector.aligned_box)
    middle, half = (prior[:2] + prior[2:]) / 2, (prior[2:] - prior[:2]) / 2
    grid = [
        (*(middle + np.array([0, down]) - half * size), *(middle + np.array([0, down]) + half * size))
        for down, size in product(np.arange(-0.12, 0.13, 0.04), np.arange(0.79, 1.36, 0.08))
    ]
    lost = np.array([not faces for faces in found])
    rows = []
    for box in (tuple(prior), *grid):
        place = np.array(box) * SIDE - 0.5
        each = np.array([error(detector.landmarks(frame.image, place), frame) for frame in pictures])
        rows.append((each.mean(), each[lost].mean() if lost.any() else np.nan, box))
    for mean, unfound, box in [rows[0], *sorted(rows[1:])[:8]]:
        print(f"| {', '.join(f'{share:.2f}' for share in box)} | {mean:.4f} | {unfound:.4f} |")


if __name__ == "__main__":
    main()
