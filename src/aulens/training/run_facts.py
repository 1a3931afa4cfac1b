"""What a run folder says of the run: facts.json, log.jsonl, reports; read back by what they must hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aulens.checked import Natural, Texts, checked
from aulens.contents import json_of, parsed, text_of
from aulens.errors import ModelError


@dataclass(frozen=True)
class DataFacts:
    """What a run learned from; what earlier versions, or runs of another kind, do not say has a default.

    Attributes:
        fingerprint: tells the data from others.
        sources: data sets; None: renders, the only ones once.
        samples: split → pictures.
        subjects: split → people.
        people: split → their names; None: not kept.
        faces: split → faces of each source, of a face network.
        backgrounds: how many, of one.
    """

    fingerprint: str = ""
    sources: Texts | None = None
    samples: Mapping[str, Natural] = field(default_factory=dict)
    subjects: Mapping[str, Natural] = field(default_factory=dict)
    people: Mapping[str, tuple[str, ...]] | None = None
    faces: Mapping[str, tuple[Natural, ...]] = field(default_factory=dict)
    backgrounds: Natural = 0


@dataclass(frozen=True)
class RunFacts:
    """What facts.json says: of the data, and the commit of the code, if known."""

    data: DataFacts
    commit: str | None = None


def read_facts(path: Path) -> RunFacts | None:
    """A run's facts.json; None if there is none; ModelError if it is damaged."""
    return checked(RunFacts, _json(path), path, error=ModelError, others=True) if path.is_file() else None


def read_report(path: Path) -> dict[str, Any] | None:
    """A report.json of an evaluation; None if there is none; ModelError if it is damaged."""
    return checked(dict[str, Any], _json(path), path, error=ModelError) if path.is_file() else None


def read_log(path: Path) -> list[dict[str, Any]]:
    """The epochs of a run, of its log.jsonl; ModelError if it is missing or damaged."""
    try:
        lines = [parsed(line) for line in text_of(path).splitlines()]
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is damaged ({error}); aulens train --resume writes it anew") from error
    return checked(list[dict[str, Any]], lines, path, error=ModelError)


def _json(path: Path) -> Any:
    try:
        return json_of(path)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} is damaged ({error}); copy the run's folder again, or delete the file and run it again"
        ) from error
