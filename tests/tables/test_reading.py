"""Reading tables back: ours in every format, and files that are none."""

from pathlib import Path

import pandas as pd
import pytest

from aulens.aus import AUSet
from aulens.errors import InputError
from aulens.tables import read_table
from aulens.tables.schema import (
    rows_of,
    to_frame,
    write_csv_header,
    write_csv_rows,
    write_jsonl_rows,
    write_parquet,
)
from aulens.tables.smooth import smooth
from told import result

AUS = AUSet("two", (1, 12))
NAME = 'a "great", long\nclip.mp4'


def ours() -> pd.DataFrame:
    return to_frame(rows(), AUS)


def rows() -> list:
    found = rows_of(NAME, [result(), result(face_id=1)], AUS, frame=0, time=0.1)
    found += rows_of(NAME, [result(left=float("nan"))], AUS, frame=1, time=1 / 3, lost=(1,))
    return found + rows_of("NA", (), AUS)


def test_every_format_of_ours_is_read_back_the_same(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        write_csv_header(file, AUS)
        write_csv_rows(file, rows(), AUS)
    with (tmp_path / "a.jsonl").open("w", encoding="utf-8") as file:
        write_jsonl_rows(file, rows())
    write_parquet(tmp_path / "a.parquet", rows(), AUS)
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        pd.testing.assert_frame_equal(read_table(tmp_path / name), ours())


@pytest.mark.parametrize("name", [" a.mp4", "  b, c.mp4", ' "d".mp4', "e.mp4 "])
def test_a_name_keeps_its_blanks(tmp_path: Path, name: str) -> None:
    table = to_frame(rows_of(name, [result()], AUS, frame=0, time=0.0), AUS)
    table.to_csv(tmp_path / "a.csv", index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.csv"), table)


def test_blanks_after_commas_are_none_of_a_name_if_the_header_has_them_too(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "file, frame, face_id, success, AU1_p\na.mp4, 0, 0, 1, 0.5\nb.mp4, 1, 0, 0, \n"
    )
    table = read_table(tmp_path / "a.csv")
    assert table["file"].tolist() == ["a.mp4", "b.mp4"]
    assert table["AU1_p"].fillna(-1).tolist() == [0.5, -1]
    (tmp_path / "b.csv").write_text("face_id, success, file, AU1_p\n0, 1, a.mp4, 0.5\n")
    assert read_table(tmp_path / "b.csv")["file"].tolist() == ["a.mp4"]


def test_smoothed_and_own_columns_stay(tmp_path: Path) -> None:
    table = smooth(ours().iloc[:4], thresholds=0.5).assign(condition_c="control")
    table.to_csv(tmp_path / "a.csv", index=False)
    back = read_table(tmp_path / "a.csv")
    assert set(back) == set(table)
    assert list(back)[-1] == "condition_c"
    assert str(back["AU12_smooth_c"].dtype) == "Int64"
    pd.testing.assert_frame_equal(back[table.columns], table, check_dtype=False)


def test_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    ours().iloc[:0].to_csv(tmp_path / "a.csv", index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.csv"), ours().iloc[:0])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b"\n\n", "the file is empty"),
        ("a.csv", b"one,two\n1,2\n", r"a table of aulens .* is needed; its columns are one, two"),
        ("a.csv", b"\xff\xfe\x00a", "not text in UTF-8"),
        (
            "a.csv",
            b"file;face_id;success;AU1_p\na;0;1;0,5\n",
            "set apart by semicolons.*save it as CSV with commas",
        ),
        ("a.csv", b"file\tface_id\tsuccess\tAU1_p\na\t0\t1\t0.5\n", "set apart by tabs"),
        ("a.csv", b"file,face_id,success,AU1_p,AU1_p\n", "its header names AU1_p more than once"),
        ("a.csv", b"file,face_id,success,AU1_p\na,0,1,0.5\nb,0\n", "line 3: 2 fields"),
        ("a.csv", b"file,face_id,success,AU1_p\na,0,1,0.5\n\nb,0,1,x\n", "line 4: AU1_p must be a number"),
        (
            "a.csv",
            b'file,face_id,success,AU1_p\n"a\nb",0,1,0.5\nb,-1,1,0\n',
            "line 4: face_id must be a whole",
        ),
        ("a.csv", b"file,face_id,success,AU1_c\na,0,1,2\n", "AU1_c must be a whole number from 0 to 1"),
        ("a.jsonl", b'{"file": "a", "face_id": 0, "success": 1, "AU1_p": 0.5}\n{"fi', "line 2: not JSON"),
        ("a.jsonl", b"[1]\n", "line 1: a row must be a JSON object, found list"),
        ("a.jsonl", b"", "its columns are none"),
        ("a.jsonl", b'{"file": "a", "face_id": "x", "success": 1, "AU1_p": 0.5}\n', "another kind"),
        ("a.parquet", b"no", "not a Parquet table"),
    ],
)
def test_files_that_are_no_table_are_refused_with_a_sentence(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=says) as caught:
        read_table(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["no.csv", "no.jsonl", "no.parquet"])
def test_a_missing_file_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=name):
        read_table(tmp_path / name)


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    ours().iloc[:2].to_csv(tmp_path / "a.csv", index=False, encoding="utf-8-sig")
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.csv"), ours().iloc[:2])
