"""CPU time and peak memory per face: detect, align, model, decode; each row in a process of its own.

    python benchmarks/runtime.py [--model CARD] [--checkpoint FILE] [--detector aulens|dlib] [--threads 1 2]
        [--repeat 40]

The picture is scikit-image's astronaut, 512 x 512 pixels, one face; for "photo" 480 x 480 in the middle of
640 x 480, from its JPEG file to the row of the table. "quick" is the detector's first look with landmarks,
"detect" as many as it takes (here one); "landmarks" those of a face whose box is known; "model / 8" the model
on 8 faces at once, per face; "all" is detect, align, model and decode. Times are CPU milliseconds of all
threads together, and for "wall" of the clock; "load" is from nothing to a loaded model, the library's import
included. With --checkpoint, torch in eager mode runs the model of that file as well.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np


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


def load(kind: str, threads: int, model: str | None, checkpoint: str | None) -> Any:
    """The `aulens.runtime.model.Model` of a card, run by one of the backends or by torch."""
    from aulens.runtime.card import find_card, read_card
    from aulens.runtime.model import Model, open_model

    card = read_card(find_card(model))
    return Model(card, Torch(checkpoint, threads)) if kind == "torch" else open_model(card, kind, threads)


class Torch:
    """The model of a checkpoint in eager mode, as an `aulens.runtime.backend.Session`."""

    def __init__(self, checkpoint: str | None, threads: int) -> None:
        import torch

        from aulens.models import load_checkpoint

        torch.set_num_threads(threads)
        self._torch, self._network = torch, load_checkpoint(str(checkpoint))[0].eval()
        side = self._network.crop
        found = self._run(np.zeros((1, 3, side, side), np.float32))
        self.shapes = {name: array.shape[1:] for name, array in found.items()}

    def __call__(self, images: np.ndarray) -> Any:
        from aulens.runtime.backend import ModelOutput

        return ModelOutput(**self._run(images))

    def _run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        with self._torch.no_grad():
            found = self._network.exported(self._torch.from_numpy(images))
        return {name: tensor.numpy() for name, tensor in found.items()}


def detector_of(name: str, threads: int) -> Any:
    if name == "dlib":
        from aulens.faces.dlib_detector import DlibDetector

        return DlibDetector()
    from aulens import NetDetector

    return NetDetector(threads=threads)


def one(
    kind: str, threads: int, repeat: int, model: str | None, checkpoint: str | None, finder: str
) -> dict[str, float]:
    """Measure one row in this process."""
    started = time.perf_counter()
    network = load(kind, threads, model, checkpoint)
    found = {"load": 1000 * (time.perf_counter() - started)}

    import cv2
    import skimage.data

    from aulens.align import TEMPLATES, transform, warp
    from aulens.runtime.model import to_input

    cv2.setNumThreads(threads)
    card = network.card
    template = TEMPLATES[card.template]
    image = skimage.data.astronaut()
    detector = detector_of(finder, threads)
    (face,) = detector(image)

    def align() -> tuple[np.ndarray, np.ndarray]:
        matrix = template.matrix(face.landmarks, card.crop)
        return to_input(warp(image, matrix, card.crop)[None]), transform(matrix, face.landmarks)[None]

    images, landmarks = align()
    eight, output = images.repeat(8, axis=0), network(images)

    def everything() -> None:
        detector(image)
        images, landmarks = align()
        network.scores(network(images), landmarks)

    found["quick"] = measure(lambda: detector.detect_quickly(image), repeat)[0]
    found["detect"] = measure(lambda: detector(image), repeat)[0]
    found["landmarks"] = measure(lambda: detector.landmarks(image, face.box), repeat)[0]
    found["align"] = measure(align, repeat)[0]
    found["model"] = measure(lambda: network(images), repeat)[0]
    found["model / 8"] = measure(lambda: network(eight), repeat)[0] / 8
    found["decode"] = measure(lambda: network.scores(output, landmarks), repeat)[0]
    found["all"], found["all, wall"] = measure(everything, repeat)
    if kind != "torch":
        found["photo"] = photo(image, kind, threads, model, detector, repeat)
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    found["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    found["installed MB"] = sum(file.locate().stat().st_size for file in files(kind)) / 1e6
    return found


def photo(image: np.ndarray, kind: str, threads: int, model: str | None, detector: Any, repeat: int) -> float:
    """CPU ms from a file of 640 x 480 pixels to its row."""
    import cv2

    from aulens import Analyzer
    from aulens.tables.schema import rows_of

    analyzer = Analyzer(model, detector, kind, threads)
    wide = cv2.copyMakeBorder(cv2.resize(image, (480, 480)), 0, 0, 80, 80, cv2.BORDER_REPLICATE)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "photo.jpg")
        cv2.imwrite(file, wide[..., ::-1])
        return measure(lambda: rows_of(file, analyzer(file), analyzer.card.aus), repeat)[0]


def files(package: str) -> list[Any]:
    """The files of an installed package."""
    return [file for file in distribution(package).files or [] if Path(str(file.locate())).is_file()]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="card or .onnx; by default the shipped one")
    parser.add_argument("--checkpoint", help="checkpoint of the same model, for torch")
    parser.add_argument("--detector", choices=("aulens", "dlib"), default="aulens")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeat", type=int, default=40)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        told = one(given.one, given.threads[0], given.repeat, given.model, given.checkpoint, given.detector)
        print(json.dumps(told))
        return
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    titled = False
    for kind in ["onnxruntime", "openvino"] + (["torch"] if given.checkpoint else []):
        for threads in given.threads:
            command = [sys.executable, str(Path(__file__)), "--one", kind, "--threads", str(threads)]
            command += ["--repeat", str(given.repeat), "--detector", given.detector]
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
