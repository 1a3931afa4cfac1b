"""What the networks are told, against torchvision and by hand."""

import numpy as np
import pytest
import torch
from torchvision import ops

from aulens.data.face_nets.crops import FaceCrop
from aulens.data.face_nets.scenes import Scene
from aulens.models.face_net import STRIDES
from aulens.training.face_nets.losses import assign, face_loss, giou, landmark_loss
from aulens.training.face_nets.measure import landmark_measures, nms, pairwise_iou, scene_measures

SIZE = 256
CELLS = [(SIZE // stride) ** 2 for stride in STRIDES]


def boxes(count: int, seed: int = 0) -> torch.Tensor:
    random = np.random.default_rng(seed)
    low = random.uniform(-20, 200, (count, 2))
    return torch.tensor(
        np.concatenate([low, low + random.uniform(8, 90, (count, 2))], 1), dtype=torch.float32
    )


def one(middle: tuple[float, float], side: float, tall: float = 1.3) -> torch.Tensor:
    """A box about a middle, `tall` times as high as wide."""
    half = side * np.array([tall**-0.5, tall**0.5]) / 2
    return torch.tensor([[*(middle - half), *(middle + half)]], dtype=torch.float32)


def middles() -> torch.Tensor:
    parts = []
    for stride in STRIDES:
        row = torch.arange(SIZE // stride) * stride + stride / 2
        parts.append(torch.stack([row.repeat(len(row)), row.repeat_interleave(len(row))], 1))
    return torch.cat(parts)


YES, NO = torch.tensor([True]), torch.tensor([False])


@pytest.mark.parametrize("tall", [0.7, 1.0, 1.3, 2.0])
def test_every_face_is_answered_for(tall: float):
    random = np.random.default_rng(1)
    for side in [9, 10, 13, 19, 27, 28.5, 39.9, 40.1, 61, 62.5, 87, 89, 120, 180, 256, 400]:
        for _ in range(5):
            # Its middle in the picture or cut off, as of a face that is half outside.
            middle = random.uniform(-0.1 * side, SIZE + 0.1 * side, 2)
            which, counts = assign(SIZE, one(middle, side, tall), YES)
            answering = which == 0
            assert answering.any(), (side, middle)
            assert counts[answering].all()
            off = (middles()[answering] - torch.tensor(np.clip(middle, 0, SIZE))).abs().amax(1)
            assert (off <= max(0.16 * side, 24) * max(tall, 1 / tall) ** 0.5 + 1e-3).all()


def test_strides_answer_by_size_and_neighbours_are_not_told_no():
    where = torch.repeat_interleave(torch.tensor(STRIDES), torch.tensor(CELLS))
    for side, answer, silent in [
        (20, {8}, {8, 16}), (34, {8, 16}, {8, 16}), (50, {16}, {8, 16, 32}),
        (75, {16, 32}, {16, 32}), (150, {32}, {32}),
    ]:  # fmt: skip
        which, counts = assign(SIZE, one((128, 128), side), YES)
        assert {int(stride) for stride in where[which == 0]} == answer
        assert {int(stride) for stride in where[(which == 0) | ~counts]} == silent
        far = (middles() - 128).abs().amax(1) > 0.4 * side + 48
        assert counts[far].all()


def test_faces_that_are_not_asked_for_do_not_count():
    for side in (6, 12, 30, 60, 100, 200):
        which, counts = assign(SIZE, one((120, 130), side, 1.0), NO)
        assert (which == -1).all()
        near = (middles() - torch.tensor([120.0, 130])).abs().amax(1) <= 0.14 * side
        small = torch.repeat_interleave(torch.tensor(STRIDES), torch.tensor(CELLS)) == 8
        if side < 40:  # parts of a large face are no faces, and cells of small ones say so
            assert not counts[near & small].any()
        else:
            assert counts[near & small].sum() >= (near & small).sum() * (side >= 62)
        large = torch.repeat_interleave(torch.tensor(STRIDES), torch.tensor(CELLS)) == 32
        if side >= 62:
            assert not counts[near & large].any()


def test_between_two_faces_the_nearer_one_is_answered_for():
    pair = torch.cat([one((60, 60), 38), one((75, 60), 38)])
    which, _ = assign(SIZE, pair, torch.tensor([True, True]))
    x = middles()[:, 0]
    assert set(which[x < 64].tolist()) == {-1, 0}
    assert set(which[x >= 72].tolist()) == {-1, 1}
    which, _ = assign(SIZE, pair, torch.tensor([True, False]))
    assert set(which.tolist()) == {-1, 0}
    nobody = assign(SIZE, torch.empty(0, 4), torch.empty(0, dtype=torch.bool))
    assert (nobody[0] == -1).all()
    assert nobody[1].all()


def test_giou_is_torchvisions():
    a, b = boxes(50), boxes(50, 1)
    expected = ops.generalized_box_iou(a, b).diagonal()
    torch.testing.assert_close(giou(a, b), expected, rtol=1e-5, atol=1e-5)


def test_the_score_is_learned_by_torchvisions_focal_loss():
    faces = [one((60, 70), 30), one((180, 100), 120), torch.empty(0, 4)]
    points = [torch.rand(len(f), 5, 2) * 100 for f in faces]
    asked = [torch.ones(len(f), dtype=torch.bool) for f in faces]
    generator = torch.Generator().manual_seed(0)
    cells = sum(CELLS)
    scores = torch.randn(3, cells, generator=generator, requires_grad=True)
    found = torch.rand(3, cells, 4, generator=generator).cumsum(-1) * 40, torch.rand(3, cells, 5, 2)
    losses = face_loss((*found, scores), SIZE, faces, points, asked)
    told = [assign(SIZE, f, a) for f, a in zip(faces, asked, strict=True)]
    which, counts = (torch.stack(part) for part in zip(*told, strict=True))
    wanted = (which >= 0).float()
    each = ops.sigmoid_focal_loss(scores, wanted, alpha=0.35, gamma=2.0)
    torch.testing.assert_close(losses["score"], (each * counts).sum() / wanted.sum())
    at = wanted.nonzero(as_tuple=True)
    true = torch.stack([faces[scene][0] for scene in at[0].tolist()])
    torch.testing.assert_close(losses["box"], ops.generalized_box_iou_loss(found[0][at], true, "mean"))
    whole = losses["score"] + 2 * losses["box"] + 4 * losses["points"]
    torch.testing.assert_close(losses["loss"], whole)
    losses["loss"].backward()
    assert not scores.grad[~counts].any()  # what is doubtful moves nothing


def test_right_answers_cost_nothing_and_scenes_without_faces_are_fine():
    face, points = one((100, 90), 50), torch.rand(1, 5, 2) * 50 + 80
    which, _ = assign(SIZE, face, YES)
    scores = torch.where(which == 0, 30.0, -30.0)[None]
    perfect = face[0].expand(1, len(which), 4), points.expand(1, len(which), 5, 2), scores
    assert float(face_loss(perfect, SIZE, [face], [points], [YES])["loss"]) < 1e-5
    empty = face_loss(perfect, SIZE, [face[:0]], [points[:0]], [YES[:0]])
    assert float(empty["box"]) == float(empty["points"]) == 0
    assert float(empty["loss"]) > 1  # it said yes where nobody is


def test_losses_of_landmarks_by_hand():
    landmarks = torch.rand(4, 68, 2) * 112
    visible, quality = torch.ones(4, 68), torch.tensor([0.9, 0.1, 0.5, 0.0])
    visible[0, :34] = 0
    present = torch.tensor([True, True, True, False])
    off = torch.zeros(4, 68, 2)
    off[0, :34, 0], off[3] = 3.0, 50.0  # 3 pixels where nothing is seen; anything where nobody is
    logits = torch.zeros(4, 68), torch.logit(quality.clamp(1e-6, 1 - 1e-6)), torch.tensor([9.0, 9, 9, -9])
    found = landmark_loss((landmarks + off, *logits), landmarks, visible, quality, present)
    charbonnier = (9 + 0.25) ** 0.5 - 0.5
    weights = 0.3 * 34 + (68 * 3 - 34)
    assert float(found["points"]) == pytest.approx(0.3 * 34 * charbonnier / weights, rel=1e-5)
    assert float(found["visibility"]) == pytest.approx(np.log(2), rel=1e-5)
    entropy = -(quality * quality.clamp_min(1e-9).log() + (1 - quality) * (1 - quality).log()).mean()
    assert float(found["quality"]) == pytest.approx(float(entropy), abs=1e-4)
    assert float(found["presence"]) < 1e-3
    none = landmark_loss((landmarks + off, *logits), landmarks, visible, quality, torch.zeros(4, dtype=bool))
    assert torch.isfinite(none["loss"])
    assert float(none["points"]) == float(none["visibility"]) == 0


def test_doubles_of_one_size_are_removed_as_torchvision_does():
    """Of a box in another one aulens has a rule of its own."""
    scores = torch.rand(80, generator=torch.Generator().manual_seed(3))
    low = torch.rand(80, 2, generator=torch.Generator().manual_seed(4)) * 90
    for same, side in ((0.2, 20), (0.45, 30), (0.3, 50)):
        alike = torch.cat([low, low + side], 1)
        kept = nms(alike.numpy(), scores.numpy(), same).tolist()
        assert kept == ops.nms(alike, scores, same).tolist()
        assert 5 < len(kept) < 70
    torch.testing.assert_close(
        torch.tensor(pairwise_iou(boxes(9).numpy(), boxes(7, 2).numpy())), ops.box_iou(boxes(9), boxes(7, 2))
    )


def scene(faces: list[list[float]], asked: list[bool]) -> Scene:
    placed = np.array(faces, np.float32).reshape(-1, 4)
    middles = (placed[:, :2] + placed[:, 2:]) / 2
    return Scene(
        np.zeros((64, 64, 3), np.uint8), placed, np.repeat(middles[:, None], 5, 1), np.array(asked, bool)
    )


def test_average_precision_by_hand():
    """Scores 5 right, 4 false, 3 right, 2 at a face not asked for, 1 right; one of 4 faces is missed."""
    scenes = [
        scene([[0, 0, 20, 20], [30, 30, 60, 60]], [True, True]),
        scene([[0, 0, 30, 30], [40, 40, 60, 60], [0, 40, 20, 60]], [True, False, True]),
    ]
    answers = np.zeros((2, 4, 4), np.float32)
    scores = np.full((2, 4), -9.0, np.float32)
    answers[0, :3] = [[0, 0, 20, 20], [30, 0, 60, 20], [30, 30, 60, 57]]
    scores[0, :3] = [5, 4, 3]
    answers[1, :3] = [[40, 40, 60, 61], [0, 0, 30, 29], [0, 40, 20, 49]]
    scores[1, :3] = [2, 1, -5]
    points = np.repeat(((answers[..., :2] + answers[..., 2:]) / 2)[:, :, None], 5, 2)
    found = scene_measures(scenes, lambda images: (answers, points, scores))
    assert found["average_precision"] == pytest.approx((1 + 3 / 4 + 3 / 4) / 4)
    assert found["recall"] == pytest.approx(3 / 4)  # of two scenes one false answer is allowed
    errors = 0.0, 1.5 / 30, 0.5 / 30
    assert found["points_error"] == pytest.approx(100 * np.mean(errors))


def test_landmark_measures_by_hand():
    points = np.zeros((68, 2), np.float32)
    points[36:42], points[42:48] = (30, 50), (70, 50)
    seen = np.r_[np.ones(34), np.zeros(34)].astype(np.float32)
    crops = [FaceCrop(np.zeros((100, 100, 3), np.uint8), points, seen, 0.5)] * 2
    off = np.zeros((2, 68, 2))
    off[0, :34, 0], off[1, 34:, 1] = 4.0, 2.0
    told = landmark_measures(crops, points + off, np.full((2, 68), 0.9), np.array([0.5, 0.7]), "plain")
    assert told == {
        "plain_error": pytest.approx(100 * (4 / 40 + 2 / 40) / 4),
        "plain_error_seen": pytest.approx(100 * (4 / 40) / 2),
        "plain_visibility_right": 0.5,
        "plain_quality_error": pytest.approx(0.1),
    }
