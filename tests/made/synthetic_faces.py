"""A data set in the renders' format, drawn with ellipses: an AU is a disc where it shows."""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from aulens.aus import AUS, AUSet
from aulens.roi import centres

PAINTED = AUSet("painted", (2, 12, 15))
"""AUs that occur; every other AU is there with intensity 0 throughout."""

NEVER = 9
"""An AU that is coded and never occurs."""


def face68() -> np.ndarray:
    """A frontal face of 68 points, (68, 2): mouth at (0, 0.55), eyes at (+-0.32, -0.3)."""
    angle = np.linspace(np.pi, 0, 17)
    jaw = np.stack([-0.85 * -np.cos(angle), -0.2 + 1.1 * np.sin(angle)], 1)
    brow = np.stack([np.linspace(-0.6, -0.15, 5), -0.55 - 0.06 * np.sin(np.linspace(0, np.pi, 5))], 1)
    bridge = np.stack([np.zeros(4), np.linspace(-0.3, 0.1, 4)], 1)
    nose = np.stack([np.linspace(-0.15, 0.15, 5), np.full(5, 0.2)], 1)
    eye = np.array(
        [[-0.47, -0.3], [-0.37, -0.35], [-0.27, -0.35], [-0.17, -0.3], [-0.27, -0.25], [-0.37, -0.25]]
    )
    flip = np.array([-1, 1])
    outer = [
        [-0.3, 0.55],
        [-0.2, 0.48],
        [-0.08, 0.46],
        [0, 0.47],
        [0.08, 0.46],
        [0.2, 0.48],
        [0.3, 0.55],
        [0.2, 0.63],
        [0.08, 0.66],
        [0, 0.66],
        [-0.08, 0.66],
        [-0.2, 0.63],
    ]
    inner = [
        [-0.24, 0.55],
        [-0.08, 0.53],
        [0, 0.53],
        [0.08, 0.53],
        [0.24, 0.55],
        [0.08, 0.58],
        [0, 0.58],
        [-0.08, 0.58],
    ]
    left_eye = (eye * flip)[[3, 2, 1, 0, 5, 4]]
    return np.concatenate([jaw, brow, (brow * flip)[::-1], bridge, nose, eye, left_eye, outer, inner])


def write_faces(
    root: Path, *, subjects: int, each: int, seed: int = 0, size: int = 80, rig: str = "paint"
) -> Path:
    """Write ROOT/manifest.parquet and ROOT/images; subjects are split 70/15/15 in order."""
    random = np.random.default_rng(seed)
    (root / "images" / "00").mkdir(parents=True, exist_ok=True)
    rows = []
    for index in range(subjects * each):
        subject = index // each
        split = "train" if subject < 0.7 * subjects else "val" if subject < 0.85 * subjects else "test"
        points = face68() * size * 0.42 + size / 2 + random.normal(0, 1.5, 2)
        image = np.full((size, size, 3), random.integers(60, 120, 3), np.uint8)
        skin = np.random.default_rng(subject).integers(120, 200, 3).tolist()
        cv2.ellipse(image, (size // 2, size // 2), (int(size * 0.4), int(size * 0.47)), 0, 0, 360, skin, -1)
        present = random.random((len(PAINTED), 2)) < 0.35
        for au, spots in enumerate(centres(points, PAINTED)):
            for side in range(2):
                if present[au, side]:
                    colour = np.roll([250, 20, 20], au).tolist()
                    cv2.circle(image, np.rint(spots[side]).astype(int).tolist(), size // 16, colour, -1)
        file = f"images/00/{index:06d}.jpg"
        cv2.imwrite(str(root / file), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
        row = {
            "file": file,
            "index": index,
            "rig": rig,
            "subject": f"s{subject:03d}",
            "split": split,
            "seed": seed,
        }
        row |= {f"AU{n}_{side}": 0.0 for n in AUS for side in ("right", "left")}
        for au, label in enumerate(PAINTED.labels):
            row |= {f"{label}_right": 0.8 * present[au, 0], f"{label}_left": 0.8 * present[au, 1]}
        row |= {f"{axis}_{k}": float(points[k, "xy".index(axis)]) for k in range(68) for axis in "xy"}
        rows.append(row | {"yaw": 0.0, "pitch": 0.0, "roll": 0.0})
    pd.DataFrame(rows).to_parquet(root / "manifest.parquet")
    (root / "meta.json").write_text(json.dumps({"format": "aulens-renders/1"}))
    return root
