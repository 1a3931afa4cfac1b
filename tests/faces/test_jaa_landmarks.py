"""Landmarks from a model that finds them: a stub that sees three coloured spots, see `stub_jaa`."""

import re
from pathlib import Path

import numpy as np
import pytest

from aulens.align import JAANET, five_points, rotation_scale, transform
from aulens.analysis.analyzer import Analyzer
from aulens.errors import ConfigError, InputError, ModelError
from aulens.faces.default import default_detector
from aulens.faces.detector import Face
from aulens.faces.jaa_landmarks import DLIB_BOX, JAALandmarks
from aulens.landmarks import IBUG49, IBUG66, IBUG68, convert
from people import astronaut, dlib_detector, noise
from stub_jaa import spots, write_jaa_stub
from stub_model import write_stub
from synthetic_faces import face68

SIZE = (400, 500)


class Given:
    """A detector that always sees the same faces."""

    def __init__(self, *faces: Face) -> None:
        self.faces = faces

    def __call__(self, image: np.ndarray) -> tuple[Face, ...]:
        return self.faces


def face_at(
    degrees: float = 0.0, scale: float = 60.0, centre: tuple[float, float] = (240, 200)
) -> np.ndarray:
    """68 points somewhere in the picture."""
    return transform(rotation_scale(degrees, scale, (0, 0), centre), face68())


def picture_of(*faces: np.ndarray) -> np.ndarray:
    """Spots where the stub looks for the faces' anchors: both eyes, and the middle of the mouth corners."""
    picture = np.zeros((*SIZE, 3), np.uint8)
    for points in faces:
        five = five_points(points)
        picture |= spots(np.array([five[0], five[1], five[3:].mean(0)]), SIZE, 4.0)
    return picture


def box_of(points: np.ndarray) -> np.ndarray:
    """The box in which the five points lie as in dlib's, as nearly as they can."""
    shares = np.array(DLIB_BOX)
    five = five_points(points)
    side = np.ptp(five, axis=0).max() / np.ptp(shares, axis=0).max()
    corner = five.mean(0) - side * shares.mean(0)
    return np.array([*corner, *(corner + side)])


def boxed(points: np.ndarray, shift: tuple[float, float] = (0, 0), grow: float = 1.0) -> Face:
    x0, y0, x1, y1 = box_of(points)
    middle = np.array([x0 + x1, y0 + y1]) / 2 + np.array(shift) * (x1 - x0)
    half = grow * (x1 - x0) / 2
    return Face(np.array([*(middle - half), *(middle + half)]), np.empty((0, 2)), 0.7)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_jaa_stub(tmp_path_factory.mktemp("jaa"))


def error(found: Face, truth: np.ndarray) -> float:
    """Largest distance, pixels of the picture."""
    return float(np.linalg.norm(found.landmarks - convert(truth, IBUG68, IBUG49), axis=1).max())


@pytest.mark.parametrize(("degrees", "scale"), [(0, 60), (25, 60), (-20, 45), (0, 90)])
def test_landmarks_from_a_box(model: Path, degrees: float, scale: float) -> None:
    truth = face_at(degrees, scale)
    given = boxed(truth)
    (found,) = JAALandmarks(model, Given(given), threads=1)(picture_of(truth))
    assert found.landmarks.shape == (49, 2)
    assert error(found, truth) < 0.5
    np.testing.assert_array_equal(found.box, given.box)
    assert found.confidence == 0.7


def test_the_second_look_mends_a_box_that_is_off(model: Path) -> None:
    """The first crop cuts the mouth's spot, so the stub sees it too high; the second has all of it."""
    truth = face_at()
    detector = Given(boxed(truth, shift=(0, -0.4)))
    image = picture_of(truth)
    (once,) = JAALandmarks(model, detector, rounds=1)(image)
    (twice,) = JAALandmarks(model, detector)(image)
    assert error(once, truth) > 3
    assert error(twice, truth) < 0.5


@pytest.mark.parametrize("kind", ["five", "ibug68", "ibug66", "ibug49"])
def test_landmarks_or_five_points_are_better_than_the_box(model: Path, kind: str) -> None:
    """The box is nonsense: it lies beside the face."""
    truth = face_at(30)
    layouts = {layout.name: layout for layout in (IBUG68, IBUG66, IBUG49)}
    start = five_points(truth) if kind == "five" else convert(truth, IBUG68, layouts[kind])
    (found,) = JAALandmarks(model, Given(Face(np.array([0, 0, 9.0, 9]), start)))(picture_of(truth))
    assert error(found, truth) < 0.5


def test_many_faces_keep_their_order(model: Path) -> None:
    """More than fit into one run of the model."""
    truths = [face_at(0, 14, (40 + 60 * (i % 8), 40 + 120 * (i // 8))) for i in range(20)]
    found = JAALandmarks(model, Given(*map(boxed, truths)))(picture_of(*truths))
    assert len(found) == 20
    assert max(error(face, truth) for face, truth in zip(found, truths, strict=True)) < 1.5


def test_boxes_may_be_of_another_kind(model: Path) -> None:
    """A detector whose boxes span from eye to eye and from eyes to mouth."""
    truth = face_at()
    five = five_points(truth)
    tight = Face(np.array([*five.min(0), *five.max(0)]), np.empty((0, 2)))
    shares = (five - five.min(0)) / np.ptp(five, axis=0)
    (found,) = JAALandmarks(model, Given(tight), box_points=shares, rounds=1)(picture_of(truth))
    assert error(found, truth) < 0.5


def test_the_typical_points_give_the_typical_crop() -> None:
    """Renders, 1,090 faces: the crop is 1.29 boxes wide about (0.504, 0.543), in the median."""
    matrix = JAANET.matrix(np.array(DLIB_BOX) * 100, 112)
    width = 112 / matrix[0, 0] / 100
    middle = (55.5 - matrix[:, 2]) / matrix[0, 0] / 100
    assert width == pytest.approx(1.29, abs=0.02)
    np.testing.assert_allclose(middle, (0.504, 0.543), atol=0.01)


def test_our_own_detector_finds_the_faces_if_none_is_given(model: Path) -> None:
    """The stub sees colours, not faces; but her box is found."""
    found: list[Face] = []
    found += JAALandmarks(model, on_left_out=lambda face, why: found.append(face))(astronaut())
    (true,) = default_detector()(astronaut())
    np.testing.assert_array_equal(found[0].box, true.box)


def test_no_face(model: Path) -> None:
    assert JAALandmarks(model, Given())(noise(30, 30)) == ()
    with pytest.raises(InputError, match="RGB array"):
        JAALandmarks(model, Given())(np.zeros((4, 4)))


# --- what can go wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("not finite", "landmarks are not finite"),
        ("one place", r"in one place \(0\.0 of 112"),
        ("eyes in one", "landmarks can't be aligned: the eyes are in one place"),
    ],
)
@pytest.mark.parametrize("rounds", [1, 2])
def test_a_face_that_the_model_can_not_place_is_left_out_with_the_reason(
    tmp_path: Path, kind: str, why: str, rounds: int
) -> None:
    truth = face_at()
    reasons: list[tuple[Face, str]] = []
    given = boxed(truth)
    finder = JAALandmarks(
        write_jaa_stub(tmp_path, landmarks=kind),  # type: ignore[arg-type]
        Given(given),
        rounds=rounds,
        on_left_out=lambda face, reason: reasons.append((face, reason)),
    )
    assert finder(picture_of(truth)) == ()
    ((face, reason),) = reasons
    assert face is given
    assert re.search(why, reason)
    assert JAALandmarks(write_jaa_stub(tmp_path, landmarks=kind), Given(given))(picture_of(truth)) == ()  # type: ignore[arg-type]


def test_the_others_are_kept(model: Path) -> None:
    """Nothing but black in one box: the stub puts all its points into one corner."""
    truth = face_at(0, 30, (100, 100))
    nothing = face_at(0, 30, (400, 300))
    reasons: list[str] = []
    finder = JAALandmarks(
        model,
        Given(boxed(nothing), boxed(truth), Face(np.array([0, 0, 9.0, 9]), np.full((68, 2), 3.0))),
        on_left_out=lambda face, reason: reasons.append(reason),
    )
    (found,) = finder(picture_of(truth))
    assert error(found, truth) < 0.5
    assert len(reasons) == 2
    assert any("of 112 pixels" in reason for reason in reasons)
    assert any("the eyes are in one place" in reason for reason in reasons)


def test_a_model_without_landmarks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"stub\.onnx: this model finds no landmarks"):
        JAALandmarks(write_stub(tmp_path), Given())
    with pytest.raises(ModelError, match="finds no landmarks"):
        JAALandmarks(write_jaa_stub(tmp_path, landmarks="none"), Given())


def test_landmarks_of_another_number_than_the_card_says(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="its landmarks are 48 x 2, its card says 49 x 2"):
        JAALandmarks(write_jaa_stub(tmp_path, points=48), Given())


def test_settings_that_can_not_be(model: Path) -> None:
    with pytest.raises(ConfigError, match="rounds must be at least 1"):
        JAALandmarks(model, Given(), rounds=0)
    for wrong in (np.zeros((4, 2)), np.full((5, 2), np.nan)):
        with pytest.raises(ConfigError, match="five finite points"):
            JAALandmarks(model, Given(), box_points=wrong)


def test_eyes_in_one_place_do_not_cost_the_picture(tmp_path: Path) -> None:
    """An analyzer that aligns by the eyes would refuse such a face, and all the others with it."""
    finder = JAALandmarks(write_jaa_stub(tmp_path, landmarks="eyes in one"), Given(boxed(face_at())))
    assert Analyzer(write_jaa_stub(tmp_path, "other"), finder)(picture_of(face_at())) == ()


# --- in place of another detector -------------------------------------------------------------------


def test_an_analyzer_takes_it_as_its_detector(model: Path, tmp_path: Path) -> None:
    """49 points are enough to align a face and to lay a model's regions."""
    truth = face_at(10)
    detector = JAALandmarks(model, Given(boxed(truth)))
    analyzer = Analyzer(write_stub(tmp_path), detector)
    (result,) = analyzer(picture_of(truth))
    assert result.landmarks.shape == (49, 2)
    (true,) = analyzer.analyze(picture_of(truth), [Face(box_of(truth), truth)])
    np.testing.assert_allclose(result.matrix, true.matrix, atol=0.2)
    assert result.probability == pytest.approx(true.probability, abs=0.03)
    assert detector.layout is IBUG49


def test_the_shipped_model_works_with_49_points() -> None:
    (face,) = dlib_detector()(astronaut())
    analyzer = Analyzer(detector=Given(Face(face.box, convert(face.landmarks, IBUG68, IBUG49))))
    (few,) = analyzer(astronaut())
    (many,) = analyzer.analyze(astronaut(), [face])
    assert few.probability == many.probability
    assert few.left == many.left
