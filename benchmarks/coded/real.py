"""Photographs of real people that only measure: what `score.py` says of a model's table."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aulens import Analyzer, read_image
from aulens.tables.schema import columns, rows_of
from coded.rows import NONE, Row
from coded.subjects import Subject


@dataclass(frozen=True)
class Score:
    """Of a table, as printed: answered, ROC-AUC of those found, with misses as lowest, F1, the lowest AU."""

    answered: str
    found: str
    every: str
    f1: str
    lowest: str


def real(folder: Path, script: Path, keep: Path | None) -> Iterator[Row]:
    """Rows of a folder of photographs, scored by a script; a model's table is kept in `keep`."""

    @cache
    def score(card: Path) -> Score:
        return _score(card, folder, script, keep)

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


def _score(card: Path, folder: Path, script: Path, keep: Path | None) -> Score:
    analyzer = Analyzer(card, threads=1)
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns(analyzer.card.aus), extrasaction="ignore")
        table.writeheader()
        for path in sorted(folder.iterdir()):
            table.writerows(rows_of(path.name, analyzer(read_image(path)), analyzer.card.aus))
        file.flush()
        done = subprocess.run(
            [sys.executable, str(script), file.name], capture_output=True, text=True, check=True
        )
        if keep:
            (keep / f"real-{card.stem}.txt").write_text(done.stdout, encoding="utf-8")
    last = done.stdout.strip().splitlines()[-1].replace(",", "").split()
    found, every, f1 = (last[last.index(word) + 1] for word in ("AUC", "misses", "F1"))
    (answered,) = re.findall(r"answered (\d+ of \d+)", done.stdout)
    of_au = re.findall(r"^(AU\d+)\s+[-\d.]+\s+\d+\s+\d+\s+([\d.]+)\s+([\d.]+)", done.stdout, re.MULTILINE)
    name, _, lowest = min(of_au, key=lambda one: float(one[2]))
    return Score(answered, found, every, f1, f"{name} {lowest}")
