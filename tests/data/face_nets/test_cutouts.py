"""Faces as they are read: where discs lie in every level, and what can be wrong with a folder."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aulens import align
from aulens.align import five_points
from aulens.data.face_nets.cutouts import read_backgrounds, read_cutouts, visible_points
from aulens.errors import DatasetError
from aulens.landmarks import IBUG68
from made_cutouts import centre_of, disc_faces, landmarks, picture, write_folder


@pytest.mark.parametrize("size", [(447, 333), (208, 240), (1001, 767)])
def test_landmarks_follow_what_is_cut_and_shrunk(tmp_path: Path, size: tuple[int, int]):
    """(1001, 767) is shrunk to 448 pixels; (447, 333) halves to (223, 166), not exactly."""
    for number, cutout in enumerate(disc_faces(tmp_path, size)[:5]):
        assert max(cutout.levels[0].shape) <= 448
        for level in cutout.levels[:3]:
            ratio = np.divide(level.shape[1::-1], cutout.levels[0].shape[1::-1])
            expected = (five_points(cutout.landmarks)[number] + 0.5) * ratio - 0.5
            np.testing.assert_allclose(centre_of(level[..., 0]), expected, atol=0.06)


@pytest.mark.parametrize("scale", [1.7, 0.8, 0.45, 0.2])
def test_any_level_is_warped_to_the_same_place(tmp_path: Path, scale: float):
    matrix = align.rotation_scale(33.0, scale, (200.0, 150.0), (-120.0, 20.0))
    for number, cutout in enumerate(disc_faces(tmp_path, (447, 333))[:5]):
        level, of_level = cutout.source(matrix)
        assert np.sqrt(np.linalg.det(of_level[:, :2])) > 0.499 or level is cutout.levels[-1]
        drawn = align.transform(of_level, centre_of(level[..., 0]))
        wanted = align.transform(matrix, five_points(cutout.landmarks)[number])
        np.testing.assert_allclose(drawn, wanted, atol=0.06 * max(scale, 1))


def test_people_of_other_splits_are_left_out(tmp_path: Path):
    root = write_folder(tmp_path, [(picture(p := landmarks(), p[:3]), p)], split="val")
    assert read_cutouts([root], "train") == []
    assert [cutout.subject for cutout in read_cutouts([root, root], "val")] == ["0.png"] * 2


def test_a_folder_that_can_not_be_read_says_why(tmp_path: Path):
    def broken(column: str, value: object) -> Path:
        table = pd.read_parquet(root / "manifest.parquet")
        table[column] = value
        other = tmp_path / "broken"
        other.mkdir(exist_ok=True)
        table.to_parquet(other / "manifest.parquet")
        (other / "0.png").write_bytes((root / "0.png").read_bytes())
        return other

    with pytest.raises(DatasetError, match=r"has no manifest\.parquet; give a folder that `aulens render`"):
        read_cutouts([tmp_path], "train")
    root = write_folder(tmp_path / "whole", [(picture(p := landmarks(), p[:3]), p)])
    with pytest.raises(DatasetError, match=r"0\.png and 0 more have landmarks or a yaw that are no numbers"):
        read_cutouts([broken("yaw", np.nan)], "train")
    far = write_folder(tmp_path / "far", [(picture(p, p[:3]), p + 5000)])
    with pytest.raises(DatasetError, match="208 x 240 pixels, but its landmarks lie elsewhere"):
        read_cutouts([far], "train")
    with pytest.raises(DatasetError, match=r"Cannot decode the picture .*gone\.png"):
        read_cutouts([broken("file", "gone.png")], "train")
    (tmp_path / "broken" / "manifest.parquet").write_bytes(b"no table")
    with pytest.raises(DatasetError, match="can't be read"):
        read_cutouts([tmp_path / "broken"], "train")
    table = pd.read_parquet(root / "manifest.parquet").drop(columns=["yaw", "y_67"])
    table.to_parquet(root / "manifest.parquet")
    with pytest.raises(DatasetError, match="lacks the columns y_67, yaw"):
        read_cutouts([root], "train")


def test_backgrounds_are_read_by_name_and_missing_ones_are_told(tmp_path: Path):
    with pytest.raises(DatasetError, match=r"there is no folder .*nowhere of pictures without people"):
        read_backgrounds([tmp_path, tmp_path / "nowhere"])
    (tmp_path / "b.txt").write_text("no picture")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"no pictures \(\.jpg, \.png\) of 64 pixels or more"):
        read_backgrounds([tmp_path])
    points = landmarks((1000, 500))
    write_folder(tmp_path / "c" / "d", [(picture(points, points, (1000, 500)), points)])
    write_folder(tmp_path / "a", [(picture(points, points, (70, 64)), points)])
    write_folder(tmp_path / "small", [(picture(points, points, (70, 63)), points)])
    shapes = [background.shape for background in read_backgrounds([tmp_path], longest=500)]
    assert shapes == [(64, 70, 3), (250, 500, 3)]


def test_what_a_turned_head_hides_is_mirror_symmetric_and_grows():
    mirror = list(IBUG68.mirror)
    before = visible_points(0.01)
    assert before.min() > 0.96
    for yaw in np.arange(1.0, 90.0, 4):
        now = visible_points(yaw)
        np.testing.assert_allclose(now[mirror], visible_points(-yaw), atol=1e-12)
        assert ((now >= 0) & (now <= before)).all()
        before = now
    left_eye, right_eye = slice(42, 48), slice(36, 42)
    assert before[left_eye].max() < 0.2  # yaw > 0: the nose to the subject's left, the left side away
    assert before[right_eye].min() == 1
