"""Small clips whose pictures say their number, so that a wrong one is seen."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

RATE = 44_100
NTSC = Fraction(30_000, 1001)


def numbered(number: int, size: tuple[int, int] = (64, 48)) -> NDArray[np.uint8]:
    """(H, W, 3) uint8: eight squares in a row say the number in binary, white = 1; grey around."""
    width, height = size
    image = np.full((height, width, 3), 128, np.uint8)
    for bit in range(8):
        left, right = width * bit // 8, width * (bit + 1) // 8
        image[height // 6 : height // 2, left:right] = 255 * (number >> bit & 1)
    return image


def number_of(image: NDArray[np.uint8]) -> int:
    """The number that `numbered` drew, in a picture of any size."""
    height, width = image.shape[:2]
    return sum(int(image[height // 3, (2 * bit + 1) * width // 16, 1] > 127) << bit for bit in range(8))


def steady(count: int, rate: Fraction | int) -> list[Fraction]:
    """Times of a constant frame rate, seconds."""
    return [number / Fraction(rate) for number in range(count)]


def uneven(count: int) -> list[Fraction]:
    """Times of a variable frame rate in whole milliseconds, some frames missing."""
    steps = [33, 34, 33, 100, 17, 40, 250, 33]
    return [Fraction(sum(steps[i % 8] for i in range(number)), 1000) for number in range(count)]


def write_clip(
    path: Path,
    times: Sequence[Fraction],
    codec: str = "libx264",
    *,
    size: tuple[int, int] = (64, 48),
    tick: Fraction | None = None,
    between: int = 2,
    sound: str | None = None,
    seconds: float | None = None,
    matrix: tuple[int, ...] | None = None,
    ratio: Fraction | None = None,
    rate: Fraction | int = 25,
    options: dict[str, str] | None = None,
    pixels: str | None = None,
) -> Path:
    """A clip with a picture at each of `times`, and with `sound`, a codec, a rising tone from 0 on.

    `between` B-frames go between others; `matrix` is the display matrix by rows; `ratio` a pixel's shape.
    """
    with av.open(str(path), "w", options=options or {}) as container:
        lossy = {"crf": "10"} if codec == "libx264" else {}
        pixels = pixels or ("yuvj420p" if codec == "mjpeg" else "yuv420p")
        stream: Any = container.add_stream(
            codec, rate=rate, width=size[0], height=size[1], pix_fmt=pixels, options=lossy
        )
        stream.codec_context.gop_size = 12
        stream.codec_context.max_b_frames = between
        if tick is not None:
            stream.codec_context.time_base = stream.time_base = tick
        if ratio is not None:
            stream.codec_context.sample_aspect_ratio = ratio
        if matrix is not None:
            # Fixed point: the last column has 30 bits behind the point, the others 16.
            stream.set_display_matrix([v << (30 if i % 3 == 2 else 16) for i, v in enumerate(matrix)])
        track: Any = None
        if sound is not None:
            track = container.add_stream(sound, rate=RATE)
            track.layout = "mono"
        for number, time in enumerate(times):
            frame: Any = av.VideoFrame.from_ndarray(numbered(number % 256, size), format="rgb24")
            frame.time_base = tick or 1 / Fraction(rate)
            frame.pts = round(time / frame.time_base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if track is not None:
            _write_tone(container, track, float(times[-1]) if seconds is None else seconds)
    return path


def write_sound(path: Path, codec: str = "aac", seconds: float = 1.0) -> Path:
    """A file with sound and no picture."""
    with av.open(str(path), "w") as container:
        track: Any = container.add_stream(codec, rate=RATE)
        track.layout = "mono"
        _write_tone(container, track, seconds)
    return path


def _write_tone(container: Any, track: Any, seconds: float) -> None:
    time = np.arange(int(RATE * seconds)) / RATE
    # Rising, so that no shift looks like another.
    tone = (0.5 * np.sin(2 * np.pi * (200 + 600 * time) * time)).astype(np.float32)
    context = track.codec_context
    resampler = av.AudioResampler(
        format=context.format.name, layout="mono", rate=RATE, frame_size=context.frame_size or 1024
    )
    for start in range(0, len(tone), 1024):
        piece: Any = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], format="flt", layout="mono")
        piece.sample_rate, piece.pts, piece.time_base = RATE, start, Fraction(1, RATE)
        for frame in resampler.resample(piece):
            container.mux(track.encode(frame))
    for frame in resampler.resample(None):
        container.mux(track.encode(frame))
    container.mux(track.encode(None))


def zeroed(path: Path, target: Path, numbers: Sequence[int]) -> Path:
    """A copy of a video in which the data of some packets (by their place in the file) are zeros."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    for number in numbers:
        place, size = places[number]
        data[place + 6 : place + size - 6] = bytes(max(0, size - 12))
    target.write_bytes(data)
    return target


def cut(path: Path, target: Path, share: float) -> Path:
    """The first `share` of a file."""
    data = path.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target
