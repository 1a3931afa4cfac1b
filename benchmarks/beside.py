"""What a photo and a video cost, beside an older aulens and beside MediaPipe, in turns.

    python benchmarks/beside.py --portraits DIR [--before SRC] [--mediapipe PYTHON TASK] [--rounds 5]
        [--faces CARD] [--landmarks CARD] [--quick]

    --portraits  a folder of portraits with one face each: its first 60 are the photographs, its first two
                 are made a photo of 640 x 480 and videos of 640 x 360, in which they sway
    --before     the folder src of another checkout: run by this Python, so that only aulens' code differs
                 (git worktree add --detach ../before ed1cd5b: aulens 0.1)
    --mediapipe  a Python with mediapipe 0.10.21 or older, and a face_landmarker.task

Every number is CPU time of all threads, of a process of its own that is held on one core and told to use one
thread, with its modules compiled before, as an installer leaves them; medians of rounds in which the subjects
take turns. "Photo": from the file to the row of the table,
median of 40 after 5; "video": decoding, following, Action Units, rows, per frame, after the first second.
"Whole process": everything, from the start of Python to the table on disk.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# What this process imports before it starts others counts as theirs in the peak memory that the system tells,
# so numpy and the rest are imported where they are needed.

FRAMES, PHOTOS = 470, 60
_LOOSEN = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "GLOG_minloglevel": "2"}


def child(kind: str, file: str, faces: str | None, landmarks: str | None) -> None:
    """Measure a photo or a video in this process; prints JSON."""
    import cv2

    from aulens import Analyzer
    from aulens.tables.schema import rows_of

    cv2.setNumThreads(1)
    if faces or landmarks:
        from aulens import NetDetector

        analyzer = Analyzer(detector=NetDetector(faces=faces, landmarks=landmarks), threads=1)
    else:
        analyzer = Analyzer(threads=1)
    aus = analyzer.card.aus
    found: dict[str, float] = {}
    if kind == "photo":
        cost = []
        for _ in range(45):
            at = time.process_time()
            rows = rows_of(file, analyzer(file), aus)
            cost.append(time.process_time() - at)
        found = {"ms": 1000 * statistics.median(cost[5:]), "faces": sum(row["success"] or 0 for row in rows)}  # type: ignore[misc]
    else:
        frames = seen = 0
        at, last = 0.0, time.process_time()
        for frame in analyzer.video(file):
            rows = rows_of(file, frame.faces, aus, frame=frame.index, time=frame.time, lost=frame.lost)
            last = time.process_time()
            if frame.index == 25:
                at, frames, seen = last, 0, 0
            else:
                frames, seen = frames + 1, seen + len(frame.faces)
        found = {"ms": 1000 * (last - at) / frames, "faces": seen / frames}
    peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
    print(json.dumps(found | {"peak": int(peak) / 1024}))


def material(folder: Path, portraits: Path, frames: int, photos: int) -> None:
    """Write photo.png, one.mp4, two.mp4 and the folder of photographs."""
    import cv2
    import numpy as np

    from aulens import read_image
    from aulens.video import VideoWriter

    files = sorted(p for p in portraits.iterdir() if p.suffix.lower() in {".jpg", ".png"})[:photos]
    (folder / "photos").mkdir()
    for file in files:
        (folder / "photos" / file.name).write_bytes(file.read_bytes())
    people = [read_image(file) for file in files[:2]]

    def placed(image: np.ndarray, size: tuple[int, int], number: int) -> np.ndarray:
        turn, grow = 6 * np.sin(number / 17), 1 + 0.1 * np.sin(number / 29)
        height, width = image.shape[:2]
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), turn, grow * size[1] / height)
        matrix[:, 2] += (size[0] / 2 - width / 2, size[1] / 2 - height / 2)
        matrix[:, 2] += 20 * np.sin(number / 23), 8 * np.sin(number / 11)
        return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)

    photo = placed(people[0], (640, 480), 0)
    cv2.imwrite(str(folder / "photo.jpg"), photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    random = np.random.default_rng(0)
    noise = random.normal(0, 2, (360, 640, 3))
    for name, cast in (("one", people[:1]), ("two", people)):
        with VideoWriter(folder / f"{name}.mp4", (640, 360), rate=25) as writer:
            for number in range(frames):
                parts = [placed(p, (640 // len(cast), 360), number + 40 * i) for i, p in enumerate(cast)]
                image = np.hstack(parts) + np.roll(noise, 7 * number, (0, 1))
                writer.write(np.clip(image + 0.5, 0, 255).astype(np.uint8))


def whole(command: Sequence[str], environment: dict[str, str]) -> tuple[float, float, str]:
    """(CPU seconds, peak MB, last line printed) of a process."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as wrong:
        process = subprocess.Popen(command, stdout=out, stderr=wrong, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            wrong.seek(0)
            sys.exit(f"{' '.join(command)}: {wrong.read().decode()[-400:]}")
        out.seek(0)
        lines = out.read().decode().strip().splitlines() or [""]
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, lines[-1]


def jobs(given: argparse.Namespace, folder: Path) -> dict[str, dict[str, Callable[[], dict[str, float]]]]:
    """For each thing to measure, each subject's way to do it once."""
    ours = os.environ | _LOOSEN
    ours.pop("PYTHONDONTWRITEBYTECODE", None)
    here, python = str(Path(__file__).resolve()), sys.executable
    networks = [f"--{name}={getattr(given, name)}" for name in ("faces", "landmarks") if getattr(given, name)]
    options = {"--faces": "--detector-model", "--landmarks": "--landmarks"}
    cli = [part for one in networks for part in (options[one.split("=")[0]], one.split("=", 1)[1])]
    subjects = {"aulens": (ours, networks, cli)}
    sources = [Path(__file__).parents[1] / "src", *([given.before] if given.before else [])]
    subprocess.run([sys.executable, "-m", "compileall", "-q", *map(str, sources)], check=True, env=ours)
    if given.before:
        subjects["before"] = (ours | {"PYTHONPATH": str(given.before.resolve())}, [], [])

    def inside(kind: str, file: str, who: str) -> Callable[[], dict[str, float]]:
        environment, more, _ = subjects[who]
        command = [python, here, "--child", kind, str(folder / file), *more]
        return lambda: json.loads(whole(command, environment)[2])

    def process(command: list[str], environment: dict[str, str]) -> Callable[[], dict[str, float]]:
        def once() -> dict[str, float]:
            seconds, peak, _ = whole(command, environment)
            return {"s": seconds, "peak": peak}

        return once

    def detect(name: str, who: str) -> Callable[[], dict[str, float]]:
        environment, _, more = subjects[who]
        out = folder / f"{who}-{name}"
        run = "import sys, aulens.cli as c; sys.exit(c.main())"
        command = [python, "-c", run, "detect", str(folder / name), "--threads", "1", *more]
        return process([*command, "--format", "csv", "--out", str(out)], environment)

    todo: dict[str, dict[str, Callable[[], dict[str, float]]]] = {
        "photo 640 x 480, one face": {who: inside("photo", "photo.jpg", who) for who in subjects},
        "video 640 x 360, one face, per frame": {who: inside("video", "one.mp4", who) for who in subjects},
        "video 640 x 360, two faces, per frame": {who: inside("video", "two.mp4", who) for who in subjects},
        "whole process: photographs": {who: detect("photos", who) for who in subjects},
        "whole process: video, one face": {who: detect("one.mp4", who) for who in subjects},
        "whole process: one photo": {who: detect("photo.jpg", who) for who in subjects},
    }
    if given.mediapipe:
        script = str(Path(here).with_name("mediapipe_reference.py"))
        for name, kind, file in (
            ("whole process: photographs", "photos", "photos"),
            ("whole process: video, one face", "clip", "one.mp4"),
        ):
            command = [given.mediapipe[0], script, kind, given.mediapipe[1], str(folder / file)]
            todo[name]["MediaPipe"] = process(command, ours)
    return todo


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--portraits", type=Path)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--mediapipe", nargs=2, metavar=("PYTHON", "TASK"))
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--landmarks", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round, shorter videos, fewer photographs")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--frames", type=int, default=FRAMES, help=argparse.SUPPRESS)
    parser.add_argument("--photos", type=int, default=PHOTOS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        kind, file = given.child
        if kind == "material":
            material(Path(file), given.portraits, given.frames, given.photos)
        else:
            child(kind, file, given.faces, given.landmarks)
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rounds, frames, photos = (1, 120, 12) if given.quick else (given.rounds, FRAMES, PHOTOS)
    with tempfile.TemporaryDirectory() as name:
        draw = [sys.executable, __file__, "--child", "material", name, f"--portraits={given.portraits}"]
        subprocess.run([*draw, f"--frames={frames}", f"--photos={photos}"], check=True)
        todo = jobs(given, Path(name))
        found: dict[tuple[str, str], list[dict[str, float]]] = {}
        for _ in range(rounds):
            for what, ways in todo.items():
                for who, once in ways.items():
                    found.setdefault((what, who), []).append(once())
    print(f"{photos} photographs, videos of {frames} frames; medians of {rounds} rounds.\n")
    print("| what | subject | CPU | aulens' over it | faces | peak MB |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for what, ways in todo.items():
        for who in ways:
            told = found[what, who]
            unit = "ms" if "ms" in told[0] else "s"
            cost = statistics.median(one[unit] for one in told)
            pairs = zip(found[what, "aulens"], told, strict=True)
            ratio = statistics.median(ours[unit] / theirs[unit] for ours, theirs in pairs)
            faces = f"{told[0]['faces']:.2f}" if "faces" in told[0] else ""
            peak = max(one["peak"] for one in told)
            print(f"| {what} | {who} | {cost:.2f} {unit} | {ratio:.2f} | {faces} | {peak:.0f} |")


if __name__ == "__main__":
    main()
