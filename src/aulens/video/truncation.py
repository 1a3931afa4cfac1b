"""Whether a file is as long as its own header says. FFmpeg reads up to the cut and keeps quiet."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, Final

_BOXES: Final = frozenset(b"ftyp moov mdat free skip wide moof mfra styp sidx udta uuid".split())


def bytes_missing(path: Path) -> int | None:
    """How many bytes a MP4, MOV, AVI, MKV or WebM lacks at its end; None if none, or not known."""
    length = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(12)
        file.seek(0)
        if start[4:8] in _BOXES:
            end = _boxes_end(file, length)
        elif start[:4] == b"RIFF":
            end = _riff_end(file, length)
        elif start[:4] == b"\x1aE\xdf\xa3":
            end = _matroska_end(file)
        else:
            return None
    return end - length if end is not None and end > length else None


def _boxes_end(file: BinaryIO, length: int) -> int | None:
    position = 0
    while position < length:
        file.seek(position)
        head = file.read(16)
        if len(head) < 8:
            return None
        (size,) = struct.unpack(">I", head[:4])
        if size == 1 and len(head) == 16:
            (size,) = struct.unpack(">Q", head[8:])
        # 0 = up to the end, whatever that is.
        if size < 8:
            return None
        # Cameras and telephones write things of their own behind the last box: no size stands there.
        if head[4:8] not in _BOXES and position + size > length:
            return None
        position += size
    return position


def _riff_end(file: BinaryIO, length: int) -> int | None:
    position = 0
    while position < length:
        file.seek(position)
        head = file.read(8)
        size = struct.unpack("<I", head[4:])[0] if len(head) == 8 and head[:4] == b"RIFF" else 0
        # Recorders fill in the size when they stop; 0 or all ones = they did not.
        if size in (0, 0xFFFFFFFF):
            return position or None
        position += 8 + size + size % 2
    # The last byte of padding may be left out.
    return position if position - length > 1 else None


def _matroska_end(file: BinaryIO) -> int | None:
    file.seek(4)
    header = _matroska_size(file)
    if header is None:
        return None
    file.seek(header, 1)
    if file.read(4) != b"\x18\x53\x80\x67":
        return None
    size = _matroska_size(file)
    return None if size is None else file.tell() + size


def _matroska_size(file: BinaryIO) -> int | None:
    """A number as EBML writes it: as many zeros before the first one bit as bytes follow."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    extra = 8 - first[0].bit_length()
    value = int.from_bytes(bytes([first[0] ^ (0x80 >> extra)]) + file.read(extra), "big")
    # All ones = unknown, as while it is being recorded.
    return None if value == (1 << (7 * (extra + 1))) - 1 else value
