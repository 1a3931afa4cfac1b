"""Data sets by name: look-alikes are known whichever of their folders is given."""

import pytest

from aulens.data.registry import LOOKALIKE, open_dataset
from delivered import annotations, occurrence, picture, text

ROW = [1] + [0] * 11


@pytest.fixture
def affwild2(tmp_path):
    root = tmp_path / "aw"
    annotations(root / "annotations/AU_Detection_Challenge/Train_Set/a.txt", [ROW])
    picture(root / "cropped_aligned/a/00001.jpg")
    return root


@pytest.mark.parametrize("given", ["", "annotations", "annotations/AU_Detection_Challenge", ".."])
def test_the_mark_of_a_lookalike_is_found(affwild2, given):
    assert not open_dataset("affwild2", affwild2 / given).renders
    text(affwild2 / LOOKALIKE, "{}")
    assert open_dataset("affwild2", affwild2 / given).renders


def test_a_lookalike_further_up_or_of_the_pictures_alone(tmp_path):
    root = tmp_path / "bp"
    occurrence(tmp_path / "labels/AU_OCC/F001_T1.csv", {7: {1: 1}})
    picture(root / "2D+3D/F001/T1/0007.jpg")
    assert not open_dataset("bp4d", tmp_path).renders
    text(root / LOOKALIKE, "{}")
    assert open_dataset("bp4d", tmp_path).renders
    rows = "path,subject,sequence,frame,AU1\n../bp/2D+3D/F001/T1/0007.jpg,a,s,1,1\n"
    assert open_dataset("manifest", text(tmp_path / "own/list.csv", rows)).renders
