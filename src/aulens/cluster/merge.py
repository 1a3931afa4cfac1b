"""The table of many pictures from what was seen in each, as `aulens detect` writes it without a cluster."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from aulens.aus import AUSet
from aulens.output.names import free_name, names_beside
from aulens.tables import TABLE_FORMATS, TableFormat
from aulens.tables.dictionary import FILE_NAME, write_full_dictionary
from aulens.tables.parquet import write_parquet
from aulens.tables.schema import Row, write_csv_header, write_csv_rows, write_jsonl_rows


@dataclass(frozen=True)
class Seen:
    """What was seen in one picture.

    Attributes:
        file: its path, as it was given.
        rows: of the table; none where it can't be read.
        faces: in it.
        failed: why it can't be read, or None.
        left_out: faces that were left out, and why.
    """

    file: str
    rows: Sequence[Row] = ()
    faces: int = 0
    failed: str | None = None
    left_out: Sequence[str] = ()


def write_table(
    format: str, aus: AUSet, out: Path, seen: Iterable[Seen], clips: Iterable[str] = ()
) -> list[str]:
    """Write the rows of all pictures that could be read; memory stays bounded.

    Args:
        format: of the table.
        aus: of the model.
        out: folder.
        seen: in the order of the pictures.
        clips: names of the videos in the folder.

    Returns:
        Names of the files.
    """
    read = (one for one in seen if one.failed is None)
    if format in TABLE_FORMATS:
        return _write_dialect(TABLE_FORMATS[format].for_pictures(), aus, out, read, names_beside(clips))
    path = out / f"results.{format}"
    write_full_dictionary(out / FILE_NAME, aus)
    rows = chain.from_iterable(one.rows for one in read)
    if format == "parquet":
        write_parquet(path, rows, aus)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            if format == "csv":
                write_csv_header(file, aus)
                write_csv_rows(file, rows, aus)
            else:
                write_jsonl_rows(file, rows)
    return [path.name, FILE_NAME]


def _write_dialect(
    dialect: TableFormat, aus: AUSet, out: Path, read: Iterator[Seen], taken: set[str]
) -> list[str]:
    names: list[str] = []
    with ExitStack() as stack:
        writer = None
        for number, one in enumerate(read):
            if writer is None or not dialect.names_files:
                stack.close()
                name = "results" if dialect.names_files else free_name(Path(one.file).stem, taken)
                names.append(f"{name}.csv")
                file = stack.enter_context((out / names[-1]).open("w", encoding="utf-8", newline=""))
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(dialect.columns(aus))
            # Where a picture has a number, that is its place among those of all workers.
            for row in one.rows:
                writer.writerow((dict(row) | {"frame": str(number)} if "frame" in row else row).values())
    return names
