"""Results as rows: one row per face, one row for a picture without a face."""

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TextIO

import pandas as pd

from aulens.aus import AUSet
from aulens.runtime.result import AUResult

Row = Mapping[str, str | int | float | None]

FACE_COLUMNS: Final = ("file", "face_id", "success", "box_x", "box_y", "box_w", "box_h")


def columns(aus: AUSet) -> tuple[str, ...]:
    """Names of the columns.

    `file`, `face_id` (0 is the largest face), `success` (1, or 0 where no face was found), `box_x, box_y,
    box_w, box_h` (pixels), then for each AU: `AU12_p` (calibrated probability), `AU12_c` (present 1,
    absent 0), `AU12_left_p` and `AU12_right_p` (probability on the person's own left and right; empty if the
    model does not tell sides).
    """
    return FACE_COLUMNS + tuple(
        f"{label}_{end}" for label in aus.labels for end in ("p", "c", "left_p", "right_p")
    )


def rows_of(file: str, results: Sequence[AUResult], aus: AUSet) -> list[Row]:
    """Rows of one picture; where `results` is empty, one row with `success` 0 and None for every score."""
    if not results:
        return [dict.fromkeys(columns(aus)) | {"file": file, "success": 0}]
    return [_row(file, result, aus) for result in results]


def to_frame(rows: Iterable[Row], aus: AUSet) -> pd.DataFrame:
    """Rows as a DataFrame: file is text, ids and decisions are Int64, the rest float64; empty is NA."""
    frame = pd.DataFrame(list(rows), columns=list(columns(aus)))
    kinds = {name: _kind(name) for name in frame.columns}
    return frame.astype(kinds)


def write_csv_header(file: TextIO, aus: AUSet) -> None:
    """Write the line of column names, no spaces."""
    csv.writer(file, lineterminator="\n").writerow(columns(aus))


def write_csv_rows(file: TextIO, rows: Iterable[Row], aus: AUSet) -> None:
    """Write rows under `write_csv_header`; an empty score is an empty field."""
    writer = csv.DictWriter(file, columns(aus), lineterminator="\n")
    writer.writerows(rows)


def write_jsonl_rows(file: TextIO, rows: Iterable[Row]) -> None:
    """Write each row as one line of JSON; an empty score is null."""
    for row in rows:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_parquet(path: Path, rows: Iterable[Row], aus: AUSet) -> None:
    """Write rows as one Parquet file."""
    to_frame(rows, aus).to_parquet(path, index=False)


def _row(file: str, result: AUResult, aus: AUSet) -> Row:
    x0, y0, x1, y1 = result.box.tolist()
    row: dict[str, str | int | float | None] = {
        "file": file,
        "face_id": result.face_id,
        "success": 1,
        "box_x": round(x0, 1),
        "box_y": round(y0, 1),
        "box_w": round(x1 - x0, 1),
        "box_h": round(y1 - y0, 1),
    }
    for label in aus.labels:
        row[f"{label}_p"] = _share(result.probability[label])
        row[f"{label}_c"] = int(result.occurrence[label])
        row[f"{label}_left_p"] = _share(result.left[label])
        row[f"{label}_right_p"] = _share(result.right[label])
    return row


def _share(probability: float) -> float | None:
    return None if math.isnan(probability) else round(probability, 6)


def _kind(name: str) -> str:
    if name == "file":
        return "str"
    return "Int64" if name in {"face_id", "success"} or name.endswith("_c") else "float64"
