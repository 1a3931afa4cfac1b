import unicodedata

import numpy as np
import pandas as pd
import pytest

from aulens.aus import MISSING
from aulens.data.index import PICTURE
from aulens.data.manifest import read_manifest
from aulens.errors import DatasetError
from delivered import codes, only, picture, text, video

HEADER = "path,Subject,sequence,frame,AU1,au12,AU06"


@pytest.fixture
def folder(tmp_path):
    for name in ("001/s/1.png", "001/s/2.png", "002/s/1.png"):
        picture(tmp_path / name)
    return tmp_path


def write(folder, *rows, header=HEADER, name="own.csv"):
    return text(folder / name, "\n".join([header, *rows]) + "\n")


def test_rows_become_frames(folder):
    path = write(
        folder, "002/s/1.png,002,s,1,1,9,0", "001/s/2.png,001,s,2,,999,1", "001/s/1.png,001,s,1,0,-1,1"
    )
    index = read_manifest(path)
    assert index.dataset == index.aus.name == "own"
    assert index.aus.numbers == (1, 12, 6)
    assert index.keys == ["001/s/1", "001/s/2", "002/s/1"]
    assert index.labels.tolist() == [[0, MISSING, 1], [MISSING, MISSING, 1], [1, MISSING, 0]]
    assert index.media == tuple(str(folder / name) for name in ("001/s/1.png", "001/s/2.png", "002/s/1.png"))
    assert (index.position == PICTURE).all()
    assert index.landmarks is None
    assert index.problems == ()


def test_parquet_says_the_same(folder):
    rows = {
        "path": ["001/s/1.png", "002/s/1.png"],
        "subject": ["001", "002"],
        "sequence": ["s", "s"],
        "frame": [1, 1],
        "AU1": [1.0, np.nan],
        "AU12": [0.0, 1.0],
        "part": ["train", "test"],
    }
    pd.DataFrame(rows).to_parquet(folder / "manifest.parquet")
    pd.DataFrame(rows).to_csv(folder / "other.csv", index=False)
    a, b = read_manifest(folder), read_manifest(folder / "other.csv")
    assert a.labels.tolist() == b.labels.tolist() == [[1, 0], [MISSING, 1]]
    assert a.part.tolist() == b.part.tolist() == ["train", "test"]
    assert a.keys == b.keys


def test_landmarks_and_positions(folder):
    video(folder / "clip.avi", 3)
    points = np.random.default_rng(0).uniform(0, 60, (2, 49, 2)).round(3)
    names = [f"{axis}_{i}" for i in range(49) for axis in "xy"]
    rows = [
        f"clip.avi,1,clip,{t + 1},0,{t},1,{t},{','.join(map(str, points[t].reshape(-1)))}" for t in (0, 1)
    ]
    path = write(folder, *rows, header=f"{HEADER},position,{','.join(names)}")
    index = read_manifest(path)
    np.testing.assert_allclose(index.landmarks, points, rtol=1e-6)
    assert index.position.tolist() == [0, 1]
    rows[1] = rows[1].rsplit(",", 1)[0] + ","
    index = read_manifest(write(folder, *rows, header=f"{HEADER},position,{','.join(names)}"))
    assert np.isnan(index.landmarks[1]).all()
    assert only(index.problems, "missing_landmarks").frames == 1


def test_a_column_of_a_number_gone_wild_is_no_au(folder):
    path = write(folder, "001/s/1.png,001,s,1,1,0", header=f"path,subject,sequence,frame,AU1,AU{'9' * 5000}")
    assert read_manifest(path).aus.numbers == (1,)


def test_other_numbers_of_landmarks(folder):
    path = write(folder, "001/s/1.png,001,s,1,1,0,0,5,5", header=f"{HEADER},x_0,y_0")
    index = read_manifest(path)
    assert index.landmarks is None
    assert "x_48, x_65, x_67" in only(index.problems, "unreadable_landmarks").message


def test_a_subject_in_two_parts(folder):
    path = write(
        folder, "001/s/1.png,001,s,1,1,0,0,train", "001/s/2.png,001,s,2,1,0,0,test", header=f"{HEADER},part"
    )
    problem = only(read_manifest(path).problems, "subject_leak")
    assert (problem.level, problem.where, problem.frames) == ("error", "001", 2)


def test_a_subject_in_no_part(folder):
    path = write(folder, "001/s/1.png,001,s,1,1,0,0,1", "002/s/1.png,002,s,1,1,0,0,", header=f"{HEADER},part")
    problem = only(read_manifest(path).problems, "unknown_subject")
    assert (problem.level, problem.frames) == ("warning", 1)
    assert "002 are in no part" in problem.message


def test_renders_are_marked(folder):
    rows = ["001/s/1.png,001,s,1,1,0,0", "002/s/1.png,002,s,1,1,0,0"]
    assert not read_manifest(write(folder, *rows)).renders
    for mark in "01":
        index = read_manifest(write(folder, *(f"{row},{mark}" for row in rows), header=f"{HEADER},renders"))
        assert index.renders == (mark == "1")
        assert index.problems == ()
    mixed = read_manifest(write(folder, rows[0] + ",1", rows[1] + ",", header=f"{HEADER},renders"))
    assert mixed.renders
    assert "1 of 2 rows are renders" in only(mixed.problems, "mixed_renders").message


def test_faults_are_said(folder):
    path = write(
        folder,
        "001/s/1.png,001,s,1,1,0,0,1",
        "001/s/1.png,001,s,1,0,0,0,1",  # twice
        "001/s/9.png,001,s,9,0,3,0,1",  # no picture, a code out of range
        "002/s/1.png,,s,1,0,0,0,1",  # nobody
        "002/s/1.png,002,s,1,9,-1,,1",  # not coded
        "002/s/1.png,002,s,2,yes,0,0,1",  # a word
        header=f"{HEADER},AU99",
    )
    index = read_manifest(path)
    assert index.keys == ["001/s/1", "001/s/9", "002/s/2"]
    assert index.media[1] == ""
    assert index.labels.tolist() == [[1, 0, 0], [0, MISSING, 0], [MISSING, 0, 0]]
    assert sorted(codes(index.problems)) == [
        "code_range", "duplicate_frame", "missing_picture", "missing_subject", "not_coded", "other_aus",
        "unreadable_labels",
    ]  # fmt: skip
    assert only(index.problems, "missing_picture").where == "001/s"


def test_missing_videos_are_called_so(folder):
    path = write(folder, "clip.avi,001,s,1,1,0,0,0", header=f"{HEADER},position")
    assert only(read_manifest(path).problems, "missing_video").frames == 1


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        ("path,subject,frame,AU1", "a.png,1,1,1", "lacks the columns sequence"),
        ("path,subject,sequence,frame", "a.png,1,s,1", "one column per AU"),
        ("path,subject,sequence,frame,AU1,AU01", "a.png,1,s,1,1,1", "one column per AU"),
        ("path,subject,sequence,frame,AU1,au1", "a.png,1,s,1,1,1", "more than once"),
        (HEADER, "a.png,1,s,1.5,1,1,1", "frame must be whole numbers"),
        (HEADER, "a.png,1,s,,1,1,1", "no frame number"),
        (HEADER, "a.png,1,s,1,9,9,9", "no row with a coded AU"),
        (HEADER, "a.png,1,s,1,1,1,1,1,1", "row 2 has 9 cells, the header 7"),
        (HEADER, "a.png,1,s,1,1,1", "row 1 has 6 cells, the header 7; was it cut"),
        (HEADER, f"a.png,1,s,{'9' * 25},1,1,1", "frame must be .* found 9999.* in row 1"),
        (f"{HEADER},position", f"a.png,1,s,1,1,1,1,{2**31}", "position must be .* in row 1"),
        (HEADER, "a.png,..,s,1,1,1,1", r"subject '\.\.' in row 1 can't name a file"),
        (HEADER, "a.png,1,../../evil,1,1,1,1", r"sequence '\.\./\.\./evil' in row 1"),
        (HEADER, "a.png,/etc,s,1,1,1,1", "subject '/etc' in row 1"),
    ],
)
def test_files_that_are_no_manifest(folder, header, row, said):
    path = write(folder, "001/s/1.png,001,s,2,9,9,9" if "1,1,1,1,1" in row else row, row, header=header)
    with pytest.raises(DatasetError, match=said):
        read_manifest(path)


def test_no_file(tmp_path):
    with pytest.raises(DatasetError, match=r"no file .*own\.csv"):
        read_manifest(tmp_path / "own.csv")
    with pytest.raises(DatasetError, match=r"manifest\.parquet or manifest\.csv"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("apart", ";\t")
def test_other_separators(folder, apart):
    row = "001/s/1.png,001,s,1,1,9,0".replace(",", apart)
    assert read_manifest(write(folder, row, header=HEADER.replace(",", apart))).labels.tolist() == [
        [1, MISSING, 0]
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("own.csv", b"", "it is empty"),
        ("own.csv", f'{HEADER}\n"a.png,1,s,1,1,1,1\n'.encode(), "a quotation mark is not closed"),
        ("own.csv", f"{HEADER}\na.png,J\u00fcrgen,s,1,1,1,1\n".encode("latin-1"), "save it as UTF-8"),
        ("own.parquet", b"nothing", "can't be read as a Parquet table; write it again"),
    ],
)
def test_damaged_files_are_said_in_our_words(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=said):
        read_manifest(tmp_path / name)


def test_intensities_are_no_labels(folder):
    path = write(folder, *(f"001/s/1.png,001,s,{t},{t},0,1" for t in range(6)))
    problem = only(read_manifest(path).problems, "intensities")
    assert (problem.level, problem.frames) == ("error", 4)
    assert "codes of AU1 are 2, 3" in problem.message
    assert "decide from which one an AU is present, and write 0 or 1" in problem.message
    assert "code_range" not in codes(read_manifest(path).problems)


def test_intensities_beside_labels(folder):
    header = HEADER + ",AU1_i,AU06_i,AU9_i"
    path = write(
        folder, "001/s/1.png,001,s,1,1,9,0,2.5,,1", "001/s/2.png,001,s,2,9,0,1,1.5,6,1", header=header
    )
    index = read_manifest(path)
    assert index.labels.tolist() == [[1, MISSING, 0], [MISSING, 0, 1]]
    np.testing.assert_array_equal(index.intensities, [[2.5, np.nan, np.nan], [1.5, np.nan, np.nan]])
    assert "au9_i" in only(index.problems, "other_aus").message
    assert (
        "1 codes of AU6 are 6, expected an intensity of 0 to 5" in only(index.problems, "code_range").message
    )
    assert read_manifest(write(folder, "001/s/1.png,001,s,1,1,9,0")).intensities is None


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
def test_accents_of_names_may_be_stored_in_two_ways(folder, stored):
    """macOS gives names apart (NFD), a table written elsewhere has them composed (NFC)."""
    name = unicodedata.normalize(stored, "Jürgen.png")
    picture(folder / name)
    for written in ("NFC", "NFD"):
        index = read_manifest(write(folder, f"{unicodedata.normalize(written, 'Jürgen.png')},1,s,1,1,1,1"))
        assert index.media == (str(folder / name),)
        assert index.problems == ()
