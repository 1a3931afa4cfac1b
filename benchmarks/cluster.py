"""What a second worker brings, and what Ray itself costs: videos per minute, as ratios to one process.

    python benchmarks/cluster.py [--videos 8] [--frames 250] [--rounds 3] [--workers 1 2]

Videos of a photo that moves (320 x 240) are made in a temporary folder. In each round they are analyzed by
one process (`aulens.analyze_video`), and by each number of workers on a local Ray cluster, a thread each for
the model, all one after the other; the shipped model, dlib. "ratio" is the median over rounds of one
process's time over theirs, above 1 = the workers are faster. "start" is a run of one frame for each worker:
Ray begins, workers load the model. It is paid once, so ratios are given without and with it. Needs
`aulens[cluster]` and scikit-image.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from aulens import Analyzer, VideoWriter, analyze_video
from aulens.cluster import ClusterSettings, OnRay
from aulens.cluster.settings import cpus_here
from aulens.output import analyze_files

SIZE = (320, 240)


def photo(frames: int, shift: int) -> Iterator[np.ndarray]:
    """A face that sways: (H, W, 3) uint8 RGB."""
    whole = cv2.resize(skimage.data.astronaut()[:300, 60:460], (400, 300), interpolation=cv2.INTER_AREA)
    for number in range(frames):
        x = 40 + round(30 * np.sin((number + shift) / 12))
        yield np.ascontiguousarray(whole[30:270, x : x + 320])


def write_videos(folder: Path, count: int, frames: int) -> list[Path]:
    paths = []
    for number in range(count):
        paths.append(folder / f"video{number}.mp4")
        with VideoWriter(paths[-1], SIZE, rate=Fraction(25)) as writer:
            for image in photo(frames, 7 * number):
                writer.write(image)
    return paths


def alone(analyzer: Analyzer, paths: list[Path], out: Path) -> float:
    begun = time.perf_counter()
    for path in paths:
        analyze_video(analyzer, path, out)
    return time.perf_counter() - begun


def shared(workers: int, paths: list[Path], tiny: list[Path], out: Path) -> tuple[float, float]:
    """Seconds of a run with hardly anything to do, and of one with the videos."""
    seconds = []
    for number, given in enumerate((tiny[:workers], paths)):
        begun = time.perf_counter()
        analyze_files(given, out / str(number), executor=OnRay(cluster=ClusterSettings(workers=workers)))
        seconds.append(time.perf_counter() - begun)
    return seconds[0], seconds[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videos", type=int, default=8)
    parser.add_argument("--frames", type=int, default=250)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=(1, 2))
    arguments = parser.parse_args()
    counts = arguments.workers
    frames = arguments.videos * arguments.frames
    base: list[float] = []
    took: dict[int, list[tuple[float, float]]] = {count: [] for count in counts}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tiny").mkdir()
        paths = write_videos(folder, arguments.videos, arguments.frames)
        tiny = write_videos(folder / "tiny", max(counts), 1)
        analyzer = Analyzer(threads=1)
        for number in range(arguments.rounds):
            base.append(alone(analyzer, paths, folder / f"alone{number}"))
            for count in counts:
                took[count].append(shared(count, paths, tiny, folder / f"out{number}-{count}"))
    print(f"{cpus_here()} CPUs, {arguments.videos} videos of {arguments.frames} frames\n")
    print("| workers | start, s | frames/s after it | ratio after it | ratio, start included |")
    print("| --- | --- | --- | --- | --- |")
    print(f"| none, one process | | {frames / statistics.median(base):.0f} | 1 | 1 |")
    for count in counts:
        start = statistics.median(begin for begin, _ in took[count])
        work = [whole - begin for begin, whole in took[count]]
        after = statistics.median(one / other for one, other in zip(base, work, strict=True))
        whole = statistics.median(one / all_ for one, (_, all_) in zip(base, took[count], strict=True))
        rate = frames / statistics.median(work)
        print(f"| {count} | {start:.1f} | {rate:.0f} | {after:.2f} | {whole:.2f} |")


if __name__ == "__main__":
    main()
