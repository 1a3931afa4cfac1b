"""Portraits with meshes: the 68 points, the split, the yaw; and portraits that were moved."""

import sys
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aulens import align
from aulens.data.face_nets import portraits
from aulens.data.face_nets.portraits import evenly, from_mesh, write_manifest, write_moved, yaw_of
from aulens.errors import DatasetError
from aulens.faces.mediapipe_detector import MESH_OF_68
from aulens.landmarks import IBUG68, LEFT_EYE, RIGHT_EYE
from synthetic_faces import face68

NAMES = [[f"{axis}_{point}" for point in range(68)] for axis in "xy"]


def mesh(seed: int = 0) -> np.ndarray:
    """(478, 3), its vertices where they are named on a flat face, the others somewhere among them."""
    random = np.random.default_rng(seed)
    points = random.normal(0, 0.4, (478, 3))
    face = face68()
    points[list(MESH_OF_68), :2] = face
    # Those of the oval that are not named lie between their neighbours.
    for between, (first, second) in {132: (2, 3), 150: (5, 6), 176: (6, 7), 361: (14, 13), 379: (11, 10),
                                     400: (10, 9)}.items():  # fmt: skip
        points[between, :2] = (face[first] + face[second]) / 2
    points[:, 2] = 0
    return (points * 60 + (100, 90, 0)).astype(np.float32)


def points_of(table: pd.DataFrame) -> np.ndarray:
    return np.stack([table[axis].to_numpy(np.float64) for axis in NAMES], -1)


def test_points_are_evenly_spaced_along_a_line():
    line = np.array([[0.0, 0], [3, 0], [3, 1], [3, 6]])
    found = evenly(line, 4)
    np.testing.assert_allclose(found, [[0, 0], [3, 0], [3, 3], [3, 6]])
    np.testing.assert_allclose(evenly(line[::-1], 4), found[::-1])


def test_the_points_are_those_of_the_mesh_where_it_has_them():
    vertices = mesh()
    found = from_mesh(vertices)
    same = [*range(27, 31), 32, 33, 34, *range(36, 68), 8]
    np.testing.assert_array_equal(found[same], vertices[np.array(MESH_OF_68)[same], :2])
    steps = np.hypot(*np.diff(found[:17], axis=0).T)
    assert steps.std() / steps.mean() < 0.15  # the chin apart, both halves are even
    assert np.all(np.diff(found[:17, 0]) > 0)  # from the subject's right to the left


def test_a_mirrored_mesh_gives_mirrored_points():
    """By chains of vertices that are mirror images of each other."""
    same = (*range(27, 31), *range(32, 35), *range(36, 68))
    pairs = (
        *zip(portraits._RIGHT_OVAL, portraits._LEFT_OVAL, strict=True), (60, 290), (98, 327),
        (70, 300), (46, 276), (63, 293), (105, 334), (66, 296), (107, 336), (55, 285),
        *((MESH_OF_68[i], MESH_OF_68[IBUG68.mirror[i]]) for i in same),
    )  # fmt: skip
    vertices = mesh(1).astype(np.float64)
    mirrored = vertices.copy()
    for one, other in pairs:
        mirrored[one], mirrored[other] = vertices[other] * (-1, 1, 1), vertices[one] * (-1, 1, 1)
    expected = from_mesh(vertices)[list(IBUG68.mirror)] * (-1, 1)
    np.testing.assert_allclose(from_mesh(mirrored), expected, atol=1e-9)


def test_outer_ends_of_brows_lie_beyond_the_mesh_along_the_brow():
    vertices = mesh(2).astype(np.float64)
    found = from_mesh(vertices)
    for end, edges, before in ((17, (70, 46), 63), (26, (300, 276), 293)):
        middle = vertices[list(edges), :2].mean(0)
        np.testing.assert_allclose(found[end], middle + 0.4 * (middle - vertices[before, :2]))


def test_yaw_is_positive_where_the_left_side_is_away():
    turned = mesh()
    turned[:, 2] = 0.5 * turned[:, 0]  # deeper to the picture's right, the subject's left
    assert yaw_of(turned) == pytest.approx(np.degrees(np.arctan(0.5)), abs=0.01)
    assert yaw_of(mesh()) == pytest.approx(0, abs=1e-5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "portraits"
    root.mkdir()
    keys = [f"sfhq/{n}.png" for n in range(40)] + ["cc0/a.png", "london/1_03.png"]
    np.savez(root / "landmarks478.npz", **{key: mesh(i) for i, key in enumerate(keys)})
    return root


def test_the_manifest_names_portraits_that_may_be_learned_from(folder: Path, tmp_path: Path):
    table = pd.read_parquet(write_manifest(folder, tmp_path / "out"))
    assert len(table) == 41
    assert not table["file"].str.contains("london").any()
    assert table["file"][0] == str(folder.resolve() / "sfhq" / "0.png")
    np.testing.assert_allclose(points_of(table)[3], from_mesh(mesh(3)))
    for row in table.itertuples():
        share = zlib.crc32(str(row.subject).encode()) % 100
        assert row.split == ("test" if share < 15 else "val" if share < 30 else "train")
    assert set(table["split"]) == {"train", "val", "test"}


def test_moved_portraits_get_points_at_the_same_places(folder: Path, tmp_path: Path):
    """A similarity of the portrait moves all of them by it."""
    matrices = [align.rotation_scale(10.0 * i, 1 + 0.1 * i, (50, 60), (3, -4)) for i in range(3)]
    vertices = [mesh(i)[list(MESH_OF_68), :2].astype(np.float64) for i in range(3)]
    rows = np.stack([align.transform(m, v) for m, v in zip(matrices, vertices, strict=True)])
    told = [
        {"file": f"{i}.jpg", "split": "train", "portrait": f"sfhq/{i}.png"}
        | {name: rows[i, point, axis] for axis in (0, 1) for point, name in enumerate(NAMES[axis])}
        for i in range(3)
    ]
    table = pd.DataFrame(told)
    moved = tmp_path / "moved"
    moved.mkdir()
    table.to_parquet(moved / "manifest.parquet")
    found = pd.read_parquet(write_moved(moved, folder, tmp_path / "out"))
    expected = np.stack([align.transform(m, from_mesh(mesh(i))) for i, m in enumerate(matrices)])
    np.testing.assert_allclose(points_of(found), expected, atol=1e-6)
    np.testing.assert_allclose(
        points_of(found)[:, list(RIGHT_EYE + LEFT_EYE)], rows[:, list(RIGHT_EYE + LEFT_EYE)], atol=1e-6
    )
    assert found["file"][1] == str(moved.resolve() / "1.jpg")
    table["portrait"] = "sfhq/nobody.png"
    table.to_parquet(moved / "manifest.parquet")
    with pytest.raises(DatasetError, match=r"has no sfhq/nobody\.png, of which"):
        write_moved(moved, folder, tmp_path / "out")


def test_folders_that_lack_their_files_are_told(folder: Path, tmp_path: Path, monkeypatch, capsys):
    with pytest.raises(DatasetError, match=r"has no landmarks478\.npz: give the folder that holds it"):
        write_manifest(tmp_path, tmp_path / "out")
    with pytest.raises(DatasetError, match="has no pictures of nobody"):
        write_manifest(folder, tmp_path / "out", ["nobody"])
    with pytest.raises(DatasetError, match=r"has no manifest\.parquet; give a folder that `aulens render"):
        write_moved(tmp_path, folder, tmp_path / "out")
    pd.DataFrame({"file": ["a"]}).to_parquet(tmp_path / "manifest.parquet")
    with pytest.raises(DatasetError, match="lacks the columns x_0, x_1"):
        write_moved(tmp_path, folder, tmp_path / "out")
    rows = {"file": ["a"], **dict.fromkeys([*NAMES[0], *NAMES[1]], 0.0)}
    pd.DataFrame(rows).to_parquet(tmp_path / "manifest.parquet")
    with pytest.raises(DatasetError, match="names no portraits"):
        write_moved(tmp_path, folder, tmp_path / "out")
    monkeypatch.setattr(sys, "argv", ["portraits", str(folder), str(tmp_path / "out")])
    portraits.main()
    assert capsys.readouterr().out.strip() == str(tmp_path / "out" / "manifest.parquet")
    monkeypatch.setattr(sys, "argv", ["portraits", str(tmp_path), str(tmp_path / "out")])
    with pytest.raises(SystemExit):
        portraits.main()
    assert "has no landmarks478.npz" in capsys.readouterr().err
    (tmp_path / "file").touch()
    monkeypatch.setattr(sys, "argv", ["portraits", str(folder), str(tmp_path / "file" / "out")])
    with pytest.raises(SystemExit):
        portraits.main()
    assert "Not a directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (b"no arrays", "landmarks478.npz can't be read"),
        ({"sfhq/0.png": np.zeros((68, 2))}, r"sfhq/0\.png is no mesh of 478 finite points .* \(68, 2\)"),
        ({"sfhq/0.png": np.full((478, 3), np.nan)}, r"sfhq/0\.png is no mesh of 478 finite points"),
        ({"sfhq/0.png": np.array([None])}, "can't be read .*allow_pickle"),
    ],
)
def test_meshes_that_can_be_none_are_refused(folder: Path, tmp_path: Path, damaged, said: str):
    file = folder / "landmarks478.npz"
    if isinstance(damaged, bytes):
        file.write_bytes(damaged)
    else:
        np.savez(file, **damaged)
    with pytest.raises(DatasetError, match=said):
        write_manifest(folder, tmp_path / "out")
