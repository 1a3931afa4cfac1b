"""Near-duplicates between folders of pictures: whole pictures and upright faces, as they are and mirrored.

    python benchmarks/near_duplicates.py FOLDER FOLDER ...

Prints, for each pair of folders (and for each with itself), how many pairs of pictures of different people
are taken for the same, the first of them, and the highest correlation of thumbnails that was seen. Every
picture is another person, but in folders called openpeople and london.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aulens.data.near_duplicates import FACE, WHOLE, Prints, find_near_duplicates, upright
from aulens.data.portraits.splits import subject_of
from aulens.errors import AulensError
from aulens.faces.default import default_detector
from aulens.faces.detector import FaceDetector
from aulens.image import read_image
from aulens.inputs import media_at


@dataclass(frozen=True)
class Folder:
    """A folder's pictures: who they show, and their prints."""

    name: str
    people: NDArray[np.str_]
    whole: Prints
    faces: Prints


def read(root: Path, detector: FaceDetector) -> Folder:
    paths = media_at(root).pictures
    people = [subject_of(f"{root.name}/{path.name}") for path in paths]
    faces: list[NDArray[np.uint8]] = []

    def images() -> Iterator[NDArray[np.uint8]]:
        for path in paths:
            image = read_image(path)
            found = detector(image)
            faces.append(upright(image, found[0].landmarks) if found else np.zeros((1, 1, 3), np.uint8))
            yield image

    whole = Prints.of(images())
    return Folder(root.name, np.array(people), whole, Prints.of(faces))


def compare(one: Folder, other: Folder) -> str:
    cells = []
    for kind, likeness in (("whole", WHOLE), ("faces", FACE)):
        a, b = getattr(one, kind), getattr(other, kind)
        others = one.people[:, None] != other.people[None]
        if one is other:
            others &= np.triu(np.ones_like(others), 1)
        found = [(i, j) for i, j in sorted(find_near_duplicates(a, b, likeness)) if others[i, j]]
        like = np.maximum(a.thumbs @ b.thumbs.T, a.thumbs @ b.mirrored().thumbs.T)
        most = float(like[others].max()) if others.any() else float("nan")
        named = "; ".join(f"{Path(one.people[i]).name}, {Path(other.people[j]).name}" for i, j in found[:3])
        cells += [f"{len(found)}{f' ({named})' if named else ''}", f"{most:.2f}"]
    return f"| {one.name} | {other.name} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    given = parser.parse_args()
    detector = default_detector()
    try:
        folders = [read(root, detector) for root in given.folders]
    except AulensError as error:
        parser.error(str(error))
    print("| folder | folder | same picture | most alike | same face | most alike |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for one, other in combinations_with_replacement(folders, 2):
        print(compare(one, other), flush=True)


if __name__ == "__main__":
    main()
