"""Our own networks from the options of a command."""

from pathlib import Path

import pytest
from stub_nets import write_box_stub, write_landmark_stub

from aulens.errors import ConfigError, ModelError
from aulens.faces.jaa_landmarks import JAALandmarks
from aulens.faces.net_detector import NetDetector
from aulens.faces.registry import DetectorEntry, DetectorSpec
from entries import replace_detector
from people import astronaut
from stub_jaa import write_jaa_stub


def test_networks_of_ones_own(tmp_path: Path) -> None:
    faces, landmarks = write_box_stub(tmp_path), write_landmark_stub(tmp_path)
    detector = DetectorSpec(model=faces, landmarks=landmarks)()
    assert isinstance(detector, NetDetector)
    assert repr(detector) == repr(NetDetector(faces=faces, landmarks=landmarks))


def test_landmarks_of_a_jaa_net_in_the_boxes_of_our_detector(tmp_path: Path) -> None:
    detector = DetectorSpec(landmarks=write_jaa_stub(tmp_path, landmarks="typical"))(lambda face, why: None)
    assert isinstance(detector, JAALandmarks)
    (face,), (ours,) = detector(astronaut()), NetDetector()(astronaut())
    assert face.landmarks.shape == (49, 2)
    assert face.quality == pytest.approx(ours.quality)
    assert face.box == pytest.approx(ours.box)


def test_options_that_do_not_go_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="detector aulens has no use for --upscale"):
        DetectorSpec(upscale=2.0)()
    marks = write_landmark_stub(tmp_path)
    with pytest.raises(ConfigError, match="do not go with the detector dlib"):
        DetectorSpec("dlib", landmarks=marks)()


NOTHING = DetectorEntry(make=lambda spec: None)  # type: ignore[arg-type, return-value]


def test_a_package_that_makes_no_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    """None must not stand for aulens' own detector under a foreign name."""
    replace_detector(monkeypatch, "aulens", f"{__name__}:NOTHING")
    with pytest.raises(ModelError, match="aulens gave None instead"):
        DetectorSpec("aulens")()
