"""Plain values, as TOML and JSON give them, turned into typed ones: msgspec checks, errors name the key.

What a field may be is its annotation: ``epochs: Count = 20``. An error says which key, what may stand
there and what stood there.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from fractions import Fraction
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, ValidationError

from aulens.contents import bytes_of
from aulens.errors import AulensError, ConfigError

T = TypeVar("T")

_LARGEST: Final = sys.float_info.max  # bounds keep nan and infinity away

Count = Annotated[int, Meta(ge=1, description="a whole number of at least 1")]
Side = Annotated[int, Meta(ge=1, le=4096, description="a whole number from 1 to 4096")]
Natural = Annotated[int, Meta(ge=0, description="a whole number of 0 or more")]
Finite = Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST, description="a finite number")]
Positive = Annotated[float, Meta(gt=0, le=_LARGEST, description="a number above 0 and finite")]
NotNegative = Annotated[float, Meta(ge=0, le=_LARGEST, description="a number of 0 or more and finite")]
Probability = Annotated[float, Meta(ge=0, le=1, description="a probability from 0 to 1")]
Decay = Annotated[float, Meta(ge=0, lt=1, description="a number in [0, 1)")]
Text = Annotated[str, Meta(pattern=r"\S", description="a text that is not empty")]
Texts = Annotated[tuple[str, ...], Meta(description="a list of texts")]


def one_of(names: Iterable[str]) -> Meta:
    """That a text is one of some, in an annotation: ``Annotated[str, one_of(TEMPLATES)]``."""
    names = tuple(names)
    return Meta(pattern=f"^({'|'.join(map(re.escape, names))})\\Z", description=f"one of {', '.join(names)}")


_UNIONS: Final = (UnionType, Union)
_WORDS: Final[Mapping[Any, str]] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    NoneType: "left out",
}


class Checked:
    """Of a frozen dataclass: its fields are what their annotations say, whoever makes it.

    Raises:
        ConfigError: a value that can't be; names the field.
    """

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self), include_extras=True).items():
            value = getattr(self, name)
            plain = value.item() if hasattr(value, "item") else value  # a number of numpy's
            if isinstance(plain, Fraction) and abs(plain) <= _LARGEST:
                plain = float(plain)
            object.__setattr__(self, name, checked(kind, plain, key=name))


def checked(
    kind: type[T],
    plain: object,
    source: object = "",
    *,
    key: str = "",
    error: type[AulensError] = ConfigError,
    others: bool = False,
) -> T:
    """A value of a type, made of plain ones.

    Args:
        kind: a dataclass, or any other type that msgspec knows.
        plain: numbers, texts, lists and dicts.
        source: where they come from, the file, for messages.
        key: where in there, for messages.
        error: raised where they can't be.
        others: keys that `kind` does not know are passed over.

    Raises:
        AulensError: `error`: a key is unknown (the nearest known one is named) or lacks, or a value can't be.
    """
    place = f"{source}: " if source else ""
    if not others and (unknown := _unknown(kind, plain, key)):
        raise error(f"{place}{unknown}")
    try:
        return msgspec.convert(plain, kind)
    except ValidationError as fault:
        if isinstance(fault.__cause__, AulensError):  # of somebody's __post_init__
            raise error(f"{place}{fault.__cause__}") from fault
        raise error(f"{place}{_said(fault, kind, plain, key)}") from fault


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """What a TOML file holds; `what` is it, for messages: "the configuration".

    Raises:
        ConfigError: it is missing, empty, or not TOML.
    """
    import tomllib  # not for pictures, which read cards only

    try:
        text = bytes_of(Path(path)).decode("utf-8")
        found = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"Cannot read {what} {path}: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:  # whole numbers of thousands of digits, too
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error
    if not text.strip():
        raise ConfigError(f"{path} is empty; {what} is a TOML file, see configs/.")
    return found


def _unknown(kind: Any, plain: object, key: str) -> str:
    """What to say of a key that is not known; "" if all are."""
    kind = next((each for each in (kind, *get_args(kind)) if is_dataclass(each)), None)
    if kind is None or not isinstance(plain, Mapping):
        return ""
    hints = get_type_hints(kind)
    for name, value in plain.items():
        if name not in hints:
            near = difflib.get_close_matches(name, hints, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(sorted(hints))}."
            return f"Unknown key {_join(key, name)!r}. {hint}"
        if problem := _unknown(hints[name], value, _join(key, name)):
            return problem
    return ""


def _said(fault: ValidationError, kind: Any, value: object, key: str) -> str:
    """What to say of a value that can't be: of the innermost one."""
    for name, inner, item in _parts(kind, value):
        if item is MISSING:
            return f"lacks the entry {_join(key, name)!r}"
        try:
            msgspec.convert(item, inner)
        except ValidationError as within:
            return _said(within, inner, item, _join(key, name))
    what = repr(key) if key else "all of it"
    if fault.__cause__ is not None:  # of somebody's __post_init__
        return f"{what} can't be used: {fault.__cause__}"
    return f"{what} must be {_expected(kind)}, found {value!r:.200}"


def _parts(kind: Any, value: object) -> Iterator[tuple[str, Any, Any]]:
    """Key, type and value of what a value consists of; MISSING for what it lacks."""
    if get_origin(kind) in _UNIONS:
        kind = next((each for each in get_args(kind) if is_dataclass(each)), kind)
    if is_dataclass(kind) and isinstance(value, Mapping):
        hints = get_type_hints(kind, include_extras=True)
        for field in fields(kind):
            needed = field.default is MISSING and field.default_factory is MISSING
            if field.name in value or needed:
                yield field.name, hints[field.name], value.get(field.name, MISSING)
    elif get_origin(kind) in (Mapping, dict) and isinstance(value, Mapping):
        yield from ((str(name), get_args(kind)[1], item) for name, item in value.items())
    elif get_origin(kind) is tuple and get_args(kind)[1] is ... and isinstance(value, list | tuple):
        yield from ((str(index), get_args(kind)[0], item) for index, item in enumerate(value))


def _expected(kind: Any) -> str:
    """What may stand where a type is asked for."""
    for meta in getattr(kind, "__metadata__", ()):
        return str(meta.description)
    if get_origin(kind) is Literal:
        names = get_args(kind)
        return f"one of {', '.join(map(str, names))}" if names[1:] else repr(names[0])
    if get_origin(kind) in _UNIONS:
        return " or ".join(map(_expected, get_args(kind)))
    return "a list" if get_origin(kind) is tuple else _WORDS.get(kind, "a table")


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
