"""Prepared data as they are read: AUs by number, and a folder that is not whole is said to be so."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aulens.aus import MISSING, AUSet
from aulens.data.folds import SplitPlan
from aulens.data.loading import load_data
from aulens.data.prepare import PrepareSettings, prepare
from aulens.data.prepared import is_prepared, load_prepared
from aulens.errors import ConfigError, DatasetError
from drawn_frames import AUS, drawn_index


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    return drawn_index(tmp_path_factory.mktemp("drawn"), (("F001", "T1", 3), ("M001", "T1", 2)))


@pytest.fixture(scope="module")
def prepared(index, tmp_path_factory):
    out = tmp_path_factory.mktemp("prepared") / "out"
    prepare(index, out, PrepareSettings(size=32), processes=1)
    return out


@pytest.fixture
def copy(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / "copy")


def test_what_was_indexed_is_read(index, prepared):
    assert is_prepared(prepared)
    data = load_prepared(prepared, AUS)
    assert len(data) == 5
    assert data.dataset == "drawn"
    assert data.subject.tolist() == index.subject.tolist()
    assert data.sequence.tolist() == index.sequence.tolist()
    assert data.frame.tolist() == [100, 101, 102, 100, 101]
    assert data.part.tolist() == ["1", "1", "1", "2", "2"]
    assert (data.labels == index.labels).all()
    assert data.labels.dtype == np.int8
    assert data.landmarks.dtype == np.float32
    assert data.names[3] == f"{data.names.place(3).path}/M001/T1/100.jpg"


def test_intensities_are_stored(index, prepared, tmp_path):
    assert load_prepared(prepared, AUS).intensities is None
    given = np.random.default_rng(1).integers(0, 6, index.labels.shape).astype(np.float32)
    given[0, 0] = np.nan
    prepare(replace(index, intensities=given), tmp_path, PrepareSettings(size=32), processes=1)
    np.testing.assert_array_equal(load_prepared(tmp_path, AUS).intensities, given)
    other = load_prepared(tmp_path, AUSet("other", (25, 2))).intensities
    np.testing.assert_array_equal(other[:, 0], given[:, AUS.index(25)])
    assert np.isnan(other[:, 1]).all()
    samples = load_data([tmp_path], AUS, SplitPlan(fold="1", select_on_test=True))
    assert samples.intensities.shape == (*given.shape, 2)
    np.testing.assert_array_equal(samples.intensities[..., 0], samples.intensities[..., 1])
    np.testing.assert_array_equal(samples.intensities[samples.order.argsort(), :, 0], given)


def test_a_folder_from_before_intensities_stays(index, copy, tmp_path):
    """Finished, it is as good as it was; begun, it can't be gone on with."""
    about = json.loads((copy / "prepared.json").read_text())
    assert about.pop("intensities") is None
    (copy / "prepared.json").write_text(json.dumps(about))
    given = replace(index, intensities=index.labels.clip(0).astype(np.float32))
    assert prepare(given, copy, PrepareSettings(size=32), processes=1).done == 0
    (tmp_path / "begun/parts").mkdir(parents=True)
    (tmp_path / "begun/parts/begun.json").write_text(json.dumps(about))
    with pytest.raises(ConfigError, match="their labels, intensities, landmarks or files differ"):
        prepare(given, tmp_path / "begun", PrepareSettings(size=32), processes=1)


def test_aus_are_found_by_number(index, prepared):
    data = load_prepared(prepared, AUSet("other", (25, 2, 1)))
    assert (data.labels[:, 0] == index.labels[:, 2]).all()
    assert (data.labels[:, 1] == MISSING).all()
    assert (data.labels[:, 2] == index.labels[:, 0]).all()


def test_the_folder_may_move(prepared, copy):
    here, there = load_prepared(prepared, AUS), load_prepared(copy, AUS)
    for row in range(len(here)):
        assert here.names.place(row).offset == there.names.place(row).offset
        assert there.names.place(row).path.startswith(str(copy))


def test_a_folder_that_is_not_whole(copy, tmp_path):
    manifest, about = copy / "manifest.parquet", copy / "prepared.json"
    assert not is_prepared(tmp_path)
    with pytest.raises(DatasetError, match=r"holds no prepared data: prepared\.json is missing"):
        load_prepared(tmp_path, AUS)

    shard = next((copy / "shards").iterdir())
    shard.rename(tmp_path / "away")
    with pytest.raises(DatasetError, match=rf"names .*{shard.name}, which does not exist"):
        load_prepared(copy, AUS)
    (tmp_path / "away").rename(shard)

    table = pd.read_parquet(manifest)
    table.drop(columns="y_48").to_parquet(manifest)
    with pytest.raises(DatasetError, match="lacks the column 'y_48'"):
        load_prepared(copy, AUS)
    table.drop(columns=[name for name in table if name.startswith("x_")]).to_parquet(manifest)
    with pytest.raises(DatasetError, match="lacks the column 'x_0'"):
        load_prepared(copy, AUS)
    table.to_parquet(manifest)
    for damaged in (b"PAR1", manifest.read_bytes().replace(b"subject", b"\xfdubject")):
        manifest.write_bytes(damaged)
        with pytest.raises(DatasetError, match=r"Cannot read .*manifest\.parquet"):
            load_prepared(copy, AUS)

    about.write_text(json.dumps({"format": "aulens-prepared/9", "dataset": "x"}))
    with pytest.raises(DatasetError, match=r"is of format 'aulens-prepared/9'; this version reads"):
        load_prepared(copy, AUS)
    about.write_text('{"format"')
    with pytest.raises(DatasetError, match=r"prepared\.json is damaged"):
        load_prepared(copy, AUS)
