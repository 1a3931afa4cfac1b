"""From pictures to results, with a stub whose maps are the colours of the face."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aulens.analysis.analyzer import Analyzer
from aulens.errors import InputError, ModelError
from aulens.faces.detector import Face
from aulens.pose import head_pose
from aulens.runtime.model import sigmoid, to_input
from aulens.tables.schema import columns
from people import ASTRONAUT, astronaut, crowd, detector, noise
from stub_model import write_stub
from synthetic_faces import face68

SIZE = 256


def no_faces(image: np.ndarray) -> tuple[Face, ...]:
    return ()


def drawn_face(scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)) -> Face:
    """68 points in a picture of 256 pixels: the astronaut's known corners, the rest near them."""
    points = np.zeros((68, 2))
    for first, last, near in ((0, 17, 48), (17, 22, 36), (22, 27, 45), (27, 36, 39)):
        points[first:last] = ASTRONAUT[near]
    for first, last, a, b in ((36, 42, 36, 39), (42, 48, 42, 45), (48, 68, 48, 54)):
        steps = np.linspace(0, 1, last - first)[:, None]
        points[first:last] = np.array(ASTRONAUT[a]) * (1 - steps) + np.array(ASTRONAUT[b]) * steps
    points[54], points[39], points[42] = ASTRONAUT[54], ASTRONAUT[39], ASTRONAUT[42]
    points = (points - 100) * scale + shift
    return Face(np.array([*points.min(axis=0), *points.max(axis=0)]), points)


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stub(tmp_path_factory.mktemp("stub"))


@pytest.fixture(scope="module")
def analyzer(card: Path) -> Analyzer:
    return Analyzer(card, detector=no_faces, threads=1)


def expected(score: float) -> float:
    """The stub's card says slope 4, offset 0.25."""
    return 1 / (1 + np.exp(-(4 * score + 0.25)))


def test_a_colour_becomes_a_probability(analyzer: Analyzer) -> None:
    image = np.empty((SIZE, SIZE, 3), np.uint8)
    image[:] = (204, 51, 102)
    (result,) = analyzer.analyze(image, [drawn_face()])
    assert result.probability["AU1"] == pytest.approx(expected(-1), abs=1e-5)
    assert result.probability["AU12"] == pytest.approx(expected((204 - 51) / 255), abs=1e-5)
    assert result.probability["AU6"] == pytest.approx(expected((204 + 51 + 102) / 765 - 0.5), abs=1e-5)
    assert result.occurrence == {"AU1": False, "AU6": True, "AU12": True, "AU25": True}
    assert result.present == ("AU6", "AU12", "AU25")


def test_a_score_becomes_an_intensity_by_its_aus_curve(tmp_path: Path) -> None:
    curves = {"AU12": [[-1, 0, 0.6], [0, 1, 4]], "AU1": [[-0.9, 0], [0.5, 1]]}
    stub = write_stub(tmp_path, card={"intensity": {"fitted_on": "nothing", "curves": curves}})
    face, image = drawn_face(), np.zeros((SIZE, SIZE, 3), np.uint8)
    middle = round(face.landmarks[[48, 54], 0].mean())
    image[:, :middle], image[:, middle:] = (153, 51, 0), (51, 102, 0)
    (result,) = Analyzer(stub, detector=no_faces, threads=1).analyze(image, [face])
    assert result.right_intensity["AU12"] == pytest.approx(1 + 3 * 0.4 / 0.6, abs=1e-3)  # red - green
    assert result.left_intensity["AU12"] == pytest.approx(0.8, abs=1e-3)  # -0.2
    assert result.intensity["AU12"] == result.right_intensity["AU12"]
    assert result.intensity["AU1"] == 0.5  # below the first knot
    assert set(result.intensity) == {"AU1", "AU12"}
    pooled = {"decoder": "pooled", "intensity": {"fitted_on": "nothing", "curves": curves}}
    stub = write_stub(tmp_path, card=pooled)
    (result,) = Analyzer(stub, detector=no_faces, threads=1).analyze(image, [face])
    assert result.intensity["AU12"] > 0
    assert np.isnan([result.left_intensity["AU12"], result.right_intensity["AU12"]]).all()


def test_without_curves_no_intensity_is_told(analyzer: Analyzer) -> None:
    (result,) = analyzer.analyze(np.zeros((SIZE, SIZE, 3), np.uint8), [drawn_face()])
    assert (result.intensity, result.left_intensity, result.right_intensity) == ({}, {}, {})


def test_left_is_the_subjects_left(analyzer: Analyzer) -> None:
    """Red only where her left mouth corner is, which is in the right half of the picture."""
    face = drawn_face()
    middle = round(face.landmarks[[48, 54], 0].mean())
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    image[:, :middle, 1] = 255
    image[:, middle:, 0] = 255
    (result,) = analyzer.analyze(image, [face])
    assert result.left["AU12"] == pytest.approx(expected(1), abs=1e-3)
    assert result.right["AU12"] == pytest.approx(expected(-1), abs=1e-3)
    assert result.probability["AU12"] == result.left["AU12"]
    assert result.sides("AU12") == (False, True)


def test_the_lips_are_one_whatever_their_sides_look_like(analyzer: Analyzer) -> None:
    """AU25 is read off the upper and the lower lip: the larger of both is that of both sides."""
    points = face68() * 60 + SIZE / 2
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    lips = round(points[[51, 57], 1].mean())
    image[:lips, :, 1] = 255  # green above, blue below
    image[lips:, :, 2] = 255
    (result,) = analyzer.analyze(image, [Face(np.array([*points.min(0), *points.max(0)]), points)])
    assert result.left["AU25"] == result.right["AU25"] == result.probability["AU25"] > 0.6
    (turned,) = analyzer.analyze(image[..., [0, 2, 1]], [Face(result.box, points)])
    assert turned.left["AU25"] == turned.right["AU25"] > 0.6


def test_what_the_detector_says_of_a_face_goes_along_with_its_pose(analyzer: Analyzer) -> None:
    image, seen = noise(SIZE, SIZE), np.linspace(0.1, 1, 68)
    judged = dataclasses.replace(drawn_face(), quality=0.75, look="turned180", visibility=seen)
    told, plain = analyzer.analyze(image, [judged, drawn_face()])
    assert (told.quality, told.look) == (0.75, "turned180")
    assert np.isnan(plain.quality)
    assert plain.look == ""
    for result, visibility in ((told, seen), (plain, None)):
        pose = head_pose(result.landmarks, (SIZE, SIZE), visibility)
        assert pose is not None
        assert result.pose is not None
        assert result.pose.angles == pose.angles


def test_evidence_lies_where_it_was_seen(analyzer: Analyzer) -> None:
    """A red patch at her left mouth corner is the strongest evidence for AU12, in pixels of the picture."""
    face = drawn_face(scale=3, shift=(150, 180))
    image = np.full((600, 700, 3), 90, np.uint8)
    x, y = np.rint(face.landmarks[54]).astype(int)
    image[y - 20 : y + 21, x - 20 : x + 21] = (250, 0, 0)
    (result,) = analyzer.analyze(image, [face])
    heat = result.evidence["AU12"]
    assert heat.shape == (600, 700)
    assert heat.dtype == np.float32
    top = np.argwhere(heat > 0.8 * heat.max()).mean(axis=0)
    assert np.abs(top - (y, x)).max() < 2
    assert heat[0, 0] == 0
    assert list(result.evidence) == ["AU1", "AU6", "AU12", "AU25"]
    assert len(result.evidence) == 4
    with pytest.raises(KeyError, match="AU99"):
        result.evidence["AU99"]


def test_a_face_does_not_depend_on_those_beside_it(analyzer: Analyzer) -> None:
    faces = [drawn_face(scale, (60 * i, 0)) for i, scale in enumerate((1.0, 0.7, 1.2) * 7)]
    image = noise(300, 1500)
    together = analyzer.analyze(image, faces)
    assert [result.face_id for result in together] == list(range(21))
    for i in (0, 10, 20):
        (alone,) = analyzer.analyze(image, faces[i : i + 1])
        assert alone.probability == pytest.approx(together[i].probability, abs=1e-6)


def test_a_pooled_model_has_one_score_and_tells_no_sides(tmp_path: Path) -> None:
    analyzer = Analyzer(write_stub(tmp_path, card={"decoder": "pooled"}), detector=no_faces)
    image = noise(SIZE, SIZE)
    (result,) = analyzer.analyze(image, [drawn_face()])
    for number, label in enumerate(result.probability):
        score = result.evidence.maps[number].mean()
        assert result.probability[label] == pytest.approx(expected(score), abs=1e-5)
    assert np.isnan([*result.left.values(), *result.right.values()]).all()
    assert result.sides("AU12") is None
    assert not result.has_side_scores
    assert not result.evidence.attention


def test_thresholds_come_from_the_card(tmp_path: Path) -> None:
    path = write_stub(tmp_path, card={"threshold": {"AU1": 0.0, "AU6": 1.0, "AU12": 0.5, "AU25": 0.5}})
    (result,) = Analyzer(path, detector=no_faces).analyze(noise(SIZE, SIZE), [drawn_face()])
    assert result.occurrence["AU1"]
    assert not result.occurrence["AU6"]


def test_the_astronaut_from_a_file_and_from_an_array(card: Path, tmp_path: Path) -> None:
    analyzer = Analyzer(card, detector(), threads=1)
    path = tmp_path / "astronaut.png"
    Image.fromarray(astronaut()).save(path)
    (one,) = analyzer(path)
    (two,) = analyzer(astronaut())
    assert one.probability == two.probability
    assert 0.9 < one.confidence <= 1
    assert one.box[0] < 200 < one.box[2]


def test_twenty_faces(card: Path) -> None:
    results = Analyzer(card, detector())(crowd(4, 5))
    assert [result.face_id for result in results] == list(range(20))
    values = np.array([list(result.probability.values()) for result in results])
    assert np.ptp(values, axis=0).max() < 0.1


def test_a_face_over_the_border(analyzer: Analyzer) -> None:
    """What lies outside the picture is grey to the model: scores stay finite."""
    (result,) = analyzer.analyze(noise(100, 100), [drawn_face(1.0, (-70, -20))])
    assert np.isfinite(list(result.probability.values())).all()
    assert result.evidence["AU12"].shape == (100, 100)


def test_no_face_and_one_pixel(card: Path) -> None:
    analyzer = Analyzer(card, detector())
    assert analyzer(noise(120, 90)) == ()
    assert analyzer(np.zeros((1, 1, 3), np.uint8)) == ()


@pytest.mark.parametrize("image", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3))], ids=["grey", "float"])
def test_an_array_that_is_no_picture(analyzer: Analyzer, image: np.ndarray) -> None:
    with pytest.raises(InputError, match="RGB array"):
        analyzer(image)


def test_landmarks_all_in_one_place_are_refused(analyzer: Analyzer) -> None:
    with pytest.raises(InputError, match="one place"):
        analyzer.analyze(noise(50, 50), [Face(np.array([0, 0, 5, 5]), np.full((68, 2), 3.0))])


def test_a_model_with_other_aus_than_its_card(tmp_path: Path) -> None:
    path = write_stub(tmp_path)
    entries = json.loads(path.read_text())
    entries["aus"] = [1, 6, 12]
    path.write_text(json.dumps(entries))
    with pytest.raises(ModelError, match=r"maps have 4 channels.*names 3 AUs \(AU1, AU6, AU12\)"):
        Analyzer(path, no_faces)


def test_a_model_with_maps_of_another_size(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="its maps are 32 x 32, its card says 64 x 64"):
        Analyzer(write_stub(tmp_path, card={"map": 64}), no_faces)


def test_a_model_that_takes_other_crops_than_its_card_says(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"takes pictures of 3 x \d+ x \d+, but its card stub\.json.*3 x 7 x 7"
    ):
        Analyzer(write_stub(tmp_path, card={"crop": 7}), no_faces)


def test_a_model_file_that_was_changed(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"not the file that its card stub\.json was written for"):
        Analyzer(write_stub(tmp_path, card={"onnx_sha256": "0" * 64}), no_faces)


def test_a_model_file_that_is_gone_or_cut(tmp_path: Path) -> None:
    path = write_stub(tmp_path)
    onnx = path.with_suffix(".onnx")
    whole = onnx.read_bytes()
    onnx.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="cut short"):
        Analyzer(path, no_faces)
    onnx.unlink()
    with pytest.raises(ModelError, match="there is no such model file"):
        Analyzer(path, no_faces)


def test_a_table_has_a_row_per_face_and_one_for_a_picture_without(card: Path, tmp_path: Path) -> None:
    for name, image in (("crowd.png", crowd(1, 2)), ("none.png", noise(90, 90))):
        Image.fromarray(image).save(tmp_path / name)
    (tmp_path / "bad.png").write_text("bad")
    analyzer = Analyzer(card, detector())
    names = ("crowd.png", "none.png", "bad.png")
    failed: list[str] = []
    table = analyzer.table(
        [tmp_path / n for n in names], on_error=lambda path, error: failed.append(path.name)
    )
    assert failed == ["bad.png"]
    assert list(table.columns) == list(columns(analyzer.card.aus))
    assert table["success"].tolist() == [1, 1, 0]
    assert table["face_id"].isna().tolist() == [False, False, True]
    assert str(table["AU12_c"].dtype) == "Int64"
    assert table["AU12_p"].notna().tolist() == [True, True, False]
    with pytest.raises(InputError, match=r"bad\.png"):
        analyzer.table([tmp_path / "bad.png"])


def test_probabilities_never_overflow() -> None:
    with np.errstate(all="raise"):
        assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]


def test_the_input_is_channels_first_in_zero_to_one() -> None:
    crops = noise(8, 8)[None]
    tensor = to_input(crops)
    assert tensor.shape == (1, 3, 8, 8)
    assert tensor.dtype == np.float32
    assert tensor.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(tensor[0, 2], crops[0, ..., 2].astype(np.float32) / np.float32(255))


def test_results_cannot_be_changed(analyzer: Analyzer) -> None:
    (result,) = analyzer.analyze(noise(SIZE, SIZE), [drawn_face()])
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.face_id = 3  # type: ignore[misc]


# dlib's file of 100 MB is left alone: a box, and 68 points of no face in particular.
STUB = "lambda image: (aulens.Face(np.array([9, 9, 99, 99]), np.mgrid[1:5, :17].T.reshape(-1, 2) * 9.0),)"


@pytest.mark.parametrize(
    ("detector", "barred"),
    [
        (f"aulens.DlibDetector and ({STUB})", ("dlib",)),
        pytest.param("aulens.DlibDetector()", (), marks=pytest.mark.slow),
    ],
    ids=["stub", "dlib"],
)
def test_the_core_runs_without_any_extra(
    card: Path, tmp_path: Path, detector: str, barred: tuple[str, ...]
) -> None:
    """Nor does a picture load what only videos and pandas need: that takes longer than the picture."""
    path = tmp_path / "a.png"
    Image.fromarray(astronaut()).save(path)
    barred += ("torch", "timm", "lightning", "onnx", "scipy", "matplotlib", "pyarrow", "gradio", "ray")
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({barred}));"
        "import aulens.cli, aulens, numpy as np;"
        "import aulens.analysis.analyzer, aulens.faces.tracker, aulens.faces.identity;"
        f"assert len(aulens.Analyzer(sys.argv[1], {detector})(sys.argv[2])) == 1;"
        "assert {'pandas', 'av'}.isdisjoint(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(card), str(path)], check=True)
