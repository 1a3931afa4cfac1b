import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aulens.aus import MISSING, AUSet
from aulens.data.renders import load_renders
from aulens.errors import DatasetError
from synthetic_faces import NEVER, PAINTED, write_faces


def edit(faces: Path, target: Path, change) -> Path:
    """Copy a folder of renders with a changed manifest."""
    shutil.copytree(faces, target)
    table = change(pd.read_parquet(target / "manifest.parquet"))
    table.to_parquet(target / "manifest.parquet")
    return target


def test_manifest_becomes_samples(faces: Path):
    samples = load_renders([faces], AUSet("chosen", (*PAINTED.numbers, NEVER)))
    table = pd.read_parquet(faces / "manifest.parquet")
    assert len(samples) == len(table) == 120
    row = int(np.flatnonzero(table["AU12_right"] > 0)[0])
    assert samples.side_labels[row, 1, 0] == 1
    assert samples.side_labels[row, 1, 1] == (table["AU12_left"][row] > 0)
    np.testing.assert_allclose(
        samples.landmarks[row, 48], [table["x_48"][row], table["y_48"][row]], rtol=1e-6
    )
    assert samples.subjects[0] == "paint/s000"
    assert samples.base_rates()[3] == 0


def test_two_rigs_do_not_share_subjects(faces: Path, tmp_path: Path):
    # The same subject names in another rig, in other splits: other people.
    other = write_faces(tmp_path / "b", subjects=3, each=2, rig="clay")
    samples = load_renders([faces, other], PAINTED)
    assert len(samples) == 126
    assert len(np.unique(samples.subjects)) == 15


def test_one_rig_in_two_folders_must_agree_on_splits(faces: Path, tmp_path: Path):
    other = write_faces(tmp_path / "b", subjects=10, each=1)  # s007 validates here and trains there
    with pytest.raises(DatasetError, match="paint/s007"):
        load_renders([faces, other], PAINTED)


def test_intensity_becomes_occurrence_at_a_fifth(faces: Path, tmp_path: Path):
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[0, "AU12_right"], table.loc[1, "AU12_right"], table.loc[2, "AU12_right"] = 0.2, 0.19, np.nan
        return table

    samples = load_renders([edit(faces, tmp_path / "r", change)], PAINTED)
    assert samples.side_labels[:3, 1, 0].tolist() == [1, 0, MISSING]
    np.testing.assert_allclose(samples.intensities[:3, 1, 0], [1, 0.95, np.nan], rtol=1e-6)


def test_an_au_without_column_is_missing(faces: Path, tmp_path: Path):
    root = edit(faces, tmp_path / "r", lambda t: t.drop(columns=["AU2_right", "AU2_left"]))
    assert (load_renders([root], PAINTED).side_labels[:, 0] == MISSING).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="subject"), "lacks the columns subject"),
        (lambda t: t.iloc[:0], "no rows"),
        (lambda t: t.assign(x_3=np.where(t["index"] == 4, np.nan, t["x_3"])), "000004.jpg has a landmark"),
        (lambda t: t.assign(file="images/gone.jpg"), "gone.jpg, which does not exist"),
        (lambda t: t.drop(columns=[c for c in t if c.startswith("AU")]), "codes none of the AUs"),
        (lambda t: t.assign(subject="s000"), "Subject 'paint/s000' is in the parts"),
        (lambda t: t.assign(x_3="left"), "the columns x_3 hold other things than numbers"),
        (lambda t: t.assign(AU2_left="yes"), "the columns AU2_left hold other things than numbers"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_said(faces: Path, tmp_path: Path, change, message: str):
    root = edit(faces, tmp_path / "r", change)
    with pytest.raises(DatasetError, match=message):
        load_renders([root], PAINTED)


def test_no_folder_and_no_manifest(tmp_path: Path):
    with pytest.raises(DatasetError, match="aulens render"):
        load_renders([tmp_path / "none"], PAINTED)
    (tmp_path / "manifest.parquet").write_bytes(b"not parquet")
    with pytest.raises(DatasetError, match="can't be read"):
        load_renders([tmp_path], PAINTED)
