"""The entries of a card, the JSON beside an ONNX file: each getter checks, and names what is wrong."""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeGuard

from aulens.errors import ModelError


class Entries:
    """The entries of one card.

    Args:
        path: of the card, for messages.
        entries: what it holds.
    """

    def __init__(self, path: Path, entries: Mapping[str, Any]) -> None:
        self._path = path
        self._entries = entries

    @classmethod
    def read(cls, path: Path, format: str) -> Self:
        """Those of a file.

        Raises:
            ModelError: it is missing, not JSON, or its entry "format" is another one than `format`.
        """
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ModelError(f"{path}: the model card can't be read ({error.strerror})") from error
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            raise ModelError(f"{path}: not a model card: not JSON ({error})") from error
        seen = entries.get("format") if isinstance(entries, dict) else type(entries).__name__
        if seen != format:
            raise ModelError(
                f"{path}: not a model card of aulens: expected format {format!r}, found {seen!r}"
            )
        return cls(path, entries)

    def get(self, key: str) -> Any:
        """Any value."""
        if key not in self._entries:
            raise ModelError(f"{self._path}: the model card lacks the entry {key!r}")
        return self._entries[key]

    def wrong(self, key: str, expected: str, seen: object) -> ModelError:
        """The error to raise where an entry can't be."""
        return ModelError(f"{self._path}: the model card's {key!r} must be {expected}, found {seen!r}")

    def flag(self, key: str, default: bool) -> bool:
        """True or false; `default` where the card says nothing."""
        value = self._entries.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false", value)
        return value

    def text(self, key: str) -> str:
        """Text."""
        value = self.get(key)
        if not isinstance(value, str):
            raise self.wrong(key, "text", value)
        return value

    def digest(self, key: str) -> str:
        """A SHA-256, in lower case."""
        value = self.text(key).lower()
        if len(value) != 64 or set(value) - set("0123456789abcdef"):
            raise self.wrong(key, "64 hexadecimal digits", value)
        return value

    def count(self, key: str) -> int:
        """A whole number of at least 1."""
        value = self.get(key)
        if type(value) is not int or value < 1:
            raise self.wrong(key, "a whole number of at least 1", value)
        return value

    def share(self, name: str, value: object) -> float:
        """`value` as a number from 0 to 1; `name` is for messages."""
        if not _is_number(value) or not 0 <= value <= 1:
            raise self.wrong(name, "a probability from 0 to 1", value)
        return float(value)

    def pair(self, name: str, value: object) -> tuple[float, float]:
        """`value` as slope and offset; `name` is for messages."""
        if not isinstance(value, list) or len(value) != 2 or not all(map(_is_number, value)):
            raise self.wrong(name, "two numbers [slope, offset]", value)
        return float(value[0]), float(value[1])

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of some words."""
        value = self.text(key)
        if value not in allowed:
            raise self.wrong(key, f"one of {', '.join(allowed)}", value)
        return value

    def table(self, key: str) -> dict[str, Any]:
        """Entries of their own."""
        value = self.get(key)
        if not isinstance(value, dict):
            raise self.wrong(key, "a table", value)
        return value


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def check_sha256(onnx: Path, content: bytes, card: Path, expected: str) -> None:
    """Make sure that an ONNX file, of which this is the content, is the one its card speaks of.

    Raises:
        ModelError: the digests differ.
    """
    digest = hashlib.sha256(content).hexdigest()
    if digest != expected:
        raise ModelError(
            f"{onnx}: not the file that its card {card.name} was written for (sha256 "
            f"{digest[:12]}..., the card says {expected[:12]}...); copy both again or export anew"
        )
