"""Photographs of real people that only measure: what `score.py` says of a model's table."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from aulens import NetDetector, read_image
from aulens.tables.schema import Cell, rows_of
from aulens.tables.schema import Row as TableRow
from coded.predictions import Faces
from coded.rows import NONE, Row
from coded.subjects import Blendshapes, Subject, shapes_of


@dataclass(frozen=True)
class Score:
    """Of a table, as printed: answered, AUs scored, ROC-AUC of those found and of all, lowest AU, F1."""

    answered: str
    scored: str
    found: str
    every: str
    lowest: str
    f1: str


def real(folder: Path, script: Path, file: Path | None, mediapipe: Sequence[str] | None) -> Iterator[Row]:
    """Rows of a folder of photographs, scored by a script; arguments as of `scorer`."""
    score = scorer(folder, script, file, mediapipe)

    def cell(subject: Subject, what: str) -> str:
        found = score(subject)
        return NONE if found is None else str(getattr(found, what))

    for what, name in (
        ("answered", "answered"),
        ("AUs scored", "scored"),
        ("ROC-AUC, misses as lowest", "every"),
        ("ROC-AUC of those found", "found"),
        ("lowest AU, misses as lowest", "lowest"),
        ("F1, own decisions", "f1"),
    ):
        yield Row("real photographs", what, lambda s, name=name: cell(s, name))  # type: ignore[misc]


def scorer(
    folder: Path, script: Path, file: Path | None, mediapipe: Sequence[str] | None
) -> Callable[[Subject], Score | None]:
    """What tells how well somebody does; None of whom there is no way to ask.

    Args:
        folder: of the photographs.
        script: prints how good a table is.
        file: keeps the faces found.
        mediapipe: a Python that has it, and its task; None: its blendshapes are not measured here.
    """
    faces = Faces(lambda name: read_image(folder / name), NetDetector(), file)
    names = sorted(path.name for path in folder.iterdir())

    @cache
    def score(subject: Subject) -> Score | None:
        if subject.analyzer is not None:
            return _score(script, _rows_of(subject, faces, names))
        if subject.blendshapes is not None and mediapipe:
            return _score(script, _mapped(subject.blendshapes, mediapipe, folder, names))
        return None

    return score


def _rows_of(subject: Subject, faces: Faces, names: Sequence[str]) -> list[TableRow]:
    assert subject.analyzer is not None
    rows: list[TableRow] = []
    for name, (image, face) in zip(names, faces.of(names), strict=True):
        results = subject.analyzer.analyze(image, [face] if face else [])
        rows += rows_of(name, results, subject.analyzer.card.aus)
    return rows


def _mapped(
    maps: Blendshapes, mediapipe: Sequence[str], folder: Path, names: Sequence[str]
) -> list[TableRow]:
    predictions = maps.predictions(shapes_of(folder, mediapipe, None), names)
    rows: list[TableRow] = []
    for n in np.flatnonzero(predictions.found).tolist():
        row: dict[str, Cell] = {"file": names[n], "success": 1}
        for k in maps.maps:
            label = maps.aus.labels[k]
            row |= {f"{label}_p": float(predictions.scores[n, k]), f"{label}_c": int(predictions.said[n, k])}
        rows.append(row)
    return rows


def _score(script: Path, rows: Sequence[TableRow]) -> Score:
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as table:
        pd.DataFrame(rows).to_csv(table, index=False)
        table.flush()
        done = subprocess.run(
            [sys.executable, str(script), table.name], capture_output=True, text=True, check=True
        )
    last = done.stdout.strip().splitlines()[-1].replace(",", "").split()
    found, every, f1 = (last[last.index(word) + 1] for word in ("AUC", "misses", "F1"))
    (answered,) = re.findall(r"answered (\d+ of \d+)", done.stdout)
    of_au = re.findall(r"^(AU\d+)\s+[-\d.]+\s+\d+\s+\d+\s+([\d.]+)\s+([\d.]+)", done.stdout, re.MULTILINE)
    name, _, lowest = min(of_au, key=lambda one: float(one[2]))
    return Score(answered, str(len(of_au)), found, every, f"{name} {lowest}", f1)
