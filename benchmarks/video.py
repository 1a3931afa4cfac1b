"""Reading and writing videos: frames per second against OpenCV, threads, memory over an hour.

    python benchmarks/video.py [--rounds 5] [--hour]

Clips are made in a temporary folder: H.264, a textured picture that moves, 25 frames a second. In each round
both readers read each clip once, one after the other; "ratio" is the median over rounds of theirs over ours,
above 1 = ours is faster. OpenCV is left as it is, with as many threads as it likes; CPU time is that of all
threads together. With --hour, a ten-second clip of 320 x 240 is looped to an hour by copying its packets, and
read whole in a process of its own; so are two minutes of 1920 x 1080.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from aulens.video import VideoWriter, open_video
from aulens.video.container import opened

RATE = 25


def textured(size: tuple[int, int], count: int) -> Iterable[np.ndarray]:
    """A blurred texture that moves, with a little noise that changes: (H, W, 3) uint8."""
    width, height = size
    random = np.random.default_rng(0)
    coarse = random.integers(0, 255, (height // 16, (width + 256) // 16, 3), np.uint8)
    wide = cv2.resize(coarse, (width + 256, height), interpolation=cv2.INTER_CUBIC)
    noise = random.integers(0, 12, (height, width, 3), np.uint8)
    for number in range(count):
        shift = number * 3 % 256
        yield cv2.add(wide[:, shift : shift + width], np.roll(noise, number * 7, (0, 1)))


def write_clip(path: Path, size: tuple[int, int], seconds: int) -> Path:
    with VideoWriter(path, size, rate=Fraction(RATE)) as writer:
        for image in textured(size, seconds * RATE):
            writer.write(image)
    return path


def loop_clip(source: Path, target: Path, times: int) -> Path:
    """The same clip again and again, its packets copied."""
    with av.open(str(source)) as container, av.open(str(target), "w") as out:
        stream = container.streams.video[0]
        copy: Any = out.add_stream_from_template(stream)
        length = stream.duration
        for turn in range(times):
            container.seek(0)
            for packet in container.demux(stream):
                if packet.size:
                    packet.pts += turn * length
                    packet.dts += turn * length
                    packet.stream = copy
                    out.mux(packet)
    return target


def by_aulens(path: Path) -> int:
    return sum(1 for _ in open_video(path).frames())


def by_opencv(path: Path) -> int:
    capture = cv2.VideoCapture(str(path))
    count = 0
    while True:
        done, image = capture.read()
        if not done:
            return count
        # What is needed is RGB.
        cv2.cvtColor(image, cv2.COLOR_BGR2RGB, image)
        count += 1


def by_threads(threads: int) -> Callable[[Path], int]:
    def decode(path: Path) -> int:
        with opened(path) as (container, stream):
            stream.codec_context.thread_count = threads
            stream.thread_type = "FRAME" if threads > 1 else "NONE"
            return sum(1 for _ in container.decode(stream))

    return decode


def measure(read: Callable[[Path], int], path: Path) -> tuple[float, float]:
    """(wall, CPU) milliseconds per frame."""
    wall, cpu = time.perf_counter(), time.process_time()
    count = read(path)
    return 1000 * (time.perf_counter() - wall) / count, 1000 * (time.process_time() - cpu) / count


def compare(
    path: Path, ours: Callable[[Path], int], theirs: Callable[[Path], int], rounds: int
) -> tuple[list[float], list[float], float, float]:
    """Median (wall, CPU) of ours, of theirs, and the median ratios of wall and CPU."""
    pairs = [(measure(ours, path), measure(theirs, path)) for _ in range(rounds)]
    median = [[statistics.median(pair[who][what] for pair in pairs) for what in (0, 1)] for who in (0, 1)]
    ratios = [statistics.median(b[what] / a[what] for a, b in pairs) for what in (0, 1)]
    return median[0], median[1], ratios[0], ratios[1]


def speed(folder: Path, rounds: int) -> None:
    print("| clip | what | frames/s | CPU ms | against | frames/s | CPU ms | ratio | ratio, CPU |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, size, seconds in (("640 x 480", (640, 480), 12), ("1920 x 1080", (1920, 1080), 4)):
        path = write_clip(folder / f"{size[0]}.mp4", size, seconds)
        rows: list[tuple[str, str, Callable[[Path], int], Callable[[Path], int]]] = [
            ("aulens", "OpenCV", by_aulens, by_opencv),
            ("decoding only, 1 thread", "2 threads", by_threads(1), by_threads(2)),
        ]
        for what, against, ours, theirs in rows:
            a, b, wall, cpu = compare(path, ours, theirs, rounds)
            print(
                f"| {name} | {what} | {1000 / a[0]:.0f} | {a[1]:.2f} | {against} | {1000 / b[0]:.0f} "
                f"| {b[1]:.2f} | {wall:.2f} | {cpu:.2f} |"
            )
        at = time.process_time()
        write_clip(folder / "again.mp4", size, seconds)
        drawing = time.process_time()
        for _ in textured(size, seconds * RATE):
            pass
        written = (2 * drawing - at - time.process_time()) / (seconds * RATE)
        print(f"| {name} | writing | | {1000 * written:.2f} | | | | | |")


def peak() -> float:
    """Most memory that this process held, MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not `ru_maxrss`, which begins with the memory of the process that started this one.
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def child(path: str, start: float) -> None:
    """Read a video in this process and print what it took."""
    media = open_video(path)
    wall, cpu = time.perf_counter(), time.process_time()
    count, last, exact = 0, -1.0, True
    for frame in media.frames(start=start or None):
        exact &= frame.time == float(Fraction(frame.index, RATE))
        count, last = count + 1, frame.time
    told = {
        "frames": count, "last": last, "exact": exact, "problem": media.problem,
        "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu,
        "peak": peak(),
    }  # fmt: skip
    print(json.dumps(told))


def hour(folder: Path) -> None:
    short = write_clip(folder / "short.mp4", (320, 240), 10)
    print("\n| video | frames | last at s | all times exact | wall s | CPU s | frames/s | peak MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    large = write_clip(folder / "large.mp4", (1920, 1080), 4)
    clips = [
        ("1 minute, 320 x 240", loop_clip(short, folder / "minute.mp4", 6), 0.0),
        ("1 hour, 320 x 240", loop_clip(short, folder / "hour.mp4", 360), 0.0),
        ("1 hour, from 59:30 on", folder / "hour.mp4", 3570.0),
        ("4 s, 1920 x 1080", large, 0.0),
        ("2 minutes, 1920 x 1080", loop_clip(large, folder / "long.mp4", 30), 0.0),
    ]
    for name, path, start in clips:
        command = [sys.executable, __file__, "--child", str(path), "--start", str(start)]
        told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        print(
            f"| {name} | {told['frames']:,} | {told['last']:.2f} | {'yes' if told['exact'] else 'no'} "
            f"| {told['wall']:.1f} | {told['cpu']:.1f} | {told['frames'] / told['wall']:.0f} "
            f"| {told['peak']:.0f} |"
        )
        if told["problem"]:
            print(told["problem"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hour", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--start", type=float, default=0.0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.start)
        return
    with tempfile.TemporaryDirectory() as folder:
        speed(Path(folder), arguments.rounds)
        if arguments.hour:
            hour(Path(folder))


if __name__ == "__main__":
    main()
