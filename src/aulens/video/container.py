"""Opening files with PyAV and turning its frames into pictures. What is odd about PyAV is known here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from aulens.errors import InputError
from aulens.image import MAX_PIXELS
from aulens.video.media import unreadable
from aulens.video.truncation import bytes_missing

_ATTACHED: Final = 0x400
_THUMBNAILS: Final = 0x800
"""Flags of streams that hold a cover or thumbnails, and are no video."""

_ANY_TEXT: Final[dict[str, Any]] = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)
"""Titles and comments may be in any encoding; PyAV 19 takes them all, earlier ones want to be told to."""

_NO_VIDEO: Final = frozenset({"tty", "hls", "concat", "dash", "sdp", "image2", "ffmetadata", "imf"})
"""What FFmpeg also opens: text drawn as letters, lists of other files, single pictures."""

_ODD_PIXELS: Final = 0.01
"""Pixels less oblong than this are rounding in the header, not anamorphic video."""


@contextmanager
def opened(path: str | Path, threads: int = 1) -> Iterator[tuple[Any, Any]]:
    """The container of a file and its video stream, ready for decoding.

    Args:
        path: the file; never an address or a device.
        threads: decode so many frames at once. With more than 1, frames near damaged ones get lost.

    Raises:
        InputError: no such file, empty, not a video, damaged, sound only. What FFmpeg raises while the
            container is in use becomes one too.
    """
    path = Path(path)
    _check_file(path)
    try:
        # Absolute: FFmpeg takes a name like "a:b.mp4" for an address. Nor may a file fetch others. As plain
        # `options`, which go to each stream too, PyAV before 18 crashes at streams that turn up late (MPEG).
        container = av.open(
            os.path.abspath(path), container_options={"protocol_whitelist": "file"}, **_ANY_TEXT
        )
    except (FFmpegError, ValueError) as error:
        raise InputError(f"{path}: {_refusal(path, error)}") from error
    with container:
        try:
            stream = _video_stream(path, container)
            stream.codec_context.thread_count = threads
            # For frames that are larger than the header says.
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
            stream.thread_type = "FRAME" if threads > 1 else "NONE"
            yield container, stream
        except FFmpegError as error:
            raise InputError(f"{path}: {damage(error)}") from error


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise InputError(f"{path}: this is a folder, not a video")
        if not path.exists():
            raise InputError(f"{path}: there is no such video")
        if not path.is_file():
            raise InputError(f"{path}: this is not a file")
        if path.stat().st_size == 0:
            raise InputError(f"{path}: {_UNKNOWN} (the file is empty, 0 bytes)")
    except OSError as error:
        raise InputError(f"{path}: {unreadable(error)}") from error


_UNKNOWN: Final = "the video is damaged, or of an unknown kind"


def damage(error: FFmpegError | ValueError) -> str:
    """What to say of an error of FFmpeg."""
    what = "the video is damaged, or can't be read" if isinstance(error, OSError) else _UNKNOWN
    return f"{what} ({getattr(error, 'strerror', None) or error})"


def _refusal(path: Path, error: FFmpegError | ValueError) -> str:
    if isinstance(error, PermissionError):
        return "you may not read this file"
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except OSError as gone:
        return unreadable(gone)
    if start[4:8] in (b"ftyp", b"mdat", b"wide"):
        return (
            "the video is damaged: the index without which it can't be read is missing, as when a recording "
            "or a copy broke off"
        )
    return f"{damage(error)}; it begins with {start!r}"


def _video_stream(path: Path, container: Any) -> Any:
    name = container.format.name
    if name in _NO_VIDEO or name.endswith("_pipe"):
        what = "a picture" if name.endswith("_pipe") else f"of the kind {name!r}"
        raise InputError(f"{path}: this is {what}, not a video")
    streams = [stream for stream in container.streams.video if not _flags(stream) & (_ATTACHED | _THUMBNAILS)]
    if not streams:
        what = "sound but no video" if container.streams.audio else "no video stream"
        raise InputError(f"{path}: it holds {what}")
    # Where there are several, players show the one marked as the default.
    stream = next((stream for stream in streams if _flags(stream) & 1), streams[0])
    # PyAV knows nothing more of such a stream, not even its tag.
    if stream.codec_context is None:
        raise InputError(f"{path}: the video is of a kind that can't be decoded here")
    if not stream.time_base:
        raise InputError(f"{path}: {_UNKNOWN} (its clock has no rate)")
    return stream


def _flags(stream: Any) -> int:
    return int(stream.disposition.value if hasattr(stream.disposition, "value") else stream.disposition)


def origin(container: Any, stream: Any) -> Fraction:
    """The clip's start on its own clock, seconds: where players begin to count.

    Sound may begin before the pictures. What lies before zero is the run-in of a sound codec, never heard.
    """
    starts = [Fraction(0) if stream.start_time is None else stream.start_time * stream.time_base]
    for sound in container.streams.audio:
        if sound.start_time is not None and sound.time_base is not None:
            starts.append(max(Fraction(0), sound.start_time * sound.time_base))
    return min(starts)


def cut_short(path: str | Path) -> str | None:
    """What to say of a file that is shorter than its own header promises; None if it is whole."""
    try:
        missing = bytes_missing(Path(path))
    except OSError as error:
        return unreadable(error)
    return None if missing is None else f"the file is cut short, {missing:,} bytes of it are missing"


class ToRGB:
    """Turns decoded frames into (H, W, 3) uint8 RGB, upright.

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
        if any(component.is_alpha for component in frame.format.components):
            image = _over_white(self._pixels(frame, "rgba"))
        else:
            image = self._pixels(frame, "rgb24")
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

    def _pixels(self, frame: Any, kind: str) -> NDArray[np.uint8]:
        # One thread: to wait for a second one costs more than the work, where the cores are busy.
        return np.asarray(self._reformatter.reformat(frame, format=kind, threads=1).to_ndarray(), np.uint8)


def _over_white(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    alpha = image[..., 3:].astype(np.uint16)
    return ((image[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def pixel_ratio(stream: Any) -> Fraction:
    """Width of a stored pixel over its height; 1 where it is not told, or nearly so, or absurd."""
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
