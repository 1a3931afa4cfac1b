"""Made-up tables of clips in our schema, for every test that shows one."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

LABELS = ("AU1", "AU6", "AU12", "AU25")
THRESHOLD = {"AU1": 0.47, "AU6": 0.26, "AU12": 0.27, "AU25": 0.5}


def person(
    face_id: int,
    frames: Sequence[int] | range,
    seed: int = 0,
    labels: Sequence[str] = LABELS,
    rate: float = 25.0,
    file: str = "clip.mp4",
) -> pd.DataFrame:
    """Rows of one person in whom AUs come and go, with 4-decimal numbers; seen throughout."""
    rng = np.random.default_rng([seed, face_id])
    frame = np.asarray(frames)
    table = pd.DataFrame(
        {
            "file": file, "frame": frame, "time": np.round(frame / rate, 6), "face_id": face_id, "success": 1,
            "confidence": 1.0, "box_x": 10.0, "box_y": 10.0, "box_w": 60.0, "box_h": 70.0,
        }
    ).astype({"frame": "Int64", "face_id": "Int64", "success": "Int64"})  # fmt: skip
    columns = {}
    for label in labels:
        period, phase = rng.uniform(40, 200), rng.uniform(0, 6)
        wave = np.clip(np.sin(frame / period * 6 + phase) * 1.4 - 0.55, -1, 1)
        p = np.clip(0.08 + 0.8 * np.maximum(wave, 0) + rng.normal(0, 0.025, len(frame)), 0, 1)
        weaker = np.clip(p - rng.uniform(0.02, 0.2), 0, 1)
        right = seed % 2 == 0
        columns[f"{label}_p"] = np.round(p, 4)
        columns[f"{label}_c"] = (np.round(p, 4) >= THRESHOLD.get(label, 0.4)).astype(int)
        columns[f"{label}_left_p"] = np.round(weaker if right else p, 4)
        columns[f"{label}_right_p"] = np.round(p if right else weaker, 4)
    scores = pd.DataFrame(columns).astype({f"{label}_c": "Int64" for label in labels})
    return pd.concat([table, scores], axis=1)


def lose(table: pd.DataFrame, start: int, stop: int) -> pd.DataFrame:
    """The same table with the face lost in frames `start` to `stop` - 1."""
    table = table.copy()
    gone = table["frame"].between(start, stop - 1)
    empty = [c for c in table.columns if c not in ("file", "frame", "time", "face_id", "success")]
    table.loc[gone, empty] = pd.NA
    table.loc[gone, "success"] = 0
    return table


def spells(table: pd.DataFrame, labels: Sequence[str] = LABELS) -> pd.DataFrame:
    """The events of a table: each run of frames of a person in which an AU is present."""
    found = []
    for face_id, rows in table.groupby("face_id"):
        rows = rows.sort_values("frame")
        lasts = float(rows["time"].diff().median())
        for label in labels:
            on = (rows[f"{label}_c"] == 1).fillna(False).to_numpy(bool)
            edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(int)))
            for a, b in zip(edges[::2], edges[1::2], strict=True):
                run = rows.iloc[a:b]
                p = run[f"{label}_p"].to_numpy(float)
                apex = run.iloc[int(p.argmax())]
                onset, offset = float(run["time"].iloc[0]), float(run["time"].iloc[-1]) + lasts
                found.append(
                    {
                        "file": apex["file"], "face_id": face_id, "au": label, "onset": onset,
                        "apex": float(apex["time"]), "offset": offset, "duration": offset - onset,
                        "onset_frame": int(run["frame"].iloc[0]), "apex_frame": int(apex["frame"]),
                        "offset_frame": int(run["frame"].iloc[-1]), "peak_p": float(p.max()),
                        "mean_p": float(p.mean()), "side": "both", "open_start": a == 0,
                        "open_end": b == len(on),
                        "unseen": 0.0,
                    }
                )  # fmt: skip
    return pd.DataFrame(found)
