"""Plain values as typed ones; an error names the key, what may stand there and what stood there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, Any, Literal

import pytest

from aulens.checked import (
    Checked,
    Count,
    Decay,
    Finite,
    Natural,
    NotNegative,
    Positive,
    Probability,
    Texts,
    checked,
    one_of,
)
from aulens.errors import ConfigError, InputError, ModelError


@dataclass(frozen=True)
class Lens:
    glass: Annotated[str, one_of(("crown", "flint"))]
    count: Count = 1
    strength: Positive = 0.5

    def __post_init__(self) -> None:
        if self.count == 13:
            raise InputError("13 lenses are one too many")
        if self.count == 14:
            raise ValueError("14 lenses are two too many")


@dataclass(frozen=True)
class Camera:
    front: Lens | None = None
    kind: Literal["film", "chip"] = "chip"
    names: Texts = ()
    shares: Mapping[str, Probability] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)
    side: str | int = 3
    rows: tuple[tuple[float, ...], ...] = ()


def test_plain_values_become_typed_ones() -> None:
    plain = {"front": {"glass": "flint", "strength": 2}, "names": ["a", "b"], "shares": {"x": 1}}
    camera = checked(Camera, plain)
    assert camera == Camera(Lens("flint", 1, 2.0), names=("a", "b"), shares={"x": 1.0})
    assert isinstance(camera.front.strength, float)
    assert checked(Camera, {"front": None, "side": "left"}).side == "left"


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"fronts": 1}, "a.toml: Unknown key 'fronts'. Did you mean 'front'?"),
        ({"zebra": 1}, "a.toml: Unknown key 'zebra'. Known: front, kind, names, others, rows, shares, side."),
        ({"front": {"glas": "flint"}}, "a.toml: Unknown key 'front.glas'. Did you mean 'glass'?"),
        ({"front": {}}, "a.toml: lacks the entry 'front.glass'"),
        ({"front": 3}, "a.toml: 'front' must be a table or left out, found 3"),
        ({"front": {"glass": "x"}}, "a.toml: 'front.glass' must be one of crown, flint, found 'x'"),
        (
            {"front": {"glass": "flint\n"}},
            r"a.toml: 'front.glass' must be one of crown, flint, found 'flint\n'",
        ),
        (
            {"front": {"glass": "flint", "count": 0}},
            "a.toml: 'front.count' must be a whole number of at least 1, found 0",
        ),
        ({"front": {"glass": "flint", "count": 13}}, "a.toml: 13 lenses are one too many"),
        (
            {"front": {"glass": "flint", "count": 14}},
            "a.toml: 'front' can't be used: 14 lenses are two too many",
        ),
        ({"kind": "wet"}, "a.toml: 'kind' must be one of film, chip, found 'wet'"),
        ({"names": ["a", 3]}, "a.toml: 'names' must be a list of texts, found ['a', 3]"),
        ({"shares": {"x": 2}}, "a.toml: 'shares.x' must be a probability from 0 to 1, found 2"),
        ({"others": 3}, "a.toml: 'others' must be a table, found 3"),
        ({"side": [3]}, "a.toml: 'side' must be text or a whole number, found [3]"),
        ({"rows": [[1], 2]}, "a.toml: 'rows.1' must be a list, found 2"),
        ({"rows": [[1], [2, "3"]]}, "a.toml: 'rows.1.1' must be a number, found '3'"),
        ([], "a.toml: all of it must be a table, found []"),
    ],
)
def test_what_can_not_be_is_named(plain: object, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        checked(Camera, plain, "a.toml")
    assert str(error.value) == message


def test_another_error_and_keys_of_later_versions() -> None:
    assert checked(Camera, {"mood": "sunny", "side": 4}, others=True) == Camera(side=4)
    with pytest.raises(ModelError, match=r"^'side' must be"):
        checked(Camera, {"mood": "sunny", "side": None}, others=True, error=ModelError)


NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Count, [1, 10**30], [0, -1, 1.0, True, "1", None]),
        (Natural, [0, 1], [-1, False, 0.0]),
        (Finite, [0, -1e300, 3], [NAN, INFINITY, -INFINITY, True, "0"]),
        (Positive, [1e-300, 1], [0, 0.0, -1, NAN, INFINITY]),
        (NotNegative, [0, 0.0, 1e300], [-1e-300, NAN, INFINITY]),
        (Probability, [0, 1, 0.5], [-0.1, 1.1, NAN, True]),
        (Decay, [0, 0.999], [1, -0.1, NAN]),
        (Texts, [[], ["a"], ("b",)], ["here", [1], None]),
    ],
)
def test_ranges(kind: Any, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert checked(kind, value) == (tuple(value) if kind is Texts else value)
    for value in bad:
        with pytest.raises(ConfigError, match="must be"):
            checked(kind, value)


def test_a_checked_class_is_checked_whoever_makes_it() -> None:
    @dataclass(frozen=True)
    class Own(Checked):
        count: Count = 1
        share: Probability = 0.5

    assert isinstance(Own(share=1).share, float)
    half = Own(share=Fraction(1, 2)).share
    assert (half, type(half)) == (0.5, float)
    for beyond in (Fraction(3, 2), Fraction(10**400)):
        with pytest.raises(ConfigError, match="'share' must be a probability from 0 to 1, found"):
            Own(share=beyond)
    with pytest.raises(ConfigError, match=r"^'count' must be a whole number of at least 1, found 0$"):
        Own(0)
