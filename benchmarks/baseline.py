"""Does a person's own baseline make people comparable, and are blinks counted rightly? (extras train, render)

    python benchmarks/baseline.py [--people 12] [--frames 450] [--keep DIR]

Made-up people come first: one minute of log odds of one AU, 25 frames a second, whose rest wavers by 0.4 and
which spells of it, a second or two each, raise by up to 5; baselines by quantiles less the true rest, mean
and spread of 200 people, by the share of the time with the AU.

Rendered people are filmed one after another (the look-alike of Aff-Wild2, 320 x 240, 30 frames a second) and
analyzed as videos; what they do in each frame is known. --keep writes tables and truth there, and reads what
is there already.

Baseline: ROC AUC of an AU over the frames of all people together, mean and least over the AUs that half of
them show; of probabilities, and of `AU12_above` with baselines of several quantiles, of the median of the
frames in which the AU is known to be absent, and of the frame with the fewest AUs. Beside it how far a
baseline lies above that median, log odds, mean and spread.

Blinks: closures (lids more than half way down) that are known, that were found, and events of AU45 that are
none of them. A closure counts as found if one event shares time with it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import av
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from aulens.analysis.analyzer import Analyzer
from aulens.aus import PRESENT_STRENGTH
from aulens.render.expression import Muscles
from aulens.render.generate import load_rig
from aulens.render.lookalike.config import LookalikeConfig, cast
from aulens.render.lookalike.film import Framing, Studio, film
from aulens.render.lookalike.plan import plan
from aulens.tables import read_table
from aulens.tables.baseline import Baseline, log_odds
from aulens.tables.blinks import LONGEST, SHUT, blink_rates
from aulens.tables.events import events

RATE = 30
QUANTILES = (0.05, 0.1, 0.2, 0.3, 0.5)
SHARES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)


def filmed(folder: Path, people: int, frames: int, analyzer: Analyzer) -> None:
    """A table and the truth (F, A) of each person, where they are not there yet."""
    config = LookalikeConfig("affwild2", subjects=people, frames=frames, size=240, seed=5)
    takes = cast(config)[:people]
    studio = Studio(config, Muscles.of(load_rig(config.rig, config.assets)), plan(config, takes))
    for take in takes:
        table, truth = folder / f"{take.number}.csv", folder / f"{take.number}.truth.csv"
        if table.exists():
            continue
        video, seen = folder / f"{take.number}.mp4", []
        with av.open(str(video), "w") as container:
            stream = container.add_stream("libx264", rate=RATE, width=320, height=240)
            stream.pix_fmt = "yuv420p"
            for frame in film(take, frames, studio, Framing(aspect=4 / 3)):
                seen.append(frame.seen)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="rgb24")))
            container.mux(stream.encode(None))
        pd.DataFrame(seen).to_csv(truth, index=False)
        analyzer.table([video]).to_csv(table, index=False)


def made_up() -> None:
    """The error of baselines of people whose rest is known."""
    rng = np.random.default_rng(0)
    print("| quantile | " + " | ".join(f"{share:.0%}" for share in SHARES) + " |")
    people = {share: [_odds(share, rng) for _ in range(200)] for share in SHARES}
    for quantile in QUANTILES:
        off = [[np.quantile(odds, quantile) for odds in people[share]] for share in SHARES]
        told = " | ".join(f"{np.mean(one):+.2f} ± {np.std(one):.2f}" for one in off)
        print(f"| {quantile:g} | {told} |")


def _odds(share: float, rng: np.random.Generator, frames: int = 1500) -> NDArray[np.float64]:
    """(frames,) log odds of a person whose rest is 0."""
    odds = rng.normal(0, 0.4, frames)
    for _ in range(3):  # neighbours are alike
        odds = 0.5 * odds + 0.5 * np.roll(odds, 1)
    odds *= 0.4 / odds.std()
    on = np.zeros(frames, bool)
    while on.mean() < share:
        start, length = rng.integers(frames), int(rng.integers(12, 60))
        spell = (start + np.arange(length)) % frames
        odds[spell[~on[spell]]] += 5 * rng.beta(1.6, 1.2)
        on[spell] = True
    return odds


def runs(on: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(int)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--frames", type=int, default=450)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    made_up()
    if not options.people:
        return
    analyzer = Analyzer()
    thresholds = dict(zip(analyzer.card.aus.labels, analyzer.card.threshold, strict=True))
    folder = options.keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    filmed(folder, options.people, options.frames, analyzer)
    tables, truths = [], []
    known = found = false = 0
    rates = []
    for number in range(options.people):
        table = read_table(folder / f"{number}.csv")
        table = table[table["face_id"] == 0].reset_index(drop=True)
        truth = pd.read_csv(folder / f"{number}.truth.csv").rename(columns="AU{}".format)
        told = events(table, thresholds=thresholds)
        told = told[told["au"] == "AU45"]
        spans = [
            (a / RATE, b / RATE)
            for a, b in runs(truth[SHUT].to_numpy() >= 0.5)
            if a > 0 and b < len(truth) and (b - a) / RATE <= LONGEST
        ]
        hit = [((told["onset"] < b) & (told["offset"] > a)).any() for a, b in spans]
        known, found = known + len(spans), found + sum(hit)
        false += sum(
            not any(a < off and b > on for a, b in spans) for on, off in told[["onset", "offset"]].to_numpy()
        )
        rates.append((60 * len(spans) * RATE / len(truth), blink_rates(table, told)["per_minute"].iloc[0]))
        seen = table["success"] == 1
        tables.append(table[seen].assign(file=str(number)))
        truths.append(truth.iloc[table["frame"][seen]])
    print(f"blinks known {known}, found {found}, others found {false}; rates per minute, known and found:")
    print(", ".join(f"{a:.0f} {b:.0f}" for a, b in rates))
    report(pd.concat(tables, ignore_index=True), pd.concat(truths, ignore_index=True), options.people)


def report(table: pd.DataFrame, truth: pd.DataFrame, people: int) -> None:
    labels = [label for label in Baseline().of(table).columns if label in truth and label != SHUT]
    shown = truth[labels].to_numpy() >= PRESENT_STRENGTH
    bare = truth[labels].to_numpy() < PRESENT_STRENGTH / 2
    who = table["file"].to_numpy().astype(int)
    enough = [2 * sum(shown[who == n, a].any() for n in range(people)) >= people for a in range(len(labels))]
    odds = log_odds(table[[f"{label}_p" for label in labels]].to_numpy(float))
    rest = np.stack(
        [
            [
                np.median(odds[(who == n) & bare[:, a], a]) if (bare[who == n, a]).any() else np.nan
                for a in range(len(labels))
            ]
            for n in range(people)
        ]
    )
    first = np.stack(
        [odds[np.flatnonzero(who == n)[np.argmin(shown[who == n].sum(1))]] for n in range(people)]
    )
    ways = {"probability": np.zeros_like(rest), "median of frames without": rest, "one neutral frame": first}
    for quantile in QUANTILES:
        ways[f"quantile {quantile:g}"] = Baseline(quantile).of(table)[labels].to_numpy()
    spread = np.nanstd(rest, axis=0).mean()
    print(f"{sum(enough)} AUs, {len(table)} frames; spread of people at rest {spread:.2f} log odds")
    for name, base in ways.items():
        above = odds - base[who]
        auc = [roc_auc_score(shown[:, a], above[:, a]) for a in range(len(labels)) if enough[a]]
        off = base - rest
        about = f"{np.mean(auc):.3f} | {np.min(auc):.3f} | {np.nanmean(off):+.2f} | {np.nanstd(off):.2f}"
        print(f"| {name} | {about} |")


if __name__ == "__main__":
    main()
