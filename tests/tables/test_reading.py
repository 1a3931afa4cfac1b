"""Reading tables back: ours in every format, and files that are none."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aulens.aus import AUSet
from aulens.errors import ConfigError, InputError
from aulens.output.writers import JsonLinesWriter, table_of_pictures
from aulens.pose import HeadPose
from aulens.tables import read_table
from aulens.tables.schema import (
    rows_of,
    to_frame,
)
from aulens.tables.smooth import smooth
from face_results import result

AUS = AUSet("two", (1, 12))
NAME = 'a "great", long\nclip.mp4'


def ours() -> pd.DataFrame:
    return to_frame(rows(), AUS)


def rows() -> list:
    pose = HeadPose(-3, 50, 9, np.array([1, 2, 900]))
    turned = result(face_id=1, quality=0.25, look="turned270", pose=pose)
    found = rows_of(NAME, [result(), turned], AUS, frame=0, time=0.1)
    found += rows_of(NAME, [result(left=float("nan"))], AUS, frame=1, time=1 / 3, lost=(1,))
    return found + rows_of("NA", (), AUS)


def test_every_format_of_ours_is_read_back_the_same(tmp_path: Path) -> None:
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        with table_of_pictures(tmp_path / name, name.partition(".")[2], AUS) as writer:
            writer.write(rows())
        pd.testing.assert_frame_equal(read_table(tmp_path / name), ours())


def test_tables_of_the_first_release_lack_quality_and_pose(tmp_path: Path) -> None:
    """What they do not tell is missing; they are read in every format, and completed."""
    added = ["quality", "hidden", "look", "pose_pitch", "pose_yaw", "pose_roll", "pose_distance"]
    table = ours()
    first = table.drop(columns=added)
    first.to_csv(tmp_path / "a.csv", index=False)
    first.to_parquet(tmp_path / "a.parquet")
    first.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    table[added] = np.nan
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        pd.testing.assert_frame_equal(read_table(tmp_path / name), table.astype(ours().dtypes))


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
        ("a.csv", b'"on\ne",two\n1,2\n', r"its columns are 'on\\ne', two"),
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
        ("a.jsonl", b'{"file": "a", "face_id": "x", "success": 1, "AU1_p": 0.5}\n', "line 1: face_id must"),
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
    with (tmp_path / "a.jsonl").open("w", encoding="utf-8-sig") as file:
        JsonLinesWriter(file).write(rows()[:2])
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.jsonl"), ours().iloc[:2])


HEADER = "file,frame,time,face_id,success,AU1_p\n"


def written(tmp_path: Path, text: str | bytes, name: str = "a.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_lines_may_end_as_old_macs_had_them(tmp_path: Path) -> None:
    path = written(tmp_path, (HEADER + "a,0,0,0,1,0.5\nb,1,0,0,1,0.25\n").replace("\n", "\r"))
    assert read_table(path)["AU1_p"].tolist() == [0.5, 0.25]
    with pytest.raises(InputError, match="line 3: 2 fields"):
        read_table(written(tmp_path, (HEADER + "a,0,0,0,1,0.5\nb,1\n").replace("\n", "\r")))


def test_quotes_are_read_as_the_format_has_them(tmp_path: Path) -> None:
    """Within a field they are letters; a quoted field may be longer than Python's csv allows."""
    long = "v," * 100_000
    text = HEADER + f'a"b,0,0,0,1,0.5\n"{long}",0,0,0,1,0\n"c\n""d""",1,0,0,1,0\ne"f,2,0,0,1,x\n'
    table = read_table(written(tmp_path, text.replace("x", "1")))
    assert table["file"].tolist() == ['a"b', long, 'c\n"d"', 'e"f']
    with pytest.raises(InputError, match="line 6: AU1_p must be a number, found 'x'"):
        read_table(written(tmp_path, text))


def test_an_open_quote_before_many_rows_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + 'a,0,0,0,1,0\n"' + "b,0,0,0,1,0.123456\n" * 30_000)
    with pytest.raises(InputError, match="line 3: a quote is opened and never closed; mend the line"):
        read_table(path)


def test_a_header_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.csv: the line of column names can't be read \(field larger"):
        read_table(written(tmp_path, "x" * 200_000 + "," + HEADER))


def test_where_text_is_not_utf_8_is_said(tmp_path: Path) -> None:
    text = (HEADER + "a,0,0,0,1,0\n\xe9,1,0,0,1,0\n").encode("latin-1")
    with pytest.raises(InputError, match=r"line 3: not a CSV table: it is not text in UTF-8 .byte 0xe9"):
        read_table(written(tmp_path, text))
    text = b'{"file": "a", "face_id": 0, "success": 1, "AU1_p": 0}\n{"file": "\xe9"}\n'
    with pytest.raises(InputError, match="line 2: not JSON lines: it is not text in UTF-8"):
        read_table(written(tmp_path, text, "a.jsonl"))


GOOD = {"file": "a", "frame": 0, "time": 0.0, "face_id": 0, "success": 1, "AU1_p": 0.5, "AU1_c": 1}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("frame", -1),
        ("frame", 0.5),
        ("frame", 1e19),
        ("frame", 1e300),
        ("frame", float("inf")),
        ("frame", 9223372036854775808),
        ("time", float("inf")),
        ("time", float("-inf")),
        ("face_id", 1e19),
        ("success", 7),
        ("confidence", float("inf")),
        ("box_w", -1),
        ("quality", 1.5),
        ("quality", -0.5),
        ("pose_pitch", 91),
        ("pose_yaw", -181),
        ("pose_roll", float("inf")),
        ("pose_distance", -1),
        ("AU1_p", 5),
        ("AU1_p", -1),
        ("AU1_p", float("inf")),
        ("AU1_left_p", 1.5),
        ("AU1_smooth_p", 2),
        ("AU1_c", 2),
        ("AU1_i", float("inf")),
    ],
)
def test_numbers_out_of_range_are_refused_in_every_format(tmp_path: Path, column: str, value: float) -> None:
    table = pd.DataFrame([GOOD | {column: 0}, GOOD | {column: value}])
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_text(f"{json.dumps(GOOD)}\n{json.dumps(GOOD | {column: value})}\n")
    for name, place in (("a.csv", "line 3"), ("a.jsonl", "line 2"), ("a.parquet", r"row 1 \(from 0\)")):
        with pytest.raises(InputError, match=rf"{place}: {column} must be a .*, found .*; mend") as caught:
            read_table(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"frame": 1' + "0" * 30 + "}", "frame must be a whole number from 0 to 10.15, found '1000"),
        ('{"frame": ' + "9" * 5000 + "}", "not JSON .Exceeds the limit"),
        ('{"AU1_p": ' + "[" * 100_000, "not JSON .values within values, too deep"),
        ('{"AU1_p": [0.5]}', "AU1_p must be a number from 0 to 1, found .0.5."),
        ('{"file": "\\ud800"}', "not JSON .*surrogates not allowed"),
        ('{"AU1_p": 1, "AU1_p": 0}', "not JSON .'AU1_p' is there more than once"),
    ],
)
def test_json_that_is_no_row_is_refused(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(InputError, match=rf"a\.jsonl, line 2: {says}"):
        read_table(written(tmp_path, f"{json.dumps(GOOD)}\n{line}\n", "a.jsonl"))


def test_pairs_of_surrogates_are_text(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(GOOD | {"file": "\U0001f600"}), "a.jsonl")
    assert read_table(path)["file"].tolist() == ["\U0001f600"]


def test_parquet_with_a_column_twice_is_refused(tmp_path: Path) -> None:
    names = ["file", "face_id", "success", "AU1_p", "AU1_p"]
    pq.write_table(pa.table([["a"], [0], [1], [0.5], [0.6]], names=names), tmp_path / "a.parquet")
    with pytest.raises(
        InputError, match=r"a\.parquet: AU1_p is there more than once; keep one column"
    ) as caught:
        read_table(tmp_path / "a.parquet")
    assert "\n" not in str(caught.value)


def test_a_rate_so_low_that_times_are_infinite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a frame rate of 1e-320 is too low"):
        read_table(written(tmp_path, HEADER + "a,1,,0,1,0.5\n"), rate=1e-320)


@pytest.mark.parametrize("blank", [",,,,", ", , ,,", ",,", ",,,,,,,", '"","","","",""', "  "])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blank_rows_of_a_spreadsheet_are_no_rows(tmp_path: Path, blank: str, end: str) -> None:
    lines = ["file,frame,face_id,success,AU1_p", "a.mp4,0,0,1,0.5", blank, "a.mp4,1,0,1,0.25", blank, blank]
    (tmp_path / "a.csv").write_text(end.join(lines), newline="")
    table = read_table(tmp_path / "a.csv")
    assert table["file"].tolist() == ["a.mp4", "a.mp4"]
    assert table["AU1_p"].tolist() == [0.5, 0.25]
    lines[3] = "a.mp4,x,0,1,0.25"
    (tmp_path / "a.csv").write_text(end.join(lines), newline="")
    with pytest.raises(InputError, match=r"a\.csv, line 4: frame must be a number, found 'x'"):
        read_table(tmp_path / "a.csv")
