"""Which faces are doubtful: quality and hidden parts of portraits, covered, dark, blurred, small, cut off.

    python benchmarks/doubt.py --portraits DIR [--every N]

Prints the tables of docs/faces.md. The pictures are portraits of sfhq, cc0 and pexels that the face networks
did not learn from and that are not kept for testing (`finding_faces.pictures`: bucket 15 to 29). What the
model says of each as it is stands for the truth: an AU that it then finds in the same face behind a mask is
false, one that it finds no more is missed.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from finding_faces.pictures import SOURCES, TEST, UNTRAINED, Picture, Portraits, bucket, covered, cut, exposed

from aulens import Analyzer, FaceResult
from aulens.faces.detector import iou
from aulens.runtime.doubt import DOUBTFUL, guessed

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)


def sized(picture: Picture, height: float) -> Picture:
    """So that the face's box is so many pixels high."""
    (box,) = picture.boxes
    share = height / (box[3] - box[1])
    width, tall = (max(1, round(side * share)) for side in picture.size)
    image = cv2.resize(picture.image, (width, tall), interpolation=cv2.INTER_AREA)
    return Picture(picture.name, np.asarray(image, np.uint8), picture.landmarks * share)


def blurred(picture: Picture, share: float) -> Picture:
    """By a Gaussian whose standard deviation is so much of the box's height."""
    (box,) = picture.boxes
    image = cv2.GaussianBlur(picture.image, (0, 0), share * float(box[3] - box[1]))
    return Picture(picture.name, np.asarray(image, np.uint8), picture.landmarks)


def dark(picture: Picture, share: float) -> Picture:
    return Picture(picture.name, exposed(picture.image, share), picture.landmarks)


CHANGES: Mapping[str, Callable[[Picture], Picture]] = {
    "as it is": lambda picture: picture,
    "drawn mask": lambda picture: covered(picture, "mask"),
    "drawn dark glasses": lambda picture: covered(picture, "glasses"),
    "drawn hand": lambda picture: covered(picture, "hand"),
    "drawn scarf": lambda picture: covered(picture, "scarf"),
    "drawn hat": lambda picture: covered(picture, "hat"),
    "30 % off, bottom": lambda picture: cut(picture, "bottom", 0.3),
    "40 % off, left": lambda picture: cut(picture, "left", 0.4),
    "6 % of the light": lambda picture: dark(picture, 0.06),
    "2 % of the light": lambda picture: dark(picture, 0.02),
    "blurred, 1 % of the box": lambda picture: blurred(picture, 0.01),
    "blurred, 2 %": lambda picture: blurred(picture, 0.02),
    "blurred, 4 %": lambda picture: blurred(picture, 0.04),
    "60 pixels": lambda picture: sized(picture, 60),
    "40 pixels": lambda picture: sized(picture, 40),
    "30 pixels": lambda picture: sized(picture, 30),
    "20 pixels": lambda picture: sized(picture, 20),
}


def seen(analyzer: Analyzer, picture: Picture) -> FaceResult | None:
    """What is said of the picture's face; None if it is not found."""
    (box,) = picture.boxes
    best = max(analyzer(picture.image), key=lambda face: iou(face.box, box), default=None)
    return best if best is not None and iou(best.box, box) >= 0.4 else None


def rows_of(source: Portraits, names: list[str], analyzer: Analyzer) -> pd.DataFrame:
    """A row for each picture and change whose face is found."""
    rows = []
    for picture in source.pictures(names):
        if (plain := seen(analyzer, picture)) is None:
            continue
        for kind, change in CHANGES.items():
            if (face := plain if kind == "as it is" else seen(analyzer, change(picture))) is None:
                continue
            false, missed = set(face.present) - set(plain.present), set(plain.present) - set(face.present)
            guesses = set(guessed(face.hidden, tuple(face.probability)))
            rows.append(
                {
                    "name": picture.name, "kind": kind, "quality": face.quality, "why": face.doubt,
                    "hidden": face.hidden, "false": len(false), "missed": len(missed),
                    "left": 0 if face.doubt else len(false - guesses),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def table_of(rows: pd.DataFrame) -> None:
    print(
        "| portraits | found | quality: median | doubtful, % | why | parts hidden, % | false AUs a face "
        "| of doubtful faces, % | or of hidden parts, % |"
    )
    print("| --- | ---: | ---: | ---: | --- | --- | ---: | ---: | ---: |")
    for kind, part in rows.groupby("kind", sort=False):
        low, false = part["why"] != "", max(1, int(part["false"].sum()))
        why = ", ".join(f"{why} {count}" for why, count in Counter(part["why"][low]).most_common(3))
        hidden = Counter(one for parts in part["hidden"] for one in parts)
        told = ", ".join(f"{one} {100 * count / len(part):.0f}" for one, count in hidden.most_common())
        by_quality = part["false"][low].sum() / false
        either = 1 - part["left"].sum() / false
        shares = f"{100 * by_quality:.0f} | {100 * either:.0f}" if part["false"].sum() else "– | –"
        quality, share = part["quality"].median(), 100 * low.mean()
        print(f"| {kind} | {len(part)} | {quality:.2f} | {share:.0f} | {why} | {told} ", end="")
        print(f"| {part['false'].mean():.2f} | {shares} |")


def thresholds(rows: pd.DataFrame) -> None:
    """What each threshold of quality would leave out."""
    kinds = ("as it is", "drawn mask", "drawn dark glasses", "6 % of the light", "40 pixels", "30 pixels")
    spoilt = rows[rows["kind"] != "as it is"]
    wrong = spoilt["false"] + spoilt["missed"]
    print("| quality below | " + ", % | ".join(kinds) + ", % | changed AUs a face: below | not below |")
    print("| --- |" + " ---: |" * (len(kinds) + 2))
    for least in THRESHOLDS:
        shares = [f"{100 * (rows['quality'][rows['kind'] == kind] < least).mean():.0f}" for kind in kinds]
        low = spoilt["quality"] < least
        mark = "**" if least == DOUBTFUL else ""
        changed = f"{wrong[low].mean():.2f} | {wrong[~low].mean():.2f}"
        print(f"| {mark}{least:g}{mark} | {' | '.join(shares)} | {changed} |")


def thirds(rows: pd.DataFrame, source: Portraits) -> None:
    """How many are doubtful, by how bright the cheeks are."""
    skin = pd.Series({name: source.skin(name) for name in rows["name"].unique()})
    third = rows["name"].map(pd.qcut(skin, 3, labels=["darkest", "middle", "lightest"]))
    print("| doubtful, % | darkest cheeks | middle | lightest |")
    print("| --- | ---: | ---: | ---: |")
    for kind in ("as it is", "6 % of the light", "2 % of the light", "40 pixels", "drawn mask"):
        of = rows[rows["kind"] == kind]
        shares = (of["why"] != "").groupby(third[of.index], observed=False).mean()
        print(f"| {kind} | " + " | ".join(f"{100 * share:.0f}" for share in shares) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    source = Portraits(given.portraits)
    names = [name for name in source.names(*SOURCES, below=UNTRAINED) if bucket(name) >= TEST]
    rows = rows_of(source, names[:: given.every], Analyzer())
    thresholds(rows)
    print()
    table_of(rows)
    print()
    thirds(rows, source)


if __name__ == "__main__":
    main()
