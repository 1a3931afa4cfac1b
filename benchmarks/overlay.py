"""Drawing the video of what was seen: what it costs beside the analysis of the same frames.

    python benchmarks/overlay.py [--rounds 5] [--seconds 6]

A clip is made of a picture of one face that moves about, 640 x 480 and 1920 x 1080, 25 frames a second.
In each round its frames are read and analyzed, drawn, and encoded as an overlay's piece, one after the
other; CPU time is that of all threads together, "ratio" the median over rounds of a step's CPU time over
that of the analysis. Then the clip is recorded without and with the overlay: "ratio, clock" is the median of
the second over the first.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from aulens.analysis.analyzer import Analyzer
from aulens.image import read_image
from aulens.output import OutputSettings, analyze_video
from aulens.runtime.result import FrameResult
from aulens.show.frame_overlay import FrameOverlay
from aulens.video import VideoWriter

RATE = 25
PICTURE = Path(__file__).resolve().parents[1] / "examples" / "pictures" / "smile.jpg"


def write_clip(path: Path, size: tuple[int, int], seconds: int) -> Path:
    """A face, half as high as the video, that goes round before a wall."""
    width, height = size
    side = round(0.7 * height)
    face = np.asarray(cv2.resize(read_image(PICTURE), (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    wall = cv2.resize(
        np.random.default_rng(0).integers(60, 190, (6, 8, 3), np.uint8), size, interpolation=cv2.INTER_CUBIC
    )
    with VideoWriter(path, size, rate=Fraction(RATE)) as writer:
        for number in range(seconds * RATE):
            image = np.array(wall, np.uint8)
            x = round((width - side) * (0.5 + 0.4 * np.sin(number / 25)))
            y = round((height - side) * (0.5 + 0.4 * np.cos(number / 19)))
            image[y : y + side, x : x + side] = face
            writer.write(image)
    return path


def cpu(work: Callable[[], object]) -> float:
    at = time.process_time()
    work()
    return time.process_time() - at


def clock(work: Callable[[], object]) -> float:
    at = time.perf_counter()
    work()
    return time.perf_counter() - at


def steps(analyzer: Analyzer, path: Path, folder: Path) -> dict[str, float]:
    """CPU seconds of each step."""
    results: list[FrameResult] = []
    spent = {"analysis": cpu(lambda: results.extend(analyzer.video(path)))}
    height, width = results[0].image.shape[:2]
    draw = FrameOverlay(width, height)
    drawn: list[np.ndarray] = []
    spent["drawing"] = cpu(lambda: drawn.extend(map(draw, results)))
    faces = sum(len(result.faces) for result in results)
    present = sum(len(face.present) for result in results for face in result.faces)
    print(f"{width} x {height}: {len(results)} frames, {faces} faces, {present / faces:.1f} AUs each")

    def encode() -> None:
        with VideoWriter(folder / "piece.mp4", draw.size, joined=True) as writer:
            for image in drawn:
                writer.write(image)

    spent["encoding"] = cpu(encode)
    return {name: 1000 * seconds / len(results) for name, seconds in spent.items()}


def runs(analyzer: Analyzer, path: Path, folder: Path) -> float:
    """Clock time of a run with the overlay over one without."""
    plain, drawn = (
        clock(lambda settings=settings: analyze_video(analyzer, path, folder / "out", settings))
        for settings in (OutputSettings(), OutputSettings(overlay=True))
    )
    return drawn / plain


def median(rounds: Sequence[dict[str, float]], name: str) -> float:
    return statistics.median(one[name] for one in rounds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=6)
    arguments = parser.parse_args()
    analyzer = Analyzer(threads=1)
    rows = ["| video | step | CPU ms per frame | ratio to the analysis | ratio, clock |", "|" + " --- |" * 5]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in ((640, 480), (1920, 1080)):
            path = write_clip(folder / f"{size[0]}.mp4", size, arguments.seconds)
            rounds = [steps(analyzer, path, folder) for _ in range(arguments.rounds)]
            whole = statistics.median(runs(analyzer, path, folder) for _ in range(arguments.rounds))
            for step in ("analysis", "drawing", "encoding"):
                ratio = statistics.median(one[step] / one["analysis"] for one in rounds)
                rows.append(
                    f"| {size[0]} x {size[1]} | {step} | {median(rounds, step):.1f} | {ratio:.2f} | |"
                )
            rows.append(f"| {size[0]} x {size[1]} | all, with the overlay | | | {whole:.2f} |")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
