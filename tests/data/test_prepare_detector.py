"""Which detector found the faces: a folder has one, tells it, and refuses another."""

import json
from dataclasses import replace

import numpy as np
import pytest

from aulens.data.prepare import PrepareSettings, folder, prepare
from aulens.data.prepared import load_prepared
from aulens.errors import ConfigError, ModelError
from aulens.faces import Face
from drawn_frames import AUS, drawn_index
from people import dlib_detector
from synthetic_faces import face68

SETTINGS = PrepareSettings(size=64)


class Fixed:
    """A detector that finds one face in the middle of every picture, and is called as it is told."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, image: np.ndarray) -> tuple[Face, ...]:
        height, width = image.shape[:2]
        points = face68() * height / 4 + (width / 2, height / 2)
        return (Face(np.array([*points.min(0), *points.max(0)]), points),)

    def __repr__(self) -> str:
        return self.name


@pytest.fixture
def index(tmp_path):
    """Three frames with landmarks, of which the last has none."""
    drawn = drawn_index(tmp_path / "drawn", (("F001", "T1", 3),))
    landmarks = drawn.landmarks.copy()
    landmarks[2] = np.nan
    return replace(drawn, landmarks=landmarks)


def told(path, **changes):
    """Change a JSON file; None takes an entry out."""
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


def run(index, out, name="one", **options):
    return prepare(index, out, SETTINGS, detector=lambda: Fixed(name), processes=1, **options)


def test_the_folder_tells_its_detector_and_takes_no_other(index, tmp_path):
    def stop(done, total):
        raise InterruptedError

    out = tmp_path / "out"
    with pytest.raises(InterruptedError):
        run(index, out, progress=stop)
    with pytest.raises(ConfigError, match=r"begun with the detector one, now it is two.*--detector\)"):
        run(index, out, "two")
    result = run(index, out)
    assert (result.found, result.detector) == ({"given": 2, "detected": 1}, "one")
    assert json.loads((out / "prepared.json").read_text())["detector"] == "one"
    with pytest.raises(ConfigError, match="begun with the detector one, now it is two"):
        run(index, out, "two")


def test_where_no_face_was_looked_for_the_detector_is_all_one(index, tmp_path):
    out = tmp_path / "out"
    some = index.take([0, 1])
    assert run(some, out).found == {"given": 2}
    assert run(some, out, "two").done == 0

    def broken():
        raise ModelError("not to be had")

    only = replace(SETTINGS, landmarks="given")
    result = prepare(index, tmp_path / "given", only, detector=broken, processes=1)
    assert (result.missing, result.detector) == ({"no_landmarks": 1}, None)
    with pytest.raises(ModelError, match="not to be had"):  # before any frame is read
        prepare(index, tmp_path / "auto", SETTINGS, detector=broken, processes=1)
    assert not (tmp_path / "auto").exists()


def test_folders_of_0_1_are_read_and_gone_on_with_by_dlib(index, tmp_path):
    """They do not tell their detector; there was one only."""
    assert repr(dlib_detector()) == folder._BEFORE
    out = tmp_path / "out"
    run(index, out, folder._BEFORE)
    told(out / "prepared.json", detector=None)
    assert len(load_prepared(out, AUS)) == 3
    with pytest.raises(ConfigError, match=r"begun with the detector DlibDetector.*\(--detector dlib\)"):
        run(index, out)
    result = run(index, out, folder._BEFORE)
    assert (result.done, result.detector) == (0, None)
