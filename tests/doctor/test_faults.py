"""Faults put into healthy folders by hand: what the doctor says of each."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest
import spoil

from aulens.data.index import FrameIndex
from aulens.data.registry import open_dataset
from aulens.doctor import Diagnosis, examine
from aulens.render.lookalike import LookalikeConfig, write_lookalike
from people import detector

pytestmark = pytest.mark.slow

# Fault (a function of `spoil`), data, code of the finding | where: what it says; "..." = any words.

ERRORS = """
label columns swapped         bp4d     swapped_columns      | AU1, AU12: the columns ... swapped: inner
label files swapped           disfa    swapped_columns      | AU25, AU4: the columns ... swapped: lips
rows shuffled                 bp4d     flicker              | 6 of 6 clips: ... the rows are shuffled
rows shuffled                 bp4d     label_mismatch       | all labels: no AU follows ... rows are shuffled
rows of a file shuffled       bp4d     flicker              | F001/T1: ... get the label file again
labels under two names        bp4d     identical_labels     | F001/T1, M011/T1: ... the same labels in all
codes all 9                   bp4d     not_coded            | AU12: ... 100% ... written as 9 or -1
codes all minus 1             disfa    not_coded            | AU25: ... 100% ... written as 9 or -1
label file lost               disfa    missing_labels       | SN002_au4.txt: the file is missing
subject in two folds          manifest subject_leak         | a: is in the parts 'test' and 'train'
landmarks shifted             bp4d     landmarks_off_face   | all landmarks: ... finds them ... to the right
landmarks of another size     bp4d     landmarks_off_face   | all landmarks: ... of another size
x and y exchanged             bp4d     landmarks_strange    | all landmarks: ... x and y are exchanged
landmarks a frame late        disfa    landmarks_lag        | all landmarks: ... 1 frame earlier than their
frames identical across folds bp4d     identical_frames     | F001, M011: ... in parts 1 and 2: ... memory
video under two names         disfa    identical_frames     | SN002, SN0...are also pictures of
"""

WARNINGS = """
codes of a file all 9         bp4d     not_coded            | F001/T1: AU12 is not coded in any
codes all minus 1             disfa    code_range           | SN0...-1
codes out of range            bp4d     code_range           | F001/T1: ...3 ... AU6
intensities out of range      disfa    code_range           | SN002...7
label file short              disfa    label_length         | SN002: ...43...48
mat truncated                 bp4d     unreadable_landmarks | F001/T1: ...F001_T1.mat ... get it again
landmarks lost                bp4d     missing_landmarks    | F001/T1: there is no F001_T1.mat
pictures lost                 bp4d     missing_picture      | F001/T1: 10 of 48 coded frames
pictures empty                bp4d     unreadable_picture   | F001/T1: ... empty
video lost                    disfa    missing_video        | SN002: there is no LeftVideoSN002
video short of last frame     disfa    label_length         | LeftVideoSN002_comp.avi: ...47 frames ... 48
video short of first frame    disfa    landmarks_lag        | SN002/left: ... 1 frame ... complete
two persons of a video parted affwild2 subject_leak         | video2: ... in both train and validation
"""


class Fault(NamedTuple):
    level: str
    name: str
    data: str
    code: str
    says: str


def rows(level: str, table: str) -> list[Fault]:
    row = re.compile(r"(.+?) +(bp4d|disfa|affwild2|manifest) +(\w+) *\| (.*)")
    return [Fault(level, *row.fullmatch(line).groups()) for line in table.strip().splitlines()]


FAULTS = rows("error", ERRORS) + rows("warning", WARNINGS)

# Only pictures tell of these.
LOOKS = {"landmarks_off_face", "landmarks_lag", "identical_frames", "unreadable_picture"}


def opened(data: str, root: Path) -> FrameIndex:
    return open_dataset(data, root / "manifest.csv" if data == "manifest" else root)


def diagnosed(data: str, root: Path, pictures: bool) -> Diagnosis:
    return examine(opened(data, root), pictures=pictures, whole=False, detector=detector)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.name}-{fault.code}")
def test_a_fault_is_found_and_named(fault: Fault, copied):
    root = copied(fault.data)
    getattr(spoil, fault.name.replace(" ", "_"))(root)
    seen = diagnosed(fault.data, root, fault.code in LOOKS)
    said = [(f.level, f.code, f"{f.where}: {f.message}") for f in seen.findings]
    words = re.compile(".*".join(re.escape(part.strip()) for part in fault.says.split("...")))
    assert any(
        (level, code) == (fault.level, fault.code) and words.match(text) for level, code, text in said
    ), said
    assert seen.ok == (not any(level == "error" for level, _, _ in said))
    # A fault that costs only frames is no error under another name.
    assert seen.ok or "error" in {f.level for f in FAULTS if f.name == fault.name}


@pytest.mark.parametrize(
    ("data", "pictures"),
    [
        ("bp4d", True),
        ("manifest", False),
        pytest.param("disfa", True),
        # Its stand-in for pictures is one photo: nothing in it follows the labels.
        pytest.param("affwild2", False),
    ],
)
def test_healthy_data_are_not_accused(data: str, pictures: bool, delivered):
    seen = diagnosed(data, delivered(data), pictures)
    assert [f for f in seen.findings if f.level != "note"] == []


def test_columns_are_judged_by_detected_landmarks_where_none_are_given(tmp_path: Path):
    root = write_lookalike(tmp_path / "wild", LookalikeConfig("affwild2", subjects=5, frames=48), processes=1)
    healthy = examine(open_dataset("affwild2", root), whole=False, detector=detector)
    assert [f for f in healthy.findings if f.level != "note"] == []
    assert min(au.agreement for au in healthy.aus if au.au in {12, 25, 26}) > 0.65
    for path in root.glob("annotations/AU_Set/*/*.txt"):
        header, rows = path.read_text().split("\n", 1)
        path.write_text(
            "\n".join([header.replace("AU4,", "AU,").replace("AU25", "AU4").replace("AU,", "AU25,"), rows])
        )
    seen = examine(open_dataset("affwild2", root), whole=False, detector=detector)
    assert ("error", "swapped_columns", "AU25, AU4") in [(f.level, f.code, f.where) for f in seen.findings]


def test_missing_subjects_are_an_error_unless_it_is_a_subset(delivered):
    index = open_dataset("bp4d", delivered("bp4d"))
    seen = examine(index, pictures=False)
    missing = [f for f in seen.findings if f.code == "missing_subject"]
    assert [f.where for f in missing] == ["part 1", "part 2", "part 3"]
    assert not seen.ok
    assert "12 of 14 subjects of part 1" in missing[0].message
    assert "M007" not in missing[0].message
    assert "F018" in missing[0].message
    assert "--subset" in missing[0].message
