"""Who is measured: aulens' detector, dlib's, MediaPipe's; each gives boxes and 68 landmarks of a picture."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aulens.faces.detector import FaceDetector, iou
from aulens.faces.mediapipe_detector import MESH_OF_68
from aulens.landmarks import face_box

Image = NDArray[np.uint8]
Points = NDArray[np.float64]

FOUND = 0.4
"""Overlap (IoU) of an answer's box with a face's box from which it is that face's."""
_DOUBLE = 0.15  # from which an answer that is nobody's is a second one of a face


@dataclass(frozen=True, eq=False)
class Answer:
    """One face that a subject reports.

    Attributes:
        boxes: (1 or 2, 4). Each draws boxes by a rule of its own (dlib's end at the brows); so of dlib and
            MediaPipe the `face_box` of their landmarks counts as well, whichever fits better.
        landmarks: (68, 2).
        confidence: the subject's own; 1 of MediaPipe, which tells none.
        quality: NaN where the subject does not tell it.
        look: how it looked; "".
    """

    boxes: Points
    landmarks: Points
    confidence: float
    quality: float
    look: str

    def overlap(self, box: Points, size: tuple[int, int]) -> float:
        """IoU with a box; what lies outside of a picture of (width, height) pixels is left out of both."""
        limit = np.array([*size, *size]) - 0.5
        inside = np.clip(box, -0.5, limit)
        shares = [_overlap(np.clip(own, -0.5, limit), inside) for own in self.boxes]
        return max(shares)


def _overlap(a: Points, b: Points) -> float:
    empty = (a[2:] - a[:2]).min() <= 0 or (b[2:] - b[:2]).min() <= 0
    return 0.0 if empty else iou(a, b)


@dataclass(frozen=True)
class Subject:
    """One that is measured; `see` gives its answers for a picture (H, W, 3) uint8 RGB."""

    name: str
    see: Callable[[Image], list[Answer]]
    detector: FaceDetector | None = None


def by_aulens(detector: FaceDetector) -> Subject:
    def see(image: Image) -> list[Answer]:
        return [
            Answer(face.box[None], face.landmarks, face.confidence, face.quality, face.look)
            for face in detector(image)
        ]

    return Subject("aulens", see, detector)


def by_dlib(cache: Path | None) -> Subject:
    from aulens.faces.dlib_detector import DlibDetector

    detector = DlibDetector()

    def see(image: Image) -> list[Answer]:
        return [_both(face.landmarks, face.box, face.confidence) for face in detector(image)]

    return Subject("dlib", _remembered(see, cache, f"{detector!r}"), detector)


def by_mediapipe(python: str, task: str, cache: Path | None) -> Subject:
    script = Path(__file__).resolve().parents[1] / "mediapipe_reference.py"
    started: list[subprocess.Popen[bytes]] = []

    def see(image: Image) -> list[Answer]:
        if not started:
            command = [python, str(script), "serve", task]
            started.append(
                subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
            )
        height, width = image.shape[:2]
        pipe = started[0]
        assert pipe.stdin is not None
        assert pipe.stdout is not None
        pipe.stdin.write(f"{height} {width}\n".encode() + np.ascontiguousarray(image).tobytes())
        pipe.stdin.flush()
        answers = []
        for mesh in json.loads(pipe.stdout.readline()):
            points = np.array(mesh) * (width, height) - 0.5
            box = np.concatenate([points.min(0), points.max(0)])
            if (box[2:] > box[:2]).all():
                answers.append(_both(points[list(MESH_OF_68)], box, 1.0))
        return answers

    return Subject("MediaPipe", _remembered(see, cache, f"mediapipe {Path(task).name}"))


def _both(landmarks: Points, box: Points, confidence: float) -> Answer:
    return Answer(np.stack([box, face_box(landmarks)]), landmarks, confidence, float("nan"), "")


def _remembered(see: Callable[[Image], list[Answer]], folder: Path | None, name: str) -> Any:
    """The same, with answers kept in a file of `folder`: those of dlib and MediaPipe do not change."""
    if folder is None:
        return see
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{hashlib.sha1(name.encode()).hexdigest()[:12]}.jsonl"
    known: dict[str, list[Any]] = {}
    if file.exists():
        for line in file.read_text().splitlines():
            entry = json.loads(line)
            known[entry["key"]] = entry["faces"]

    def remembered(image: Image) -> list[Answer]:
        key = hashlib.sha1(f"{image.shape}".encode() + np.ascontiguousarray(image).tobytes()).hexdigest()
        if key not in known:
            faces = [
                [np.round(a.boxes, 3).tolist(), np.round(a.landmarks, 3).tolist(), a.confidence]
                for a in see(image)
            ]
            known[key] = faces
            with file.open("a") as out:
                out.write(json.dumps({"key": key, "faces": faces}) + "\n")
        return [
            Answer(np.array(boxes), np.array(landmarks), confidence, float("nan"), "")
            for boxes, landmarks, confidence in known[key]
        ]

    return remembered


@dataclass
class Tally:
    """What a subject found of some faces.

    Attributes:
        faces: how many there are.
        found: of these.
        doubles: answers for a face that another answer is nearer to.
        others: answers where there is none of the faces.
    """

    faces: int = 0
    found: int = 0
    doubles: int = 0
    others: int = 0

    @property
    def share(self) -> float:
        """Found, in per cent."""
        return 100 * self.found / max(self.faces, 1)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.faces + other.faces,
            self.found + other.found,
            self.doubles + other.doubles,
            self.others + other.others,
        )


@dataclass(frozen=True)
class Judged:
    """Answers in a picture, judged.

    Attributes:
        tally: counts.
        of_face: for each face the number of its answer, or -1.
        wrong: numbers of the answers that are no face's: doubles and others.
    """

    tally: Tally
    of_face: list[int]
    wrong: list[int]


def judge(answers: list[Answer], boxes: Points, size: tuple[int, int]) -> Judged:
    """Which answers are of which faces, each of one at most, the best overlap first.

    Args:
        answers: of a subject.
        boxes: (N, 4) of the faces that are there.
        size: (width, height) of the picture.
    """
    shares = np.array([[answer.overlap(box, size) for box in boxes] for answer in answers])
    shares = shares.reshape(len(answers), len(boxes))
    left, of_face = shares.copy(), [-1] * len(boxes)
    while left.size and left.max() >= FOUND:
        answer, face = np.unravel_index(int(left.argmax()), left.shape)
        of_face[int(face)] = int(answer)
        left[answer], left[:, face] = 0, 0
    wrong = [number for number in range(len(answers)) if number not in of_face]
    doubles = sum(bool(len(boxes)) and shares[number].max() >= _DOUBLE for number in wrong)
    found = sum(number >= 0 for number in of_face)
    return Judged(Tally(len(boxes), found, doubles, len(wrong) - doubles), of_face, wrong)
