"""PyAV's frames as pictures: any depth, light, kind of colour and field; upright, with square pixels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import cv2
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from aulens.pixels import BT2020, HDR, UNSPECIFIED, mapping, to_eight_bits

_ODD_PIXELS: Final = 0.01
"""Pixels less oblong than this are rounding in the header, not anamorphic video."""
_COMBED: Final = 12**2
"""A line that is brighter, or darker, than both beside it, the product is more, is of another field."""
_STRIP: Final = 256
_MATRICES: Final = frozenset({0, 1, 2, 4, 5, 6, 7, 9})
"""Of ITU-T H.273, those that FFmpeg converts."""
UNCONVERTED: Final = {
    8: "YCgCo", 10: "BT.2020 of constant luminance", 11: "SMPTE ST 2085", 12: "chromaticity-derived YCbCr",
    13: "chromaticity-derived YCbCr of constant luminance", 14: "ICtCp",
}  # fmt: skip
"""The others: what would be read of them had wrong colours."""


class ToRGB:
    """Turns decoded frames into (H, W, 3) uint8 RGB, upright.

    Each is made of itself alone: it is the same wherever reading began.

    Args:
        ratio: width of a stored pixel over its height; anamorphic video (DV, DVD) is stretched by it.
    """

    def __init__(self, ratio: Fraction = Fraction(1)) -> None:
        self._ratio = ratio
        self._angle: int | None = None
        self._matrix = 1, 0, 0, 1
        # One for all frames: to set one up costs as much as to convert a small picture.
        self._reformatter = VideoReformatter()

    def __call__(self, frame: Any) -> NDArray[np.uint8]:
        """Convert one frame."""
        image = self._pixels(frame)
        if frame.interlaced_frame:
            image = deinterlaced(image)
        if self._ratio != 1:
            width = max(1, round(image.shape[1] * self._ratio))
            image = np.asarray(cv2.resize(image, (width, image.shape[0])), np.uint8)
        return np.ascontiguousarray(_turned(image, self._matrix_of(frame)), np.uint8)

    def _matrix_of(self, frame: Any) -> tuple[int, int, int, int]:
        # To ask a frame for its side data ties it into a ring, which keeps its memory until the next search
        # for rings; so only where the angle is not that of the frame before.
        if frame.rotation != self._angle:
            self._angle, self._matrix = frame.rotation, display_matrix(frame)
        return self._matrix

    def _pixels(self, frame: Any) -> NDArray[np.uint8]:
        parts = frame.format.components
        if any(part.is_alpha for part in parts):
            return _over_white(self._converted(frame, "rgba"))
        if max(part.bits for part in parts) == 16 and (len(parts) == 1 or frame.format.is_rgb):
            # What has 10, 12 or 14 bits is kept in 16 by many cameras and programs.
            image = to_eight_bits(self._converted(frame, "gray16le" if len(parts) == 1 else "rgb48le"))
            return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
        return self._converted(frame, "rgb24")

    def _converted(self, frame: Any, kind: str) -> NDArray[Any]:
        wanted = mapping(frame.color_trc, frame.color_primaries)
        if frame.color_trc in HDR and frame.color_primaries == UNSPECIFIED:
            frame.color_primaries = BT2020
        try:
            return self._reformatted(frame, kind, wanted)
        except FFmpegError:  # numbers that no standard knows, as of damaged headers
            frame.color_trc = frame.color_primaries = UNSPECIFIED
            if frame.colorspace not in _MATRICES:
                frame.colorspace = UNSPECIFIED
            return self._reformatted(frame, kind, {})

    def _reformatted(self, frame: Any, kind: str, wanted: dict[str, int]) -> NDArray[Any]:
        # One thread: to wait for a second one costs more than the work, where the cores are busy.
        return np.asarray(self._reformatter.reformat(frame, format=kind, threads=1, **wanted).to_ndarray())


def deinterlaced(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (H, W, 3) uint8 of two woven fields without combs: the moment of the first field.

    Where a line of the second field stands out from both beside it, it becomes their mean; what is at rest
    keeps all its lines.
    """
    if len(image) < 3:
        return image
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)).astype(np.int32)
    lines = np.arange(1, len(image), 2)
    below = np.minimum(lines + 1, 2 * ((len(image) - 1) // 2))
    combed = (grey[lines] - grey[lines - 1]) * (grey[lines] - grey[below]) > _COMBED
    around = np.asarray(cv2.dilate(combed.astype(np.uint8), np.ones((3, 5), np.uint8))).astype(bool)
    whole = image.copy()
    mean = (image[lines - 1].astype(np.uint16) + image[below] + 1) >> 1
    whole[1::2][around] = mean.astype(np.uint8)[around]
    return whole


def _over_white(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    whole = np.empty((*image.shape[:2], 3), np.uint8)
    for top in range(0, len(image), _STRIP):
        part = image[top : top + _STRIP]
        alpha = part[..., 3:].astype(np.uint16)
        whole[top : top + _STRIP] = (part[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return whole


def pixel_ratio(stream: Any) -> Fraction:
    """Width of a stored pixel over its height; 1 where it is not known, or nearly so, or absurd."""
    ratio = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    if not ratio or abs(ratio - 1) < _ODD_PIXELS or not 0.2 < ratio < 5:
        return Fraction(1)
    return Fraction(ratio)


def display_matrix(frame: Any) -> tuple[int, int, int, int]:
    """(a, b, c, d): in the upright picture x runs along (a, b) and y along (c, d); each -1, 0 or 1."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 1, 0, 0, 1
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
    if abs(b) > abs(a):
        return 0, _sign(b), _sign(c), 0
    return _sign(a), 0, 0, _sign(d)


def _sign(value: int) -> int:
    return -1 if value < 0 else 1


_TURNS: Final = {
    (0, 1, -1, 0): cv2.ROTATE_90_CLOCKWISE,
    (-1, 0, 0, -1): cv2.ROTATE_180,
    (0, -1, 1, 0): cv2.ROTATE_90_COUNTERCLOCKWISE,
}


def _turned(image: NDArray[np.uint8], matrix: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Telephones store videos lying or mirrored, and note how to show them."""
    if matrix == (1, 0, 0, 1):
        return image
    if matrix in _TURNS:
        return np.asarray(cv2.rotate(image, _TURNS[matrix]))
    a, b, c, d = matrix
    if a == 0:
        image, a, d = image.transpose(1, 0, 2), c, b
    return image[::d, ::a]


def rotation(frame: Any) -> int:
    """Degrees by which a frame is turned clockwise to stand upright; a mirror is left out."""
    a, b, _, d = display_matrix(frame)
    if a == 0:
        return 90 if b > 0 else 270
    return 180 if a < 0 and d < 0 else 0
