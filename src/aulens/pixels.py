"""What the stored values of a picture mean: any depth, kind of colour and light to 8 bits of RGB."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile

from aulens.errors import InputError

MAX_BYTES: Final = 1_100_000_000
"""Memory that one picture may take while it is read: 150 million pixels of three colours with 8 bits."""
# Bytes per pixel while a picture is read: Pillow's copy, what is made of it, the result.
_BYTES: Final = {"I;16": 9, "I": 14, "F": 14}
_OTHERS: Final = 7
_DEEP: Final = 16
_DECODER: Final = {"AVIF": 4, "HEIF": 4, "JPEG2000": 14, "WEBP": 8}
"""What decoders of some formats hold beside that."""

HDR: Final = {16: "PQ", 18: "HLG"}
"""Transfer functions of high dynamic range, by their numbers in ITU-T H.273."""
_BT709: Final = 1
UNSPECIFIED: Final = 2
BT2020: Final = 9

_WHITES: Final = (255, 1023, 4095, 16_383, 65_535)
"""The largest value of 8, 10, 12, 14 and 16 bits."""
_SHARES: Final = (1, 255, 65_535)
_NARROW: Final = 8
"""Values that take less than this part of their depth are stretched."""
_TAILS: Final = (0.1, 99.9)
"""Percent of the values that become black, and that don't become white, when they are stretched."""
_SAMPLE: Final = 4_000_000
"""Values that suffice to choose black and white by."""

_SAMPLE_FORMAT: Final = 339
_STRIP: Final = 1024
_WHOLE: Final = 16_000_000
"""Pixels up to which a picture is copied at once: in strips it takes ten times as long."""
_BLOCK: Final = 512
_HEAD: Final = 65_536
"""Bytes among which a file says what its colours are."""


def check_bytes(picture: Image.Image, path: str | Path) -> None:
    """Raise `InputError` if reading a picture would take more than `MAX_BYTES`; nothing is decoded for it."""
    each = _DEEP if _is_deep(picture) else _BYTES.get(_plain_mode(picture), _OTHERS)
    bytes_ = picture.width * picture.height * (each + _DECODER.get(picture.format or "", 0))
    if bytes_ > MAX_BYTES:
        raise InputError(
            f"{path}: to read {picture.width} x {picture.height} pixels of this kind takes "
            f"{bytes_ / 1e9:.1f} GB, more than the limit of {MAX_BYTES / 1e9:.1f} GB; make it smaller first"
        )


def read_pixels(picture: Image.Image, path: Path) -> NDArray[np.uint8]:
    """The pixels of a picture just opened, (H, W, 3) uint8 RGB as they are stored; see `aulens.read_image`.

    Raises:
        InputError: its bytes are more than `MAX_BYTES`.
        Exception: whatever Pillow raises on damaged files.
    """
    check_bytes(picture, path)
    primaries, transfer = _coding(picture, path)
    deep = _is_deep(picture)
    picture.load()
    colours = _deep_colours(path) if deep and not picture.tell() else None
    if colours is not None:
        image = _flattened(colours, transfer in HDR)
    elif _plain_mode(picture) in _BYTES:
        image = np.repeat(to_eight_bits(_values(picture))[..., None], 3, axis=2)
    else:
        image = _by_strips(picture)
    if transfer in HDR:
        _to_sdr(image, primaries, transfer)
    return image


def to_eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Numbers of any kind as brightness, of the same shape.

    White is the largest number of 8, 10, 12, 14 or 16 bits, the smallest that holds all of them; of floats 1,
    255 or 65,535. Where numbers below 0 or beyond that occur, or they take less than an eighth of it, what
    occurs is stretched from black to white: temperatures, depths, pictures far too dark.
    """
    black, white = _black_and_white(values)
    image = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _STRIP):
        part = values[top : top + _STRIP].astype(np.float32)
        part = (part - np.float32(black)) * np.float32(255 / (white - black))
        image[top : top + _STRIP] = np.clip(np.rint(np.nan_to_num(part, posinf=255, neginf=0)), 0, 255)
    return image


def mapping(transfer: int, primaries: int) -> dict[str, int]:
    """Options of PyAV's `reformat` that make a frame one for usual screens (BT.709); none where it is one.

    FFmpeg maps PQ and HLG: 203 cd/m2, the white of ITU-R BT.2408, becomes white, what is brighter too.
    """
    if transfer in HDR or primaries == BT2020:
        return {"dst_color_trc": _BT709, "dst_color_primaries": _BT709}
    return {}


def _to_sdr(image: NDArray[np.uint8], primaries: int, transfer: int) -> None:
    """Map the pixels of a picture, in place."""
    convert = _converter(transfer, BT2020 if primaries == UNSPECIFIED else primaries)
    pixels = image.reshape(-1, 3)
    block = np.zeros((_BLOCK * _BLOCK, 3), np.uint8)
    for first in range(0, len(pixels), len(block)):
        part = pixels[first : first + len(block)]
        block[: len(part)] = part
        part[:] = convert(block.reshape(_BLOCK, _BLOCK, 3)).reshape(-1, 3)[: len(part)]


@cache
def _converter(transfer: int, primaries: int) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """What maps `_BLOCK` x `_BLOCK` pixels: kept, as FFmpeg needs two seconds to begin with a new size."""
    import av  # takes longer to load than a picture to analyze; few pictures need it
    from av.video.reformatter import VideoReformatter

    reformatter, busy, wanted = VideoReformatter(), Lock(), mapping(transfer, primaries)

    def convert(block: NDArray[np.uint8]) -> NDArray[np.uint8]:
        frame: Any = av.VideoFrame.from_ndarray(block, format="rgb24")
        frame.color_trc, frame.color_primaries = transfer, primaries
        with busy:
            mapped = reformatter.reformat(frame, format="rgb24", threads=1, **wanted)
        return np.asarray(mapped.to_ndarray(), np.uint8)

    return convert


def _black_and_white(values: NDArray[Any]) -> tuple[float, float]:
    sample = values.reshape(-1)[:: (values.size // _SAMPLE) | 1]
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 1.0
    lowest, highest = float(sample.min()), float(sample.max())
    whites = _SHARES if values.dtype.kind == "f" else _WHITES
    white = next((white for white in whites if highest <= white), None)
    low, high = np.percentile(sample, _TAILS).tolist()
    if white is not None and lowest >= 0 and ((high - low) * _NARROW >= white or high == low):
        return 0.0, float(white)
    return (low, high) if high > low else (low - 1, low + 1)


def _values(picture: Image.Image) -> NDArray[Any]:
    values = np.asarray(picture)
    tags = getattr(picture, "tag_v2", None)
    # TIFF's whole numbers have no sign unless it says so; Pillow's of 32 bits have one.
    if values.dtype == np.int32 and tags is not None and tags.get(_SAMPLE_FORMAT, 1) in (1, (1,)):
        return values.view(np.uint32)
    return values


def _plain_mode(picture: Image.Image) -> str:
    return "I;16" if picture.mode.startswith("I;16") else picture.mode


def _is_deep(picture: Image.Image) -> bool:
    """Whether colours have more than 8 bits, of which Pillow would keep the upper 8 of 16."""
    if not isinstance(picture, ImageFile.ImageFile) or picture.mode not in {"RGB", "RGBA", "LA"}:
        return False
    if not picture.tile:
        return False
    if picture.format == "JPEG2000":
        return _depth_of_jpeg2000(picture) > 8
    codec = picture.tile[0][3]
    raw, *others = codec if isinstance(codec, tuple) else (codec,)
    return ";16" in str(raw) or (picture.format == "PPM" and others == [_WHITES[-1]])


def _depth_of_jpeg2000(picture: ImageFile.ImageFile) -> int:
    _, found, header = _head(picture.fp).partition(b"ihdr")
    return (header[10] & 127) + 1 if found and len(header) > 10 else 8


def _deep_colours(path: Path) -> NDArray[Any] | None:
    """(H, W, 3 or 4), red first; None if OpenCV does not read it, or not deeper than Pillow does."""
    import cv2

    stored = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.ndim != 3 or stored.dtype == np.uint8:
        return None
    return np.asarray(stored)[..., [2, 1, 0, 3][: stored.shape[2]]]


def _flattened(colours: NDArray[Any], coded: bool) -> NDArray[np.uint8]:
    """(H, W, 3 or 4) of 16 bits on white; `coded` if their curve is known, and so their depth."""
    image = (colours[..., :3] // 257).astype(np.uint8) if coded else to_eight_bits(colours[..., :3])
    if colours.shape[2] < 4:
        return image
    opaque = next(white for white in _WHITES if colours[..., 3].max() <= white)
    for top in range(0, len(image), _STRIP):
        alpha = colours[top : top + _STRIP, :, 3:].astype(np.float32) / opaque
        part = image[top : top + _STRIP]
        part[:] = np.rint(255 + (part - np.float32(255)) * alpha)
    return image


def _by_strips(picture: Image.Image) -> NDArray[np.uint8]:
    # One call would hold the pixels three times, which matters at 12,000 pixels a side.
    step = picture.height if picture.width * picture.height <= _WHOLE else _STRIP
    if step >= picture.height:
        return np.array(_to_rgb(picture))
    image = np.empty((picture.height, picture.width, 3), dtype=np.uint8)
    for top in range(0, picture.height, step):
        bottom = min(top + step, picture.height)
        image[top:bottom] = np.asarray(_to_rgb(picture.crop((0, top, picture.width, bottom))))
    return image


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGB" and "transparency" not in picture.info:
        return picture
    if picture.mode in {"RGBA", "LA", "La", "RGBa", "PA"} or "transparency" in picture.info:
        over = picture.convert("RGBA")
        white = Image.new("RGBA", over.size, "white")
        return Image.alpha_composite(white, over).convert("RGB")
    if picture.mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(picture, *profiles, outputMode="RGB")
        return picture if converted is None else converted
    return picture.convert("RGB")


def _coding(picture: Image.Image, path: Path) -> tuple[int, int]:
    """Primaries and transfer function that a file names (ITU-T H.273), as AVIF, HEIF and PNG may."""
    mark = {"AVIF": b"colrnclx", "HEIF": b"colrnclx", "PNG": b"cICP"}.get(picture.format or "")
    if mark is None:
        return UNSPECIFIED, UNSPECIFIED
    with path.open("rb") as file:
        _, found, after = _head(file).partition(mark)
    if not found or len(after) < 4:
        return UNSPECIFIED, UNSPECIFIED
    return (after[0], after[1]) if picture.format == "PNG" else (after[1], after[3])


def _head(file: Any) -> bytes:
    place = file.tell()
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(place)
    return bytes(head)
