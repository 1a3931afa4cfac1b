"""Paper A's losses: perfect is 0, worse is more, no matter the batch's size, MISSING changes nothing."""

import math

import pytest
import torch
from torch import Tensor

from aulens.aus import MISSING
from aulens.errors import ConfigError
from aulens.losses import RoiCriterion, inverse_rates, masked_mean
from aulens.losses.roi import grades
from aulens.models import AUOutput, RoiConfig
from aulens.models.regions import Regions, roi_maps
from aulens.roi import RoiGrid

AUS = (1, 12, 25)
CROP, MAP = 64, 16
VARIANTS = ("pooled", "heatmap", "roi", "roi_gcn_supervised")


def config(variant: str, weighted: bool = False, background: float = 1.0) -> RoiConfig:
    return RoiConfig(variant=variant, crop=CROP, aus=AUS, weighted=weighted, background=background)


def faces(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Landmarks (count, 68, 2) in the crop and side labels (count, 3, 2) of all three codes."""
    generator = torch.Generator().manual_seed(seed)
    landmarks = torch.rand(count, 68, 2, generator=generator) * CROP
    labels = torch.randint(-1, 2, (count, len(AUS), 2), generator=generator).to(torch.int8)
    return landmarks, labels


def perfect(landmarks: Tensor, labels: Tensor, positives_only: bool = False) -> AUOutput:
    """What a model that knows the answer would say."""
    regions = Regions(config("roi").au_set)
    windows = regions.windows(landmarks, RoiGrid(CROP, MAP))
    maps, _, _ = roi_maps(regions.region_labels(labels), windows, MAP, positives_only)
    present = (labels == 1).any(-1)
    logits = torch.where(present, 100.0, -100.0)
    return AUOutput(logits, maps, logits.unsqueeze(-1).expand(-1, -1, 2), logits)


def shifted(output: AUOutput, by: float) -> AUOutput:
    """The same, wrong by so much everywhere."""
    logits = output.logits - output.logits.sign() * 100 * by
    return AUOutput(logits, output.maps + by, output.sides, logits)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("background", [1.0, 0.1])
@pytest.mark.parametrize("variant", VARIANTS)
class TestEveryLoss:
    def criterion(self, variant: str, weighted: bool, background: float) -> RoiCriterion:
        return RoiCriterion(config(variant, weighted, background), (0.5, 0.1, 0.2))

    def test_perfect_is_zero_and_worse_is_more(self, variant: str, weighted: bool, background: float) -> None:
        criterion = self.criterion(variant, weighted, background)
        landmarks, labels = faces(6)
        right = perfect(landmarks, labels, variant == "heatmap")
        steps = [criterion(shifted(right, by), landmarks, labels)["loss"].item() for by in (0, 0.5, 1, 2)]
        assert steps[0] == pytest.approx(0, abs=1e-6)
        assert steps == sorted(steps)
        assert len({round(step, 6) for step in steps[1:]}) > 1

    def test_batch_size_does_not_matter(self, variant: str, weighted: bool, background: float) -> None:
        criterion = self.criterion(variant, weighted, background)
        landmarks, labels = faces(3)
        once = shifted(perfect(landmarks, labels), 0.7)
        twice = AUOutput(*(torch.cat((t, t)) for t in (once.logits, once.maps, once.sides, once.logits)))
        expected = criterion(once, landmarks, labels)
        found = criterion(twice, landmarks.repeat(2, 1, 1), labels.repeat(2, 1, 1))
        for name, loss in expected.items():
            torch.testing.assert_close(found[name], loss)

    def test_missing_rows_change_nothing(self, variant: str, weighted: bool, background: float) -> None:
        criterion = self.criterion(variant, weighted, background)
        landmarks, labels = faces(3)
        coded = shifted(perfect(landmarks, labels), 0.7)
        rows = [torch.cat((t, torch.full_like(t, 9.0))) for t in (coded.logits, coded.maps, coded.sides)]
        more = AUOutput(*rows, rows[0])
        expected = criterion(coded, landmarks, labels)
        found = criterion(
            more, landmarks.repeat(2, 1, 1), torch.cat((labels, torch.full_like(labels, MISSING)))
        )
        for name, loss in expected.items():
            torch.testing.assert_close(found[name], loss)

    def test_a_missing_au_gets_no_gradient(self, variant: str, weighted: bool, background: float) -> None:
        criterion = self.criterion(variant, weighted, background)
        landmarks, labels = faces(4)
        labels[:, 1] = MISSING
        labels[:, 0] = 1
        maps = torch.randn(4, 3, MAP, MAP, requires_grad=True)
        logits = torch.randn(4, 3, requires_grad=True)
        criterion(AUOutput(logits, maps, logits[..., None], logits), landmarks, labels)["loss"].backward()
        for gradient in (maps.grad, logits.grad):
            if gradient is not None:
                assert (gradient[:, 1] == 0).all()
                assert (gradient[:, 0] != 0).any()

    def test_nothing_coded_is_zero_with_a_graph(
        self, variant: str, weighted: bool, background: float
    ) -> None:
        criterion = self.criterion(variant, weighted, background)
        landmarks, labels = faces(2)
        logits, maps = torch.randn(2, 3, requires_grad=True), torch.randn(2, 3, MAP, MAP, requires_grad=True)
        output = AUOutput(logits, maps, logits[..., None], logits)
        losses = criterion(output, landmarks, torch.full_like(labels, MISSING))
        losses["loss"].backward()
        assert all(loss.item() == 0 for loss in losses.values())
        gradient = logits.grad if variant == "pooled" else maps.grad
        assert gradient is not None
        assert (gradient == 0).all()


def lip_corners(
    labels: tuple[int, int],
    variant: str = "roi",
    background: float = 1.0,
    graded: bool = False,
    intensities: tuple[float, float] | None = None,
) -> Tensor:
    """Loss of an empty map of AU12, its two regions (7 x 7 of 16 x 16) apart."""
    landmarks = torch.zeros(1, 68, 2)
    landmarks[0, 48], landmarks[0, 54] = torch.tensor([15.5, 31.5]), torch.tensor([47.5, 31.5])
    settings = RoiConfig(variant=variant, crop=CROP, aus=(12,), background=background, graded=graded)
    empty = AUOutput(torch.zeros(1, 1), torch.zeros(1, 1, MAP, MAP), torch.zeros(1, 1, 2))
    given = None if intensities is None else torch.tensor([[intensities]])
    loss: Tensor = RoiCriterion(settings)(empty, landmarks, torch.tensor([[labels]]), given)["maps"]
    return loss


@pytest.mark.parametrize(
    ("labels", "variant", "background", "expected"),
    [
        ((1, 1), "roi", 1.0, 98 / 256),  # two regions off by 1, the mean over all pixels
        ((0, 0), "roi", 1.0, 98 / 256),  # absence counts like presence
        ((1, 0), "roi", 1.0, 98 / 256),  # sides differ: each has its own sign
        ((0, 0), "heatmap", 1.0, 0.0),  # positives only: an empty map is right
        ((1, 0), "heatmap", 1.0, 49 / 256),
        ((1, MISSING), "roi", 1.0, 49 / (256 - 49)),  # the other side's region is left out
        ((1, 1), "roi", 0.0, 1.0),  # regions alone
        ((1, 1), "roi", 0.1, 98 / (98 + 15.8)),  # 158 pixels around them at a tenth
    ],
)
def test_map_loss_by_hand(labels: tuple[int, int], variant: str, background: float, expected: float) -> None:
    assert lip_corners(labels, variant, background).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("labels", "intensities", "graded", "expected"),
    [
        ((0, 0), (0, 0), True, 98 / 256),  # -1 where there is nothing
        ((1, 1), (2, 5), True, (0.2**2 + 1) * 49 / 256),  # 0.2 at B, 1 at E
        ((1, 1), (3.5, 1), True, (0.6**2 + 0.4**2) * 49 / 256),  # linear between
        ((0, 1), (1, math.nan), True, (0.4**2 + 1) * 49 / 256),  # a trace; not coded: the label
        ((MISSING, 1), (1.5, 5), True, (0.1**2 + 1) * 49 / 256),  # too weak to be called either
        ((MISSING, 1), (math.nan, 5), True, 49 / (256 - 49)),
        ((1, 1), (1, 2), False, 98 / 256),
        ((1, 1), None, True, 98 / 256),
    ],
)
def test_graded_map_loss_by_hand(
    labels: tuple[int, int], intensities: tuple[float, float] | None, graded: bool, expected: float
) -> None:
    assert lip_corners(labels, graded=graded, intensities=intensities).item() == pytest.approx(expected)


def test_an_absent_au_leaves_a_graded_map_empty_where_only_positives_count() -> None:
    assert lip_corners((0, 0), "heatmap", graded=True, intensities=(0, 1)).item() == pytest.approx(0)


def test_a_midline_au_is_graded_by_its_stronger_side() -> None:
    """Both regions of AU25 show the AU, as its labels do; a side that shows less says nothing."""
    regions = Regions(config("roi").au_set)
    labels = torch.tensor([[[0, 1], [1, 1], [1, 1]], [[0, 0], [0, 1], [1, MISSING]]])
    given = torch.tensor([[[0.0, 3.5], [1, 5], [2, 3.5]], [[0, 0], [1, 2], [2, math.nan]]])
    kept, found = grades(labels, given)
    expected = [[[-1, 0.6], [-0.4, 1], [0.6, 0.6]], [[-1, -1], [-0.4, 0.2], [0.2, 0.2]]]
    torch.testing.assert_close(regions.side_scores(found), torch.tensor(expected))
    assert kept[1, 2].tolist() == [1, MISSING]


def test_only_maps_are_graded() -> None:
    with pytest.raises(ConfigError, match="pooled has no maps"):
        RoiConfig(variant="pooled", graded=True)
    assert not RoiConfig().graded


def test_eigen_loss_by_hand_and_total() -> None:
    landmarks = torch.zeros(2, 68, 2)
    labels = torch.tensor([[[0, 1]], [[0, MISSING]]])  # present on one side; undetermined
    settings = RoiConfig(variant="roi_gcn_supervised", crop=CROP, aus=(12,), alpha=0.25)
    logits = torch.tensor([[math.log(3.0)], [5.0]])  # probability 3/4
    output = AUOutput(logits, torch.zeros(2, 1, MAP, MAP), torch.zeros(2, 1, 2), logits)
    losses = RoiCriterion(settings)(output, landmarks, labels)
    assert losses["eigen"].item() == pytest.approx(-math.log(0.75))
    assert losses["loss"].item() == pytest.approx(losses["maps"].item() + 0.25 * losses["eigen"].item())


def test_alpha_is_the_papers() -> None:
    assert RoiConfig().alpha == 0.001


def test_weights_multiply_aus() -> None:
    landmarks = torch.full((1, 68, 2), 30.0)
    labels = torch.ones(1, 3, 2, dtype=torch.int8)
    for au, weight in enumerate((6 / 17, 30 / 17, 15 / 17)):  # 1/0.5, 1/0.1, 1/0.2 over their mean 17/3
        logits = torch.full((1, 3), 100.0)
        logits[0, au] = 0.0
        output = AUOutput(logits, torch.zeros(1, 3, MAP, MAP), torch.zeros(1, 3, 2))
        losses = RoiCriterion(config("pooled", weighted=True), (0.5, 0.1, 0.2))(output, landmarks, labels)
        assert losses["loss"].item() == pytest.approx(weight * math.log(2) / 3)
        maps = perfect(landmarks, labels).maps.clone()
        maps[0, au] += 0.5
        output = AUOutput(logits, maps, torch.zeros(1, 3, 2), logits)
        criterion = RoiCriterion(config("roi_gcn_supervised", weighted=True), (0.5, 0.1, 0.2))
        losses = criterion(output, landmarks, labels)
        assert losses["maps"].item() == pytest.approx(weight * 0.5**2 / 3)
        assert losses["eigen"].item() == pytest.approx(weight * math.log(2) / 3)


class TestInverseRates:
    def test_equal_the_published_ones(self) -> None:
        """ME-GraphAU's weights (DISFA, fold 1) are 1/r with mean 1: their inverses give them back."""
        published = (1.422290, 2.347771, 0.399672, 0.795021, 1.878217, 0.440125, 0.195583, 0.521322)
        rates = [0.05 / weight for weight in published]
        torch.testing.assert_close(inverse_rates(rates), torch.tensor(published), rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize("never", [0.0, math.nan])
    def test_an_au_that_never_occurs_weighs_as_the_rarest(self, never: float) -> None:
        torch.testing.assert_close(inverse_rates((0.5, never, 0.25)), torch.tensor([0.6, 1.2, 1.2]))

    def test_nothing_ever_occurs(self) -> None:
        assert inverse_rates((0.0, 0.0)).tolist() == [1, 1]

    @pytest.mark.parametrize(("rates", "seen"), [(None, "got none"), ((0.5,), "got 1")])
    def test_weighted_needs_one_for_each(self, rates: tuple[float, ...] | None, seen: str) -> None:
        with pytest.raises(ConfigError, match=f"each of the 3 AUs, {seen}"):
            RoiCriterion(config("roi", weighted=True), rates)


def test_masked_mean() -> None:
    values = torch.tensor([1.0, 5.0, 7.0])
    assert masked_mean(values, torch.tensor([1.0, 0.0, 0.5])).item() == pytest.approx(3.0)
    assert masked_mean(values, torch.zeros(3)).item() == 0
