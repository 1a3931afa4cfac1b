import h5py
import numpy as np
import pytest
import scipy.io

from aulens.data.matlab import as_points, read_cells, read_matrix
from aulens.errors import DatasetError
from delivered import tracked


def matrix(seed: int, rows: int = 49) -> np.ndarray:
    return np.random.default_rng(seed).uniform(1, 99, (rows, 2))


def test_cells_are_those_of_other_readers(tmp_path):
    path = tracked(tmp_path / "F001_T1.mat", [matrix(0), None, matrix(2)])
    first, empty, third, beyond = read_cells(path, "fit/pred", [0, 1, 2, 3])
    np.testing.assert_array_equal(first, matrix(0))
    np.testing.assert_array_equal(third, matrix(2))
    assert empty is None
    assert beyond is None
    assert read_cells(path, "fit/pred", [-1]) == [None]
    # h5py alone, as published code opens these files: all x, then all y.
    with h5py.File(path) as file:
        flat = np.array(file[file["fit/pred"][2][0]]).reshape(-1)
    np.testing.assert_array_equal(third.T.reshape(-1), flat)


@pytest.mark.parametrize("keep", [0, 100, 600, 2000])
def test_truncated_files(tmp_path, keep):
    path = tracked(tmp_path / "a.mat", [matrix(0)] * 20)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DatasetError, match="truncated"):
        read_cells(path, "fit/pred", [0])


def test_other_files(tmp_path):
    scipy.io.savemat(tmp_path / "old.mat", {"fit": {"pred": matrix(0)}})
    with pytest.raises(DatasetError, match="no HDF5 file"):
        read_cells(tmp_path / "old.mat", "fit/pred", [0])
    with h5py.File(tmp_path / "plain.mat", "w") as file:
        file["fit/pred"] = matrix(0)
    with pytest.raises(DatasetError, match="no array of cells"):
        read_cells(tmp_path / "plain.mat", "fit/pred", [0])
    with pytest.raises(DatasetError, match="has no 'fit/track'"):
        read_cells(tmp_path / "plain.mat", "fit/track", [0])


def elsewhere(path, how, secret):
    """A file whose cells are said to lie in another one."""
    with h5py.File(path, "w") as file:
        references = file.create_dataset("fit/pred", (1, 1), h5py.ref_dtype)
        if how == "external storage":
            cell = file.create_dataset("c", (2, 49), np.float64, external=[(str(secret), 0, 784)])
        elif how == "virtual":
            layout = h5py.VirtualLayout((2, 49), np.float64)
            layout[:] = h5py.VirtualSource(str(secret), "c", (2, 49))
            cell = file.create_virtual_dataset("c", layout)
        else:
            cell = file.create_dataset("c", data=matrix(0).T)
        references[0, 0] = cell.ref
        if how == "external link":
            del file["fit/pred"]
            file["fit/pred"] = h5py.ExternalLink(str(secret), "fit/pred")
        if how == "external group":
            del file["fit"]
            file["fit"] = h5py.ExternalLink(str(secret), "fit")
    return path


@pytest.mark.parametrize("how", ["external storage", "virtual", "external link", "external group"])
def test_nothing_of_another_file_is_read(tmp_path, how):
    tracked(tmp_path / "other.mat", [matrix(1)])
    secret = tmp_path / ("secret" if how == "external storage" else "other.mat")
    (tmp_path / "secret").write_bytes(bytes(784))
    path = elsewhere(tmp_path / "a.mat", how, secret)
    with pytest.raises(DatasetError, match=r"lies in another file|link to another place"):
        read_cells(path, "fit/pred", [0])


def test_arrays_larger_than_landmarks_are_refused_before_they_are_read(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        cell = file.create_dataset("c", (1 << 20, 1 << 20), np.float64, chunks=(64, 64))
        file.create_dataset("fit/pred", data=np.array([[cell.ref]]), dtype=h5py.ref_dtype)
    with pytest.raises(DatasetError, match="too many for landmarks"):
        read_cells(tmp_path / "a.mat", "fit/pred", [0])


def test_points_that_no_picture_has_are_none(tmp_path):
    far = matrix(0)
    far[3, 1] = 1e300
    assert np.isnan(as_points(far, 49)).all()


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.uint8, np.int16, np.int64])
def test_version_5(tmp_path, compressed, kind):
    saved = {"a": "text", "pts": matrix(0, 66).astype(kind), "z": matrix(1)}
    scipy.io.savemat(tmp_path / "a.mat", saved, do_compression=compressed)
    np.testing.assert_array_equal(read_matrix(tmp_path / "a.mat", "pts"), saved["pts"])
    np.testing.assert_array_equal(read_matrix(tmp_path / "a.mat", "z"), saved["z"])
    with pytest.raises(DatasetError, match="holds no numbers"):
        read_matrix(tmp_path / "a.mat", "a")
    with pytest.raises(DatasetError, match="has no matrix 'points'"):
        read_matrix(tmp_path / "a.mat", "points")


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("keep", [0, 60, 128, 136, 150, 180, 300, 600])
def test_truncated_version_5(tmp_path, compressed, keep):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"pts": matrix(0, 66)}, do_compression=compressed)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DatasetError):
        read_matrix(path, "pts")


@pytest.mark.parametrize("compressed", [False, True])
def test_damaged_bytes_never_get_out(tmp_path, compressed):
    random = np.random.default_rng(0)
    scipy.io.savemat(tmp_path / "a.mat", {"pts": matrix(0, 66)}, do_compression=compressed)
    good = (tmp_path / "a.mat").read_bytes()
    said = 0
    for _ in range(100):
        bad = bytearray(good)
        for at in random.integers(120, 220, 2):
            bad[at] = random.integers(256)
        (tmp_path / "b.mat").write_bytes(bad)
        try:
            read_matrix(tmp_path / "b.mat", "pts")
        except DatasetError:
            said += 1
    assert said > 20


def test_points_count_from_0():
    points = matrix(3)
    np.testing.assert_allclose(as_points(points, 49), points - 1, rtol=1e-6)
    np.testing.assert_allclose(as_points(points.T, 49), points - 1, rtol=1e-6)
    for unusable in (None, points[:48], np.zeros((49, 2)), np.where(points > 50, np.nan, points)):
        assert np.isnan(as_points(unusable, 49)).all()
