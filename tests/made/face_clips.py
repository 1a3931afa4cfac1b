"""Videos of one rendered face."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from PIL import Image

SMILE = Path(__file__).parents[2] / "examples" / "pictures" / "smile.jpg"


def face(size: tuple[int, int], shift: int) -> np.ndarray:
    """A rendered face as high as the picture, (H, W, 3) uint8."""
    width, height = size
    side = min(size)
    still = np.asarray(Image.open(SMILE).resize((side, side)))
    image = np.full((height, width, 3), 120, np.uint8)
    x, y = (width - side) // 2, (height - side) // 2
    image[y : y + side, x : x + side] = still
    return np.roll(image, shift, axis=1)


def write_face(
    path: Path,
    times: Sequence[Fraction],
    size: tuple[int, int] = (160, 160),
    *,
    rate: Fraction | int = 25,
    tick: Fraction | None = None,
    matrix: tuple[int, ...] | None = None,
) -> Path:
    with av.open(str(path), "w") as container:
        stored = size if matrix is None else size[::-1]
        stream: Any = container.add_stream("libx264", rate=rate, width=stored[0], height=stored[1])
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "16", "preset": "ultrafast"}
        if tick is not None:
            stream.codec_context.time_base = stream.time_base = tick
        if matrix is not None:
            stream.set_display_matrix([v << (30 if i % 3 == 2 else 16) for i, v in enumerate(matrix)])
        for number, at in enumerate(times):
            image = face(size, number % 8)
            if matrix is not None:
                image = np.asarray(cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE))
            frame: Any = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame.time_base = tick or 1 / Fraction(rate)
            frame.pts = round(at / frame.time_base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
