"""Reading a table back, ours or another tool's; which it is, its header tells."""

import json
from pathlib import Path

import pandas as pd
import pyarrow

from aulens.errors import ConfigError, InputError
from aulens.tables.csv_file import CSVFile
from aulens.tables.openface import is_openface, read_openface
from aulens.tables.pyfeat import is_pyfeat, read_pyfeat
from aulens.tables.schema import FACE_COLUMNS, au_of, complete, dtype

_LEAST = ("file", "face_id", "success")


def read_table(path: str | Path, *, rate: float | None = None) -> pd.DataFrame:
    """Read a table of aulens (CSV, .jsonl, .parquet), OpenFace (2.x or older) or Py-Feat (1 or 2).

    See `OpenFace.read` and `PyFeat.read` for what becomes of their columns.

    Args:
        path: of the table.
        rate: frames per second, for tables without times: there `time` becomes frame / rate.

    Returns:
        Our columns, each of its `aulens.tables.schema.dtype`; what the table does not tell is NA.

    Raises:
        InputError: the file can't be read, is none of these, or is broken; says in which line.
        ConfigError: the rate is not above 0.
    """
    path = Path(path)
    if rate is not None and not 0 < rate < float("inf"):
        raise ConfigError(f"a frame rate must be above 0, got {rate}")
    if path.suffix.lower() == ".parquet":
        frame = _ours(path, _read_parquet(path))
    elif path.suffix.lower() == ".jsonl":
        frame = _ours(path, _read_jsonl(path))
    else:
        frame = _read_csv(CSVFile(path))
    if rate is not None:
        frame["time"] = frame["time"].fillna((frame["frame"] / rate).astype("float64").round(6))
    return frame


def _read_csv(source: CSVFile) -> pd.DataFrame:
    if is_openface(source.columns):
        return read_openface(source)
    if is_pyfeat(source.columns):
        return read_pyfeat(source)
    if not _is_ours(source.columns):
        raise _unknown(source.path, source.heads)
    ours = [name for name in source.columns if name in FACE_COLUMNS or au_of(name)]
    others = [name for name in source.columns if name not in ours]
    found = source.read([name for name in ours if name != "file"], ["file", *others])
    for name in ours:
        if dtype(name) == "Int64":
            flag = name == "success" or name.endswith("_c")
            found[name] = source.whole(found, name, most=1 if flag else None)
    return complete(found)


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{path}: not a Parquet table that can be read ({error})") from error


def _read_jsonl(path: Path) -> pd.DataFrame:
    rows = []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    rows.append(_parsed(path, number, line))
    except OSError as error:
        raise InputError(f"{path}: the table can't be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not JSON lines: it is not text in UTF-8 ({error})") from error
    return pd.DataFrame(rows)


def _parsed(path: Path, number: int, line: str) -> dict[str, object]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {number}: not JSON ({error}); mend the line or remove it") from error
    if not isinstance(row, dict):
        raise InputError(f"{path}, line {number}: a row must be a JSON object, found {type(row).__name__}")
    return row


def _ours(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    if not _is_ours(tuple(frame.columns)):
        raise _unknown(path, ", ".join(map(str, frame.columns[:8])) or "none")
    try:
        return complete(frame)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: a value is of another kind than its column: {error}") from error


def _is_ours(columns: tuple[str, ...]) -> bool:
    return set(columns).issuperset(_LEAST) and any(map(au_of, columns))


def _unknown(path: Path, heads: str) -> InputError:
    return InputError(
        f"{path}: a table of aulens (file, ..., face_id, success, ..., AU12_p), OpenFace (frame, ..., "
        f"success, ..., AU12_c) or Py-Feat (FaceRectX, ..., AU12, ..., frame) is needed; its columns are "
        f"{heads}"
    )
