"""Read pictures of every usual kind into one: (H, W, 3) uint8 RGB, upright."""

import struct
import warnings
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from aulens.errors import InputError

PICTURE_SUFFIXES: Final = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".jpe", ".jp2", ".png", ".pgm", ".ppm", ".tif", ".tiff", ".webp"}
)
VIDEO_SUFFIXES: Final = frozenset(
    {".264", ".265", ".3g2", ".3gp", ".apng", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".gif",
     ".h264", ".h265", ".hevc", ".m1v", ".m2ts", ".m2v", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4",
     ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv"}
)  # fmt: skip
"""How names of videos end; a GIF may be a picture as well."""

# 12,000 x 12,000 pixels fit, and need about 1.1 GB at the peak.
MAX_PIXELS: Final = 150_000_000
_STRIP = 1024
_WHOLE: Final = 16_000_000
"""Pixels up to which a picture is copied at once: in strips it takes ten times as long."""
_ORIENTATION: Final = 0x0112
_TURN: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_TABLES: Final = frozenset({".csv", ".jsonl", ".parquet"})
DAMAGE: Final = (
    OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, ArithmeticError, NotImplementedError,
    struct.error,
)  # fmt: skip
"""What Pillow's readers raise on damaged files."""


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Read one picture as (H, W, 3) uint8 RGB, turned as its EXIF orientation says.

    Grey and palette become RGB; transparency is laid over white; CMYK is converted; 16 bits a channel are
    divided by 257; of an animation the first frame is read.

    Raises:
        InputError: the file is missing, empty, not a picture, cut short, or has more than `max_pixels`.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: {'this is a folder' if path.is_dir() else 'there is no such file'}")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            # Pillow's limit of size, which is checked below, and its harmless complaints about odd metadata.
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                width, height = picture.size
                if width * height > max_pixels:
                    raise InputError(
                        f"{path}: {width} x {height} pixels are more than the limit of {max_pixels:,}; "
                        "shrink it first"
                    )
                picture.load()
                return _to_array(_to_rgb(_upright(picture)))
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: {_not_a_picture(path)}") from error
    except Image.DecompressionBombError as error:
        raise InputError(
            f"{path}: far more pixels than the limit of {max_pixels:,}; shrink it first"
        ) from error
    except PermissionError as error:
        raise InputError(f"{path}: you may not read this file") from error
    except MemoryError as error:
        raise InputError(f"{path}: not enough memory to read it; shrink it first") from error
    except DAMAGE as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: the picture is damaged or cut short ({error})") from error


def _not_a_picture(path: Path) -> str:
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return "this looks like a video, not a picture: Analyzer.video reads it"
    if path.suffix.lower() in _TABLES:
        return "this looks like a table, not a picture; `aulens report` makes a page of a video's table"
    return "not a picture that can be read; JPEG, PNG, TIFF, BMP, GIF, WebP can, and videos by their endings"


def _upright(picture: Image.Image) -> Image.Image:
    # Not Pillow's exif_transpose: that writes the EXIF anew, and fails where another of its entries is odd.
    turn = _TURN.get(picture.getexif().get(_ORIENTATION, 1))
    return picture if turn is None else picture.transpose(turn)


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGB":
        return picture
    if picture.mode.startswith("I;16") or picture.mode in {"I", "F"}:
        return _narrow(picture).convert("RGB")
    if picture.mode in {"RGBA", "LA", "La", "RGBa", "PA"} or "transparency" in picture.info:
        over = picture.convert("RGBA")
        white = Image.new("RGBA", over.size, "white")
        return Image.alpha_composite(white, over).convert("RGB")
    return picture.convert("RGB")


def _narrow(picture: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits, or of floats, to 8 bits; floats up to 1 are shares of white."""
    values = np.nan_to_num(np.asarray(picture, dtype=np.float32))
    top = float(values.max(initial=0))
    if picture.mode == "F":
        factor = 255.0 if top <= 1 else 1.0
    else:
        factor = 1 / 257 if picture.mode != "I" or top > 255 else 1.0
    return Image.fromarray(np.clip(np.rint(values * factor), 0, 255).astype(np.uint8))


def _to_array(picture: Image.Image) -> NDArray[np.uint8]:
    if picture.width * picture.height <= _WHOLE:
        return np.array(picture)
    # In strips: one call would hold the pixels three times, which matters at 12,000 pixels a side.
    image = np.empty((picture.height, picture.width, 3), dtype=np.uint8)
    for top in range(0, picture.height, _STRIP):
        bottom = min(top + _STRIP, picture.height)
        image[top:bottom] = np.asarray(picture.crop((0, top, picture.width, bottom)))
    return image
