"""The vocabulary of Action Units: numbers, FACS names, muscles, and the AU set of each data set.

The only file that knows AU numbers. Labels are int8 arrays in {0, 1, MISSING}: absent, present, not coded.
Per-side labels have a last axis of length 2, [subject_right, subject_left]: the person's own sides.

Source of names and muscles: Ekman, Friesen and Hager, Facial Action Coding System (2002).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.errors import ConfigError, InputError

MISSING: Final[int] = -1
"""The label code for "not coded": neither present nor absent is known."""


@dataclass(frozen=True)
class AU:
    """One Action Unit of FACS.

    Attributes:
        number: its FACS number, 12.
        name: its FACS name, "Lip Corner Puller".
        muscles: the muscles that make it (or, where FACS says so, the one that relaxes).
    """

    number: int
    name: str
    muscles: tuple[str, ...]

    @property
    def label(self) -> str:
        """How it is written in tables: "AU12"."""
        return f"AU{self.number}"


_ALL = (
    AU(1, "Inner Brow Raiser", ("frontalis, pars medialis",)),
    AU(2, "Outer Brow Raiser", ("frontalis, pars lateralis",)),
    AU(4, "Brow Lowerer", ("corrugator supercilii", "depressor supercilii", "procerus")),
    AU(5, "Upper Lid Raiser", ("levator palpebrae superioris",)),
    AU(6, "Cheek Raiser", ("orbicularis oculi, pars orbitalis",)),
    AU(7, "Lid Tightener", ("orbicularis oculi, pars palpebralis",)),
    AU(9, "Nose Wrinkler", ("levator labii superioris alaeque nasi",)),
    AU(10, "Upper Lip Raiser", ("levator labii superioris",)),
    AU(11, "Nasolabial Deepener", ("zygomaticus minor",)),
    AU(12, "Lip Corner Puller", ("zygomaticus major",)),
    AU(13, "Sharp Lip Puller", ("levator anguli oris",)),
    AU(14, "Dimpler", ("buccinator",)),
    AU(15, "Lip Corner Depressor", ("depressor anguli oris",)),
    AU(16, "Lower Lip Depressor", ("depressor labii inferioris",)),
    AU(17, "Chin Raiser", ("mentalis",)),
    AU(18, "Lip Pucker", ("incisivii labii superioris", "incisivii labii inferioris")),
    AU(20, "Lip Stretcher", ("risorius", "platysma")),
    AU(22, "Lip Funneler", ("orbicularis oris",)),
    AU(23, "Lip Tightener", ("orbicularis oris",)),
    AU(24, "Lip Presser", ("orbicularis oris",)),
    AU(25, "Lips Part", ("depressor labii inferioris", "mentalis (relaxed)", "orbicularis oris (relaxed)")),
    AU(26, "Jaw Drop", ("masseter (relaxed)", "temporalis (relaxed)", "medial pterygoid (relaxed)")),
    AU(27, "Mouth Stretch", ("pterygoids", "digastric")),
    AU(28, "Lip Suck", ("orbicularis oris",)),
    AU(43, "Eyes Closed", ("levator palpebrae superioris (relaxed)", "orbicularis oculi, pars palpebralis")),
    AU(45, "Blink", ("levator palpebrae superioris (relaxed)", "orbicularis oculi, pars palpebralis")),
)

AUS: Final[Mapping[int, AU]] = MappingProxyType({au.number: au for au in _ALL})
"""Every AU that aulens knows, by number, in ascending order."""

NAMES: Final[Mapping[str, str]] = MappingProxyType({au.label: au.name for au in _ALL})
"""Their FACS names, by label."""


@dataclass(frozen=True)
class AUSet:
    """An ordered choice of AUs: the meaning of an array axis of length A.

    Attributes:
        name: a short name, "bp4d".
        numbers: the AU numbers, in the order of the axis; each known, none twice.
        intense: those of them whose intensity a model gives too; sets are compared without it.

    Raises:
        ConfigError: when `numbers` is empty, or has an AU that is unknown or comes twice.
    """

    name: str
    numbers: tuple[int, ...]
    intense: tuple[int, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", tuple(self.numbers))
        if not self.numbers:
            raise ConfigError(f"AU set {self.name!r} is empty; give at least one AU number")
        unknown = [n for n in self.numbers if n not in AUS]
        if unknown:
            known = ", ".join(map(str, AUS))
            raise ConfigError(f"AU set {self.name!r} has unknown AUs {unknown}; known are {known}")
        twice = sorted({n for n in self.numbers if self.numbers.count(n) > 1})
        if twice:
            raise ConfigError(f"AU set {self.name!r} has AUs {twice} more than once; name each once")

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[int]:
        return iter(self.numbers)

    def __contains__(self, number: object) -> bool:
        return number in self.numbers

    @property
    def labels(self) -> tuple[str, ...]:
        """The AUs as written in tables: ("AU1", "AU2", ...)."""
        return tuple(AUS[n].label for n in self.numbers)

    def index(self, number: int) -> int:
        """The position of an AU on the axis.

        Raises:
            ConfigError: when the set does not have it.
        """
        if number not in self.numbers:
            raise ConfigError(f"AU set {self.name!r} has no AU{number}; it has {', '.join(self.labels)}")
        return self.numbers.index(number)


MAX_INTENSITY: Final = 5
"""Intensities run from 0 (absent) over 1 (FACS's A, a trace) to this (E, maximal); NaN = not coded."""

PRESENT_STRENGTH: Final = 0.2
"""The strength (0 to 1) from which a rendered AU counts as present; none is drawn between 0 and it."""

BP4D: Final = AUSet("bp4d", (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24))
DISFA: Final = AUSet("disfa", (1, 2, 4, 6, 9, 12, 25, 26))
GFT: Final = AUSet("gft", (1, 2, 4, 6, 10, 12, 14, 15, 23, 24))
AFFWILD2: Final = AUSet("affwild2", (1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26))
RENDERS: Final = AUSet(
    "renders", (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 18, 20, 22, 23, 24, 25, 26, 27, 28, 43)
)

AU_SETS: Final[Mapping[str, AUSet]] = MappingProxyType(
    {aus.name: aus for aus in (BP4D, DISFA, GFT, AFFWILD2, RENDERS)}
)
"""The AU sets by name."""


def au_set(name: str) -> AUSet:
    """The AU set of a data set, by name ("bp4d"; upper or lower case).

    Raises:
        ConfigError: when there is none of that name.
    """
    try:
        return AU_SETS[name.lower()]
    except KeyError:
        raise ConfigError(f"no AU set is called {name!r}; there are {', '.join(AU_SETS)}") from None


def au_labels(side_labels: ArrayLike) -> NDArray[np.int8]:
    """The label of each AU from the labels of its two sides.

    Present when either side is present; absent when both are absent; otherwise MISSING, because
    an uncoded side beside an absent one leaves the AU undetermined.

    Args:
        side_labels: (..., A, 2) in {0, 1, MISSING}, [subject_right, subject_left].

    Returns:
        (..., A) int8 in {0, 1, MISSING}.

    Raises:
        InputError: when the last axis is not of length 2.
    """
    sides = np.asarray(side_labels)
    if sides.ndim < 1 or sides.shape[-1] != 2:
        raise InputError(f"side labels need a last axis of 2 (subject right, left), got shape {sides.shape}")
    present = (sides == 1).any(-1)
    absent = (sides == 0).all(-1)
    return np.where(present, 1, np.where(absent, 0, MISSING)).astype(np.int8)
