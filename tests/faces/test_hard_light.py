"""Faces in bad light, by the networks that ship, in drawn pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from aulens.faces.net_detector import NetDetector
from aulens.image import read_image

PICTURES = sorted((Path(__file__).parents[2] / "examples" / "pictures").glob("*.jpg"))


def lit(image: NDArray[np.uint8], times: float) -> NDArray[np.uint8]:
    """A picture in so many times the light (sRGB taken for a power of 2.2), in 8 bits."""
    light = np.clip((image / 255) ** 2.2 * times, 0, 1)
    return np.rint(255 * light ** (1 / 2.2)).astype(np.uint8)


LIGHTS = {
    "2 % of the light": lambda image: lit(image, 0.02),
    "3 % of the values": lambda image: np.rint(image * 0.03).astype(np.uint8),
    "4 times the light": lambda image: lit(image, 4),
    "a tenth of the contrast, in white": lambda image: (228 + image * 0.1).astype(np.uint8),
}


@pytest.mark.parametrize("light", LIGHTS)
def test_faces_in_the_dark_and_in_glare_are_found(light: str) -> None:
    detector = NetDetector()
    for path in PICTURES:
        image = read_image(path)
        (face,), (seen,) = detector(image), detector(LIGHTS[light](image))
        assert np.abs(face.box - seen.box).max() < 0.15 * (face.box[2] - face.box[0])
