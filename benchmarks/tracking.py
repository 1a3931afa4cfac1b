"""Which way of tracking keeps people apart? Errors over drawn clips, and speed next to the detector's.

    python benchmarks/tracking.py [--detector aulens|dlib] [--scenes crossing returning ...] [--speed-only]
    python benchmarks/tracking.py --still astronaut camera ... [--sides 640 800 ...] [--seconds 4]

The clips are those of the tests (tests/made/moving_faces.py): 480 x 360 pixels, 25 frames a second, once with
all frames and once with every third. Who shall be seen was set by what dlib can see: a head that is turned
further than 75 degrees, or covered, counts as false. Speed is CPU time of one thread in pictures of
1280 x 720 with two people, next to the detector on each frame. `--still` films pictures of scikit-image with
a hand that sways, in several sizes and as in a mirror, and counts what is taken for a person and is none.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import skimage.data

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "made"))

import moving_faces
from aulens.faces.detector import Face, FaceFollower
from aulens.faces.dlib_detector import DlibDetector, DlibEmbedder
from aulens.faces.identity import FaceEmbedder, NetEmbedder
from aulens.faces.net_detector import NetDetector
from aulens.faces.tracker import FaceTracker
from moving_faces import Actor, Counts, Frame, Scene, count

SCENES = {make.__name__: make for make in (*moving_faces.SCENES, moving_faces.turning)}


def every(step: int, scene: Scene) -> Iterable[tuple[Frame, list[Actor]]]:
    return ((frame, cast) for frame, cast in scene.frames() if frame.index % step == 0)


def run(tracker: FaceTracker, clip: Iterable[tuple[Frame, list[Actor]]]) -> Counts:
    said, cost = [], 0.0
    for frame, cast in clip:
        start = time.process_time()
        tracked = tracker(frame)
        cost += time.process_time() - start
        said.append((cast, list(zip(tracked.ids, (face.box for face in tracked.faces), strict=True))))
    counts = count(said)
    counts.cost = cost
    return counts


def errors(names: list[str], ways: dict[str, Callable[[], FaceTracker]]) -> None:
    print("| way | frames | faces | missed | false | id switches | ids shared | MOTA |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    details = []
    clips = {(name, step): list(every(step, SCENES[name]())) for name in names for step in (1, 3)}
    for way, new in ways.items():
        total = Counts()
        for (name, step), clip in clips.items():
            counts = run(new(), clip)
            total += counts
            if counts.switches or counts.shared:
                details.append(
                    f"| {way} | {name}{', every 3rd frame' if step > 1 else ''} "
                    f"| {counts.switches} | {counts.shared} |"
                )
        t = total
        print(
            f"| {way} | {t.frames} | {t.faces} | {t.missed} | {t.false} | {t.switches} | {t.shared} "
            f"| {t.mota:.3f} |",
            flush=True,
        )
    print("\n| way | clip | id switches | ids shared |\n| --- | --- | ---: | ---: |")
    print("\n".join(details))


def speed(detector: FaceFollower, ways: dict[str, Callable[[], FaceTracker]], frames: int) -> None:
    """Two people who sway before a wall of 1280 x 720."""
    big = np.asarray(cv2.resize(moving_faces.wall(0), (1280, 720)))
    scene = Scene(
        "two", 50, lambda i: [Actor("smile", 130 + i / 5, 190), Actor("astronaut", 350, 190 + i / 9)]
    )
    images = []
    for frame, _ in scene.frames():
        image = big.copy()
        image[200:560, 400:880] = frame.image
        images.append(image)
    order = [*range(50), *range(49, -1, -1)]
    clip = [Frame(i, i / 25, images[order[i % 100]]) for i in range(frames)]
    start = time.process_time()
    faces = sum(len(detector(frame.image)) for frame in clip[::10])
    each = (time.process_time() - start) / len(clip[::10])
    print("\n| way | ms per frame | faces/s | times the detector's speed |\n| --- | ---: | ---: | ---: |")
    per_second = faces / len(clip[::10]) / each
    print(f"| detector on every frame, no ids | {1000 * each:.1f} | {per_second:.0f} | 1.0 |", flush=True)
    for way, new in ways.items():
        tracker, found = new(), 0
        start = time.process_time()
        for frame in clip:
            found += len(tracker(frame).faces)
        cost = time.process_time() - start
        print(
            f"| {way} | {1000 * cost / frames:.1f} | {found / cost:.0f} | {each * frames / cost:.1f} |",
            flush=True,
        )


# Faces in pictures of scikit-image: centre x, y, width. The cameraman's is in profile.
_FACES = {"astronaut": (223, 122, 90), "camera": (240, 160, 60)}


def still(names: list[str], sides: list[int], frames: int, detector: FaceFollower) -> None:
    """Rows of who is in a picture, and of who is not."""
    print("| picture | clips | frames | rows | false rows | clips with such |\n| --- |" + " ---: |" * 5)
    for name in names:
        picture = cv2.imread(str(next(Path(skimage.data.__file__).parent.glob(f"{name}.*g"))))[..., ::-1]
        x, y, width = _FACES.get(name, (np.nan, np.nan, np.nan))
        clips = rows = false = found = 0
        for side, mirrored in itertools.product(sides, (False, True)):
            image = np.ascontiguousarray(picture[:, ::-1] if mirrored else picture)
            place = np.array([image.shape[1] - 1 - x if mirrored else x, y, 1])
            tracker, wrong = FaceTracker(detector, None), 0
            for frame, matrix in moving_faces.swaying(image, side, frames):
                for face in tracker(frame).faces:
                    away = np.abs((face.box[:2] + face.box[2:]) / 2 - matrix @ place).max()
                    right = away < 0.5 * width * matrix[0, 0]
                    rows, wrong = rows + right, wrong + (not right)
            clips, false, found = clips + 1, false + wrong, found + (wrong > 0)
        print(f"| {name} | {clips} | {clips * frames} | {rows} | {false} | {found} |", flush=True)


def parts(detector: FaceFollower, embedder: FaceEmbedder) -> None:
    """What each part costs, in pictures of 640 x 480."""
    image = np.asarray(cv2.resize(moving_faces.picture("astronaut")[0], (640, 480)))
    (face,) = detector.detect_quickly(image)
    detector_each = 0.0
    print("\n| part | ms | of the detector's |\n| --- | ---: | ---: |")
    work: dict[str, Callable[[], object]] = {
        "detector, 640 x 480, one look": lambda: detector.detect_quickly(image),
        "detector near a face": lambda: detector.near(image, face.box),
        "landmarks": lambda: detector.landmarks(image, face.box),
        "embedding": lambda: embedder(image, face),
    }
    for name, call in work.items():
        call()
        start = time.process_time()
        for _ in range(20):
            call()
        each = (time.process_time() - start) / 20
        detector_each = detector_each or each
        print(f"| {name} | {1000 * each:.1f} | {each / detector_each:.2f} |", flush=True)


def distances(detector: FaceFollower, embedder: FaceEmbedder) -> None:
    """How far apart the people of the clips are, who are the pictures' and the astronaut."""
    views = {}
    for who in ("neutral", "smile", "frown", "one_sided_smile", "sad", "astronaut"):
        image = moving_faces.picture(who)[0]
        views[who] = embedder(image, detector.detect_quickly(image)[0])
    print("\n| distance of embeddings | " + " | ".join(views) + " |")
    print("| --- |" + " ---: |" * len(views))
    for who, view in views.items():
        row = " | ".join(f"{np.linalg.norm(view - other):.2f}" for other in views.values())
        print(f"| {who} | {row} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--detector", choices=("aulens", "dlib"), default="aulens")
    parser.add_argument("--scenes", nargs="+", default=list(SCENES), choices=SCENES)
    parser.add_argument("--frames", type=int, default=1000, help="frames of which the speed is measured")
    parser.add_argument("--speed-only", action="store_true")
    parser.add_argument("--still", nargs="+", metavar="PICTURE", help="only count what is taken for a face")
    sides = (700, 750, 800, 850, 900, 960, 1024, 1100, 1200)
    parser.add_argument("--sides", nargs="+", type=int, default=sides, help="longer sides of --still, pixels")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a clip of --still")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    detector: FaceFollower = DlibDetector() if options.detector == "dlib" else NetDetector()
    own, theirs = NetEmbedder(), DlibEmbedder()
    embedder: FaceEmbedder = theirs if options.detector == "dlib" else own
    if options.still:
        still(options.still, options.sides, round(options.seconds * moving_faces.RATE), detector)
        return

    def on_every_frame(image: np.ndarray) -> tuple[Face, ...]:
        return detector.detect_quickly(image)

    ways: dict[str, Callable[[], FaceTracker]] = {
        "overlap (IoU)": lambda: FaceTracker(detector, None, motion=False),
        "overlap + motion": lambda: FaceTracker(detector, None),
        "overlap + motion + our network": lambda: FaceTracker(detector, own),
        "overlap + motion + dlib's network": lambda: FaceTracker(detector, theirs),
        "the same, detector on every frame": lambda: FaceTracker(on_every_frame, embedder),
    }
    if not options.speed_only:
        errors(options.scenes, ways)
    for one in (own, theirs):
        distances(detector, one)
    parts(detector, embedder)
    speed(detector, ways, options.frames)


if __name__ == "__main__":
    main()
