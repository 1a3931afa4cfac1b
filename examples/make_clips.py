"""Make short films of generated people out of their pictures, for whoever has no video at hand.

    python examples/make_clips.py [--out clips] [--people P001 P003] [--films funny sad]

writes clips/P001/funny.mp4 and so on. Needs the package `openpeople` (0.1.2: MIT licence), whose people were
drawn by a model. A blend is no movement of a face: onsets and apexes of such films mean nothing.
"""

import argparse
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens import VideoWriter, read_image
from aulens.data.portraits.cut import cut_portraits

PEOPLE: Final = ("P001", "P003", "P005", "P009")
FILMS: Final = {
    "talk": ("Happy", "Angry", "Surprised", "Flirty", "Happy"),
    "funny": ("Happy", "Smug"),
    "sad": ("Sad", "Scared"),
}
"""What somebody shows, each for a second, with their neutral face in between."""
RATE: Final = 25
SIZE: Final = 640, 400
BLENDED: Final = 8
"""Frames from one picture to the next."""

Image = NDArray[np.uint8]


def blends(first: Image, second: Image) -> Iterator[Image]:
    """The frames between two pictures: each bent towards the other by the optical flow, and mixed."""
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    a, b = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, second))
    forth, back = flow.calc(a, b, None), flow.calc(b, a, None)  # type: ignore[call-overload]
    places = np.dstack(np.meshgrid(*map(np.arange, first.shape[1::-1]))).astype(np.float32)
    for share in np.arange(1, BLENDED + 1) / (BLENDED + 1):
        one = cv2.remap(first, places - np.float32(share) * forth, None, cv2.INTER_LINEAR)
        other = cv2.remap(second, places - np.float32(1 - share) * back, None, cv2.INTER_LINEAR)
        yield np.asarray(cv2.addWeighted(one, 1 - share, other, share, 0), np.uint8)


def frames(pictures: list[Image]) -> Iterator[Image]:
    """Each picture for a second, and what leads to the next."""
    for first, second in pairwise([*pictures, pictures[-1]]):
        yield from [first] * RATE
        yield from blends(first, second)


def make(people: Path, person: str, film: str, path: Path) -> None:
    """Write one film; `people` holds the pictures as `cut_portraits` cuts them."""
    shown = [name for face in FILMS[film] for name in ("Neutral", face)] + ["Neutral"]
    found = {name: next(people.glob(f"{person}_??_{name}.jpg")) for name in shown}
    images = {name: np.asarray(cv2.resize(read_image(file), SIZE), np.uint8) for name, file in found.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, SIZE, rate=RATE) as writer:
        for image in frames([images[name] for name in shown]):
            writer.write(image)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("clips"))
    parser.add_argument("--people", nargs="+", default=PEOPLE)
    parser.add_argument("--films", nargs="+", default=("funny", "sad"), choices=FILMS)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        cut_portraits(Path(folder), Path(folder))
        for person in options.people:
            for film in options.films:
                path = options.out / person / f"{film}.mp4"
                make(Path(folder) / "openpeople", person, film, path)
                print(path)


if __name__ == "__main__":
    main()
