"""Reading a table back, ours or another tool's; its header says which it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aulens.contents import parsed, size_of
from aulens.errors import ConfigError, InputError
from aulens.tables.csv_file import CSVFile, heads, refused
from aulens.tables.openface import is_openface, read_openface
from aulens.tables.parquet import import_pyarrow
from aulens.tables.pyfeat import is_pyfeat, read_pyfeat
from aulens.tables.ranges import check_cells, range_of
from aulens.tables.schema import FACE_COLUMNS, au_of, complete, dtype

if TYPE_CHECKING:
    import pandas as pd

_LEAST = ("file", "face_id", "success")


def read_table(path: str | Path, *, rate: float | None = None) -> pd.DataFrame:
    """Read a table of aulens (CSV, .jsonl, .parquet), OpenFace (2.x or older) or Py-Feat (1 or 2).

    `openface.read_openface` and `pyfeat.read_pyfeat` say what becomes of their columns.

    Args:
        path: of the table.
        rate: frames per second, for tables without times: there `time` becomes frame / rate.

    Returns:
        Our columns, each of its `aulens.tables.schema.dtype`; what the table does not have is NA.

    Raises:
        InputError: the file can't be read, is none of these, or is broken; says in which line.
        ConfigError: the rate is not above 0; or the library that reads Parquet, an extra, is not installed.
    """
    path = Path(path)
    if rate is not None and not 0 < rate < float("inf"):
        raise ConfigError(f"a frame rate must be above 0, got {rate}")
    if path.suffix.lower() == ".parquet":
        found = _read_parquet(path)
        frame = _ours(path, found, [f"row {i} (from 0)" for i in range(len(found))])
    elif path.suffix.lower() == ".jsonl":
        frame = _ours(path, *_read_jsonl(path))
    else:
        frame = _read_csv(CSVFile(path))
    if rate is not None:
        frame["time"] = frame["time"].fillna((frame["frame"] / rate).astype("float64").round(6))
        if np.isinf(frame["time"]).any():
            raise ConfigError(f"a frame rate of {rate} is too low: times become infinite")
    return frame


def _read_csv(source: CSVFile) -> pd.DataFrame:
    if is_openface(source.columns):
        return read_openface(source)
    if is_pyfeat(source.columns):
        return read_pyfeat(source)
    if not _is_ours(source.columns):
        raise _unknown(source.path, source.columns)
    numbers = {name: None for name in source.columns if _is_number(name)}
    found = source.read(list(numbers), [name for name in source.columns if name not in numbers])
    for name in numbers:
        found[name] = source.column(found, name)
    return complete(found)


def _read_parquet(path: Path) -> pd.DataFrame:
    pyarrow = import_pyarrow()
    import pandas as pd

    try:
        size_of(path)
        about = pyarrow.parquet.read_metadata(path)
        check_cells(path, about.num_rows, about.num_columns)
        names = pyarrow.parquet.read_schema(path).names
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        frame = None if twice else pd.read_parquet(path)
    except InputError:
        raise
    except (OSError, pyarrow.ArrowException, ValueError, TypeError, LookupError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: not a Parquet table that can be read ({reason})") from error
    if frame is None:
        raise InputError(f"{path}: {', '.join(twice[:5])} is there more than once; keep one column of a name")
    return frame


def _read_jsonl(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """The rows, and the line of each."""
    import pandas as pd

    rows, lines = [], []
    try:
        size_of(path)
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    lines.append(f"line {number}")
                    rows.append(_parsed(f"{path}, line {number}", line))
    except OSError as error:
        raise InputError(f"{path}: the table can't be read ({error.strerror})") from error
    return pd.DataFrame(rows), lines


def _parsed(place: str, line: str) -> dict[str, object]:
    try:
        line.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{place}: not JSON lines: it is not text in UTF-8; save it in UTF-8") from error
    try:
        row = parsed(line, _once)
    except ValueError as error:
        raise InputError(f"{place}: not JSON ({error}); mend the line or remove it") from error
    if not isinstance(row, dict):
        raise InputError(f"{place}: a row must be a JSON object, found {type(row).__name__}")
    return row


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in row if names.count(name) > 1)!r} is there more than once")
    return row


def _ours(path: Path, frame: pd.DataFrame, places: Sequence[str]) -> pd.DataFrame:
    """Its columns as ours; `places` says where in the file each row is."""
    if not _is_ours(tuple(frame.columns)):
        raise _unknown(path, list(map(str, frame.columns)))
    checked = frame.copy()
    for name in frame.columns:
        if _is_number(name):
            allowed = range_of(name)
            numbers = _numbers(frame[name])
            empty = frame[name].isna().to_numpy()
            wrong = np.flatnonzero(allowed.outside(numbers) | np.isnan(numbers) & ~empty)
            if len(wrong):
                row = wrong[0]
                raise refused(f"{path}, {places[row]}", name, str(allowed), frame[name].iloc[row])
            checked[name] = numbers
    try:
        return complete(checked)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: a value is of another kind than its column: {error}") from error


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):  # bool too
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.array([_number(value) for value in column], dtype=np.float64)


def _number(value: object) -> float:
    """What a cell says; NaN if it is no number."""
    if not isinstance(value, int | float | str | Decimal | np.number | np.bool_):
        return float("nan")
    try:
        return float(value)
    except ValueError:
        return float("nan")
    except OverflowError:  # a whole number beyond float64
        return float("inf")


def _is_number(name: str) -> bool:
    """Whether it is one of our columns of numbers."""
    return au_of(name) is not None or (name in FACE_COLUMNS and dtype(name) != "str")


def _is_ours(columns: tuple[str, ...]) -> bool:
    return set(columns).issuperset(_LEAST) and any(map(au_of, columns))


def _unknown(path: Path, columns: Sequence[str]) -> InputError:
    return InputError(
        f"{path}: a table of aulens (file, ..., face_id, success, ..., AU12_p), OpenFace (frame, ..., "
        f"success, ..., AU12_c) or Py-Feat (FaceRectX, ..., AU12, ..., frame) is needed; its columns are "
        f"{heads(columns)}"
    )
