"""Landmarks by themselves and against labels and pictures' motion."""

from dataclasses import replace

import numpy as np
import pytest
from actors import people, performances
from sklearn.metrics import roc_auc_score

from aulens.aus import BP4D, DISFA, MISSING
from aulens.doctor import examine
from aulens.doctor.agreement import agreement
from aulens.doctor.lag import LAGS, check_lag, correlations
from aulens.doctor.measures import MEASURES, SHOWN_BY, measure
from aulens.doctor.shape import judge
from aulens.landmarks import IBUG49, IBUG68, convert, mirror
from synthetic_faces import face68


@pytest.fixture(scope="module")
def acted():
    return performances(DISFA, people("disfa", 9), points=66, dataset="disfa")


def findings(index):
    return {f.code: f for f in examine(index, pictures=False, whole=False).findings}


def test_agreement_of_one_clip_is_scikit_learns_roc_auc():
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, (80, 3)).astype(np.int8)
    labels[random.random(labels.shape) < 0.2] = MISSING
    values = random.normal(size=(80, 2)).round(1)
    values[5] = np.nan
    found = agreement(labels, values, [("a", np.arange(80))])
    for a in range(3):
        for m in range(2):
            use = (labels[:, a] != MISSING) & np.isfinite(values[:, m])
            assert found.auc[a, m] == pytest.approx(roc_auc_score(labels[use, a], values[use, m]))


def test_clips_are_compared_within_not_across():
    labels = np.array([0, 1] * 20, np.int8)[:, None]
    values = labels + np.repeat([0.0, 100.0], 20)[:, None]
    clips = [("a", np.arange(20)), ("b", np.arange(20, 40))]
    assert agreement(labels, values, clips).auc[0, 0] == 1.0
    assert agreement(labels, values, [("a", np.arange(40))]).auc[0, 0] < 0.8


def test_measures_do_not_change_with_size_place_and_lean_and_are_those_of_a_mirrored_face():
    face = face68()
    turn = 1.7 * np.array([[0.8, -0.6], [0.6, 0.8]])
    faces = np.stack([face, face @ turn.T + [30, 700]])
    for points in (faces, mirror(faces, 5)):
        values = measure(points)
        np.testing.assert_allclose(values[0], values[1])
        np.testing.assert_allclose(values[0], measure(face[None])[0])
    np.testing.assert_array_equal(measure(faces), measure(convert(faces, IBUG68, IBUG49)))
    assert np.isnan(measure(np.full((1, 68, 2), np.nan))).all()
    assert np.isnan(measure(np.zeros((1, 68, 2)))).all()


@pytest.mark.parametrize(
    ("au", "points", "step"),
    [
        (1, (20, 21, 22, 23), (0, -1)),
        (2, (17, 18, 25, 26), (0, -1)),
        (25, (65, 66, 67), (0, 1)),
        (26, (56, 57, 58), (0, 1)),
        (10, (50, 51, 52), (0, -1)),
        (15, (48, 54), (0, 1)),
    ],
)
def test_a_movement_is_measured_by_the_length_of_its_au(au: int, points: tuple, step: tuple):
    face = face68()
    moved = face.copy()
    moved[list(points)] += 0.03 * np.array(step)
    before, after = measure(np.stack([face, moved]))
    assert after[MEASURES.index(SHOWN_BY[au])] > before[MEASURES.index(SHOWN_BY[au])] + 0.01


@pytest.mark.parametrize(
    "spoil",
    [
        lambda points: points[..., ::-1],
        lambda points: np.stack([400 - points[..., 0], points[..., 1]], -1),
        lambda points: np.stack([points[..., 0], 400 - points[..., 1]], -1),
        lambda points: points[:, ::-1],
        lambda points: points * 0.05,
    ],
    ids=["x and y exchanged", "mirrored", "y upwards", "order reversed", "tiny"],
)
def test_landmarks_that_are_no_upright_faces(spoil, acted):
    assert not judge(acted, acted.landmarks).doubtful.any()
    found = findings(replace(acted, landmarks=np.ascontiguousarray(spoil(acted.landmarks))))
    assert found["landmarks_strange"].level == "error"


def test_heads_that_turn_far_and_grins_are_faces(acted):
    points = acted.landmarks.astype(float)
    middle = points.mean(1, keepdims=True)
    turned = middle + (points - middle) * [0.45, 1.0]
    nodding = middle + (points - middle) * [1.0, 0.5]
    for seen in (turned, nodding):
        assert not judge(acted, seen.astype(np.float32)).strange.any()
    grin = points.copy()
    grin[:, [48, 54], 1] -= 12
    assert not judge(acted, grin.astype(np.float32)).strange.any()


def test_a_tracker_that_fails_for_a_while_is_a_warning_that_names_the_clip(acted):
    points = acted.landmarks.copy()
    points[30:40] += 90
    points[200:260] = points[200]
    found = findings(replace(acted, landmarks=points))
    assert found["landmarks_jump"].level == found["landmarks_frozen"].level == "warning"
    assert found["landmarks_jump"].where.startswith(acted.subject[30])
    assert "jump 2 times" in found["landmarks_jump"].message
    assert "frame 31" in found["landmarks_jump"].message
    assert found["landmarks_frozen"].message.startswith("60 neighbouring")


def test_landmarks_under_two_names(acted):
    points = acted.landmarks.copy()
    points[150:300] = points[:150]
    found = findings(replace(acted, landmarks=points))
    assert found["identical_landmarks"].level == "error"
    assert str(acted.subject[0]) in found["identical_landmarks"].where


def test_missing_landmarks_are_left_out(acted):
    points = acted.landmarks.copy()
    points[np.random.default_rng(0).random(len(points)) < 0.5] = np.nan
    assert findings(replace(acted, landmarks=points)) == {}
    seen = examine(replace(acted, landmarks=np.full_like(points, np.nan)), pictures=False, whole=False)
    assert seen.ok
    assert any("fewer than 3 subjects" in what for what in seen.skipped)


def test_healthy_performances_are_never_accused():
    for seed in range(6):
        index = performances(BP4D, people("bp4d", 6), dataset="bp4d", seed=seed, noise=0.02)
        assert findings(index) == {}


def motion(frames: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.stack([np.convolve(random.normal(size=frames + 8), np.ones(9), "valid") for _ in "xy"], -1)


@pytest.mark.parametrize("lag", [-3, -1, 0, 1, 2])
def test_lag_is_where_the_correlation_peaks(lag: int):
    clips = []
    for seed in range(8):
        true = motion(60, seed)
        flow, moved = true[10:50], true[10 - lag : 50 - lag]
        clips.append(
            (f"clip {seed}", flow, moved + np.random.default_rng(99 + seed).normal(0, 1.5, flow.shape))
        )
    curve = correlations([clip[1:] for clip in clips])
    assert int(np.argmax(curve)) - LAGS == lag
    found = check_lag(clips)
    assert [f.where for f in found] == (["all landmarks"] if lag else [])
    if lag:
        words = f"{abs(lag)} frame{'s' * (abs(lag) > 1)} {'earlier' if lag > 0 else 'later'}"
        assert words in found[0].message


def test_lag_zero_correlation_is_the_pearson_correlation():
    flow, moved = motion(40, 1), motion(40, 2)
    centred = [(x - x.mean(0)).ravel() for x in (flow, moved)]
    assert correlations([(flow, moved)])[LAGS] == pytest.approx(np.corrcoef(*centred)[0, 1])


def test_motion_that_has_nothing_in_common_is_no_lag():
    for seed in range(20):
        clips = [(str(s), motion(24, 1000 * seed + s), motion(24, 1000 * seed + 500 + s)) for s in range(4)]
        assert not [f for f in check_lag(clips) if f.level == "error"]
