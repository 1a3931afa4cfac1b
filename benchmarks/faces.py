"""How well faces are found: false faces, landmarks, pose; beside dlib, and MediaPipe where it is at hand.

    python benchmarks/faces.py --portraits DIR [--nobody DIR] [--backgrounds DIR]
        [--renders DIR ...] [--real DIR --score score.py] [--mediapipe PYTHON TASK] [--faces CARD]
        [--landmarks CARD] [--rows portraits nobody ...] [--sheets DIR] [--cache DIR] [--quick]

Prints Markdown tables. docs/faces.md says which pictures these are, and what to make of it.

    --portraits    folders by source (sfhq, cc0, pexels, london), codes.csv, boxes.csv, landmarks478.npz,
                   london_points189.npz; openpeople is read from the package, where it is installed
    --nobody       photographs without people, none of them trained on: the 1,000 whose names have the lowest
                   CRC-32 are for testing, the others, with --choosing, for choosing a threshold
    --backgrounds  more photographs without people: small faces are pasted into the large ones of both
    --renders      folders of `aulens render`; the pictures of split "test" are taken
    --real         photographs with codes, and the script that scores a table of them
    --mediapipe    a Python with mediapipe 0.10.21 or older, and a face_landmarker.task
    --faces, --landmarks  other networks than those that aulens carries
    --sheets       writes contact sheets of what aulens missed and of its false faces
    --cache        keeps the answers of dlib and MediaPipe there, for the next run
    --quick        every sixth picture only

A face is found if an answer's box overlaps its own by 0.4 (IoU) or more. Its own is
`aulens.landmarks.face_box` of its 68 points; where those are not known exactly, they are MediaPipe's.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path

import cv2
from finding_faces import finding, points, real
from finding_faces.pictures import Portraits
from finding_faces.sheets import Sheets
from finding_faces.subjects import Subject, by_aulens, by_dlib, by_mediapipe

from aulens import NetDetector

ROWS = ("real", "portraits", "nobody", "darkness", "hard", "london", "renders", "still")
_NOBODY = 1000  # photographs without people that are reported on; the rest is there to choose a threshold by
_LARGE = 1000  # longer side of a photograph that is a scene's background, pixels


def pictures_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png"})


def large(files: list[Path]) -> list[Path]:
    from PIL import Image

    chosen = []
    for path in files:
        with Image.open(path) as picture:
            if max(picture.size) >= _LARGE:
                chosen.append(path)
    return chosen


def subjects_of(given: argparse.Namespace) -> list[Subject]:
    subjects = []
    if "aulens" in given.subjects:
        subjects.append(by_aulens(NetDetector(faces=given.faces, landmarks=given.landmarks)))
    if "dlib" in given.subjects:
        subjects.append(by_dlib(given.cache))
    if "mediapipe" in given.subjects and given.mediapipe:
        python, task = given.mediapipe
        subjects.append(by_mediapipe(python, task, given.cache))
    return subjects


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("portraits", "nobody", "backgrounds", "real", "score", "sheets", "cache"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--renders", type=Path, nargs="+", default=[])
    parser.add_argument("--mediapipe", nargs=2, metavar=("PYTHON", "TASK"))
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--landmarks", type=Path)
    parser.add_argument("--subjects", nargs="+", default=["aulens", "dlib", "mediapipe"])
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=ROWS)
    parser.add_argument("--stills", type=int, default=6, help="portraits that are made a video")
    parser.add_argument("--choosing", action="store_true")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    subjects, sheets, every = subjects_of(given), Sheets(given.sheets), 6 if given.quick else 1
    empty = pictures_in(given.nobody) if given.nobody else []
    scenery = empty + (pictures_in(given.backgrounds) if given.backgrounds else [])
    nobody = sorted(empty, key=lambda path: zlib.crc32(path.name.encode()))
    nobody = sorted(nobody[:_NOBODY] if not given.choosing else nobody[_NOBODY:])[::every]
    source = Portraits(given.portraits) if given.portraits else None
    if given.real and given.score and "real" in given.rows:
        real.real(given.real, given.score, subjects, every)
    if nobody and "nobody" in given.rows:
        finding.nobody(nobody, subjects, sheets)
    if source is not None:
        if "portraits" in given.rows:
            finding.portraits(source, subjects, sheets, every)
        if "darkness" in given.rows:
            finding.darkness(source, subjects, sheets, every)
        if scenery and "hard" in given.rows:
            finding.hard(source, large(scenery), subjects, sheets, every)
        if "london" in given.rows:
            points.london(source, given.portraits / "london_points189.npz", subjects, every)
    if given.renders and "renders" in given.rows:
        points.renders(given.renders, subjects, every)
    if source is not None and "still" in given.rows:
        points.still(source, subjects, 2 if given.quick else given.stills)
    sheets.write()


if __name__ == "__main__":
    main()
