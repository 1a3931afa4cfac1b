"""CPU time and peak memory per face: detect, align, model, decode; each row in a process of its own.

    python benchmarks/runtime.py [--model CARD] [--checkpoint FILE] [--threads 1 2] [--repeat 40]

The picture is scikit-image's astronaut, 512 x 512 pixels, one face. "detect x2" enlarges it to find smaller
faces too (`aulens detect --upscale 2`); "model / 8" is the model on 8 faces at once, per face; "all" is all
four. Times are CPU milliseconds of all threads together, and for "wall" of the clock;
"load" is from nothing to a loaded model, the library's import included. With --checkpoint, torch in eager
mode runs the model of that file as well.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np

Run = Callable[[np.ndarray], np.ndarray]


def measure(call: Callable[[], object], repeat: int) -> tuple[float, float]:
    """Median (CPU ms, wall ms) of a call, after a few that do not count."""
    for _ in range(3):
        call()
    cpu, wall = [], []
    for _ in range(repeat):
        at = time.process_time(), time.perf_counter()
        call()
        cpu.append(time.process_time() - at[0])
        wall.append(time.perf_counter() - at[1])
    return 1000 * float(np.median(cpu)), 1000 * float(np.median(wall))


def load(kind: str, threads: int, model: str | None, checkpoint: str | None) -> Run:
    """A function from images (B, 3, S, S) to maps."""
    from aulens.runtime.backend import open_session
    from aulens.runtime.card import find_card, read_card

    if kind != "torch":
        return open_session(read_card(find_card(model)).onnx, kind, threads)
    import torch

    from aulens.models import load_checkpoint

    torch.set_num_threads(threads)
    network = load_checkpoint(str(checkpoint))[0].eval()

    def run(images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return network.maps(torch.from_numpy(images)).numpy()

    return run


def one(kind: str, threads: int, repeat: int, model: str | None, checkpoint: str | None) -> dict[str, float]:
    """Measure one row in this process."""
    started = time.perf_counter()
    run = load(kind, threads, model, checkpoint)
    found = {"load": 1000 * (time.perf_counter() - started)}

    import cv2
    import skimage.data

    from aulens.align import TEMPLATES, crop_matrix, transform, warp
    from aulens.faces.dlib_detector import DlibDetector
    from aulens.roi import RoiGrid, centres, decode, side_scores
    from aulens.runtime.analyzer import to_input
    from aulens.runtime.card import find_card, read_card

    cv2.setNumThreads(threads)
    card = read_card(find_card(model))
    template, grid = TEMPLATES[card.template], RoiGrid(card.crop, card.map, card.roi_side)
    image = skimage.data.astronaut()
    detector, enlarging = DlibDetector(), DlibDetector(upscale=2)
    (face,) = detector(image)

    def align() -> tuple[np.ndarray, np.ndarray]:
        matrix = crop_matrix(face.landmarks, card.crop, template)
        return to_input(warp(image, matrix, card.crop)[None]), transform(matrix, face.landmarks)[None]

    images, landmarks = align()
    eight, maps = images.repeat(8, axis=0), run(images)

    def scores(maps: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        return side_scores(decode(maps, grid.windows(centres(landmarks, card.aus))), card.aus)

    def everything() -> None:
        detector(image)
        images, landmarks = align()
        scores(run(images), landmarks)

    found["detect"] = measure(lambda: detector(image), repeat)[0]
    found["detect x2"] = measure(lambda: enlarging(image), repeat)[0]
    found["align"] = measure(align, repeat)[0]
    found["model"] = measure(lambda: run(images), repeat)[0]
    found["model / 8"] = measure(lambda: run(eight), repeat)[0] / 8
    found["decode"] = measure(lambda: scores(maps, landmarks), repeat)[0]
    found["all"], found["all, wall"] = measure(everything, repeat)
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    found["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    found["installed MB"] = sum(file.locate().stat().st_size for file in files(kind)) / 1e6
    return found


def files(package: str) -> list[Any]:
    """The files of an installed package."""
    return [file for file in distribution(package).files or [] if Path(str(file.locate())).is_file()]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="card or .onnx; by default the shipped one")
    parser.add_argument("--checkpoint", help="checkpoint of the same model, for torch")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeat", type=int, default=40)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.one, given.threads[0], given.repeat, given.model, given.checkpoint)))
        return
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    titled = False
    for kind in ["onnxruntime", "openvino"] + (["torch"] if given.checkpoint else []):
        for threads in given.threads:
            command = [sys.executable, str(Path(__file__)), "--one", kind, "--threads", str(threads)]
            command += ["--repeat", str(given.repeat)]
            for option in ("model", "checkpoint"):
                command += [f"--{option}", getattr(given, option)] if getattr(given, option) else []
            environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"{kind}, {threads} threads: {done.stderr.strip().splitlines()[-1]}")
            found = json.loads(done.stdout)
            if not titled:
                print("| run by | threads | " + " | ".join(found) + " |")
                print("| --- | --- |" + " --- |" * len(found))
                titled = True
            cells = (f"{value:.0f}" if value >= 100 else f"{value:.2f}" for value in found.values())
            print(f"| {kind} | {threads} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
