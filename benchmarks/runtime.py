"""CPU time and peak memory per face: detect, align, model, decode; each row in a process of its own.

    python benchmarks/runtime.py [--model CARD] [--checkpoint FILE] [--threads 1 2] [--repeat 40]

The picture is scikit-image's astronaut, 512 x 512 pixels, one face. "detect x2" enlarges it to find smaller
faces too (`aulens detect --upscale 2`). CPU is the time of all threads together. With --checkpoint, torch in
eager mode runs the model of that file instead.
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
from pathlib import Path
from typing import Any

import numpy as np

PARTS = ("detect", "detect x2", "align", "model", "decode", "all")


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


def one(kind: str, threads: int, repeat: int, model: str | None, checkpoint: str | None) -> dict[str, Any]:
    """Measure one configuration in this process."""
    import cv2
    import skimage.data

    from aulens.align import TEMPLATES, crop_matrix, transform, warp
    from aulens.faces.dlib_detector import DlibDetector
    from aulens.roi import RoiGrid, centres, decode, side_scores
    from aulens.runtime.analyzer import Analyzer, to_input

    cv2.setNumThreads(threads)
    image = skimage.data.astronaut()
    detector, enlarging = DlibDetector(), DlibDetector(upscale=2)
    analyzer = Analyzer(model, detector, "openvino" if kind == "openvino" else "onnxruntime", threads)
    card = analyzer.card
    (face,) = detector(image)

    def align() -> np.ndarray:
        return to_input(
            warp(image, crop_matrix(face.landmarks, card.crop, TEMPLATES[card.template]), card.crop)[None]
        )

    tensor = align()
    run = analyzer._session if kind != "torch" else torch_model(checkpoint, threads)
    maps = run(tensor)
    grid = RoiGrid(card.crop, card.map, card.roi_side)
    landmarks = transform(crop_matrix(face.landmarks, card.crop, TEMPLATES[card.template]), face.landmarks)

    def decoded() -> np.ndarray:
        return side_scores(decode(maps, grid.windows(centres(landmarks, card.aus))[None]), card.aus)

    def everything() -> None:
        detector(image)
        run(align())
        decoded()

    calls = dict(
        zip(
            PARTS,
            (
                lambda: detector(image),
                lambda: enlarging(image),
                align,
                lambda: run(tensor),
                decoded,
                everything,
            ),
            strict=True,
        )
    )
    parts = {name: measure(call, repeat) for name, call in calls.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "parts": parts,
        "peak": peak / (1 << 20 if sys.platform == "darwin" else 1 << 10),
        "model": card.name,
    }


def torch_model(checkpoint: str | None, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """The model of a checkpoint in eager mode, without gradients."""
    import torch

    from aulens.models import load_checkpoint

    torch.set_num_threads(threads)
    model = load_checkpoint(str(checkpoint))[0].eval()

    def run(tensor: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return model.maps(torch.from_numpy(tensor)).numpy()

    return run


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
    kinds = ["onnxruntime", "openvino"] + (["torch"] if given.checkpoint else [])
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(
        "| run by | threads | "
        + " | ".join(f"{part}, CPU ms" for part in PARTS)
        + " | all, wall ms | peak MB |"
    )
    print("| --- | --- |" + " --- |" * (len(PARTS) + 2))
    for kind in kinds:
        for threads in given.threads:
            command = [sys.executable, str(Path(__file__)), "--one", kind, "--threads", str(threads)]
            command += ["--repeat", str(given.repeat)]
            for option in ("model", "checkpoint"):
                command += [f"--{option}", getattr(given, option)] if getattr(given, option) else []
            environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"| {kind} | {threads} | {done.stderr.strip().splitlines()[-1]} |")
                continue
            found = json.loads(done.stdout)
            cells = [f"{found['parts'][part][0]:.2f}" for part in PARTS]
            cells += [f"{found['parts']['all'][1]:.2f}", f"{found['peak']:.0f}"]
            print(f"| {kind} | {threads} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
