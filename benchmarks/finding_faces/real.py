"""Real photographs with AU codes: how many are answered, and how well the AU model does with each."""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from aulens import Analyzer, read_image
from aulens.faces.detector import Face
from aulens.tables.schema import columns, rows_of
from finding_faces.subjects import Subject


def real(folder: Path, score: Path, subjects: Sequence[Subject], every: int) -> None:
    """Row 1: the same AU model behind each subject's faces; `score` is the script that scores a table."""
    print("### Real photographs\n")
    print(
        "| faces by | photographs | answered | faces | ROC-AUC of those found | with misses | F1 | best F1 |"
    )
    print("| --- |" + " ---: |" * 7)
    files = sorted(folder.iterdir())[::every]
    for subject in subjects:
        analyzer = Analyzer(threads=1)
        answered = faces = 0
        with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, columns(analyzer.card.aus), extrasaction="ignore")
            table.writeheader()
            for path in files:
                image = read_image(path)
                found = [Face(a.boxes[0], a.landmarks, a.confidence) for a in subject.see(image)]
                found.sort(key=lambda face: -face.area)
                table.writerows(rows_of(path.name, analyzer.analyze(image, found), analyzer.card.aus))
                answered, faces = answered + bool(found), faces + len(found)
            file.flush()
            done = subprocess.run(
                [sys.executable, str(score), file.name], capture_output=True, text=True, check=True
            )
        mean = done.stdout.strip().splitlines()[-1]
        words = mean.replace(",", "").split()
        auc, misses, f1 = (words[words.index(w) + 1] for w in ("AUC", "misses", "F1"))
        print(
            f"| {subject.name} | {len(files)} | {answered} | {faces} "
            f"| {auc} | {misses} | {f1} | {words[-1]} |",
            flush=True,
        )
    print()
