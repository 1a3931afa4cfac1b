import dataclasses
import json

import cv2
import numpy as np
import pandas as pd
import pytest

from aulens.aus import PRESENT_STRENGTH, RENDERS
from aulens.errors import ConfigError, DatasetError
from aulens.render.dataset import Worker, build
from aulens.render.generate import RenderConfig, generate, render_subject, split_of
from aulens.render.sheet import contact_sheet
from aulens.render.shot import Shot, draw_shot

CONFIG = RenderConfig(n=28, seed=4, size=64, per_subject=3)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("renders")
    generate(root, CONFIG, processes=2)
    return root


@pytest.mark.slow
def test_manifest_is_complete(dataset):
    rows = pd.read_parquet(dataset / "manifest.parquet")
    assert rows["index"].tolist() == list(range(28))
    assert rows["subject"].nunique() == 10
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
    def stop(done, total):
        if done >= 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        generate(tmp_path, CONFIG, processes=1, progress=stop)
    assert not (tmp_path / "manifest.parquet").exists()
    done = list((tmp_path / "manifest.parts").glob("*.parquet"))
    assert 1 <= len(done) < 10  # what was queued is not rendered
    generate(tmp_path, CONFIG, processes=1)
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "manifest.parquet"), pd.read_parquet(dataset / "manifest.parquet")
    )
    for name in pd.read_parquet(dataset / "manifest.parquet")["file"]:
        assert (tmp_path / name).read_bytes() == (dataset / name).read_bytes()


@pytest.mark.slow
def test_a_folder_begun_otherwise_is_refused(dataset):
    with pytest.raises(ConfigError, match="begun with"):
        generate(dataset, RenderConfig(n=29, seed=4, size=64, per_subject=3))


@pytest.mark.slow
def test_a_sheet(dataset, tmp_path):
    sheet = cv2.imread(str(contact_sheet(dataset, tmp_path / "sheet.png", count=6, columns=3)))
    assert sheet.shape == (2 * 178, 3 * 160, 3)


def test_rows_say_what_the_picture_shows(muscles, tmp_path):
    """One row, end to end: intensities on the subject's own sides, AU25 read off the lips, landmarks."""
    config = RenderConfig(n=1, seed=4, size=96)
    scene = {12: (0.0, 1.0), 26: (1.0, 1.0)}, Shot()
    (row,) = render_subject(config, muscles, 0, tmp_path, lambda rng, config: scene)
    assert (row["AU12_right"], row["AU12_left"]) == (0.0, 1.0)
    assert row["AU25_right"] == row["AU25_left"] >= PRESENT_STRENGTH
    assert [name for name in row if name.startswith("AU")] == [
        f"AU{au}_{side}" for au in RENDERS for side in ("right", "left")
    ]
    # The left corner of the mouth (54, at the picture's right) is pulled up and out.
    middle = row["x_33"]
    assert row["x_54"] - middle > middle - row["x_48"]
    assert row["y_54"] < row["y_48"] - 1
    assert cv2.imread(str(tmp_path / row["file"])).shape == (96, 96, 3)


def test_wide_turns_heads_and_leaves_the_rest():
    """Light, place and camera are those of the same seed without it; only profiles need a wider view."""
    near = [draw_shot(np.random.default_rng(seed)) for seed in range(300)]
    wide = [draw_shot(np.random.default_rng(seed), wide=True) for seed in range(300)]
    for one, other in zip(near, wide, strict=True):
        same = {"yaw": 0.0, "pitch": 0.0, "roll": 0.0, "zoom": 1.0}
        assert dataclasses.replace(one, **same) == dataclasses.replace(other, **same)
    yaw = np.array([shot.yaw for shot in wide])
    assert np.abs(yaw).max() <= 85
    assert 0.35 < (np.abs(yaw) > 45).mean() < 0.6
    assert abs(yaw.mean()) < 8
    assert max(abs(shot.yaw) for shot in near) <= 45
    assert max(max(abs(shot.pitch), abs(shot.roll)) for shot in wide) <= 40


@pytest.mark.slow
def test_a_wide_folder_is_no_other_folder(dataset):
    """Switches that are off do not count, so that older folders go on."""
    assert json.loads((dataset / "meta.json").read_text()).keys() == {
        "n", "seed", "rig", "size", "per_subject"
    }  # fmt: skip
    with pytest.raises(ConfigError, match="'wide': True"):
        generate(dataset, dataclasses.replace(CONFIG, wide=True))


@pytest.mark.slow
def test_what_a_kill_at_the_very_end_leaves_is_removed(dataset):
    (dataset / "manifest.parts").mkdir()
    (dataset / "manifest.parts" / "00000.parquet").touch()
    assert generate(dataset, CONFIG) == dataset / "manifest.parquet"
    assert not (dataset / "manifest.parts").exists()


def numbered() -> Worker:
    return lambda subject: [{"subject": subject}]


def test_what_one_table_was_killed_at_is_not_taken_for_the_rows_of_another(tmp_path):
    """As of a folder of portraits, which are surveyed first: neither read, nor removed."""
    one, two = tmp_path / "one.parquet", tmp_path / "two.parquet"
    for table in (one, two):
        left = table.with_suffix(".parts")
        left.mkdir()
        pd.DataFrame([{"subject": 7}]).to_parquet(left / "00000.parquet")
    pd.DataFrame([{"subject": "done"}]).to_parquet(one)
    assert build(one, [1, 1], numbered, (), doing="counting", processes=1)["subject"].tolist() == ["done"]
    assert build(two, [1, 1], numbered, (), doing="counting", processes=1)["subject"].tolist() == [7, 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.parquet", "two.parquet"]


def broken() -> Worker:
    raise DatasetError("the rig is broken")


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_what_is_wrong_with_a_rig_is_said_wherever_it_is_found(tmp_path, processes):
    with pytest.raises(DatasetError, match="the rig is broken"):
        build(tmp_path / "x.parquet", [1, 1], broken, (), doing="rendering", processes=processes)


def test_splits_are_about_70_15_15():
    splits = [split_of(1, "anny", s) for s in range(2000)]
    assert abs(splits.count("test") / 2000 - 0.15) < 0.03
    assert abs(splits.count("val") / 2000 - 0.15) < 0.03


def test_bad_settings_are_named(tmp_path):
    with pytest.raises(ConfigError, match="no rig 'flame'"):
        RenderConfig(n=1, rig="flame")
    with pytest.raises(ConfigError, match="--assets"):
        RenderConfig(n=1, rig="ict")
    with pytest.raises(ConfigError, match="'n' must be a whole number of at least 1, found 0"):
        RenderConfig(n=0)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is a file"):
        generate(tmp_path / "file", CONFIG)
    with pytest.raises(DatasetError, match=r"no manifest\.parquet"):
        contact_sheet(tmp_path, tmp_path / "x.png")


def test_a_damaged_meta_file_is_named(tmp_path):
    (tmp_path / "meta.json").write_text('{"n": 1')
    with pytest.raises(ConfigError, match=r"meta\.json is damaged"):
        generate(tmp_path, CONFIG)
