"""What tables of a long video cost: smoothing, events, dialects, reading; as CPU time and as a ratio.

    python benchmarks/tables.py [--minutes 60] [--people 2] [--repeats 3]

The table is made up: 25 frames a second, all AUs of the shipped model, faces lost now and then. The reference
is a plain rolling mean of pandas over the same probabilities, person by person, in the same run. Times are
CPU time, the least of the repeats, which a busy neighbour disturbs least.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from aulens.aus import RENDERS
from aulens.tables import OpenFace, PyFeat, read_table
from aulens.tables.cooccurrence import cooccurrence
from aulens.tables.events import events
from aulens.tables.schema import complete, rows_of, write_rows
from aulens.tables.smooth import smooth

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "made"))

from face_results import frame_result, result

RATE = 25
WRITTEN = 2000


def made_up(frames: int, people: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    parts = []
    for face_id in range(people):
        lost = np.zeros(frames, dtype=bool)
        for start in rng.integers(0, frames, frames // 1500):
            lost[start : start + rng.integers(1, 100)] = True
        walk = np.cumsum(rng.normal(0, 0.3, (frames, len(RENDERS))), axis=0) % 12 - 6
        share = np.where(lost[:, None], np.nan, 1 / (1 + np.exp(-walk)))
        columns: dict[str, object] = {
            "file": "interview.mp4",
            "frame": np.arange(frames),
            "time": np.round(np.arange(frames) / RATE, 6),
            "face_id": face_id,
            "success": (~lost).astype(int),
        }
        for i, label in enumerate(RENDERS.labels):
            columns[f"{label}_p"] = share[:, i]
            columns[f"{label}_c"] = pd.Series(share[:, i] >= 0.5).astype("Int64").where(~lost)
        parts.append(pd.DataFrame(columns))
    table = pd.concat(parts, ignore_index=True).sort_values(["frame", "face_id"], ignore_index=True)
    return complete(table)


def rolling(table: pd.DataFrame) -> pd.DataFrame:
    names = [f"{label}_p" for label in RENDERS.labels]
    return table.groupby("face_id")[names].rolling(5, center=True, min_periods=1).mean()


def least(work: Callable[[], object], repeats: int) -> float:
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--people", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    frames = round(options.minutes * 60 * RATE)
    table = made_up(frames, options.people)
    smoothed = smooth(table, thresholds=0.5)
    found = events(smoothed, thresholds=0.5)
    print(f"{len(table):,} rows, {len(RENDERS)} AUs, {len(found):,} events")
    reference = least(lambda: rolling(table), options.repeats)
    print(f"{'pandas groupby-rolling mean of 5 frames':45} {reference:7.2f} s  1.00")
    for name, work in (
        ("smooth, 0.2 s", lambda: smooth(table, thresholds=0.5)),
        ("smooth, 2 s", lambda: smooth(table, 2.0, thresholds=0.5)),
        ("events", lambda: events(smoothed, thresholds=0.5)),
        ("co-occurrence", lambda: cooccurrence(smoothed)),
    ):
        spent = least(work, options.repeats)
        print(f"{name:45} {spent:7.2f} s  {spent / reference:.2f}")
    shares = dict.fromkeys(RENDERS.labels, 0.25)
    clip = [frame_result(i, i / RATE, [result(shares)]) for i in range(WRITTEN)]
    print(f"microseconds per row, {WRITTEN:,} rows of one person:   write    read")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"

        def ours() -> None:
            rows = [
                row
                for one in clip
                for row in rows_of("a", one.faces, RENDERS, frame=one.index, time=one.time)
            ]
            with path.open("w", encoding="utf-8", newline="") as file:
                write_rows(file, tuple(rows[0]), rows, header=True)

        def other(dialect: OpenFace | PyFeat) -> None:
            with path.open("w", encoding="utf-8", newline="") as file:
                for one in clip:
                    write_rows(file, dialect.columns(), dialect.rows("a", one), header=one.index == 0)

        for name, write in (
            ("ours", ours),
            ("openface", lambda: other(OpenFace())),
            ("pyfeat", lambda: other(PyFeat(1))),
            ("pyfeat2", lambda: other(PyFeat(2))),
        ):
            wrote = least(write, options.repeats)
            read = least(lambda: read_table(path), options.repeats)
            print(f"{name:45} {wrote / WRITTEN * 1e6:12.0f} {read / WRITTEN * 1e6:7.0f}")


if __name__ == "__main__":
    main()
