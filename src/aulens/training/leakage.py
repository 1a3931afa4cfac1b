"""Whom a model has seen: the people who trained it, and those who chose its epoch and thresholds.

A run keeps their names in facts.json. A card travels, so it keeps a hash of each name: enough to find them
again in data at hand, and no list of a data set's people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aulens.data.samples import Samples
from aulens.errors import ConfigError
from aulens.training.run_facts import read_facts

_DIGITS: Final = 12
"""Of a hash: that two of 10,000 people are taken for each other happens once in 5 million cases."""


UNKNOWN_PEOPLE: Final = (
    "Whether its training saw the people who are tested is not known: an older version of aulens, which did "
    "not keep who trained, made it."
)


@dataclass(frozen=True)
class SeenSubjects:
    """Hashes of names.

    Attributes:
        train: who trained.
        val: who chose epoch and thresholds; with `data.select_on_test` those who are tested.
    """

    train: frozenset[str]
    val: frozenset[str]

    @staticmethod
    def read(facts: Path) -> SeenSubjects | None:
        """Of a run's facts.json; None if it is missing, or of a version that did not keep who trained."""
        found = read_facts(facts)
        names = found and found.data.people
        if not names:
            return None
        return SeenSubjects(*(frozenset(map(subject_hash, names.get(one, ()))) for one in ("train", "val")))

    @staticmethod
    def of_card(people: Mapping[str, Iterable[str]] | None) -> SeenSubjects | None:
        """Of a card's entry `people`; None if it has none."""
        return SeenSubjects(frozenset(people["train"]), frozenset(people["val"])) if people else None

    def to_dict(self) -> dict[str, list[str]]:
        """The entry of a card."""
        return {"train": sorted(self.train), "val": sorted(self.val)}

    def refuse(self, samples: Samples, split: str, selected_on_test: bool, model: str) -> None:
        """Refuse to test people who were part of the training.

        Args:
            samples: to be tested, as split "val" or "test".
            split: which; people who chose may be evaluated again as "val".
            selected_on_test: the model was chosen on test subjects: its numbers say so already.
            model: its name.

        Raises:
            ConfigError: somebody was seen; names one.
        """
        tested = {subject_hash(name): name for name in people_in(samples)}
        trained = sorted(name for code, name in tested.items() if code in self.train)
        chose = sorted(name for code, name in tested.items() if code in self.val)
        if split == "val" or selected_on_test:
            chose = []
        for names, did in ((trained, "trained"), (chose, "chose epoch and thresholds of")):
            if names:
                raise ConfigError(
                    f"{len(names)} of the {len(tested)} subjects to be tested {did} {model}, for example "
                    f"{names[0]}: the numbers would say how well it remembers them. Test the part that it "
                    "has not seen (without --fold, its own), or other people."
                )


def people(samples: Samples) -> dict[str, list[str]]:
    """The entry of facts.json: names of those who train and who choose."""
    chooses = "test" if samples.select_on_test else "val"
    return {"train": people_in(samples, "train"), "val": people_in(samples, chooses)}


def people_in(samples: Samples, split: str = "") -> list[str]:
    """Names of all subjects, or of a split's, sorted."""
    names = samples.subjects[samples.splits == split] if split else samples.subjects
    return sorted(set(names.tolist()))


def subject_hash(name: str) -> str:
    """What a card keeps of a person's name."""
    return hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]
