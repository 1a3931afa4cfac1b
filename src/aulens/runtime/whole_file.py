"""An ONNX file that holds all of its weights: one that names other files is refused before anything loads it.

ONNX lets a tensor lie in any file that the graph names, which a card's digest then does not cover, and
releases of ONNX Runtime differ in the places that they follow. So nothing outside is taken, whatever runs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from aulens.contents import bytes_of
from aulens.errors import ModelError

# onnx.proto: message → field that holds another message → which one.
_INNER: Final[Mapping[str, Mapping[int, str]]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_EXTERNAL_DATA: Final = 13
_DATA_LOCATION: Final = 14
_MAX_BYTES: Final = (1 << 31) - 1
"""Bytes of a file: what protobuf reads at most."""


def read_whole(path: Path) -> bytes:
    """The bytes of an ONNX file, which are all that it is.

    Raises:
        ModelError: it is missing, empty, no ONNX file or cut short, or parts of it lie in other files.
    """
    if not path.exists():
        raise ModelError(f"{path}: there is no such model file")
    try:
        content = bytes_of(path, _MAX_BYTES)
    except OSError as error:
        raise ModelError(f"{path}: the model file can't be read ({error.strerror})") from error
    if not content:
        raise ModelError(f"{path}: the model file is empty (0 bytes)")
    try:
        elsewhere = _names_files(memoryview(content))
    except (IndexError, ValueError, RecursionError) as error:
        raise unreadable(path, len(content), str(error) or "values within values, too deep") from error
    if elsewhere:
        raise ModelError(
            f"{path}: some of its weights lie in another file, for which nothing vouches; save it whole "
            "(onnx.save_model(model, path, save_as_external_data=False)) or export it anew"
        )
    return content


def unreadable(path: Path, size: int, reason: str) -> ModelError:
    """That this is no ONNX model that can be read, and why."""
    said = " ".join(reason.split())[:200]
    return ModelError(
        f"{path}: not a readable ONNX model: cut short, damaged or of another kind ({size:,} bytes; {said})"
    )


def _names_files(model: memoryview) -> bool:
    """Whether a tensor, wherever it stands in the graph, names another file as its place.

    Raises:
        ValueError: this is no message as protobuf writes them.
        IndexError: it is cut short.
    """
    waiting = [("model", model)]
    while waiting:
        kind, message = waiting.pop()
        inner = _INNER[kind]
        for field, value in _fields(message):
            if kind == "tensor" and (field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value)):
                return True
            if field in inner:
                if not isinstance(value, memoryview):
                    raise ValueError(f"field {field} of a {kind} is no message")
                waiting.append((inner[field], value))
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The number and the value of each field (protobuf's wire format)."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        field, wire = tag >> 3, tag & 7
        value: int | memoryview = 0
        if wire == 0:
            value, at = _varint(message, at)
        elif wire == 2:
            size, at = _varint(message, at)
            value, at = message[at : at + size], at + size
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise ValueError(f"a field of wire type {wire}")
        if at > end or not field:
            raise IndexError(f"{at} bytes expected, {end} found")
        yield field, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise IndexError("it ends within a number")
        byte = message[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at
