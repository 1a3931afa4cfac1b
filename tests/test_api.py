"""What `import aulens` offers: pinned, loaded when it is used, with types that mypy sees."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import aulens
from aulens.aus import AUSet
from aulens.pose import HeadPose
from aulens.runtime.result import Evidence, FaceResult

ROOT = Path(__file__).parents[1]


def test_public_names_are_pinned_and_all_load() -> None:
    assert sorted(aulens.__all__) == [
        "AU", "AUS", "AUSet", "AU_SETS", "Analyzer", "DlibBoxes", "DlibDetector", "Evidence", "Explanation",
        "Face", "FaceDetector", "FaceResult", "FaceTracker", "Faces", "FrameResult", "JAALandmarks",
        "MISSING", "MediaPipeDetector", "ModelCard", "NetDetector", "OutputSettings", "Receipt",
        "VideoWriter", "analyze_video", "au_set", "cooccurrence", "draw_overlay", "errors", "events",
        "explain", "open_dataset", "open_sequence", "open_video", "open_webcam", "read_image", "read_table",
        "smooth",
    ]  # fmt: skip
    assert all(getattr(aulens, name) is not None for name in aulens.__all__)
    assert issubclass(aulens.errors.InputError, aulens.errors.AulensError)
    with pytest.raises(AttributeError, match="nonsense"):
        aulens.nonsense  # noqa: B018


def test_the_page_about_them_names_each() -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    assert [name for name in aulens.__all__ if f"`{name}" not in page] == []


def test_a_face_as_json_says_all_but_the_maps() -> None:
    pair = AUSet("pair", (1, 12))
    face = FaceResult(
        face_id=0,
        box=np.array([1.0, 2, 3, 4]),
        landmarks=np.array([[1.5, 2.5]]),
        confidence=0.9,
        probability={"AU1": 0.25, "AU12": 0.75},
        occurrence={"AU1": False, "AU12": True},
        left={"AU1": np.nan, "AU12": np.nan},
        right={"AU1": np.nan, "AU12": np.nan},
        threshold={"AU1": 0.5, "AU12": 0.5},
        evidence=Evidence(pair, np.zeros((2, 4, 4), np.float32), np.eye(2, 3), 8, (6, 6)),
        matrix=np.eye(2, 3),
        pose=HeadPose(1, 2, 3, np.array([0, 0, 500])),
    )
    assert json.loads(json.dumps(face.to_dict(), allow_nan=False)) == {
        "face_id": 0,
        "box": [1, 2, 3, 4],
        "landmarks": [[1.5, 2.5]],
        "confidence": 0.9,
        "probability": {"AU1": 0.25, "AU12": 0.75},
        "occurrence": {"AU1": False, "AU12": True},
        "left": {"AU1": None, "AU12": None},
        "right": {"AU1": None, "AU12": None},
        "threshold": {"AU1": 0.5, "AU12": 0.5},
        "matrix": [[1, 0, 0], [0, 1, 0]],
        "quality": None,
        "hidden": [],
        "look": "",
        "pose": {"pitch": 1, "yaw": 2, "roll": 3, "translation": [0, 0, 500]},
        "intensity": {},
        "left_intensity": {},
        "right_intensity": {},
    }


SCRIPT = """
import aulens

faces: aulens.Faces = aulens.Analyzer()("photo.jpg")
maps: aulens.Evidence = faces[0].evidence
drawn = aulens.draw_overlay(aulens.read_image("photo.jpg"), faces)
found = aulens.events(aulens.smooth(aulens.read_table("talk.csv"), 0.2, thresholds=0.5))
print(found["au"], aulens.cooccurrence(found).phi, faces[0].to_dict(), aulens.__version__)
try:
    aulens.open_dataset("bp4d", "BP4D")
except aulens.errors.DatasetError:
    aulens.Analyser()
"""


@pytest.mark.slow
def test_types_are_seen_by_who_uses_it(tmp_path: Path) -> None:
    """Ten lines in which two things are wrong: a path that is a text, and a name that is not there.

    Libraries are left out, which would be thousands of files; `release/check.py` has them.
    """
    (tmp_path / "script.py").write_text(SCRIPT)
    here = str(Path(aulens.__file__).parents[1])
    done = subprocess.run(
        [
            sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--no-site-packages",
            "--cache-dir=.", "script.py",
        ],
        cwd=tmp_path, env={"MYPYPATH": here, "PATH": ""}, capture_output=True, text=True,
    )  # fmt: skip
    *errors, _ = done.stdout.splitlines()
    assert [line.split(": ")[0] for line in errors] == ["script.py:10", "script.py:12"], done.stdout
