"""Seconds and memory to open a data set of Aff-Wild2's size, before any picture is read.

    python benchmarks/index_size.py [--rows 1400000] [--points 68] [--out FOLDER]

A prepared folder without pictures is made: videos of 5,000 frames named as Aff-Wild2 names them, 12 AUs, and
landmarks. Each line is a process of its own, which does the lines above it too. "Kept" is the memory that the
process then holds, "peak" the most that it held, 0.1 GB of both for Python and its packages. The last line is
what `aulens prepare` asks of the frames before it begins: are they the same?
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow
import pyarrow.parquet

VIDEO: Final = 5_000
SHARD: Final = 500
GROUP: Final = 64 * SHARD
"""Rows of a row group, as `aulens prepare` writes them."""


def make(root: Path, rows: int, points: int) -> None:
    """A prepared folder; its shards are empty files."""
    from aulens.aus import AFFWILD2
    from aulens.data.prepared import ABOUT, FORMAT, MANIFEST

    (root / "shards").mkdir(parents=True)
    random = np.random.default_rng(0)
    writer = None
    for first in range(0, rows, GROUP):
        row = np.arange(first, min(first + GROUP, rows))
        video = [f"video{number:05d}-1920x1080" for number in (row // VIDEO).tolist()]
        shard = [f"shards/{number:05d}_{name}.tar" for number, name in zip(row // SHARD, video, strict=True)]
        frame = 1 + row % VIDEO
        table: dict[str, Any] = {
            "key": [f"{name}/{name}/{number}" for name, number in zip(video, frame.tolist(), strict=True)],
            "subject": video,
            "sequence": video,
            "frame": frame,
            "part": np.where(row < 0.75 * rows, "train", "validation").tolist(),
            "shard": shard,
            "offset": 512 + row % SHARD * 20_480,
            "length": np.full(len(row), 18_000),
            "size": np.full(len(row), 168),
            "found": ["detected"] * len(row),
        }
        for label in AFFWILD2.labels:
            table[label] = (random.random(len(row)) < 0.2).astype(np.int8)
        for k in range(points):
            for axis in "xy":
                table[f"{axis}_{k}"] = random.random(len(row), dtype=np.float32)
        for name in dict.fromkeys(shard):
            (root / name).touch()
        batch = pyarrow.table(table)
        writer = writer or pyarrow.parquet.ParquetWriter(root / MANIFEST, batch.schema)
        writer.write_table(batch)
    if writer:
        writer.close()
    (root / ABOUT).write_text(json.dumps({"format": FORMAT, "dataset": "affwild2"}), encoding="utf-8")


def steps(root: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    """What a training does with the folder before its first batch: (name, what is timed)."""
    from aulens.aus import AFFWILD2
    from aulens.data.folds import SplitPlan
    from aulens.data.loading import load_data

    held: dict[str, Any] = {}

    def load() -> str:
        held["samples"] = load_data([root], AFFWILD2, SplitPlan())
        return f"{len(held['samples']):,} rows"

    def divide() -> str:
        held["parts"] = [held["samples"].split(name) for name in ("train", "val", "test")]
        return " + ".join(f"{len(part):,}" for part in held["parts"])

    yield "read", load
    yield "split", divide
    yield "fingerprint", lambda: str(held["samples"].fingerprint)
    yield "fingerprint again", lambda: str(held["samples"].fingerprint)


def indexed(root: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    """The frames as `aulens prepare` sees them."""
    import pandas as pd

    from aulens.aus import AFFWILD2
    from aulens.data.index import PICTURE, FrameIndex
    from aulens.data.prepare.units import fingerprint
    from aulens.data.prepared import MANIFEST

    table = pd.read_parquet(root / MANIFEST, columns=["subject", "frame", "part", *AFFWILD2.labels])
    subject = table["subject"].to_numpy(np.str_)
    rows = zip(subject.tolist(), table["frame"].tolist(), strict=True)
    index = FrameIndex(
        dataset="affwild2",
        aus=AFFWILD2,
        media=tuple(f"/data/affwild2/cropped_aligned/{name}/{number:05d}.jpg" for name, number in rows),
        position=np.full(len(table), PICTURE, np.int32),
        subject=subject,
        sequence=subject,
        frame=table["frame"].to_numpy(np.int64),
        labels=table[list(AFFWILD2.labels)].to_numpy(np.int8),
        landmarks=None,
        part=table["part"].to_numpy(np.str_),
    )
    del table
    yield "fingerprint of the frames", lambda: fingerprint(index)


def memory() -> tuple[float, float]:
    """What this process holds, and the most that it held, GB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    fields = {
        key: value.split()[0] for key, _, value in (line.partition(":") for line in lines) if value.strip()
    }
    return int(fields["VmRSS"]) / 1e6, int(fields["VmHWM"]) / 1e6


def measure(what: Callable[[Path], Iterator[tuple[str, Callable[[], str]]]], root: Path, last: int) -> None:
    """Do the first steps and print the last."""
    for at, (name, step) in enumerate(what(root)):
        start, cpu = time.perf_counter(), time.process_time()
        said = step()
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        if at == last:
            kept, peak = memory()
            print(f"| {name} | {said} | {seconds:.1f} | {cpu:.1f} | {kept:.1f} | {peak:.1f} |", flush=True)
            return


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_400_000)
    parser.add_argument("--points", type=int, default=68)
    parser.add_argument("--out", type=Path, help="keep the folder here; one that is there is used again")
    arguments = parser.parse_args()
    processes = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as temporary:
        root = arguments.out or Path(temporary) / "prepared"
        if not root.exists():
            make(root, arguments.rows, arguments.points)
        size = sum(path.stat().st_size for path in root.glob("*.parquet")) / 1e6
        print(f"{arguments.rows:,} rows of {arguments.points} landmarks, a manifest of {size:.0f} MB\n")
        print("| step | gives | seconds | CPU seconds | GB kept | GB peak |")
        print("| --- | --- | ---: | ---: | ---: | ---: |")
        for what, number in ((steps, 4), (indexed, 1)):
            for last in range(number):
                one = processes.Process(target=measure, args=(what, root, last))
                one.start()
                one.join()


if __name__ == "__main__":
    main()
