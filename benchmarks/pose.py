"""How exact is the head pose, on renders whose pose is known, and what does it cost?

    aulens render --n 360 --seed 71 --out renders
    aulens render --n 360 --seed 72 --out renders-ict --rig ict --assets ict.npz
    aulens render --n 240 --seed 74 --wide --out wide-ict --rig ict --assets ict.npz
    python benchmarks/pose.py renders renders-ict wide-ict [--noise 0 0.02]

The landmarks are the manifest's, moved by Gaussian noise (a share of the distance between the outer corners
of the eyes) and turned in the picture by random angles up to 180 degrees. Beside ours: OpenCV's solvePnP
(SQPNP, then refineLM) with the same average face and camera, all landmarks alike. An answer that is off by
more than 45 degrees is a flip. Time is CPU time per face, the least of the repeats.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.landmarks import IBUG49, IBUG68, OUTER_EYE_CORNERS
from aulens.pose import focal_length, head_pose
from aulens.pose.head import from_angles, seen_from_camera
from aulens.pose.mean_face import mean_face

Floats = NDArray[np.float64]
Way = Callable[[Floats, tuple[int, int]], Floats]
WITHIN = 30.0
FLIP = 45.0


def ours(landmarks: Floats, shape: tuple[int, int]) -> Floats:
    found = head_pose(landmarks, shape)
    assert found is not None
    return np.array(found.angles)


def of_49(landmarks: Floats, shape: tuple[int, int]) -> Floats:
    return ours(landmarks[list(IBUG49.in68)], shape)


def opencv(landmarks: Floats, shape: tuple[int, int]) -> Floats:
    focal, (height, width) = focal_length(shape), shape
    camera = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    face, seen = np.ascontiguousarray(mean_face(IBUG68) * (1, -1, -1)), np.ascontiguousarray(landmarks)
    _, turn, place = cv2.solvePnP(face, seen, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    turn, place = cv2.solvePnPRefineLM(face, seen, camera, None, turn, place)
    return seen_from_camera(cv2.Rodrigues(turn)[0], place.ravel())


WAYS: dict[str, Way] = {"aulens": ours, "aulens, 49 points": of_49, "OpenCV's solvePnP": opencv}


def spun(landmarks: Floats, size: int, degrees: float) -> Floats:
    """Turned counter-clockwise about the picture's middle."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    middle = (size - 1) / 2
    return np.asarray((landmarks - middle) @ np.array([[c, -s], [s, c]]) + middle)


def apart(a: Floats, b: Floats) -> Floats:
    """The angle in degrees between rotations (N, 3, 3)."""
    cosine = (np.einsum("nij,nij->n", a, b) - 1) / 2
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def errors(folder: Path, noise: float, spin: bool) -> None:
    table = pd.read_parquet(folder / "manifest.parquet")
    size = cv2.imread(str(folder / table["file"].iloc[0])).shape[0]
    points = np.stack([table[[f"{axis}_{i}" for i in range(68)]].to_numpy(float) for axis in "xy"], axis=-1)
    true = table[["pitch", "yaw", "roll"]].to_numpy(float, copy=True)
    rng = np.random.default_rng(0)
    right, left = OUTER_EYE_CORNERS
    eyes = np.linalg.norm(points[:, right] - points[:, left], axis=1)
    points += rng.normal(size=points.shape) * (noise * eyes)[:, None, None]
    if spin:
        by = rng.uniform(-180, 180, len(points))
        points = np.stack([spun(face, size, angle) for face, angle in zip(points, by, strict=True)])
        true[:, 2] += by
    near = (np.abs(true[:, :2]) <= WITHIN).all(axis=1)
    for name, way in WAYS.items():
        found = np.stack([way(face, (size, size)) for face in points])
        off = (found - true + 180) % 360 - 180
        flips = int((apart(from_angles(found), from_angles(true)) > FLIP).sum())
        pitch, yaw, roll = np.abs(off[near]).mean(axis=0)
        still = np.abs(off[near, 0] - np.median(off[near, 0])).mean()
        turned = np.abs(off[~near]).mean(axis=0)
        print(
            f"| {folder.name} | {noise:g} | {'any' if spin else 'as drawn'} | {name} | {near.sum()} "
            f"| {pitch:.2f} (bias {off[near, 0].mean():+.2f}, without {still:.2f}) | {yaw:.2f} | {roll:.2f} "
            f"| {(~near).sum()}: {turned[0]:.1f}, {turned[1]:.1f}, {turned[2]:.1f} | {flips} |",
            flush=True,
        )


def cost(folder: Path) -> None:
    table = pd.read_parquet(folder / "manifest.parquet").head(200)
    points = np.stack([table[[f"{axis}_{i}" for i in range(68)]].to_numpy(float) for axis in "xy"], axis=-1)

    def seen(landmarks: Floats, shape: tuple[int, int]) -> Floats:
        found = head_pose(landmarks, shape, np.ones(68))
        assert found is not None
        return np.array(found.angles)

    print("\n| way | CPU ms per face |\n| --- | ---: |")
    for name, way in {**WAYS, "aulens, with visibility": seen}.items():
        times = []
        for _ in range(15):
            start = time.process_time()
            for face in points:
                way(face, (192, 192))
            times.append((time.process_time() - start) / len(points))
        print(f"| {name} | {min(times) * 1000:.3f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("renders", type=Path, nargs="+")
    parser.add_argument("--noise", type=float, nargs="+", default=[0.0, 0.02])
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print(f"| renders | noise | roll | way | within {WITHIN:g} | pitch | yaw | roll | beyond | flips |")
    print("| --- | ---: | --- | --- | ---: | --- | ---: | ---: | --- | ---: |")
    for folder in options.renders:
        for noise in options.noise:
            errors(folder, noise, spin=noise > 0)
    cost(options.renders[0])


if __name__ == "__main__":
    main()
