"""Long runs and killed ones: memory and open files over 10,000 pictures and an hour; kills at random moments.

    python benchmarks/endurance.py [--pictures 10000] [--minutes 60] [--kills 30] [--seed 0] [--keep FOLDER]

Pictures are the six of `examples/`, small, shifted, with noise of their own; each fifth shows nobody. The
hour is twenty seconds of one of them that moves, 320 x 240 at 25 frames a second, looped by copying packets.
`aulens detect` of each runs in a process of its own, of which memory, open files and threads are read each
second (Linux). For the kills, a folder of 24 pictures and a clip of 22 s (two notes of 250 frames) is
analyzed whole with `--overlay --report --resume`; then again and again, each try killed (SIGKILL) after a
random part of the time that the whole run took, until it ends. What is there then is compared byte for byte,
drawn videos by their time stamps and pixels.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from aulens.tables import read_table
from aulens.video import VideoWriter
from video import loop_clip

RATE, SECONDS, SIZE = 25, 20, (320, 240)
DETECT = (sys.executable, "-m", "aulens", "detect")
EXAMPLES = Path(__file__).parents[1] / "examples" / "pictures"
Image = np.ndarray


def faces() -> list[Image]:
    return [cv2.imread(str(path)) for path in sorted(EXAMPLES.glob("*.jpg"))]


def moved(image: Image, side: int, number: int, rng: np.random.Generator) -> Image:
    """A picture of this side, moved by a few pixels, with noise."""
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    shift = np.array([[1, 0, 4 * np.sin(number)], [0, 1, 4 * np.cos(number)]])
    drawn = cv2.warpAffine(small, shift, (side, side), borderMode=cv2.BORDER_REPLICATE)
    noise = rng.normal(0, 3, drawn.shape)
    return np.clip(drawn + noise, 0, 255).astype(np.uint8)


def write_pictures(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    rng, given = np.random.default_rng(0), faces()
    for number in range(count):
        side = 128 + 16 * (number % 7)
        if number % 5 == 4:
            image = rng.integers(0, 255, (side, side, 3), np.uint8)
        else:
            image = moved(given[number % len(given)], side, number, rng)
        cv2.imwrite(str(folder / f"{number:05d}.{'png' if number % 3 else 'jpg'}"), image)
    return folder


def write_clip(path: Path, frames: int, face: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng, image = np.random.default_rng(face), faces()[face]
    with VideoWriter(path, SIZE, rate=Fraction(RATE)) as writer:
        for number in range(frames):
            canvas = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
            x = round(60 + 40 * np.sin(2 * np.pi * number / (RATE * SECONDS)))
            canvas[30:206, x : x + 176] = moved(image, 176, number // 3, rng)[..., ::-1]
            writer.write(canvas)
    return path


def held(pid: int) -> tuple[float, int, int] | None:
    """MB, open files and threads of a process; None if it has ended."""
    try:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return None
    if "VmRSS" not in status:
        return None
    return int(status["VmRSS"].split()[0]) / 1024, files, int(status["Threads"])


def watched(arguments: list[object], log: Path) -> tuple[float, np.ndarray]:
    """Seconds of a command, and what it held at each second (N, 3)."""
    start, seen = time.perf_counter(), []
    with (
        log.open("w") as said,
        subprocess.Popen([*DETECT, *map(str, arguments)], stdout=said, stderr=said) as process,
    ):
        while process.poll() is None:
            if (now := held(process.pid)) is not None:
                seen.append(now)
            time.sleep(1)
    if process.returncode:
        raise SystemExit(f"aulens detect ended with {process.returncode}:\n{log.read_text()[-2000:]}")
    return time.perf_counter() - start, np.array(seen)


def tell(what: str, seconds: float, seen: np.ndarray, rows: int) -> None:
    """Print the most of each in the tenths of a run; in the first, what it loads is not loaded yet."""
    print(f"\n| {what} | {' | '.join(f'{tenth}/10' for tenth in range(1, 11))} |")
    print(f"| --- |{' ---: |' * 10}")
    for column, name in enumerate(("memory, MB", "open files", "threads")):
        most = [part[:, column].max() for part in np.array_split(seen, 10)]
        print(f"| {name} | {' | '.join(f'{value:.0f}' for value in most)} |")
    print(f"\n{rows:,} rows in {seconds:.0f} s", flush=True)


def contents(folder: Path) -> dict[str, bytes]:
    """Of each file its bytes; of a drawn video time stamps and pixels: nothing else of it is promised."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".mp4":
            with av.open(str(path)) as container:
                frames = [(frame.pts, frame.to_ndarray().tobytes()) for frame in container.decode(video=0)]
            found[str(path.relative_to(folder))] = repr([(pts, hash(data)) for pts, data in frames]).encode()
        elif path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def kills(folder: Path, count: int, seed: int) -> None:
    """Kill runs at random moments until so many were killed; print how each series ended."""
    write_pictures(folder / "in", 24)
    write_clip(folder / "in" / "clip.mp4", 22 * RATE)
    out, chance = folder / "out", random.Random(seed)
    command = [*DETECT, str(folder / "in"), "--out", str(out), "--overlay", "--report", "--resume"]

    def begin() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    start = time.perf_counter()
    if begin().wait():
        raise SystemExit("the run that nobody kills failed")
    whole_time, whole = time.perf_counter() - start, contents(out)
    out.rename(folder / "whole")
    done, series, differ = 0, [], []
    while done < count:
        killed, begun, process = 0, time.perf_counter(), begin()
        while True:
            try:
                code = process.wait(chance.uniform(0, whole_time))
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                killed, process = killed + 1, begin()
                if done + killed >= count:
                    code = process.wait()
                    break
        if not killed:  # the machine is less busy than it was
            whole_time = time.perf_counter() - begun
        now = contents(out)
        differ += [name for name in {*whole, *now} if whole.get(name) != now.get(name)]
        if code:
            differ.append(f"exit code {code}")
        done += killed
        series.append(killed)
        out.rename(folder / f"series{len(series)}")
    print(
        f"\n{done} kills in {len(series)} runs ({', '.join(map(str, series))} each): ",
        end="",
    )
    print(
        f"{len(whole)} files, {'all equal' if not differ else f'these differ: {sorted(differ)}'}", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make all here, and leave it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        folder = given.keep or Path(spare)
        folder.mkdir(parents=True, exist_ok=True)
        if given.kills:
            kills(folder / "kills", given.kills, given.seed)
        if given.pictures:
            source, out = write_pictures(folder / "pictures", given.pictures), folder / "pictures-out"
            run = watched([source, "--out", out, "-f", "csv"], folder / "pictures.log")
            tell(f"{given.pictures:,} pictures", *run, len(read_table(out / "results.csv")))
        if given.minutes:
            loop = write_clip(folder / "loop.mp4", SECONDS * RATE)
            video = loop_clip(loop, folder / "long.mp4", given.minutes * 60 // SECONDS)
            out = folder / "video-out"
            run = watched([video, "--out", out], folder / "video.log")
            tell(f"{given.minutes} minutes", *run, len(read_table(out / "long.csv")))


if __name__ == "__main__":
    main()
