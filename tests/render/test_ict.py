"""ICT-FaceKit is never in the repository: a mesh of the same size stands in for it."""

import numpy as np
import pytest

from aulens.errors import ConfigError, DatasetError
from aulens.render.expression import UNITS_NEEDED
from aulens.render.generate import load_rig
from aulens.render.ict import load_ict, pack
from aulens.render.rig import Material

VERTICES = 26719


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A cloud of the right size; the last triangles are skin, an eye, and a part that is left out."""
    rng = np.random.default_rng(0)
    file = tmp_path_factory.mktemp("ict") / "kit.npz"
    np.savez(
        file,
        base=rng.normal(0, 8, (VERTICES, 3)).astype(np.float32),
        faces=np.array([[0, 1, 2], [21451, 21452, 21453], [24591, 24592, 24593]]),
        ex=np.array(sorted(UNITS_NEEDED)),
        E=np.ones((len(UNITS_NEEDED), VERTICES, 3), np.float16),
        I=rng.normal(0, 1, (3, VERTICES, 3)).astype(np.float16),
    )
    return file


def write_obj(path, vertices, faces=()):
    lines = [f"v {x} {y} {z}" for x, y, z in vertices]
    path.write_text("\n".join([*lines, *("f " + " ".join(f"{i}/1/1" for i in face) for face in faces)]))


def test_parts_become_materials(packed):
    rig = load_ict(packed)
    assert rig.material.tolist() == [Material.SKIN, Material.EYE]
    assert rig.triangles.tolist() == [[0, 1, 2], [21451, 21452, 21453]]
    assert [len(eye) for eye in rig.eyes] == [1570, 1570]
    assert rig.canonical.shape == rig.neutral.shape == (VERTICES, 3)


def test_identities_are_drawn_from_the_generator(packed):
    rig = load_ict(packed)
    one = rig.identity(np.random.default_rng(1))
    assert one.shape == (VERTICES, 3)
    assert np.array_equal(one, rig.identity(np.random.default_rng(1)))
    assert not np.array_equal(one, rig.identity(np.random.default_rng(2)))


def test_packing_a_pack_changes_nothing(packed, tmp_path):
    again = pack(packed, tmp_path / "again.npz")
    with np.load(packed) as before, np.load(again) as after:
        for name in ("base", "faces", "ex", "E", "I"):
            assert np.array_equal(before[name], after[name])


def test_a_checkout_is_read(tmp_path):
    """Quads are cut in two, and shapes become displacements; four vertices are told apart from a face."""
    folder = tmp_path / "kit" / "FaceXModel"
    folder.mkdir(parents=True)
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    write_obj(folder / "generic_neutral_mesh.obj", square, [(1, 2, 3, 4)])
    with pytest.raises(DatasetError, match=r"no identity\*\.obj"):
        load_ict(tmp_path)
    write_obj(folder / "identity000.obj", square + 1)
    write_obj(folder / "jawOpen.obj", square - [0, 2, 0])
    with pytest.raises(DatasetError, match="has 4 vertices, ICT-FaceKit has 26719"):
        load_ict(tmp_path)


def test_expressions_that_are_missing_are_named(packed, tmp_path):
    with np.load(packed) as kit:
        arrays = {name: kit[name] for name in kit}
    keep = arrays["ex"] != "jawOpen"
    np.savez(tmp_path / "less.npz", **arrays | {"ex": arrays["ex"][keep], "E": arrays["E"][keep]})
    with pytest.raises(DatasetError, match="lacks the expressions jawOpen"):
        load_ict(tmp_path / "less.npz")


@pytest.mark.parametrize("name", ["faces", "E", "I"])
def test_numbers_that_do_not_go_together_are_refused(packed, tmp_path, name):
    with np.load(packed) as kit:
        arrays = {key: kit[key] for key in kit}
    arrays[name] = arrays[name] + VERTICES if name == "faces" else arrays[name][:, :7]
    np.savez(tmp_path / "other.npz", **arrays)
    with pytest.raises(DatasetError, match="of other vertices than its own"):
        load_ict(tmp_path / "other.npz")


def test_what_is_no_ict_facekit_is_refused(packed, tmp_path):
    with pytest.raises(DatasetError, match="does not exist"):
        load_ict(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="no ICT-FaceKit"):
        load_ict(tmp_path)
    np.savez(tmp_path / "other.npz", base=np.zeros((3, 3)))
    (tmp_path / "empty.npz").touch()
    (tmp_path / "half.npz").write_bytes(packed.read_bytes()[:5000])
    np.save(tmp_path / "array.npy", np.zeros(3))
    for name in ("other.npz", "empty.npz", "half.npz", "array.npy"):
        with pytest.raises(DatasetError, match="not a packed ICT-FaceKit"):
            load_ict(tmp_path / name)
    with pytest.raises(ConfigError, match="--assets"):
        load_rig("ict", None)
