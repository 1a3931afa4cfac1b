"""How far landmarks are off: on renders and on London's hand-placed points; how steady; head pose."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd

from aulens import Analyzer, read_image
from aulens.faces.detector import FaceDetector
from aulens.landmarks import OUTER_EYE_CORNERS, face_box
from aulens.pose import head_pose
from aulens.video import VideoWriter
from finding_faces.london import LIDS, LOOKED_AT, PARTNERS
from finding_faces.pictures import SOURCES, TEST, Points, Portraits
from finding_faces.subjects import Answer, Subject, judge


def eyes_apart(landmarks: Points) -> Points:
    """Distance of the outer corners of the eyes, which errors are told in."""
    right, left = OUTER_EYE_CORNERS
    return np.asarray(np.hypot(*np.moveaxis(landmarks[..., left, :] - landmarks[..., right, :], -1, 0)))


def _table(path: Path, every: int) -> tuple[pd.DataFrame, Points]:
    table = pd.read_parquet(path / "manifest.parquet")
    table = table[table["split"] == "test"].iloc[::every]
    points = np.stack([table[[f"{axis}_{i}" for i in range(68)]].to_numpy(np.float64) for axis in "xy"], -1)
    return table, points


def _nearest(answers: list[Answer], landmarks: Points, size: tuple[int, int]) -> Answer | None:
    box = np.asarray(face_box(landmarks), np.float64)
    of_face = judge(answers, box.reshape(1, 4), size).of_face[0]
    return answers[of_face] if of_face >= 0 else None


YAWS = ((0, 30), (30, 60), (60, 91))


def renders(folders: Sequence[Path], subjects: Sequence[Subject], every: int) -> None:
    """Row 6 and 8: landmarks and pose on held-out renders, by how far the head is turned."""
    print("### Landmarks on renders of people not trained on\n")
    print(
        "Error: mean distance of the 68 points, % of the distance of the outer eye corners; in brackets %\n"
        "of the square root of the box's area: a turned head's eyes come together. Of the faces each found.\n"
    )
    print("| renders | yaw | faces | " + " | ".join(f"{s.name}: found % | error" for s in subjects) + " |")
    print("| --- | --- |" + " ---: |" * (1 + 2 * len(subjects)))
    posed: dict[str, list[Points]] = {s.name: [] for s in subjects}
    for folder in folders:
        table, truth = _table(folder, every)
        errors = {s.name: np.full((len(table), 2), np.nan) for s in subjects}
        for number, row in enumerate(table.itertuples()):
            image = read_image(folder / str(row.file))
            size, across = (image.shape[1], image.shape[0]), eyes_apart(truth[number])
            box = face_box(truth[number])
            for subject in subjects:
                answer = _nearest(subject.see(image), truth[number], size)
                if answer is None:
                    continue
                off = float(np.hypot(*(answer.landmarks - truth[number]).T).mean())
                errors[subject.name][number] = (
                    100 * off / across,
                    100 * off / np.sqrt(np.prod(box[2:] - box[:2])),
                )
                pose = head_pose(answer.landmarks, image.shape[:2])
                angles = np.array([row.pitch, row.yaw, row.roll], np.float64)
                if np.abs(angles).max() <= 30 and pose is not None:
                    posed[subject.name].append(np.stack([angles, pose.angles]))
        yaw = np.abs(table["yaw"].to_numpy(np.float64))
        for low, high in YAWS:
            which = (yaw >= low) & (yaw < high)
            if not which.any():
                continue
            cells = []
            for error in errors.values():
                seen = which & np.isfinite(error[:, 0])
                means = error[seen].mean(0) if seen.any() else (np.nan, np.nan)
                cells.append(f"{100 * seen.sum() / which.sum():.1f} | {means[0]:.2f} ({means[1]:.2f})")
            print(
                f"| {folder.name} | {low} to {high - (high == 91)} | {which.sum()} | "
                + " | ".join(cells)
                + " |",
                flush=True,
            )
    _poses(posed)


def _poses(posed: dict[str, list[Points]]) -> None:
    print("\n### Head pose on the same, all angles within 30 degrees\n")
    print(
        "Flip: pitch or yaw of the other sign and off by more than 20 degrees. All landmarks count alike.\n"
    )
    print(
        "| landmarks by | faces | pitch, mean absolute error | yaw | roll | mean | flips |\n| --- |"
        + " ---: |" * 6
    )
    for name, pairs in posed.items():
        if not pairs:
            continue
        true, told = np.moveaxis(np.array(pairs), 1, 0)
        off = (told - true + 180) % 360 - 180
        flips = ((np.abs(off) > 20) & (true * told < 0))[:, :2].any(1).sum()
        mean = np.abs(off).mean(0)
        print(
            f"| {name} | {len(pairs)} | "
            + " | ".join(f"{v:.2f}" for v in [*mean, mean.mean()])
            + f" | {flips} |"
        )
    print(flush=True)


def london(source: Portraits, points: Path, subjects: Sequence[Subject], every: int) -> None:
    """Row 6: points placed by hand on photographs of 102 people."""
    print("### Landmarks on the London Set: points placed by hand\n")
    with np.load(points) as file:
        placed = {name: file[name].astype(np.float64) for name in list(file)[::every]}
    told: dict[str, dict[str, list[Points]]] = {s.name: {} for s in subjects}
    found = dict.fromkeys(told, 0)
    off_by: dict[str, list[Points]] = {s.name: [] for s in subjects}
    order: dict[str, list[str]] = {s.name: [] for s in subjects}
    pairs = [(a, b) for part in PARTNERS.values() for a, b, _ in part]
    for name, hand in placed.items():
        picture = source.picture(f"london/{name}")
        across = float(np.hypot(*(hand[27] - hand[18])))
        for subject in subjects:
            answer = _nearest(subject.see(picture.image), picture.landmarks[0], picture.size)
            if answer is None:
                continue
            found[subject.name] += 1
            order[subject.name].append(name)
            marks = answer.landmarks
            for part, partners in PARTNERS.items():
                away = marks[[a for a, _, _ in partners]] - hand[[b for _, b, _ in partners]]
                told[subject.name].setdefault(part, []).append(100 * np.hypot(*away.T) / across)
            lids = np.array([(marks[a] + marks[b]) / 2 - hand[c] for a, b, c in LIDS])
            told[subject.name].setdefault("lids", []).append(100 * np.hypot(*lids.T) / across)
            off_by[subject.name].append(
                100 * (marks[[a for a, _ in pairs]] - hand[[b for _, b in pairs]]) / across
            )
    parts = [*PARTNERS, "lids"]
    print(
        f"{len(pairs)} points of {len(placed)} faces, % of the distance of the outer eye corners; "
        f"the mean is without lids.\n{len(LOOKED_AT)} of the faces were looked at when portraits' labels "
        "were defined (brow ends, wings of the nose).\n"
    )
    print(
        "| subject | found | mean | mean of faces not looked at | median of faces | worst face | "
        + " | ".join(parts)
        + " | mean without each point's own offset |"
    )
    print("| --- |" + " ---: |" * (6 + len(parts)))
    for name, errors in told.items():
        if not errors:
            continue
        faces = np.concatenate([np.array(errors[part]) for part in PARTNERS], 1)
        own = np.array(off_by[name])
        rest = np.hypot(*np.moveaxis(own - own.mean(0), -1, 0)).mean()
        means = [
            faces.mean(),
            faces[~np.isin(order[name], LOOKED_AT)].mean(),
            np.median(faces.mean(1)),
            faces.mean(1).max(),
            *(np.mean(errors[p]) for p in parts),
            rest,
        ]
        print(f"| {name} | {found[name]} | " + " | ".join(f"{v:.2f}" for v in means) + " |")
    print(
        "\n| among the 68 | of the 189 | what | "
        + " | ".join(f"{s.name}: error | offset x, y" for s in subjects)
        + " |"
    )
    print("| ---: | ---: | --- |" + " ---: |" * (2 * len(subjects)))
    number = 0
    for part, partners in PARTNERS.items():
        for index, (a, b, what) in enumerate(partners):
            cells = []
            for name in told:
                if off_by[name]:
                    offset = np.array(off_by[name])[:, number].mean(0)
                    error = np.array(told[name][part])[:, index].mean()
                    cells.append(f"{error:.2f} | {offset[0]:+.2f}, {offset[1]:+.2f}")
            print(f"| {a} | {b} | {part}: {what} | " + " | ".join(cells) + " |")
            number += 1
    print(flush=True)


FRAMES = 100


def still(
    source: Portraits, subjects: Sequence[Subject], count: int, sizes: Sequence[int] = (0, 180)
) -> None:
    """Row 7: a portrait as a video of 100 frames, through `Analyzer.video`."""
    print("### A still picture as a video\n")
    print(
        f"{FRAMES} frames of one portrait, H.264 by aulens' writer. Standard deviations over time: of a\n"
        "landmark (root of the variances of x and y, mean of the points) in % of the distance of the outer\n"
        "eye corners; of an AU's probability, mean and worst AU. Means of portraits; in brackets the worst.\n"
    )
    print(
        "| detector | portraits | frames with one face | landmarks | AU, mean | AU, worst |\n| --- | --- |"
        + " ---: |" * 4
    )
    names = source.names(*SOURCES, below=TEST)
    names = [name for name in names if source.quality.get(name) == "ok"][:: max(1, len(names) // count)][
        :count
    ]
    for subject in subjects:
        if subject.detector is None:
            continue
        for longest in sizes:
            with tempfile.TemporaryDirectory() as folder:
                rows = [_trembling(source, name, subject.detector, Path(folder), longest) for name in names]
            whole = np.array([row for row in rows if row is not None])
            if not len(whole):
                print(f"| {subject.name} | {len(names)}, as they are | 0 | – | – | – |")
                continue
            cells = " | ".join(
                f"{m:.4f} ({w:.4f})" for m, w in zip(whole[:, 1:].mean(0), whole[:, 1:].max(0), strict=True)
            )
            kind = f"shrunk to {longest} pixels" if longest else "as they are"
            print(
                f"| {subject.name} | {len(whole)} of {len(names)}, {kind} "
                f"| {100 * whole[:, 0].mean():.1f} % | {cells} |",
                flush=True,
            )
    print()


def _trembling(
    source: Portraits, name: str, detector: FaceDetector, folder: Path, longest: int
) -> tuple[float, ...] | None:
    image = source.image(name)
    if longest:
        import cv2

        scale = longest / max(image.shape[:2])
        image = np.asarray(
            cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    image = np.ascontiguousarray(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2])
    file = folder / "still.mp4"
    with VideoWriter(file, (image.shape[1], image.shape[0]), rate=Fraction(25)) as writer:
        for _ in range(FRAMES):
            writer.write(image)
    landmarks, probabilities = [], []
    for frame in Analyzer(detector=detector, threads=1).video(file):
        if len(frame.faces) == 1:
            landmarks.append(frame.faces[0].landmarks)
            probabilities.append(list(frame.faces[0].probability.values()))
    if len(landmarks) < FRAMES // 2:
        return None
    points, chances = np.array(landmarks), np.array(probabilities)
    spread = np.sqrt(points.var(0).sum(-1)).mean() / eyes_apart(points.mean(0))
    deviation = chances.std(0)
    return len(landmarks) / FRAMES, 100 * float(spread), float(deviation.mean()), float(deviation.max())
