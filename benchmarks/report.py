"""The report of an hour of video with two people: its size, and the memory it takes to write it.

And how often the interval of a share of time holds the truth, for spells of several lengths.
"""

import sys
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd

from aulens.aus import AUSet
from aulens.runtime.card import read_card
from aulens.show.report import write_report
from aulens.show.stills import Stills
from aulens.tables.clip import Track
from aulens.tables.shares import BLOCK, shares

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "made"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "show"))

from frames import frame

from clips import person
from stub_model import write_stub

RATE = 25
HOUR = 3600 * RATE


def hour(folder: Path) -> None:
    """Write the report of an hour, with stills of a size and weight that films have."""
    aus = (1, 6, 12, 25)
    card = read_card(write_stub(folder, aus=aus))
    table = pd.concat([person(k, range(HOUR), labels=card.aus.labels) for k in (0, 1)], ignore_index=True)
    picture = np.random.default_rng(0).integers(0, 60, (360, 640, 3), dtype=np.uint8)
    with Stills(folder / "stills", AUSet("stub", aus)) as stills:
        for k in range(0, HOUR, 200):
            result = frame(k, {0: {"AU12": 0.9}, 1: {"AU25": 0.7}}, shape=(360, 640))
            result.image[:] = picture
            stills.add(result)
    held = sum(path.stat().st_size for path in (folder / "stills").iterdir())
    tracemalloc.start()
    write_report(folder / "report.html", table, card, stills=folder / "stills")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    own = int(table.memory_usage(index=False).sum())
    print(f"stills on disk      {held / 1e6:6.1f} MB")
    print(f"page                {(folder / 'report.html').stat().st_size / 1e6:6.1f} MB")
    print(f"memory to write it  {peak / own:6.1f} times the table's {own / 1e6:.0f} MB")


def held(minutes: float, on: float, off: float, block: float = BLOCK, trials: int = 300) -> float:
    """How often the interval holds the truth; spells are exponential, of mean `on` and `off` seconds."""
    rng, hits, rate = np.random.default_rng(0), 0, 5
    count = round(minutes * 60 * rate)
    truth = spells(rng, 2_000_000, on * rate, off * rate).mean()
    for seed in range(trials):
        start = int(rng.integers(100, 1000))
        present = spells(rng, count + 1000, on * rate, off * rate)[start : start + count, None]
        at = np.arange(count)
        track = Track(
            0, at, at / rate, np.full(count, 1 / rate), present.astype(np.float32), present, None, None
        )
        found = shares(track, block=block, draws=500, seed=seed)
        hits += int(found.low[0] <= truth <= found.high[0])
    return hits / trials


def spells(rng: np.random.Generator, count: int, on: float, off: float) -> np.ndarray:
    """(count,) bool."""
    pairs = int(count / (on + off) * 1.5) + 100
    lengths = rng.exponential(np.tile([on, off], pairs)).round().astype(int) + 1
    return np.repeat(np.tile([True, False], pairs), lengths)[:count]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        hour(Path(name))
    print("\nThe 95 % interval of a share holds the truth in so many of 300 made-up clips:")
    print("spells: present, absent    5 min   10 min   30 min")
    for on, off in ((1, 4), (2, 10), (5, 20)):
        told = "   ".join(f"{held(minutes, on, off):5.0%}" for minutes in (5, 10, 30))
        print(f"{on:12d} s,{off:4d} s        {told}")
    print(f"With blocks of one frame, 2 s and 10 s, 10 min: {held(10, 2, 10, block=0.2):.0%}")
