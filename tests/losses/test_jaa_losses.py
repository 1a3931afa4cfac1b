"""JAA-Net's losses one by one: slow formulas, MISSING, extremes of float32, landmarks that cannot be used."""

import math

import pytest
import torch
from torch import Tensor

from aulens.aus import MISSING
from aulens.errors import InputError
from aulens.losses import landmark_loss, weighted_cross_entropy, weighted_dice

WEIGHT = (0.5, 2.0, 0.5)


def case(seed: int = 0, faces: int = 5) -> tuple[Tensor, Tensor]:
    """Logits (faces, 3) and labels of all three codes, float64."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(faces, 3, dtype=torch.float64, generator=generator)
    labels = torch.randint(-1, 2, (faces, 3), generator=generator)
    labels[0] = torch.tensor([0, 1, MISSING])
    return logits, labels


def softmax(logits: Tensor, labels: Tensor) -> Tensor:
    return weighted_cross_entropy(logits, labels, torch.tensor(WEIGHT, dtype=logits.dtype))


def paper(logits: Tensor, labels: Tensor) -> Tensor:
    return weighted_dice(logits.sigmoid(), labels, torch.tensor(WEIGHT, dtype=logits.dtype), "paper")


def port(logits: Tensor, labels: Tensor) -> Tensor:
    return weighted_dice(logits.sigmoid(), labels, torch.tensor(WEIGHT, dtype=logits.dtype), "port")


def slow_softmax(logits: Tensor, labels: Tensor) -> float:
    """Two units, absent (0) and present (the logit), as the paper has them."""
    terms = []
    for b, a in (labels != MISSING).nonzero().tolist():
        units = (1.0, math.exp(logits[b, a].item()))
        terms.append(-WEIGHT[a] * math.log(units[int(labels[b, a])] / sum(units)))
    return sum(terms) / len(terms)


def slow_paper(logits: Tensor, labels: Tensor) -> float:
    terms = []
    for b, a in (labels != MISSING).nonzero().tolist():
        p, y = 1 / (1 + math.exp(-logits[b, a].item())), int(labels[b, a])
        terms.append(WEIGHT[a] * (1 - (2 * p * y + 1) / (p**2 + y**2 + 1)))
    return sum(terms) / len(terms)


def slow_port(logits: Tensor, labels: Tensor) -> float:
    terms = []
    for a in range(3):
        pairs = [
            (1 / (1 + math.exp(-logits[b, a].item())), int(labels[b, a]))
            for b in range(len(labels))
            if labels[b, a] != MISSING
        ]
        if pairs:
            ratio = (2 * sum(p * y for p, y in pairs) + 1) / (sum(p**2 + y**2 for p, y in pairs) + 1)
            terms.append(WEIGHT[a] * (1 - ratio / len(pairs)))
    return sum(terms) / len(terms)


SLOW = {softmax: slow_softmax, paper: slow_paper, port: slow_port}
LOSSES = pytest.mark.parametrize("loss", list(SLOW), ids=lambda loss: loss.__name__)


@LOSSES
class TestAULosses:
    @pytest.mark.parametrize("seed", range(3))
    def test_equal_the_slow_formula(self, loss, seed: int) -> None:
        logits, labels = case(seed)
        labels[:, 2] = labels[:, 2] if seed else MISSING  # once, an AU is nowhere coded
        assert loss(logits, labels).item() == pytest.approx(SLOW[loss](logits, labels), rel=1e-12)

    def test_gradient_is_that_of_the_formula(self, loss) -> None:
        logits, labels = case()
        logits.requires_grad_()
        assert torch.autograd.gradcheck(lambda given: loss(given, labels), logits)

    def test_missing_rows_change_neither_loss_nor_gradient(self, loss) -> None:
        logits, labels = case()
        more = torch.cat((logits, torch.full_like(logits, 9.0))).requires_grad_()
        logits.requires_grad_()
        expected, found = (
            loss(logits, labels),
            loss(more, torch.cat((labels, torch.full_like(labels, MISSING)))),
        )
        expected.backward()
        found.backward()
        torch.testing.assert_close(found, expected)
        assert logits.grad is not None
        assert more.grad is not None
        torch.testing.assert_close(more.grad[:5], logits.grad)
        assert (more.grad[5:] == 0).all()

    def test_a_missing_au_gets_no_gradient_and_changes_no_other(self, loss) -> None:
        logits, labels = case()
        labels[:, 1] = MISSING
        logits.requires_grad_()
        (gradient,) = torch.autograd.grad(loss(logits, labels), logits)
        assert (gradient[:, 1] == 0).all()
        assert (gradient[labels != MISSING] != 0).all()
        changed = logits.detach().clone()
        changed[:, 1] = 50.0
        torch.testing.assert_close(loss(changed, labels), loss(logits.detach(), labels))

    def test_nothing_coded_is_zero_with_a_graph(self, loss) -> None:
        logits, labels = case()
        logits.requires_grad_()
        value = loss(logits, torch.full_like(labels, MISSING))
        (gradient,) = torch.autograd.grad(value, logits)
        assert value.item() == 0
        assert (gradient == 0).all()

    @pytest.mark.parametrize("size", [20.0, 200.0, 1e5])
    def test_extremes_of_float32(self, loss, size: float) -> None:
        logits = torch.tensor([[size, -size, size], [-size, size, -size]], requires_grad=True)
        labels = torch.tensor([[1, 0, 0], [0, 1, 1]])  # two AUs surely right, one surely wrong
        value = loss(logits, labels)
        value.backward()
        assert torch.isfinite(value)
        assert logits.grad is not None
        assert torch.isfinite(logits.grad).all()

    def test_worse_is_more(self, loss) -> None:
        labels = torch.tensor([[1, 0, 1], [0, 1, 0]])
        right = torch.where(labels == 1, 3.0, -3.0)
        values = [loss(right * sure, labels).item() for sure in (3, 1, 0.1, 0, -0.1, -1)]
        assert values == sorted(values)
        assert len(set(values)) == len(values)


@pytest.mark.parametrize("loss", [softmax, paper], ids=lambda loss: loss.__name__)
def test_perfect_is_zero_and_the_batch_size_does_not_matter(loss) -> None:
    logits, labels = case()
    torch.testing.assert_close(loss(logits.repeat(3, 1), labels.repeat(3, 1)), loss(logits, labels))
    assert loss(torch.where(labels == 1, 100.0, -100.0), labels).item() == pytest.approx(0, abs=1e-30)


def test_port_divides_by_the_batch_size() -> None:
    """Its defect, kept on purpose: 16 perfect rows cost 0.9375."""
    labels = torch.ones(16, 3, dtype=torch.long)
    loss = weighted_dice(labels.float(), labels, torch.ones(3), "port")
    assert loss.item() == pytest.approx(1 - 1 / 16)


def test_paper_dice_by_hand_and_its_smooth_term() -> None:
    probability, labels = torch.tensor([[0.5, 0.5]]), torch.tensor([[1, 0]])
    one = 1 - (1 + 1) / (0.25 + 1 + 1) + 1 - 1 / (0.25 + 1)
    assert weighted_dice(probability, labels, torch.ones(2)).item() == pytest.approx(one / 2)
    two = 1 - (1 + 2) / (0.25 + 1 + 2) + 1 - 2 / (0.25 + 2)
    assert weighted_dice(probability, labels, torch.ones(2), epsilon=2.0).item() == pytest.approx(two / 2)


def points(seed: int = 0, faces: int = 3) -> Tensor:
    """Landmarks (faces, 49, 2), eyes apart."""
    landmarks = 100 * torch.rand(faces, 49, 2, generator=torch.Generator().manual_seed(seed)).double()
    landmarks[:, 19:25] -= landmarks[:, 19:25].mean(1, keepdim=True) - torch.tensor([30.0, 50.0])
    landmarks[:, 25:31] -= landmarks[:, 25:31].mean(1, keepdim=True) - torch.tensor([60.0, 90.0])  # 50 apart
    return landmarks


class TestLandmarkLoss:
    def test_by_hand(self) -> None:
        target = points()
        predicted = target.clone()
        predicted[0, 7] += torch.tensor([3.0, 4.0])
        predicted[2] += torch.tensor([0.0, 2.0])
        expected = (25 / 5000 + 49 * 4 / 5000) / 3
        assert landmark_loss(predicted, target).item() == pytest.approx(expected)

    def test_perfect_is_zero_and_neither_scale_nor_batch_size_matters(self) -> None:
        target, predicted = points(), points() + points(1) / 10
        assert landmark_loss(target, target).item() == 0
        expected = landmark_loss(predicted, target)
        torch.testing.assert_close(landmark_loss(3 * predicted, 3 * target), expected)
        torch.testing.assert_close(landmark_loss(predicted.repeat(2, 1, 1), target.repeat(2, 1, 1)), expected)

    def test_faces_that_do_not_count_change_nothing(self) -> None:
        target, predicted = points(), (points() + 1).requires_grad_()
        target[1] = math.nan
        counted = torch.tensor([True, False, True])
        loss = landmark_loss(predicted, target, counted)
        loss.backward()
        torch.testing.assert_close(loss, landmark_loss(predicted[counted], target[counted]))
        assert predicted.grad is not None
        assert (predicted.grad[1] == 0).all()
        assert (predicted.grad[0] != 0).all()

    def test_no_face_counts(self) -> None:
        predicted = points().float().requires_grad_()
        loss = landmark_loss(predicted, torch.zeros(3, 49, 2), torch.zeros(3, dtype=torch.bool))
        loss.backward()
        assert loss.item() == 0
        assert predicted.grad is not None
        assert (predicted.grad == 0).all()

    def test_only_the_target_sets_the_distance(self) -> None:
        predicted = points()
        predicted[:, 25:31] = predicted[:, 19:25]
        assert torch.isfinite(landmark_loss(predicted, points()))

    @pytest.mark.parametrize("fault", ["eyes in one place", "one point not finite"])
    def test_landmarks_that_cannot_be_used_are_refused(self, fault: str) -> None:
        target = points()
        if fault == "eyes in one place":
            target[1, 25:31] = target[1, 19:25]
        else:
            target[1, 0, 0] = math.nan
        with pytest.raises(
            InputError, match=r"1 of 3 faces in the batch \(rows \[1\]\).*both eye centres in one"
        ):
            landmark_loss(points(), target)


@pytest.mark.parametrize(
    ("predicted", "target"),
    [
        ((2, 68, 2), (2, 68, 2)),
        ((2, 49, 3), (2, 49, 3)),
        ((49, 2), (49, 2)),
        ((2, 49, 2), (2, 68, 2)),
        ((1, 49, 2), (2, 49, 2)),
    ],
)
def test_landmarks_of_other_shapes_are_refused(predicted: tuple[int, ...], target: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"compares \(B, 49, 2\) with the same, got"):
        landmark_loss(torch.rand(predicted), torch.rand(target))
