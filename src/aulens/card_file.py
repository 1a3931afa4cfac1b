"""A network as two files: an ONNX graph, and beside it a card, JSON that says what its numbers mean."""

from __future__ import annotations

import difflib
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, TypeVar

from msgspec import Meta

from aulens.checked import Finite, checked
from aulens.contents import json_of
from aulens.errors import ModelError

Digest = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{64}\Z", description="64 hexadecimal digits")]
Pair = Annotated[tuple[Finite, Finite], Meta(description="two numbers [slope, offset]")]


@dataclass(frozen=True, kw_only=True)
class Card:
    """What every card says.

    Attributes:
        path: the JSON file.
        name: the network's name.
        onnx_sha256: digest of the ONNX file that belongs to this card, in lower case.
        licence: of the weights.
        trained_on: the data that it learned from.
        not_validated_on: what nobody has checked.
        statement: in plain words, what to expect of it.
        results: numbers on held-out data.
        created: when it was exported.
        aulens_version: by which version.
    """

    path: Path
    name: str
    onnx_sha256: Digest
    licence: str
    trained_on: str
    not_validated_on: str
    statement: str
    results: Mapping[str, Any]
    created: str
    aulens_version: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "onnx_sha256", self.onnx_sha256.lower())
        object.__setattr__(self, "results", MappingProxyType(dict(self.results)))

    @property
    def onnx(self) -> Path:
        """The file that belongs to this card: the same name, ending in .onnx."""
        return self.path.with_suffix(".onnx")


_LOG: Final = logging.getLogger(__name__)
_FOR_PEOPLE: Final = frozenset({"format", "training", "normalisation"})
"""Entries for people, not for aulens."""

AnyCard = TypeVar("AnyCard", bound=Card)


def card_beside(model: str | Path) -> Path:
    """Path of the card for a card (.json), or for an .onnx file with the card beside it.

    Raises:
        ModelError: there is no such file or no card, or `model` is neither; says what to do.
    """
    path = Path(model)
    if path.suffix.lower() not in {".json", ".onnx"}:
        missing = "" if path.exists() else "there is no such file or folder; "
        raise ModelError(
            f"{path}: {missing}a model is given by its card (.json) or its .onnx file with the card beside it"
        )
    if not path.is_file():
        raise ModelError(f"{path}: there is no such model file")
    card = path.with_suffix(".json")
    if not card.is_file():
        raise ModelError(
            f"{path}: its card {card.name} is not beside it, and without it nobody knows what the network's "
            "numbers mean; copy both files, or export them anew (`aulens export` writes both)"
        )
    return card


def read_entries(path: Path, format: str) -> dict[str, Any]:
    """What a card holds, unchecked but for its format.

    Raises:
        ModelError: it is missing, not JSON, or its entry "format" is another one than `format`.
    """
    try:
        entries = json_of(path)
    except OSError as error:
        raise ModelError(f"{path}: the model card can't be read ({error.strerror})") from error
    except ValueError as error:
        raise ModelError(f"{path}: not a model card: not JSON ({error})") from error
    seen = entries.get("format") if isinstance(entries, dict) else type(entries).__name__
    if seen != format:
        raise ModelError(
            f"{path}: not a model card of aulens: expected format {format!r}, found {seen!r:.80}"
        )
    assert isinstance(entries, dict)
    return entries


def read_card_file(path: Path, format: str, kind: type[AnyCard]) -> AnyCard:
    """A card whose entries are named as its fields; entries of later versions are passed over, and said.

    Raises:
        ModelError: it is missing, not JSON, of another format, lacks an entry, has one that can't be or whose
            name is nearly a known one.
    """
    entries = read_entries(path, format)
    known = {field.name for field in fields(kind)} - {"path"}
    if strange := sorted(entries.keys() - known - _FOR_PEOPLE):
        for name in strange:
            if near := difflib.get_close_matches(name, known - entries.keys(), n=1, cutoff=0.8):
                raise ModelError(f"{path}: unknown entry {name!r}; did you mean {near[0]!r}?")
        _LOG.warning("%s: passed over, as this version of aulens does not know them: %.200s", path, strange)
    entries["path"] = path
    return checked(kind, entries, path, error=ModelError, others=True)


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
