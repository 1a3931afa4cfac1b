"""Which looks a picture gets, and that faces are told in its own pixels whichever look finds them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from stub_nets import assert_is, blank, draw, landmarks_in, turned, write_box_stub, write_landmark_stub

from aulens.align import five_points, transform
from aulens.errors import ConfigError, InputError
from aulens.faces import net_detector
from aulens.faces.box_net import BoxNet, Found
from aulens.faces.detector import FaceFollower
from aulens.faces.net_detector import NetDetector
from aulens.faces.search import Search, SearchSettings
from aulens.faces.views import View, view
from people import noise


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("nets")
    return write_box_stub(folder), write_landmark_stub(folder)


class Watched(BoxNet):
    """Notes what the network is shown: look and shape, in order."""

    def __init__(self, model: Path) -> None:
        super().__init__(model)
        self.shown: list[tuple[str, tuple[int, ...]]] = []

    def __call__(self, views: Sequence[View], least: float) -> list[Found]:
        self.shown.extend((one.look, one.pixels.shape[:2]) for one in views)
        return super().__call__(views, least)


@pytest.fixture(scope="module")
def faces(nets: tuple[Path, Path]) -> Watched:
    return Watched(nets[0])


@pytest.fixture(scope="module")
def detector(faces: Watched, nets: tuple[Path, Path]) -> NetDetector:
    return NetDetector(faces=faces, landmarks=nets[1])


@pytest.fixture
def looked(faces: Watched) -> list[tuple[str, tuple[int, ...]]]:
    """What the network has been shown in this test."""
    faces.shown.clear()
    return faces.shown


def test_it_is_a_detector_that_can_follow(detector: NetDetector) -> None:
    assert isinstance(detector, FaceFollower)


@pytest.mark.parametrize(("x", "y", "side"), [(200, 100, 80), (3, 7, 61), (301, 199, 250)])
def test_a_comfortable_face_needs_one_look(
    detector: NetDetector, looked: list[object], x: int, y: int, side: int
) -> None:
    image = blank(640, 480)
    box = draw(image, x, y, side)
    (face,) = detector(image)
    assert_is(face, box)
    assert face.look == ""
    assert face.confidence > 0.95
    assert face.quality == pytest.approx(1.0, abs=0.02)
    assert face.visibility is not None
    assert face.visibility[[36, 45, 30]].tolist() == [1, 1, 1]
    assert face.visibility[[8, 57]].tolist() == [0, 0]
    assert looked == [("", (256, 320))]


def test_small_faces_beside_a_small_one_are_found_enlarged(
    detector: NetDetector, looked: list[tuple[str, tuple[int, ...]]]
) -> None:
    """24 pixels of 1,920: 4 in the first look, 8 in the second, then 16."""
    image = blank(1920, 1080)
    boxes = [draw(image, x, y, 24) for x, y in ((100, 200), (1203, 77), (1890, 1050), (958, 531))]
    faces = detector(image)
    assert len(faces) == 4
    for face in faces:
        nearest = min(boxes, key=lambda box: float(np.abs(box - face.box).sum()))
        assert_is(face, nearest, within=0.05)
        assert face.look == "enlarged"
    assert [look for look, _ in looked if look != "enlarged"] == ["", "shrunk"]


def test_enlarging_goes_on_as_long_as_there_may_be_smaller_ones(detector: NetDetector) -> None:
    image = blank(1920, 1080)
    draw(image, 100, 100, 48)  # 8 pixels at 320, 16 at 640: a hint
    small = draw(image, 1500, 800, 13)
    faces = detector(image)
    assert len(faces) == 2
    assert_is(faces[1], small, within=0.08)


def test_a_large_face_ends_the_search_unless_all_looks_are_wanted(
    detector: NetDetector, nets: tuple[Path, Path], looked: list[object]
) -> None:
    image = blank(1280, 960)
    large = draw(image, 100, 100, 400)
    small = draw(image, 1180, 900, 20)
    (face,) = detector(image)
    assert_is(face, large)
    assert len(looked) == 1
    thorough = NetDetector(faces=nets[0], landmarks=nets[1], thorough=True)
    first, second = thorough(image)
    assert_is(first, large)
    assert_is(second, small, within=0.05)


def test_the_smallest_face_worth_reporting_saves_looks(
    faces: Watched, nets: tuple[Path, Path], looked: list[tuple[str, tuple[int, ...]]]
) -> None:
    image = blank(1920, 1080)
    draw(image, 100, 100, 24)
    draw(image, 500, 300, 66)
    detector = NetDetector(faces=faces, landmarks=nets[1], min_size=60)
    (face,) = detector(image)
    assert face.box[2] - face.box[0] == pytest.approx(66, abs=3)
    assert {look for look, _ in looked} <= {"", "enlarged"}
    assert max(max(shape) for _, shape in looked) == 640


@pytest.mark.parametrize("scale", [0.35, 0.53, 1.31, 4.2])
def test_places_are_exact_at_any_scale_of_the_picture(detector: NetDetector, scale: float) -> None:
    width, height = round(640 * scale), round(480 * scale)
    image = blank(width, height)
    box = draw(image, round(123 * scale), round(99 * scale), round(150 * scale))
    (face,) = detector(image)
    # The sides of the stub's squares are whole pixels of the first look.
    assert_is(face, box, within=1.01 * max(width / 320, 0.5) / (150 * scale))


def test_a_face_that_fills_the_picture_is_found_shrunk(detector: NetDetector, looked: list[object]) -> None:
    image = blank(700, 700)
    box = draw(image, 0, 0, 700)
    (face,) = detector(image)
    assert face.look == "shrunk"
    assert_is(face, box)
    # One colour is flat, too.
    assert looked == [("", (320, 320)), ("stretched", (320, 320)), ("shrunk", (320, 320))]


@pytest.mark.parametrize("red", [20, 60])
def test_a_dark_picture_is_stretched(detector: NetDetector, looked: list[object], red: int) -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    box = draw(image, 200, 100, 120, red=red)
    (face,) = detector(image)
    assert face.look == "stretched"
    np.testing.assert_allclose(face.box, box, atol=2.1)
    assert looked == [("", (256, 320)), ("stretched", (256, 320))]


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_picture_lying_on_its_side_is_turned(detector: NetDetector, turn: int) -> None:
    """A face turned clockwise stands upright where the picture is turned by the rest of the circle."""
    image = blank(640, 480)
    box = draw(image, 300, 100, 90, turn)
    (face,) = detector(image)
    assert face.look == f"turned{360 - turn}"
    assert_is(face, box, turn)


def test_a_face_that_was_found_for_sure_turns_no_picture(detector: NetDetector, looked: list[object]) -> None:
    image = blank(640, 480)
    draw(image, 100, 100, 90)
    draw(image, 400, 200, 90, 180)
    assert [face.look for face in detector(image)] == [""]
    assert len(looked) == 1


def test_an_unsure_face_turns_it_and_of_doubles_the_best_is_kept(nets: tuple[Path, Path]) -> None:
    detector = NetDetector(faces=nets[0], landmarks=nets[1], search=SearchSettings(min_confidence=0.7))
    image = blank(640, 480)
    draw(image, 48, 48, 96, red=160)
    upside_down = draw(image, 500, 300, 90, 180)
    faces = detector(image)
    assert [face.look for face in faces] in (["", "turned180"], ["turned180", ""])
    assert_is(max(faces, key=lambda face: face.confidence), upside_down, 180)


def test_a_hundred_faces(detector: NetDetector) -> None:
    image = blank(1200, 1200)
    boxes = [
        draw(image, 20 + 118 * i, 20 + 118 * j, 60 + (i + 10 * j) % 7) for i in range(10) for j in range(10)
    ]
    faces = detector(image)
    assert len(faces) == 100
    areas = [face.area for face in faces]
    assert areas == sorted(areas, reverse=True)
    found = np.array([face.box for face in faces])
    for box in boxes:
        assert np.abs(found - box).max(1).min() < 6


@pytest.mark.parametrize("degrees", [0, 17, -30])
def test_landmarks_are_upright_whatever_the_roll(detector: NetDetector, degrees: float) -> None:
    """The network of landmarks sees it upright: the stub draws its points along the axes of the crop."""
    image = blank(400, 400)
    box = draw(image, 120, 120, 160)
    tilted, matrix = turned(image, degrees)
    true = transform(matrix, landmarks_in(box))
    near = transform(matrix, five_points(landmarks_in(box)))
    np.testing.assert_allclose(detector.landmarks(tilted, near), true, atol=3)
    face = detector.follow(tilted, true)
    np.testing.assert_allclose(face.landmarks, true, atol=3)
    assert face.confidence == 1


def test_a_batch_gives_what_single_calls_give(
    detector: NetDetector, looked: list[tuple[str, object]]
) -> None:
    images = [blank(640, 480) for _ in range(3)] + [blank(300, 500), np.zeros((1, 1, 3), np.uint8)]
    draw(images[0], 100, 100, 90)
    draw(images[2], 200, 200, 50)
    draw(images[2], 400, 100, 60)
    draw(images[3], 10, 10, 100, 90)
    together = detector.batch(images)
    assert [len(faces) for faces in together] == [1, 0, 2, 1, 0]
    for image, faces in zip(images, together, strict=True):
        for face, alone in zip(faces, detector(image), strict=True):
            assert face.look == alone.look
            np.testing.assert_allclose(face.box, alone.box, atol=1e-3)
            np.testing.assert_allclose(face.landmarks, alone.landmarks, atol=1e-3)
            assert face.confidence == pytest.approx(alone.confidence, abs=1e-5)
    assert detector.batch([]) == []


def test_detecting_quickly_is_one_look(detector: NetDetector, looked: list[object]) -> None:
    image = blank(1280, 720)
    box = draw(image, 100, 100, 200)
    draw(image, 600, 500, 16)
    (face,) = detector.detect_quickly(image)
    assert_is(face, box)
    assert detector.detect_quickly(blank(640, 480)) == ()
    assert len(looked) == 2


@pytest.mark.parametrize("side", [24, 60, 300])
def test_near_a_face_that_was_there(
    detector: NetDetector, looked: list[tuple[str, tuple[int, ...]]], side: int
) -> None:
    image = blank(1280, 720)
    box = draw(image, 500, 300, side)
    draw(image, 500 + 3 * side, 300, side)
    (face,) = detector.near(image, box + 0.2 * side)
    assert_is(face, box, within=0.04)
    assert max(looked[0][1]) <= 160
    assert detector.near(image, box + np.array([0, 0, 2, 2]) * side) == ()  # of another size
    assert detector.near(image, box - 2.5 * side) == ()  # elsewhere
    assert detector.near(image, box + 5000) == ()  # outside


def test_near_less_confidence_suffices(nets: tuple[Path, Path]) -> None:
    detector = NetDetector(faces=nets[0], landmarks=nets[1], search=SearchSettings(near_slack=0.3))
    image = blank(640, 480)
    weak = draw(image, 208, 208, 64, red=142)
    assert detector.detect_quickly(image) == ()
    (face,) = detector.near(image, weak)
    assert_is(face, weak, within=0.06)


def test_near_the_nearest_comes_first() -> None:
    box = np.array([100.0, 100, 140, 140])
    boxes = box + np.array([[25, 0], [3, 3], [0, 39], [0, 60]])[:, [0, 1, 0, 1]]
    seen = Found(boxes, np.zeros((4, 5, 2)), np.array([0.9, 0.8, 0.7, 0.6]), np.full(4, ""))
    search = Search(lambda views, least: [seen], 0.5, 0.0, False)  # type: ignore[arg-type]
    assert search.near(blank(640, 480), box).confidence.tolist() == [0.8, 0.9, 0.7]


def test_following_all_faces_at_once(detector: NetDetector, looked: list[object]) -> None:
    image = blank(640, 480)
    boxes = [draw(image, x, 100, 80) for x in (20, 200, 400)]
    last = np.array([face.landmarks for face in detector(image)])
    looked.clear()
    moved = blank(640, 480)
    moved[3:, 5:] = image[:-3, :-5]
    faces = detector.follow_all(moved, last)
    for face, box in zip(faces, boxes, strict=True):
        np.testing.assert_allclose(face.landmarks, landmarks_in(box + np.tile([5, 3], 2)), atol=2)
        assert face.confidence == 1
        assert face.quality == pytest.approx(1.0, abs=0.02)
    assert looked == []
    assert detector.follow_all(image, np.empty((0, 68, 2))) == []


def test_a_face_that_is_gone_keeps_its_landmarks_and_is_worth_nothing(detector: NetDetector) -> None:
    image = blank(640, 480)
    draw(image, 200, 100, 80)
    (face,) = detector(image)
    gone = detector.follow(blank(640, 480), face.landmarks)
    np.testing.assert_array_equal(gone.landmarks, face.landmarks)
    assert gone.quality == 0


def test_following_what_can_not_be_a_face(detector: NetDetector) -> None:
    with pytest.raises(InputError, match="do not fix a similarity"):
        detector.follow(blank(64, 64), np.zeros((68, 2)))
    with pytest.raises(InputError, match="not finite"):
        detector.follow(blank(64, 64), np.full((68, 2), np.nan))


def test_landmarks_from_a_box_alone(detector: NetDetector) -> None:
    image = blank(640, 480)
    box = draw(image, 200, 100, 80)
    np.testing.assert_allclose(detector.landmarks(image, box), landmarks_in(box), atol=2)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((1, 700, 3), np.uint8),
        np.zeros((2000, 3, 3), np.uint8),
        np.zeros((90, 90, 3), np.uint8),
        np.full((90, 90, 3), 255, np.uint8),
        noise(300, 400),
        blank(33, 31),
    ],
    ids=["one pixel", "one row", "three columns", "black", "white", "noise", "grey"],
)
def test_no_face_is_an_empty_tuple(detector: NetDetector, image: np.ndarray) -> None:
    assert detector(image) == ()
    assert detector.detect_quickly(image) == ()
    assert detector.near(image, [0, 0, 10, 10]) == ()


def test_12000_pixels(detector: NetDetector, looked: list[tuple[str, tuple[int, ...]]]) -> None:
    image = blank(12_000, 2_000)
    box = draw(image, 7000, 300, 900)
    (face,) = detector(image)
    assert_is(face, box, within=0.03)
    assert detector(image[:, :6000]) == ()
    assert max(shape[0] * shape[1] for _, shape in looked) < 1_500_000


def test_views_of_a_picture_mirrored_or_not_in_one_piece(detector: NetDetector) -> None:
    image = blank(640, 480)
    box = draw(image, 100, 50, 80)
    (face,) = detector(image[:, ::-1])
    assert_is(face, np.array([639 - box[2], box[1], 639 - box[0], box[3]]))
    (face,) = detector(image[::2, ::2])
    assert_is(face, (box + 0.5) / 2 - 0.5, within=0.04)
    assert not image[:, ::-1].flags.c_contiguous


@pytest.mark.parametrize(
    "image",
    [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3)), np.zeros((0, 9, 3), np.uint8), "photo.jpg"],
    ids=["grey", "floats", "empty", "path"],
)
def test_what_is_no_picture_is_refused(detector: NetDetector, image: object) -> None:
    for call in (detector, detector.detect_quickly, lambda one: detector.near(one, [0, 0, 9, 9])):
        with pytest.raises(InputError, match="image"):
            call(image)  # type: ignore[arg-type]


def test_options_have_ranges(nets: tuple[Path, Path]) -> None:
    for options, told in (
        ({"threshold": 0}, "threshold"), ({"threshold": 1.5}, "threshold"), ({"min_size": -1}, "min_size"),
        ({"rounds": 0}, "rounds"), ({"threads": 0}, "threads"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=told):
            NetDetector(faces=nets[0], landmarks=nets[1], **options)


def test_it_tells_its_weights_and_options(nets: tuple[Path, Path], tmp_path: Path) -> None:
    told = repr(NetDetector(faces=nets[0], landmarks=nets[1]))
    assert told == repr(NetDetector(faces=nets[0], landmarks=nets[1], threads=2))  # changes no result
    others = (
        NetDetector(0.4, faces=nets[0], landmarks=nets[1]),
        NetDetector(faces=nets[0], landmarks=nets[1], thorough=True),
        NetDetector(faces=nets[0], landmarks=nets[1], min_size=9),
        NetDetector(faces=nets[0], landmarks=nets[1], rounds=1),
        NetDetector(faces=nets[0], landmarks=nets[1], search=SearchSettings(side=256)),
        NetDetector(faces=write_box_stub(tmp_path, spoil=1.0), landmarks=nets[1]),
        NetDetector(faces=nets[0], landmarks=write_landmark_stub(tmp_path, spoil=1.0)),
    )
    assert len({told, *map(repr, others)}) == 8


def test_confidence_is_the_cards_calibration_of_the_score(tmp_path: Path, nets: tuple[Path, Path]) -> None:
    image = blank(640, 480)
    draw(image, 200, 100, 80)
    (face,) = NetDetector(faces=nets[0], landmarks=nets[1])(image)
    certain = np.log(1e6 - 1)  # the stub's landmarks are always of a face
    score = 2 * (np.log(face.confidence / (1 - face.confidence)) - certain + net_detector._EVEN)
    other = write_box_stub(tmp_path, card={"platt": [0.5, -2.0], "threshold": 0.1})
    (again,) = NetDetector(faces=other, landmarks=nets[1])(image)
    told = np.log(again.confidence / (1 - again.confidence))
    assert told == pytest.approx((0.5 * score - 2) / 2 + certain - net_detector._EVEN, abs=0.01)
    assert NetDetector(0.99999, faces=other, landmarks=nets[1])(image) == ()


def test_a_second_round_cuts_the_face_out_anew(nets: tuple[Path, Path]) -> None:
    image = blank(640, 480)
    box = draw(image, 200, 100, 80)
    once, twice = (NetDetector(faces=nets[0], landmarks=nets[1], rounds=rounds) for rounds in (1, 2))
    off = box + np.array([9, -7, 20, 11])
    first = once.landmarks(image, off)
    found = twice.landmarks(image, off)
    np.testing.assert_allclose(found, landmarks_in(box), atol=2)
    assert np.abs(found - first).max() > 1e-3
    np.testing.assert_allclose(found, once.landmarks(image, first), atol=1e-9)
    np.testing.assert_array_equal(twice.follow(image, found).landmarks, once.landmarks(image, found))


def test_the_five_points_of_the_network_are_told_in_the_pictures_pixels(nets: tuple[Path, Path]) -> None:
    image = blank(640, 320)
    box = draw(image, 200, 100, 80, 90)
    (found,) = BoxNet(nets[0])([view(image, 1.0).turned(270)], 0.5)
    np.testing.assert_allclose(found.boxes, [box], atol=1e-3)
    np.testing.assert_allclose(found.points, [five_points(landmarks_in(box, 90))], atol=1e-3)


def test_five_points_in_one_place_give_way_to_those_of_the_box(nets: tuple[Path, Path]) -> None:
    image = blank(640, 480)
    box = draw(image, 200, 100, 80)
    middle = np.tile((box[:2] + box[2:]) / 2, (1, 5, 1))

    class Collapsed(BoxNet):
        def __call__(self, views: Sequence[View], least: float) -> list[Found]:
            return [Found(box[None], middle, np.array([0.9]), np.array([""])) for _ in views]

    (face,) = NetDetector(faces=Collapsed(nets[0]), landmarks=nets[1]).detect_quickly(image)
    assert_is(face, box)


def test_landmarks_far_away_are_no_face(nets: tuple[Path, Path], tmp_path: Path) -> None:
    image = blank(640, 480)
    box = draw(image, 200, 100, 80)
    detector = NetDetector(faces=nets[0], landmarks=write_landmark_stub(tmp_path, spoil=500.0))
    assert detector.detect_quickly(image) == ()
    gone = detector.follow(image, landmarks_in(box))
    np.testing.assert_array_equal(gone.landmarks, landmarks_in(box))
    assert gone.quality == 0
    assert_is(gone, box)
