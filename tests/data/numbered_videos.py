"""Videos: each frame wears its number, so that a frame that is not the one asked for is seen."""

from pathlib import Path

import av
import numpy as np

FRAMES = 131


def numbered(number: int) -> np.ndarray:
    """48 x 64 pixels; eight squares say the number in binary."""
    image = np.full((48, 64, 3), 128, np.uint8)
    for bit in range(8):
        image[8:24, 8 * bit : 8 * bit + 8] = 255 * (number >> bit & 1)
    return image


def number_of(image: np.ndarray) -> int:
    return sum(int(image[16, 8 * bit + 4, 1] > 127) << bit for bit in range(8))


def write_video(
    path: Path, codec: str, between: int, pixels: str, frames: int = FRAMES, turned: int = 0
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, width=64, height=48, pix_fmt=pixels)
        stream.codec_context.gop_size = 12
        stream.codec_context.max_b_frames = between
        if turned:
            stream.set_display_rotation(turned)
        for number in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(number), format="rgb24")))
        container.mux(stream.encode())
    return path
