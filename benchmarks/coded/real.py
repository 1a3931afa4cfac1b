"""Photographs of real people that only measure: what `score.py` says of a model's table."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aulens import Analyzer, NetDetector, read_image
from aulens.tables.schema import columns, rows_of
from coded.rows import NONE, Row
from coded.subjects import Subject
from coded.told import Faces


@dataclass(frozen=True)
class Score:
    """Of a table, as printed: answered, ROC-AUC of those found, with misses as lowest, F1, the lowest AU."""

    answered: str
    found: str
    every: str
    f1: str
    lowest: str


def real(folder: Path, script: Path, file: Path | None) -> Iterator[Row]:
    """Rows of a folder of photographs, scored by a script; the faces found are kept in `file`."""
    faces = Faces(lambda name: read_image(folder / name), NetDetector(), file)
    names = sorted(path.name for path in folder.iterdir())

    @cache
    def score(card: Path) -> Score:
        return _score(card, faces, names, script)

    def cell(subject: Subject, what: str) -> str:
        return NONE if subject.analyzer is None else str(getattr(score(subject.analyzer.card.path), what))

    of = "real photographs"
    for what, name in (
        ("answered", "answered"),
        ("ROC-AUC, misses as lowest", "every"),
        ("ROC-AUC of those found", "found"),
        ("lowest AU", "lowest"),
        ("F1, own decisions", "f1"),
    ):
        yield Row(of, what, lambda s, name=name: cell(s, name))  # type: ignore[misc]


def _score(card: Path, faces: Faces, names: Sequence[str], script: Path) -> Score:
    analyzer = Analyzer(card, faces.detector, threads=1)
    aus = analyzer.card.aus
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as table:
        rows = csv.DictWriter(table, columns(aus), extrasaction="ignore")
        rows.writeheader()
        for name, (image, face) in zip(names, faces.of(names), strict=True):
            rows.writerows(rows_of(name, analyzer.analyze(image, [face] if face else []), aus))
        table.flush()
        done = subprocess.run(
            [sys.executable, str(script), table.name], capture_output=True, text=True, check=True
        )
    last = done.stdout.strip().splitlines()[-1].replace(",", "").split()
    found, every, f1 = (last[last.index(word) + 1] for word in ("AUC", "misses", "F1"))
    (answered,) = re.findall(r"answered (\d+ of \d+)", done.stdout)
    of_au = re.findall(r"^(AU\d+)\s+[-\d.]+\s+\d+\s+\d+\s+([\d.]+)\s+([\d.]+)", done.stdout, re.MULTILINE)
    name, _, lowest = min(of_au, key=lambda one: float(one[2]))
    return Score(answered, found, every, f1, f"{name} {lowest}")
