"""Faults put into healthy folders by hand: what the doctor says of each."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pandas as pd
import pytest
from actors import people, performances

from aulens.aus import BP4D, DISFA, MISSING
from aulens.data.frames import read_frame_range
from aulens.data.protocols import PROTOCOLS
from aulens.data.sources import open_dataset
from aulens.doctor import Diagnosis, examine
from aulens.doctor.measures import EVIDENT
from aulens.render.lookalike import LookalikeConfig, write_lookalike
from aulens.render.lookalike.files import write_video

# Spoiling folders: each takes the root of a copy.


def tables(root: Path) -> list[Path]:
    return sorted((root / "AUCoding" / "AU_OCC").glob("*.csv"))


def rewrite(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_csv(path)).to_csv(path, index=False)


def swap_columns(root: Path) -> None:
    for path in tables(root):
        rewrite(path, lambda table: table.rename(columns={"1": "12", "12": "1"}))


def swap_files(root: Path) -> None:
    for folder in (root / "ActionUnit_Labels").iterdir():
        one, other = (folder / f"{folder.name}_au{au}.txt" for au in (4, 25))
        kept = one.read_text()
        one.write_text(other.read_text())
        other.write_text(kept)


def shuffled(table: pd.DataFrame) -> pd.DataFrame:
    mixed = table.sample(frac=1, random_state=1).reset_index(drop=True)
    return mixed.assign(**{"0": table["0"]})


def shuffle_all(root: Path) -> None:
    for path in tables(root):
        rewrite(path, shuffled)


def shuffle_one(root: Path) -> None:
    rewrite(tables(root)[0], shuffled)


def change_landmarks(root: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    for path in sorted((root / "2DFeatures").glob("*.mat")):
        with h5py.File(path, "r+") as file:
            for cell in file["#refs#"].values():
                if cell.shape == (2, 49):
                    cell[...] = change(cell[...].T).T


def push_landmarks(root: Path) -> None:
    change_landmarks(root, lambda points: points + np.array([14, 0]))


def exchange_axes(root: Path) -> None:
    change_landmarks(root, lambda points: points[:, ::-1])


def shrink_landmarks(root: Path) -> None:
    change_landmarks(root, lambda points: points * 0.75)


def late_landmarks(root: Path) -> None:
    """Each file holds the points of the frame before."""
    for folder in (root / "Landmark_Points").glob("SN0*/tmp_frame_lm"):
        files = sorted(folder.iterdir())
        for late, early in zip(files[:0:-1], files[-2::-1], strict=True):
            shutil.copyfile(early, late)


def cut_landmarks(root: Path) -> None:
    path = sorted((root / "2DFeatures").glob("*.mat"))[0]
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def rewrite_video(root: Path, keep: slice) -> None:
    path = sorted((root / "Videos_LeftCamera").glob("*.avi"))[0]
    frames = list(read_frame_range(path, 0, 10_000))
    path.unlink()
    write_video(path, iter(frames[keep]), 20)


def lose_last_frame(root: Path) -> None:
    rewrite_video(root, slice(None, -1))


def lose_first_frame(root: Path) -> None:
    rewrite_video(root, slice(1, None))


def nines(root: Path) -> None:
    for path in tables(root):
        rewrite(path, lambda table: table.assign(**{"12": 9}))


def nines_in_one(root: Path) -> None:
    rewrite(tables(root)[0], lambda table: table.assign(**{"12": 9}))


def minus_ones(root: Path) -> None:
    for path in (root / "ActionUnit_Labels").glob("*/*_au25.txt"):
        path.write_text("".join(f"{line.partition(',')[0]},-1\n" for line in path.read_text().splitlines()))


def odd_codes(root: Path) -> None:
    rewrite(tables(root)[0], lambda table: table.assign(**{"6": table["6"].replace(1, 3)}))


def lose_pictures(root: Path) -> None:
    for path in sorted((root / "F001" / "T1").iterdir())[10:20]:
        path.unlink()


def empty_pictures(root: Path) -> None:
    for path in (root / "F001" / "T1").iterdir():
        path.write_bytes(b"")


def copy_pictures(root: Path) -> None:
    """F001, of part 1, is seen as M011, of part 2."""
    there, here = (sorted((root / name / "T1").iterdir()) for name in ("F001", "M011"))
    for old, new in zip(there, here, strict=False):
        shutil.copyfile(old, new)


def copy_video(root: Path) -> None:
    one, other = sorted((root / "Videos_LeftCamera").glob("*.avi"))[:2]
    shutil.copyfile(one, other)


def copy_labels(root: Path) -> None:
    """Rows of M011's file are those of F001's, under its own frames' numbers."""
    one = pd.read_csv(root / "AUCoding/AU_OCC/F001_T1.csv")
    rewrite(root / "AUCoding/AU_OCC/M011_T1.csv", lambda table: one.assign(**{"0": table["0"]}))


def two_parts(root: Path) -> None:
    """The two persons of one video: one trains, the other tests."""
    annotations = root / "annotations" / "AU_Set"
    (annotations / "Train_Set" / "video2_left.txt").rename(annotations / "Validation_Set" / "video2_left.txt")


def lose_subject(root: Path) -> None:
    (root / "lookalike.json").unlink()


class Fault(NamedTuple):
    name: str
    layout: str
    spoil: Callable[[Path], None]
    level: str
    code: str
    where: str
    says: tuple[str, ...]
    pictures: bool = False


FAULTS = [
    Fault(
        "label columns swapped",
        "bp4d",
        swap_columns,
        "error",
        "swapped_columns",
        "AU1, AU12",
        ("columns of AU1 and AU12 seem swapped", "inner brows' height follows the labels of AU12", "manual"),
    ),
    Fault(
        "label files swapped",
        "disfa",
        swap_files,
        "error",
        "swapped_columns",
        "AU25, AU4",
        ("columns of AU25 and AU4 seem swapped", "lips' gap follows the labels of AU4"),
    ),
    Fault(
        "rows shuffled, seen in time",
        "bp4d",
        shuffle_all,
        "error",
        "flicker",
        "6 of 6 clips",
        ("codes change", "the rows are shuffled", "get the label file again"),
    ),
    Fault(
        "rows shuffled, seen on faces",
        "bp4d",
        shuffle_all,
        "error",
        "label_mismatch",
        "all labels",
        ("no AU follows the faces", "expected 0.7 to 0.95", "rows are shuffled"),
    ),
    Fault("rows of one file shuffled", "bp4d", shuffle_one, "error", "flicker", "F001/T1", ("shuffled",)),
    Fault(
        "landmarks shifted",
        "bp4d",
        push_landmarks,
        "error",
        "landmarks_off_face",
        "all landmarks",
        ("from where dlib finds them", "to the right", "contact sheet"),
        True,
    ),
    Fault(
        "landmarks of pictures of another size",
        "bp4d",
        shrink_landmarks,
        "error",
        "landmarks_off_face",
        "all landmarks",
        ("of another size",),
        True,
    ),
    Fault(
        "x and y exchanged",
        "bp4d",
        exchange_axes,
        "error",
        "landmarks_strange",
        "all landmarks",
        ("no upright faces", "x and y are exchanged", "x first"),
    ),
    Fault(
        "landmarks one frame late",
        "disfa",
        late_landmarks,
        "error",
        "landmarks_lag",
        "all landmarks",
        ("1 frame earlier", "begins at another frame"),
        True,
    ),
    Fault(
        "a subject in two parts",
        "affwild2",
        two_parts,
        "warning",
        "subject_leak",
        "video2",
        ("both train and validation",),
    ),
    Fault(
        "pictures of a subject in two parts",
        "bp4d",
        copy_pictures,
        "error",
        "identical_frames",
        "F001, M011",
        ("F001 are also pictures of M011", "in parts 1 and 2", "measure memory"),
        True,
    ),
    Fault(
        "a video under two names",
        "disfa",
        copy_video,
        "error",
        "identical_frames",
        "SN002, SN0",
        ("are also pictures of",),
        True,
    ),
    Fault(
        "labels under two names",
        "bp4d",
        copy_labels,
        "error",
        "identical_labels",
        "F001/T1, M011/T1",
        ("same labels in all frames", "copied"),
    ),
    Fault(
        "a truncated .mat",
        "bp4d",
        cut_landmarks,
        "warning",
        "unreadable_landmarks",
        "F001/T1",
        ("F001_T1.mat", "get it again"),
    ),
    Fault(
        "a video short of its last frame",
        "disfa",
        lose_last_frame,
        "warning",
        "label_length",
        "LeftVideoSN002",
        ("63", "64"),
    ),
    Fault(
        "a video short of its first frame",
        "disfa",
        lose_first_frame,
        "warning",
        "landmarks_lag",
        "SN002/left",
        ("1 frame", "see whether the video or the pictures are complete"),
        True,
    ),
    Fault("9 for 0 and 1", "bp4d", nines, "error", "not_coded", "AU12", ("100%", "written as 9 or -1")),
    Fault(
        "9 for 0 and 1 in one file",
        "bp4d",
        nines_in_one,
        "warning",
        "not_coded",
        "F001/T1",
        ("AU12 is not coded in any",),
    ),
    Fault(
        "-1 for intensities",
        "disfa",
        minus_ones,
        "error",
        "not_coded",
        "AU25",
        ("100%", "written as 9 or -1"),
    ),
    Fault("-1 for intensities, file by file", "disfa", minus_ones, "warning", "code_range", "SN0", ("-1",)),
    Fault("codes out of range", "bp4d", odd_codes, "warning", "code_range", "F001/T1", ("AU6", "3")),
    Fault("pictures missing", "bp4d", lose_pictures, "warning", "missing_picture", "F001/T1", ("10 of 64",)),
    Fault(
        "pictures empty", "bp4d", empty_pictures, "warning", "unreadable_picture", "F001/T1", ("empty",), True
    ),
]


# What another row of the table shows too.
SLOW = {
    "landmarks of pictures of another size",
    "a video under two names",
    "a subject in two parts",
    "pictures empty",
}


@pytest.mark.parametrize(
    "fault",
    [pytest.param(f, id=f.name, marks=[pytest.mark.slow] if f.name in SLOW else []) for f in FAULTS],
)
def test_a_fault_is_found_and_named(fault: Fault, delivered, tmp_path: Path):
    root = tmp_path / "data"
    shutil.copytree(delivered(fault.layout), root)
    fault.spoil(root)
    seen = examine(open_dataset(fault.layout, root), pictures=fault.pictures, whole=False)
    found = [f for f in seen.findings if f.code == fault.code and f.where.startswith(fault.where)]
    assert found, "\n".join(map(str, seen.findings))
    assert found[0].level == fault.level
    for words in fault.says:
        assert words in found[0].message
    assert seen.ok == (not any(f.level == "error" for f in seen.findings))
    assert not seen.ok or fault.level != "error"


@pytest.mark.parametrize("layout", ["bp4d", "disfa", pytest.param("affwild2", marks=pytest.mark.slow)])
def test_a_healthy_lookalike_is_not_accused(layout: str, delivered):
    # The stand-in for pictures of Aff-Wild2 is one photo: nothing in it follows the labels.
    seen = examine(open_dataset(layout, delivered(layout)), pictures=layout != "affwild2", whole=False)
    assert seen.ok
    assert [f for f in seen.findings if f.level != "note"] == []


@pytest.mark.slow
def test_columns_are_judged_by_detected_landmarks_where_none_are_given(tmp_path: Path):
    root = write_lookalike(tmp_path / "wild", LookalikeConfig("affwild2", subjects=5, frames=48), processes=1)
    healthy = examine(open_dataset("affwild2", root), whole=False)
    assert [f for f in healthy.findings if f.level != "note"] == []
    assert min(au.agreement for au in healthy.aus if au.au in {12, 25, 26}) > 0.65
    for path in root.glob("annotations/AU_Set/*/*.txt"):
        header, rows = path.read_text().split("\n", 1)
        path.write_text(
            "\n".join([header.replace("AU4,", "AU,").replace("AU25", "AU4").replace("AU,", "AU25,"), rows])
        )
    seen = examine(open_dataset("affwild2", root), whole=False)
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


def test_a_manifests_subject_in_two_parts(tmp_path: Path):
    index = performances_manifest(tmp_path)
    seen = examine(index, pictures=False)
    assert [f.where for f in seen.findings if f.code == "subject_leak"] == ["a"]
    assert not seen.ok


def performances_manifest(folder: Path):
    rows = [
        {
            "path": f"{s}{q}{t}.jpg",
            "subject": s,
            "sequence": q,
            "frame": t,
            "part": part,
            "AU12": (t // 5) % 2,
        }
        for s, q, part in (("a", "1", "train"), ("a", "2", "test"), ("b", "1", "train"), ("c", "1", "test"))
        for t in range(20)
    ]
    for row in rows:
        (folder / row["path"]).write_bytes(b"not looked at")
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    return open_dataset("manifest", folder / "manifest.csv")


# Faults in the values themselves, on many subjects.


def examined(index) -> Diagnosis:
    return examine(index, pictures=False, whole=False)


def with_labels(index, labels):
    return replace(index, labels=labels)


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["bp4d", "disfa"])
def test_any_evident_au_swapped_with_any_other_is_found_or_harmless(dataset: str):
    aus = PROTOCOLS[dataset].aus
    index = performances(aus, people(dataset, 9), tasks=1, dataset=dataset)
    assert examined(index).ok
    for evident in EVIDENT & set(aus):
        for other in aus:
            if other == evident:
                continue
            labels = index.labels.copy()
            pair = [aus.index(evident), aus.index(other)]
            labels[:, pair] = labels[:, pair[::-1]]
            codes = {f.code for f in examined(with_labels(index, labels)).findings if f.level == "error"}
            assert codes & {"swapped_columns", "label_mismatch"}, (evident, other)


def test_a_subject_with_another_subjects_labels_is_named():
    index = performances(DISFA, people("disfa", 9), frames=300, dataset="disfa")
    labels = index.labels.copy()
    rows = index.subject == index.subject[0]
    labels[rows] = np.roll(labels[rows], 77, axis=0)
    seen = examined(with_labels(index, labels))
    named = [f.where for f in seen.findings if f.code == "label_mismatch"]
    assert set(named) <= {str(index.subject[0])}


def test_missing_labels_change_no_verdict():
    index = performances(BP4D, people("bp4d", 6))
    labels = index.labels.copy()
    labels[np.random.default_rng(0).random(labels.shape) < 0.1] = MISSING
    codes = {f.code for f in examined(with_labels(index, labels)).findings if f.level != "note"}
    assert codes == set()
