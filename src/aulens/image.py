"""Read pictures of every usual kind into one: (H, W, 3) uint8 RGB, upright."""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from aulens.errors import ConfigError, InputError
from aulens.formats import DAMAGE, no_picture, open_picture
from aulens.named import regular_file
from aulens.pixels import read_pixels

# 12,000 x 12,000 pixels fit, and need about 1.1 GB at the peak.
MAX_PIXELS: Final = 150_000_000
_ORIENTATION: Final = 0x0112
# Not Pillow's exif_transpose: that writes the EXIF anew, and fails where another of its entries is odd.
_TURN: Final[dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]]] = {
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.transpose(1, 0, 2),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: image[::-1, ::-1].transpose(1, 0, 2),
    8: lambda image: np.rot90(image),
}


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Read one picture as (H, W, 3) uint8 RGB, turned as its EXIF orientation says.

    Grey and palette become RGB; transparency is laid over white; CMYK and LAB are converted; 10 to 16 bits,
    larger numbers and floats become 8 bits by what they hold (`aulens.pixels.to_eight_bits`); HDR is mapped
    to what a usual screen shows; of an animation the first frame is read.

    Raises:
        InputError: the file is missing, empty, not a picture, cut short, has more than `max_pixels`, or would
            take more than `aulens.pixels.MAX_BYTES` to read.
    """
    path = Path(path)
    regular_file(path)
    try:
        with opened_picture(path, max_pixels) as picture:
            return upright_pixels(picture, path, close=True)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: {no_picture(path)}") from error
    except PermissionError as error:
        raise InputError(f"{path}: you may not read this file") from error
    except MemoryError as error:
        raise InputError(f"{path}: not enough memory to read it; make it smaller first") from error
    except DAMAGE as error:
        raise InputError(f"{path}: the picture is damaged or cut short ({error})") from error


@contextmanager
def opened_picture(path: Path, max_pixels: int) -> Iterator[Image.Image]:
    """A picture, open and not decoded.

    Raises:
        InputError: it has more than `max_pixels`.
        Exception: see `aulens.formats.open_picture`.
    """
    try:
        picture = open_picture(path)
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: far more than {max_pixels:,} pixels; make it smaller first") from error
    with picture:
        check_size(path, *picture.size, max_pixels)
        yield picture


def check_size(path: str | Path, width: float, height: float, max_pixels: int) -> None:
    """Raise `InputError` if a picture or a frame has more than `max_pixels`."""
    if width * height > max_pixels:
        raise InputError(
            f"{path}: {round(width)} x {round(height)} pixels are more than the limit of {max_pixels:,}; "
            "make it smaller first"
        )


def upright_pixels(picture: Image.Image, path: Path, *, close: bool = False) -> NDArray[np.uint8]:
    """The pixels of the page at which a picture is open, (H, W, 3) uint8 RGB, turned as its EXIF says.

    `close`: nothing more is wanted of it, so that its own pixels are let go before these are turned.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd metadata
        image = read_pixels(picture, path)
        turn = _TURN.get(picture.getexif().get(_ORIENTATION, 1))
    if close:
        picture.close()
    return image if turn is None else np.ascontiguousarray(turn(image))


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """A picture (H, W, 3) uint8 RGB as a JPEG file of a quality from 1 to 100.

    Raises:
        InputError: it is too large for one.
    """
    import cv2  # not for who only reads

    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise InputError(
            f"a picture of the shape {image.shape} can't be a JPEG: at most 65,535 pixels a side"
        )
    return data.tobytes()


def encode_picture(path: Path, image: NDArray[np.uint8]) -> bytes:
    """A picture (H, W, 3) uint8 RGB as a file of this name holds it: PNG, or JPEG of quality 95.

    Raises:
        ConfigError: see `format_to_write`.
    """
    file = io.BytesIO()
    Image.fromarray(image).save(file, format_to_write(path), quality=95)
    return file.getvalue()


def format_to_write(path: Path) -> Literal["PNG", "JPEG"]:
    """The format of a picture that is to be written, by its name.

    Raises:
        ConfigError: the name ends neither in .png nor in .jpg or .jpeg.
    """
    match path.suffix.lower():
        case ".png":
            return "PNG"
        case ".jpg" | ".jpeg":
            return "JPEG"
    raise ConfigError(f"can't draw {path}: use a name that ends in .png or .jpg")


def unmirrored(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A mirrored picture (H, W, 3), as front cameras keep them, as others see the person."""
    return np.ascontiguousarray(image[:, ::-1])
