"""Who is who on portraits that move: the clips of `tracking.py`, with four people in place of its renders.

    python benchmarks/moving_portraits.py --portraits DIR [--source london openpeople] [--groups 6] [--dlib]

    --portraits  as for `faces.py`: its landmarks say where a face is; openpeople is read from its package
    --groups     of four people each, of every source
    --dlib       also with dlib's recognition (extra `dlib`)

The portraits are cut out softly and pasted onto drawn walls, as in the tests. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
from finding_faces.pictures import Picture, Portraits

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "made"))

import moving_faces
from aulens import FaceTracker, NetDetector
from aulens.faces.dlib_detector import DlibEmbedder
from aulens.faces.identity import FaceEmbedder, NetEmbedder
from moving_faces import Counts, count

ROLES = ("neutral", "smile", "frown", "astronaut", "sad")  # the tests' pictures; four people take them
SCENES = [
    getattr(moving_faces, name) for name in ("crossing", "bounce", "returning", "replaced", "cut", "jump")
]
WIDER = 1.05  # of a face, as the tests measure it, over its 68 landmarks


def neutral(source: Portraits, kind: str) -> list[str]:
    """One picture of each person, the neutral one where there are several."""
    mark = {"london": "_03.jpg", "openpeople": "_Neutral.jpg"}[kind]
    return [name for name in source.names(kind) if name.endswith(mark)]


def place(picture: Picture) -> tuple[float, float, float]:
    """Middle (x, y) and width of its face, as the tests have them of their pictures."""
    x, y = picture.landmarks[0].T
    return (x.min() + x.max()) / 2, y[27:36].mean(), WIDER * float(np.ptp(x))


def errors(people: list[Picture], ways: dict[str, FaceEmbedder | None], found: dict[str, Counts]) -> None:
    cast = {role: people[number % len(people)] for number, role in enumerate(ROLES)}
    places = {role: place(one) for role, one in cast.items()}
    moving_faces.softened.cache_clear()
    with (
        patch.object(moving_faces, "picture", lambda who: (cast[who].image, places[who])),
        patch.dict(moving_faces._PLACES, places),
    ):
        for make in SCENES:
            clip = list(make().frames())
            for way, embedder in ways.items():
                tracker = FaceTracker(NetDetector(), embedder)
                said = []
                for frame, actors in clip:
                    tracked = tracker(frame)
                    boxes = [face.box for face in tracked.faces]
                    said.append((actors, list(zip(tracked.ids, boxes, strict=True))))
                found[way] += count(said)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--source", nargs="+", default=["london", "openpeople"])
    parser.add_argument("--groups", type=int, default=6)
    parser.add_argument("--dlib", action="store_true")
    given = parser.parse_args()
    source = Portraits(given.portraits)
    ways: dict[str, FaceEmbedder | None] = {"our network": NetEmbedder(), "place alone": None}
    if given.dlib:
        ways["dlib's network"] = DlibEmbedder()
    print("| people | recognized by | faces | missed | false | id switches | ids shared | MOTA |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for kind in given.source:
        names, found = neutral(source, kind), {way: Counts() for way in ways}
        for start in range(0, 4 * given.groups, 4):
            if len(four := names[start : start + 4]) == 4:
                errors([source.picture(name) for name in four], ways, found)
        for way, told in found.items():
            parts = told.faces, told.missed, told.false, told.switches, told.shared
            print(f"| {kind} | {way} | " + " | ".join(map(str, parts)) + f" | {told.mota:.3f} |", flush=True)


if __name__ == "__main__":
    main()
