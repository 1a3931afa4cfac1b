import json

import cv2
import numpy as np
import pandas as pd
import pytest

from aulens.aus import RENDERS
from aulens.errors import ConfigError, DatasetError
from aulens.render.generate import RenderConfig, generate, split_of
from aulens.render.ict import load_ict
from aulens.render.sheet import au_sheet, contact_sheet

CONFIG = RenderConfig(n=10, seed=4, size=64, per_subject=3)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("renders")
    generate(root, CONFIG, processes=2)
    return root


@pytest.mark.slow
def test_manifest_is_complete(dataset):
    rows = pd.read_parquet(dataset / "manifest.parquet")
    assert rows["index"].tolist() == list(range(10))
    assert rows["subject"].nunique() == 4
    assert (rows.groupby("subject")["split"].nunique() == 1).all()
    for name in rows["file"]:
        assert cv2.imread(str(dataset / name)).shape == (64, 64, 3)
    intensities = rows[[f"AU{au}_{side}" for au in RENDERS for side in ("right", "left")]].to_numpy()
    drawn = intensities[np.isfinite(intensities) & (intensities > 0)]
    assert drawn.min() >= 0.2 - 1e-6
    assert drawn.max() <= 1
    assert rows[[f"x_{k}" for k in range(68)]].to_numpy().dtype == np.float32
    assert json.loads((dataset / "meta.json").read_text())["seed"] == 4


@pytest.mark.slow
def test_any_number_of_processes_and_a_kill_give_the_same(dataset, tmp_path):
    class Killed(Exception):
        pass

    def kill(done, total):
        if done >= 3:
            raise Killed

    with pytest.raises(Killed):
        generate(tmp_path, CONFIG, processes=1, progress=kill)
    assert not (tmp_path / "manifest.parquet").exists()
    generate(tmp_path, CONFIG, processes=1)
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "manifest.parquet"), pd.read_parquet(dataset / "manifest.parquet")
    )
    for name in pd.read_parquet(dataset / "manifest.parquet")["file"]:
        assert (tmp_path / name).read_bytes() == (dataset / name).read_bytes()


@pytest.mark.slow
def test_a_folder_begun_otherwise_is_refused(dataset):
    with pytest.raises(ConfigError, match="begun with"):
        generate(dataset, RenderConfig(n=11, seed=4, size=64, per_subject=3))


@pytest.mark.slow
def test_sheets(dataset, tmp_path):
    sheet = cv2.imread(str(contact_sheet(dataset, tmp_path / "sheet.png", count=6, columns=3)))
    assert sheet.shape == (2 * 178, 3 * 160, 3)
    assert cv2.imread(str(au_sheet(tmp_path / "aus.png", side=64))).shape[1] == 6 * 64


def test_splits_are_about_70_15_15():
    splits = [split_of(1, "anny", s) for s in range(2000)]
    assert abs(splits.count("test") / 2000 - 0.15) < 0.03
    assert abs(splits.count("val") / 2000 - 0.15) < 0.03


def test_bad_settings_are_named(tmp_path):
    with pytest.raises(ConfigError, match="no rig 'flame'"):
        RenderConfig(n=1, rig="flame")
    with pytest.raises(ConfigError, match="--assets"):
        RenderConfig(n=1, rig="ict")
    with pytest.raises(ConfigError, match="n=0"):
        RenderConfig(n=0)
    with pytest.raises(DatasetError, match="does not exist"):
        load_ict(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="no ICT-FaceKit"):
        load_ict(tmp_path)
    np.savez(tmp_path / "other.npz", base=np.zeros((3, 3)))
    with pytest.raises(DatasetError, match="not a packed ICT-FaceKit"):
        load_ict(tmp_path / "other.npz")
    with pytest.raises(DatasetError, match=r"no manifest\.parquet"):
        contact_sheet(tmp_path, tmp_path / "x.png")
