"""An hour of video through `aulens detect`: memory, lost rows, times, ids, events, speed.

    python benchmarks/long_video.py [--minutes 60] [--out FOLDER]

Twenty seconds of two rendered people, 640 x 480 at 25 frames a second, are looped to the asked length by
copying packets. In each loop one smiles, one raises the brows, they cross twice, and one leaves for two
seconds and returns. `aulens detect` runs in a process of its own, whose memory is looked at each second
(Linux). "Reading alone" decodes the same file to RGB before and after; ratios are of wall time over its mean.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from aulens.render.anny import load_anny
from aulens.render.expression import Muscles
from aulens.render.person import draw_appearance
from aulens.render.scene import Person, render
from aulens.render.shot import Shot
from aulens.tables import read_table
from aulens.video import VideoWriter
from video import by_aulens, loop_clip

RATE, SECONDS = 25, 20
SIZE = 640, 480
FACES = 112  # pixels: width of a face as dlib boxes it
HEAD, HEAD_AT, HEAD_FACE = 192, (96, 105), 125  # a rendered head: its side, its face's middle and width
STEPS = 10
Cast = list[tuple[float, float, float]]  # per person x, y, and how strong the expression is


def cast(number: int) -> Cast:
    """Where the two are in a frame of the loop; who is out of the picture has left."""
    smile = np.interp(number, [50, 75, 125, 150], [0, 1, 1, 0])
    brows = np.interp(number, [90, 105, 140, 160], [0, 1, 1, 0])
    crossed = np.interp(number, [200, 250, 300, 350], [0, 1, 1, 0])
    left = np.interp(number, [380, 405, 455, 480], [0, 300, 300, 0])
    sway = 3 * np.sin(2 * np.pi * number / 100)
    behind = 455 - 260 * crossed + left, 240 + sway, brows
    before = 185 + 280 * crossed, 250 - sway, smile
    return [(float(x), float(y), float(s)) for x, y, s in (behind, before)]


def heads() -> list[list[np.ndarray]]:
    """Of each person, the head at each step of the expression."""
    muscles = Muscles.of(load_anny())
    made = []
    for seed, aus in ((102, (1, 2)), (7, (6, 12))):
        rng = np.random.default_rng(seed)
        person = Person(muscles.rig.identity(rng), draw_appearance(rng), {})
        shot = Shot(distance=90.0, zoom=0.92, shift=(0.0, 0.1))
        levels = np.linspace(0, 1, STEPS + 1)
        made.append([render(muscles, person, dict.fromkeys(aus, (s, s)), shot, HEAD).image for s in levels])
    return made


def paste(canvas: np.ndarray, head: np.ndarray, x: float, y: float) -> None:
    """Draw a head with a soft edge."""
    k = FACES / HEAD_FACE
    matrix = np.array([[k, 0, x - k * HEAD_AT[0]], [0, k, y - k * HEAD_AT[1]]])
    drawn = cv2.warpAffine(head, matrix, SIZE, borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    at, axes = (round(16 * x), round(16 * (y - 0.12 * FACES))), (round(9.9 * FACES), round(13.6 * FACES))
    cv2.ellipse(mask, at, axes, 0, 0, 360, 255, -1, cv2.LINE_AA, 4)
    alpha = cv2.blur(mask, (7, 7))[..., None].astype(np.float32) / 255
    canvas += (drawn - canvas) * alpha


def write_loop(path: Path) -> Path:
    """Twenty seconds of the two."""
    rng = np.random.default_rng(0)
    wall = cv2.resize(rng.uniform(70, 190, (6, 8, 3)).astype(np.float32), SIZE, interpolation=cv2.INTER_CUBIC)
    noise = rng.normal(0, 2.5, (SIZE[1] + 16, SIZE[0], 1)).astype(np.float32)
    people = heads()
    with VideoWriter(path, SIZE, rate=Fraction(RATE)) as writer:
        for number in range(SECONDS * RATE):
            canvas = np.array(wall)
            for person, (x, y, strength) in zip(people, cast(number), strict=True):
                paste(canvas, person[round(STEPS * strength)], x, y)
            canvas += noise[number % 16 :][: SIZE[1]]
            writer.write(np.clip(canvas, 0, 255).astype(np.uint8))
    return path


def resident(pid: int) -> float | None:
    """MB that a process holds now; None if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    return int(fields.split("VmRSS:")[1].split()[0]) / 1024 if "VmRSS:" in fields else None


def detect(video: Path, out: Path) -> tuple[float, list[float]]:
    """Wall seconds of the command, and its memory in MB at each second."""
    command = [sys.executable, "-m", "aulens", "detect", str(video), "--out", str(out)]
    start, held = time.perf_counter(), []
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            if (now := resident(process.pid)) is not None:
                held.append(now)
            time.sleep(1)
    if process.returncode:
        raise SystemExit(f"aulens detect ended with {process.returncode}")
    return time.perf_counter() - start, held


def seconds_to_read(path: Path) -> float:
    start = time.perf_counter()
    by_aulens(path)
    return time.perf_counter() - start


def tell(out: Path, name: str, frames: int) -> int:
    """Print what the table holds; return its number of faces."""
    table = read_table(out / f"{name}.csv")
    pairs = pd.MultiIndex.from_frame(table[["frame", "face_id"]].astype("int64"))
    everybody = pd.MultiIndex.from_product([range(frames), sorted(set(pairs.get_level_values(1)))])
    seen = table["success"] == 1
    # Who is on the left when a loop begins has one id in all loops, and so has the other.
    begins = table[seen & (table["frame"] % (RATE * SECONDS) == RATE)]
    left = begins["box_x"] + begins["box_w"] / 2 < SIZE[0] / 2
    sides = [sorted({int(i) for i in begins["face_id"][side]}) for side in (left, ~left)]
    events = pd.read_csv(out / f"{name}.events.csv")
    lines = {
        "frames in the video": f"{frames:,}",
        "rows": f"{len(table):,}",
        "rows with a face": f"{int(seen.sum()):,}",
        "people of a frame without a row": f"{len(everybody.difference(pairs)):,}",
        "rows that are there twice": f"{int(pairs.duplicated().sum()):,}",
        "all times are frame / 25": "yes" if (table["time"] == table["frame"] / RATE).all() else "no",
        "ids of who is left, of who is right, in second 1 of all loops": f"{sides[0]}, {sides[1]}",
    }
    for au in ("AU12", "AU2"):
        count = events[events["au"] == au].groupby("face_id").size()
        lines[f"events of {au}, by id"] = ", ".join(f"{person}: {n}" for person, n in count.items())
    for what, value in lines.items():
        print(f"| {what} | {value} |")
    return int(seen.sum())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--out", type=Path, help="keep the video and the results here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        folder = arguments.out or Path(spare)
        folder.mkdir(parents=True, exist_ok=True)
        turns = arguments.minutes * 60 // SECONDS
        video = loop_clip(write_loop(folder / "loop.mp4"), folder / "long.mp4", turns)
        frames = turns * SECONDS * RATE
        before = seconds_to_read(video)
        wall, held = detect(video, folder / "results")
        after = seconds_to_read(video)
        print("| what | |\n| --- | ---: |")
        faces = tell(folder / "results", "long", frames)
        quarters = np.array_split(np.array(held[5:]), 4)
        print(f"| most memory, MB, by quarter of the run | {', '.join(f'{q.max():.0f}' for q in quarters)} |")
        print(f"| wall time, s | {wall:.0f} |")
        print(f"| faces/s, frames/s | {faces / wall:.0f}, {frames / wall:.0f} |")
        print(f"| times as fast as the video plays | {frames / RATE / wall:.2f} |")
        print(f"| reading alone, s before and after | {before:.0f}, {after:.0f} |")
        print(f"| wall time over reading alone | {2 * wall / (before + after):.1f} |")


if __name__ == "__main__":
    main()
