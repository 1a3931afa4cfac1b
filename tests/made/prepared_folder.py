"""Folders as `aulens prepare` leaves them, written without it: a manifest, and shards that are empty."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

COUNT = 49


def write_prepared(
    root: Path, people: dict[str, str], *, dataset: str = "own", aus=(1, 12), each: int = 3, seed: int = 0
) -> Path:
    """`each` frames of every subject → part; random labels and landmarks."""
    (root / "shards").mkdir(parents=True)
    random = np.random.default_rng(seed)
    rows = []
    for subject, part in sorted(people.items()):
        shard = f"shards/{subject}.tar"
        (root / shard).touch()
        for frame in range(1, each + 1):
            rows.append(
                {
                    "key": f"{subject}/s/{frame}", "subject": subject, "sequence": "s", "frame": frame,
                    "part": part, "shard": shard, "offset": 512 * frame, "length": 100 + frame, "size": 96,
                    "found": "given",
                    **{f"AU{au}": np.int8(random.integers(-1, 2)) for au in aus},
                    **{f"{axis}_{k}": np.float32(random.random()) for k in range(COUNT) for axis in "xy"},
                }
            )  # fmt: skip
    pd.DataFrame(rows).to_parquet(root / "manifest.parquet", index=False)
    (root / "prepared.json").write_text(json.dumps({"format": "aulens-prepared/1", "dataset": dataset}))
    return root
