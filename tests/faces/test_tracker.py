import json

import numpy as np
import pytest
from stub_detectors import GREY, Colours, Following, Scripted, Tracing, face, frame

from aulens.errors import ConfigError, InputError
from aulens.faces.detector import Face, FaceFollower
from aulens.faces.tracker import FaceTracker, Tracked
from moving_faces import Frame
from people import dlib_detector

ALL = pytest.mark.parametrize("stub", [Scripted, Following, Tracing])


def run(tracker: FaceTracker, frames: range) -> list[Tracked]:
    return [tracker(frame(i)) for i in frames]


def always(frames: int, *faces: Face) -> dict[int, list[Face]]:
    return {i: list(faces) for i in range(frames)}


@ALL
def test_ids_by_first_appearance_largest_first(stub: type[Scripted]) -> None:
    faces = always(30, face(60, 100, 50), face(200, 100, 70))
    for i in range(12, 30):
        faces[i].append(face(130, 180, 90))
    said = run(FaceTracker(stub(faces), None), range(30))
    assert said[0].ids == (0, 1)
    assert [f.box[0] for f in said[0].faces] == [165, 35]
    assert said[-1].ids == (0, 1, 2)
    np.testing.assert_array_equal(said[-1].faces[2].box[:2], [85, 135])
    assert said[0].lost == said[-1].lost == ()


@ALL
def test_who_is_gone_is_lost_and_never_again_somebody_new(stub: type[Scripted]) -> None:
    faces = always(20, face(60, 100))
    faces |= {i: [face(250, 100)] for i in range(100, 120)}
    said = run(FaceTracker(stub(faces), None), range(120))
    assert [t.lost for t in said[:20]] == [()] * 20
    assert (said[30].ids, said[30].lost) == ((), (0,))
    assert (said[-1].ids, said[-1].lost) == ((1,), (0,))


def test_the_lost_may_be_listed_for_a_while_only() -> None:
    tracker = FaceTracker(Scripted(always(5, face(60, 100))), None, keep_lost=0.5)
    said = run(tracker, range(30))
    assert said[10].lost == (0,)
    assert said[20].lost == ()


def test_a_follower_looks_at_the_whole_picture_now_and_then_only() -> None:
    """0.4 s apart: at frames 0, 10, 20, ...; thoroughly once in 2 s; and it checks every fifth frame."""
    stub = Following(always(101, face(100, 100)))
    run(FaceTracker(stub, None), range(101))
    assert stub.calls == [0, 50, 100]
    assert stub.quick == [10, 20, 30, 40, 60, 70, 80, 90]
    assert max(np.diff(sorted({*stub.nears, *stub.calls, *stub.quick}))) <= 5
    assert len(stub.nears) <= 20


def test_any_other_detector_runs_on_every_frame() -> None:
    stub = Scripted(always(40, face(100, 100)))
    run(FaceTracker(stub, None), range(40))
    assert stub.calls == list(range(40))
    assert not isinstance(stub, FaceFollower)
    assert isinstance(dlib_detector(), FaceFollower)


def test_an_empty_picture_is_looked_at_more_often() -> None:
    stub = Following({})
    run(FaceTracker(stub, None), range(30))
    looks = sorted(stub.calls + stub.quick)
    assert max(np.diff(looks)) == 3


def test_frames_far_apart_are_each_looked_at() -> None:
    """Landmarks can't follow over a second."""
    stub = Following(always(100, face(100, 100)))
    tracker = FaceTracker(stub, None, detect_every=60)
    for i in range(0, 100, 25):
        assert tracker(frame(i)).ids == (0,)
    assert sorted(stub.calls + stub.quick) == [0, 25, 50, 75]


def test_without_time_stamps_there_are_25_frames_a_second() -> None:
    stub = Following(always(30, face(100, 100)))
    tracker = FaceTracker(stub, None)
    for i in range(30):
        assert tracker(Frame(i, float("nan"), frame(i).image)).ids == (0,)
    assert sorted(stub.calls + stub.quick) == [0, 10, 20]


def test_landmarks_follow_a_face_that_moves() -> None:
    """Half its width per frame from the third on: the box must be where the face is expected."""
    places = [40, 44, 56, *range(80, 320, 30)]
    stub = Following({i: [face(x, 100)] for i, x in enumerate(places)})
    said = run(FaceTracker(stub, None), range(len(places)))
    assert {tracked.ids for tracked in said} == {(0,)}
    np.testing.assert_allclose([tracked.faces[0].box[[0, 2]].mean() for tracked in said], places)


def test_what_is_no_face_any_more_does_not_stay() -> None:
    """Landmarks can be found anywhere; the check by the detector ends that within five frames."""
    said = run(FaceTracker(Following(always(8, face(100, 100))), None), range(30))
    assert said[7].ids == (0,)
    assert all(tracked.ids == () and tracked.lost == (0,) for tracked in said[13:])


@ALL
def test_a_face_of_low_confidence_needs_a_second_look(stub: type[Scripted]) -> None:
    once = FaceTracker(stub({3: [face(100, 100, confidence=0.3)]}), None, detect_every=0)
    assert all(tracked.ids == () and tracked.lost == () for tracked in run(once, range(20)))
    twice = FaceTracker(stub(always(10, face(100, 100, confidence=0.3))), None)
    assert [tracked.ids for tracked in run(twice, range(3))] == [(), (0,), (0,)]
    sure = FaceTracker(stub(always(10, face(100, 100, confidence=0.7))), None)
    assert sure(frame(0)).ids == (0,)


def test_two_detections_in_one_frame_are_one_look() -> None:
    """The search beside a lost face, and the look at the whole picture, see the same false face."""
    faces = always(8, face(100, 100)) | {15: [face(135, 100, confidence=0.3)]}
    stub = Following(faces)
    assert run(FaceTracker(stub, None, detect_every=0), range(20))[-1].lost == (0,)
    assert 15 in stub.nears
    assert 15 in stub.quick


@ALL
def test_false_faces_in_changing_places_are_nobody(stub: type[Scripted]) -> None:
    rng = np.random.default_rng(0)
    faces = {i: [face(rng.uniform(40, 280), 40 + 40 * (i % 5), 30, 0.3)] for i in range(60)}
    assert run(FaceTracker(stub(faces), None, detect_every=0), range(60))[-1].lost == ()


def test_faces_that_cannot_be_aligned_are_left_out() -> None:
    box = np.array([10.0, 10.0, 90.0, 90.0])
    told = Scripted({0: [Face(box, np.full((68, 2), 50.0)), face(200, 100)]})
    (only,) = FaceTracker(told, None)(frame(0)).faces
    assert only.box[0] == 170


def test_boxes_without_landmarks_have_ids_too() -> None:
    boxes = {i: [Face(face(100 + i, 100).box, np.empty((0, 2)))] for i in range(20)}
    for stub in (Scripted, Following):
        assert {t.ids for t in run(FaceTracker(stub(boxes), None), range(20))} == {(0,)}


def test_a_cut_is_looked_at_at_once() -> None:
    other = np.full_like(GREY, 30)
    faces = always(7, face(100, 100)) | {i: [face(220, 150)] for i in range(7, 14)}
    stub = Following(faces)
    tracker = FaceTracker(stub, Colours())
    said = [tracker(frame(i, GREY if i < 7 else other)) for i in range(14)]
    assert stub.calls == [0, 7]
    assert [t.ids for t in said] == [(0,)] * 7 + [(1,)] * 7


@ALL
def test_after_a_cut_people_are_recognized(stub: type[Scripted]) -> None:
    """The two change places; the embedder tells them by their height in the picture."""
    faces = always(10, face(80, 100), face(240, 140, 50))
    faces |= {i: [face(220, 100, 40), face(70, 140, 80)] for i in range(10, 20)}
    other = np.full_like(GREY, 30)
    tracker = FaceTracker(stub(faces), Colours())
    for i in range(20):
        tracked = tracker(frame(i, GREY if i < 10 else other))
        assert tracked.ids == (0, 1)
        heights = [f.box[[1, 3]].mean() for f in tracked.faces]
        np.testing.assert_allclose(heights, [100, 140], atol=1e-6)


def test_after_a_cut_place_says_nothing() -> None:
    """Somebody else, half a face lower."""
    faces = always(5, face(100, 100)) | {i: [face(100, 119)] for i in range(5, 9)}
    tracker = FaceTracker(Scripted(faces), Colours())
    said = [tracker(frame(i, GREY if i < 5 else np.full_like(GREY, 30))) for i in range(9)]
    assert said[-1].ids == (1,)


def test_nobody_is_two_people() -> None:
    """After a cut two look like the one who was there before."""
    faces = always(5, face(80, 100)) | {i: [face(80, 100), face(240, 100, 50)] for i in range(5, 9)}
    tracker = FaceTracker(Scripted(faces), Colours())
    said = [tracker(frame(i, GREY if i < 5 else np.full_like(GREY, 30))) for i in range(9)]
    assert said[-1].ids == (0, 1)


@ALL
def test_who_returns_has_the_old_id_and_who_is_new_a_new_one(stub: type[Scripted]) -> None:
    faces = always(10, face(80, 100))
    faces |= {i: [face(80, 160)] for i in range(100, 110)}
    faces |= {i: [face(240, 100)] for i in range(200, 210)}
    said = run(FaceTracker(stub(faces), Colours()), range(210))
    assert {t.ids for t in said[100:110] if t.ids} == {(1,)}
    assert {t.ids for t in said[200:210] if t.ids} == {(0,)}
    assert said[209].lost == (1,)


@ALL
def test_who_touches_somebody_waits_for_an_id_if_it_may_be_an_earlier_one(stub: type[Scripted]) -> None:
    """Half hidden, who returns looks like nobody; alone again, like who they were. Nobody waits for ever."""
    gone, stays, hidden = face(80, 60), face(200, 160), face(158, 140)
    faces = always(10, gone, stays) | {i: [stays] for i in range(10, 80)}
    faces |= {i: [stays, hidden] for i in range(80, 100)} | {i: [stays, gone] for i in range(100, 120)}
    said = run(FaceTracker(stub(faces), Colours()), range(120))
    assert {t.ids for t in said[10:100]} == {(1,)}
    assert said[-1].ids == (0, 1)
    faces |= {i: [stays, hidden] for i in range(100, 200)}
    assert run(FaceTracker(stub(faces), Colours()), range(200))[-1].ids == (1, 2)


def test_nobody_is_embedded_while_nothing_is_to_be_decided() -> None:
    """At birth, twice soon after, then ten seconds later."""
    embedder = Colours()
    run(FaceTracker(Following(always(300, face(100, 100))), embedder), range(300))
    assert embedder.calls == 3


@pytest.mark.parametrize(
    ("stub", "embedder"),
    [
        (Scripted, None),
        (Following, Colours()),
        (Tracing, Colours()),
        pytest.param(Scripted, Colours(), marks=pytest.mark.slow),
        pytest.param(Following, None, marks=pytest.mark.slow),
    ],
)
def test_going_on_after_a_restore_changes_nothing(stub: type[Scripted], embedder: Colours | None) -> None:
    """Two people cross, one leaves and returns, there is a cut; stopped after every frame."""
    rng = np.random.default_rng(1)
    faces: dict[int, list[Face]] = {}
    for i in range(90):
        faces[i] = [face(40 + 3 * i + rng.normal(), 100), face(280 - 3 * i + rng.normal(), 120, 50)]
        if 50 < i < 60:
            faces[i] = faces[i][:1]
        if i % 7 == 0:
            faces[i].append(face(rng.uniform(30, 290), 200, 30, 0.3))
    clip = [frame(i, np.full_like(GREY, 128 if i < 70 else 40)) for i in range(90)]

    def new() -> FaceTracker:
        return FaceTracker(stub(faces), embedder, keep_lost=1.0)

    straight = new()
    expected = [straight(f) for f in clip]
    tracker = new()
    for f, want in zip(clip, expected, strict=True):
        state = json.loads(json.dumps(tracker.state(), allow_nan=False))
        tracker = new()
        tracker.restore(state)
        got = tracker(f)
        assert (got.ids, got.lost) == (want.ids, want.lost)
        for a, b in zip(got.faces, want.faces, strict=True):
            np.testing.assert_array_equal(a.box, b.box)
            np.testing.assert_array_equal(a.landmarks, b.landmarks)
            assert a.confidence == b.confidence
    assert tracker.state() == straight.state()


def test_a_state_of_another_kind_or_other_options_is_refused() -> None:
    tracker = FaceTracker(Scripted({}), None)
    with pytest.raises(InputError, match="not the state of a face tracker"):
        tracker.restore({"frames": 3})
    with pytest.raises(ConfigError, match="other options"):
        tracker.restore(FaceTracker(Scripted({}), None, detect_every=0.2).state())


def test_hundreds_of_passers_by_leave_little() -> None:
    """Two frames each: the state grows by one view of 128 numbers and an id."""

    class Newcomers:
        same = 0.5

        def __call__(self, image: np.ndarray, seen: Face) -> np.ndarray:
            view = np.zeros(128, np.float32)
            view[round(seen.box[0])] = 1.0
            return view

    faces = {i: [face(35 + (i // 2) % 120, 40 + 20 * (i // 2 % 9), 64)] for i in range(240)}
    tracker = FaceTracker(Scripted(faces), Newcomers())
    run(tracker, range(240))
    first = len(json.dumps(tracker.state()))
    assert first < 120 * 1200


def test_no_error_where_there_is_nothing() -> None:
    tracker = FaceTracker(dlib_detector(), None)
    for size in ((1, 1), (1, 300), (90, 90)):
        assert tracker(Frame(0, 0.0, np.zeros((*size, 3), np.uint8))).faces == ()


def test_wrong_values_are_named() -> None:
    with pytest.raises(ConfigError, match="detect_every must be"):
        FaceTracker(Scripted({}), None, detect_every=-1)
    with pytest.raises(ConfigError, match="keep_lost must be"):
        FaceTracker(Scripted({}), None, keep_lost=float("nan"))
    with pytest.raises(InputError, match="RGB array"):
        FaceTracker(Scripted({}), None)(Frame(0, 0.0, np.zeros((4, 4), np.uint8)))
    with pytest.raises(InputError, match="ascending ids"):
        Tracked((face(100, 100),), (), ())
    with pytest.raises(InputError, match="in view and lost"):
        Tracked((face(100, 100),), (3,), (3,))
