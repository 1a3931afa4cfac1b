"""Tables of made-up videos."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from aulens.tables.schema import complete

NAN = float("nan")


def clip(
    p: Sequence[float],
    *,
    times: Sequence[float] | None = None,
    rate: float = 10.0,
    face_id: int = 0,
    file: str = "a.mp4",
    threshold: float = 0.5,
    label: str = "AU12",
) -> pd.DataFrame:
    """One person with these probabilities, frame by frame; NaN where the face is lost."""
    share = np.array(p, dtype=np.float64)
    lost = np.isnan(share)
    frame = pd.DataFrame(
        {"file": file, "frame": np.arange(len(share)), "face_id": face_id}, range(len(share))
    )
    frame["time"] = np.round(np.arange(len(share)) / rate, 6) if times is None else times
    frame["success"] = (~lost).astype(int)
    frame[f"{label}_p"] = share
    frame[f"{label}_c"] = pd.Series(share >= threshold).astype("Int64").where(~lost)
    return complete(frame)


def random_table(
    seed: int, frames: int = 400, people: int = 2, labels: Sequence[str] = ("AU1", "AU12")
) -> pd.DataFrame:
    """Two files, people who are lost now and then, uneven time stamps; AU2 not known in some rows."""
    rng = np.random.default_rng(seed)
    parts = []
    for file in ("a.mp4", "b.mp4"):
        times = np.round(np.cumsum(rng.choice([0.02, 0.04, 0.04, 0.1, 0.5], frames)), 6)
        for face_id in range(people):
            lost = rng.random(frames) < 0.1
            for start in rng.integers(0, frames, 4):
                lost[start : start + rng.integers(2, 40)] = True
            frame = pd.DataFrame(
                {"file": file, "frame": np.arange(frames), "time": times, "face_id": face_id}
            )
            frame["success"] = (~lost).astype(int)
            for label in labels:
                walk = np.cumsum(rng.normal(0, 0.8, frames))
                share = np.round(1 / (1 + np.exp(-(walk - walk.mean()))), 6)
                share[lost | (rng.random(frames) < 0.03)] = NAN
                frame[f"{label}_p"] = share
                frame[f"{label}_c"] = pd.Series(share >= 0.5).astype("Int64").where(~np.isnan(share))
            parts.append(frame)
    table = complete(pd.concat(parts, ignore_index=True))
    return table.sample(frac=1, random_state=seed).reset_index(drop=True)
