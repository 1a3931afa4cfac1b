"""Apexes found while a clip goes by are those that events tell of the whole table."""

import msgspec
import numpy as np
import pandas as pd
import pytest

from aulens.tables.apexes import Apex, Apexes, Run
from aulens.tables.events import events

LABELS = ("AU1", "AU12")
STEP = 0.04


def acted(seed: int) -> pd.DataFrame:
    """Two people whose AUs come and go, absent for at most 0.12 s within an event and 0.4 s between two."""
    rng = np.random.default_rng(seed)
    clip = []
    for face_id in (0, 1):
        rows = pd.DataFrame({"file": "a.mp4", "frame": np.arange(300), "face_id": face_id, "success": 1})
        rows["time"] = np.round(rows["frame"] * STEP, 6)
        for label in LABELS:
            spells = np.where(np.arange(80) % 2 == 0, rng.integers(1, 12, 80), rng.choice([1, 3, 10, 20], 80))
            present = np.repeat(np.arange(80) % 2 == 0, spells)[:300]
            rows[f"{label}_c"] = present.astype(int)
            rows[f"{label}_p"] = np.round(0.5 * present + rng.random(300) / 2.1, 2)
        clip.append(rows)
    return pd.concat(clip, ignore_index=True)


def follow(table: pd.DataFrame, apexes: Apexes) -> Apexes:
    for frame, rows in table.groupby("frame"):
        present = {
            int(row["face_id"]): {label: row[f"{label}_p"] for label in LABELS if row[f"{label}_c"]}
            for _, row in rows.iterrows()
        }
        apexes.add(int(frame), float(rows["time"].iloc[0]), present)
    return apexes


def told(apexes: Apexes) -> list[tuple[int, int, str, float]]:
    return sorted((apex.frame, apex.face_id, apex.label, apex.probability) for apex in apexes.kept)


@pytest.mark.parametrize("seed", range(4))
def test_apexes_are_those_of_events(seed: int) -> None:
    table = acted(seed)
    apexes = follow(table, Apexes(10_000))
    apexes.close()
    found = events(table, min_duration=0)
    due = found[["apex_frame", "face_id", "au", "peak_p"]].itertuples(index=False, name=None)
    assert told(apexes) == sorted(due)
    assert len(found) > 20


def test_a_follower_that_was_stopped_goes_on() -> None:
    table = acted(9)
    first, then = table[table["frame"] < 137], table[table["frame"] >= 137]
    again = Apexes(30)
    over, runs = follow(first, Apexes(30)).state()
    saved = msgspec.json.encode((over, runs))
    again.restore(*msgspec.json.decode(saved, type=tuple[tuple[Apex, ...], tuple[Run, ...]]))
    follow(then, again)
    whole = follow(table, Apexes(30))
    assert again.state() == whole.state()
    again.close()
    assert len(again.frames) == 30


def test_each_au_of_each_person_keeps_its_strongest() -> None:
    table = acted(3)
    few, all_of_them = follow(table, Apexes(4)), follow(table, Apexes(10_000))
    for apexes in (few, all_of_them):
        apexes.close()
    best = pd.DataFrame(told(all_of_them), columns=["frame", "face_id", "au", "p"])
    strongest = best.sort_values("p").groupby(["face_id", "au"]).tail(1)
    assert len(few.frames) == 4
    kept = {(apex.face_id, apex.label, apex.probability) for apex in few.kept}
    assert kept.issuperset(zip(strongest["face_id"], strongest["au"], strongest["p"], strict=True))
