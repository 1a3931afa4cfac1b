"""What a file holds, of whoever wrote it: bytes and JSON, read within bounds."""

from __future__ import annotations

import errno
import io
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

Pairs = Callable[[list[tuple[str, Any]]], Any]


def size_of(path: Path) -> int:
    """Bytes of a file, which can be opened without waiting for whoever fills a pipe.

    Raises:
        OSError: it is missing, or no file.
    """
    about = path.stat()
    if stat.S_ISDIR(about.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(about.st_mode):
        raise OSError(errno.EINVAL, "a pipe or a device, not a file", str(path))
    return about.st_size


def bytes_of(path: Path, max_bytes: int = 1 << 28) -> bytes:
    """All of a file.

    Raises:
        OSError: it can't be read, is larger than `max_bytes`, or is no file.
    """
    if (size := size_of(path)) > max_bytes:
        raise OSError(errno.EFBIG, f"{size:,} bytes, more than {max_bytes:,}", str(path))
    return path.read_bytes()


def text_of(path: Path, errors: str = "strict") -> str:
    """The text of a file in UTF-8, whose lines end as they do in Python.

    Raises:
        OSError: see `bytes_of`.
        UnicodeDecodeError: it is no such text.
    """
    data = io.BytesIO(bytes_of(path))
    return io.TextIOWrapper(data, encoding="utf-8-sig", errors=errors).read()


def json_of(path: Path) -> Any:
    """The value that a JSON file holds; may be NaN in numbers.

    Raises:
        OSError: see `bytes_of`.
        ValueError: it is no JSON; see `parsed`.
    """
    return parsed(bytes_of(path).decode("utf-8"))


def arrays_of(path: Path) -> dict[str, Any]:
    """The arrays of an .npz file by their names; nothing in it is executed.

    Raises:
        OSError: see `bytes_of`.
        ValueError: it is no such file, or damaged.
    """
    import numpy as np  # not for those who read JSON

    size_of(path)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError):
        raise
    except Exception as error:  # zip, zlib and NumPy raise more than they say, of damaged files
        raise ValueError(f"{type(error).__name__}: {error!s:.200}") from error


def frame_of(path: Path) -> Any:
    """The pandas.DataFrame of a Parquet file.

    Raises:
        OSError: see `bytes_of`.
        ValueError: it is no such file, or damaged.
    """
    import pandas as pd

    size_of(path)
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError):
        raise
    except (LookupError, TypeError, AttributeError, RuntimeError, MemoryError) as error:  # of its metadata
        raise ValueError(f"{type(error).__name__}: {error!s:.200}") from error


def parsed(text: str, pairs: Pairs | None = None) -> Any:
    """The value that JSON stands for.

    Args:
        text: JSON.
        pairs: makes an object of its entries; None makes a dict.

    Raises:
        ValueError: it is no JSON, its values lie too deep within each other, or a text in it is none (half of
            a surrogate pair, which no file can hold).
    """
    try:
        value = json.loads(text, object_pairs_hook=pairs)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("values within values, too deep") from error
    return value
