"""The adapter against a stand-in for MediaPipe, which is an extra and brings no model file."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from aulens.errors import ModelError
from aulens.faces.mediapipe_detector import MESH_OF_68, MediaPipeDetector
from aulens.landmarks import IBUG68

# Pairs of mesh vertices that mirror each other, from MediaPipe's published lists of the eyes, lips and oval.
MIRROR = {33: 263, 133: 362, 61: 291, 78: 308, 152: 152, 4: 4, 13: 13, 14: 14, 70: 300, 107: 336, 234: 454}


class FakeLandmarker:
    """Two faces; vertex i of the second lies at ((i + 0.5) / 1000, 0.25)."""

    @staticmethod
    def create_from_options(options: Any) -> "FakeLandmarker":
        if Path(options.base_options.path).read_bytes() != b"task":
            raise RuntimeError("Unable to open zip archive.")
        return FakeLandmarker()

    def detect(self, picture: Any) -> SimpleNamespace:
        wide = [SimpleNamespace(x=(i + 0.5) / 1000, y=0.25 + (i % 2) / 4) for i in range(478)]
        small = [SimpleNamespace(x=p.x / 10, y=p.y / 10) for p in wide]
        return SimpleNamespace(face_landmarks=[small, wide])


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tasks = SimpleNamespace(
        BaseOptions=lambda model_asset_path: SimpleNamespace(path=model_asset_path),
        vision=SimpleNamespace(
            FaceLandmarker=FakeLandmarker,
            FaceLandmarkerOptions=lambda base_options, num_faces, min_face_detection_confidence: (
                SimpleNamespace(base_options=base_options)
            ),
        ),
    )
    package = SimpleNamespace(
        tasks=tasks, Image=lambda image_format, data: data, ImageFormat=SimpleNamespace(SRGB=1)
    )
    monkeypatch.setitem(sys.modules, "mediapipe", package)
    release(monkeypatch, tmp_path, "0.10.21")


def release(monkeypatch: pytest.MonkeyPatch, site: Path, version: str) -> None:
    """Let the package be installed in this release, as far as its metadata say."""
    about = site / version / f"mediapipe-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mediapipe\nVersion: {version}\n")
    monkeypatch.syspath_prepend(about.parent)


def test_mesh_points_become_68_pixels_largest_first(fake: None, tmp_path: Path) -> None:
    task = tmp_path / "face_landmarker.task"
    task.write_bytes(b"task")
    faces = MediaPipeDetector(task)(np.zeros((400, 1000, 3), np.uint8))
    assert len(faces) == 2
    assert faces[0].area > faces[1].area
    # A share of (i + 0.5) / 1000 of 1000 pixels is the centre of pixel i.
    np.testing.assert_allclose(faces[0].landmarks[:, 0], MESH_OF_68, atol=1e-9)
    np.testing.assert_allclose(faces[0].box, [0, 99.5, 477, 199.5])


def test_the_mapping_has_the_symmetry_of_the_layout() -> None:
    assert len(set(MESH_OF_68)) == 68
    both_ways = MIRROR | {left: right for right, left in MIRROR.items()}
    known = {index: vertex for index, vertex in enumerate(MESH_OF_68) if vertex in both_ways}
    assert len(known) >= 16
    for index, vertex in known.items():
        assert MESH_OF_68[IBUG68.mirror[index]] == both_ways[vertex]


def test_errors_say_what_to_do(fake: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.task: there is no such file"):
        MediaPipeDetector(tmp_path / "gone.task")
    wrong = tmp_path / "wrong.task"
    wrong.write_bytes(b"hello")
    with pytest.raises(ModelError, match=r"wrong\.task: not a Face Landmarker.*zip"):
        MediaPipeDetector(wrong)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ModelError, match=r"pip install 'aulens\[mediapipe\]'"):
        MediaPipeDetector(wrong)


@pytest.mark.parametrize("installed", ["0.10.35", "1.2.2"])
def test_a_release_that_reports_usage_is_refused(
    fake: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: str
) -> None:
    release(monkeypatch, tmp_path, installed)
    with pytest.raises(ModelError, match="reports usage"):
        MediaPipeDetector("any.task")
