"""Paper B's second stage: the graph convolution, and JAA-Net frozen beneath it."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from aulens.aus import AUSet
from aulens.errors import InputError, ModelError
from aulens.models.config import JAAConfig
from aulens.models.jaa_gcn import AUGraph, JAAGraphNet, as_written
from aulens.models.jaa_net import JAANet
from aulens.relations import AURelations

CROP = 48
FOUR = AUSet("four", (1, 12, 25, 4))
CONDITIONAL = np.array([[1, 0.7, 0, 0.1], [0.2, 1, 0.7, 0], [0, 0.5, 1, 0.3], [0.9, 0, 0.3, 1]])
RELATIONS = AURelations(FOUR, CONDITIONAL, np.array([10, 20, 30, 40]))
UNSPECIFIED = AURelations.from_labels(np.empty((0, 4)), FOUR)


def config(**changes: object) -> JAAConfig:
    start = JAAConfig(variant="jaa_gcn", aus=FOUR.numbers, crop=CROP, graph_width=5)
    return dataclasses.replace(start, **changes)


@pytest.fixture(scope="module")
def trained() -> JAANet:
    """A JAA-Net whose running statistics are not their defaults; left alone by the tests."""
    torch.manual_seed(0)
    jaa = JAANet(FOUR, CROP)
    for _ in range(3):
        jaa.features(torch.rand(4, 3, CROP, CROP))
    return jaa.eval()


@pytest.fixture
def model(trained: JAANet) -> JAAGraphNet:
    torch.manual_seed(1)
    return JAAGraphNet(copy.deepcopy(trained), RELATIONS, config())


def batch(count: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(count, 3, CROP, CROP, generator=generator)
    return image, torch.rand(count, 68, 2, generator=generator) * CROP


class TestGraph:
    @pytest.mark.parametrize("depth", [1, 2, 3])
    def test_equation_3(self, depth: int) -> None:
        random = np.random.default_rng(0)
        torch.manual_seed(0)  # with few channels and no seed, ReLU may leave nothing
        adjacency, nodes = random.random((6, 6)), random.standard_normal((2, 6, 7))
        graph = AUGraph(torch.tensor(adjacency), nodes_in=7, width=16, depth=depth).double()
        expected = nodes
        for layer in graph.layers:
            weight = layer.weight.detach().numpy().T
            expected = np.maximum(np.einsum("ij,bjf,fw->biw", adjacency, expected, weight), 0)
        assert expected.any()
        found = graph(torch.tensor(nodes)).detach().numpy()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
        assert len(list(graph.parameters())) == depth

    def test_an_au_takes_from_those_it_is_related_to_and_from_no_other(self) -> None:
        adjacency = torch.eye(3)
        adjacency[0, 2] = 1  # AU 0 takes from AU 2, not the other way round
        graph = AUGraph(adjacency, 4, 50, 1)
        nodes = torch.randn(1, 3, 4)
        before = graph(nodes)[0]
        for changed, reached in ((0, {0}), (1, {1}), (2, {0, 2})):
            other = nodes.clone()
            other[0, changed] += 1
            moved = (graph(other)[0] != before).any(1)
            assert set(moved.nonzero().flatten().tolist()) == reached


class TestNetwork:
    def test_output(self, model: JAAGraphNet, trained: JAANet) -> None:
        image, landmarks = batch(3)
        with torch.no_grad():
            output, alone = model.eval()(image, landmarks), trained(image, landmarks)
        assert output.logits.shape == (3, 4)
        assert output.local_logits is None
        assert output.eigen_logits is None
        assert torch.equal(output.maps, alone.maps)
        assert output.landmarks is not None
        assert torch.equal(output.landmarks, alone.landmarks)
        assert torch.equal(output.sides, output.logits[..., None].expand(-1, -1, 2))
        assert not torch.equal(output.logits, alone.logits)
        assert (model.aus, model.crop, model.template, model.map) == (FOUR, CROP, "jaanet", CROP // 4)
        assert not model.has_side_scores

    @pytest.mark.parametrize("nodes", ["features", "hidden"])
    @pytest.mark.parametrize("normalisation", ["none", "row", "symmetric"])
    def test_logits_are_those_of_the_equations(self, trained: JAANet, nodes: str, normalisation: str) -> None:
        chosen = config(graph_nodes=nodes, graph_normalisation=normalisation, graph_threshold=0.3)
        model = JAAGraphNet(copy.deepcopy(trained), RELATIONS, chosen).eval()
        image, landmarks = batch(2)
        with torch.no_grad():
            known = trained.features(image)
            start = known.local if nodes == "features" else known.hidden
            graph = torch.tensor(RELATIONS.adjacency(0.3, normalisation)).float()
            refined = functional.relu(graph @ (start @ model.graph.layers[0].weight.T))
            together = torch.cat([known.align, known.overall, refined.reshape(2, -1)], 1)
            absent, present = model.output(together).chunk(2, 1)
            found = model(image, landmarks).logits
        torch.testing.assert_close(found, present - absent, rtol=1e-5, atol=1e-6)

    def test_none_is_the_equation_as_written(self, trained: JAANet) -> None:
        model = JAAGraphNet(trained, RELATIONS, config(graph_normalisation="none"))
        expected = [[1, 1, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1]]
        assert model.graph.adjacency.tolist() == expected

    def test_exported_is_what_forward_says(self, model: JAAGraphNet) -> None:
        image, landmarks = batch(2)
        with torch.no_grad():
            exported, output = model.exported(image), model(image, landmarks)
        assert list(exported) == ["maps", "logits", "landmarks"]
        assert torch.equal(exported["maps"], output.maps)
        assert torch.equal(exported["logits"], output.logits)
        assert torch.equal(exported["landmarks"], output.landmarks)

    def test_depth_and_width(self, trained: JAANet) -> None:
        model = JAAGraphNet(trained, RELATIONS, config(graph_depth=3, graph_width=7))
        sizes = [tuple(layer.weight.shape) for layer in model.graph.layers]
        assert sizes == [(7, trained.width), (7, 7), (7, 7)]
        assert model.output[0].in_features == 2 * trained.width + 4 * 7
        assert model(*batch(1)).logits.shape == (1, 4)

    def test_a_batch_of_one_is_a_row_of_a_batch_of_four(self, model: JAAGraphNet) -> None:
        image, landmarks = batch(4)
        with torch.no_grad():
            four, one = model(image, landmarks), model(image[2:3], landmarks[2:3])
        torch.testing.assert_close(one.logits[0], four.logits[2], rtol=1e-4, atol=1e-5)

    def test_wrong_images_are_refused(self, model: JAAGraphNet) -> None:
        with pytest.raises(InputError, match=r"\(B, 3, 48, 48\), got \(1, 3, 64, 64\)"):
            model(torch.zeros(1, 3, 64, 64), torch.zeros(1, 68, 2))


class TestFrozen:
    def test_training_leaves_jaa_net_bit_for_bit(self, model: JAAGraphNet) -> None:
        before = copy.deepcopy(model.state_dict())
        optimiser = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
        image, landmarks = batch()
        for _ in range(3):
            model.train()
            optimiser.zero_grad()
            functional.softplus(model(image, landmarks).logits).mean().backward()
            optimiser.step()
        changed = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
        assert any(key.startswith("jaa.") and key.endswith("running_mean") for key in before)
        assert changed == {
            "graph.layers.0.weight", "output.0.weight", "output.0.bias", "output.1.weight", "output.1.bias",
        }  # fmt: skip

    def test_only_the_graph_and_the_output_ask_for_gradients(self, model: JAAGraphNet) -> None:
        asking = {name.partition(".")[0] for name, p in model.named_parameters() if p.requires_grad}
        assert asking == {"graph", "output"}
        model.requires_grad_(True)  # someone may; the features still carry none
        assert not model.features(batch(1)[0]).local.requires_grad

    def test_jaa_net_stays_in_evaluation_mode(self, trained: JAANet) -> None:
        model = JAAGraphNet(copy.deepcopy(trained).train(), RELATIONS, config())
        for mode in (True, False, True):
            assert not any(module.training for module in model.jaa.modules())
            assert model.train(mode) is model
            assert (model.training, model.graph.training) == (mode, mode)
        assert not copy.deepcopy(model).jaa.training

    def test_gradients_are_left_on_for_the_caller(self, model: JAAGraphNet) -> None:
        assert model(*batch(1)).logits.requires_grad
        assert torch.is_grad_enabled()


class TestRelations:
    def test_they_are_saved_with_the_model(self, trained: JAANet, model: JAAGraphNet) -> None:
        other = JAAGraphNet(copy.deepcopy(trained), UNSPECIFIED, config())
        assert torch.equal(other.graph.adjacency, torch.eye(4))
        other.load_state_dict(model.state_dict(), strict=True)
        image, landmarks = batch(2)
        with torch.no_grad():
            assert torch.equal(other(image, landmarks).logits, model(image, landmarks).logits)
        np.testing.assert_array_equal(other.relations.conditional, CONDITIONAL)
        np.testing.assert_array_equal(other.relations.occurrences, [10, 20, 30, 40])
        assert other.relations.aus == FOUR
        assert other.threshold == 0.4

    def test_what_is_saved_keeps_each_side_of_every_threshold(self) -> None:
        """As float32 0.7 is below 0.7; the relations of a checkpoint must still be those of its graph."""
        together, given = np.mgrid[0:301, 1:301].reshape(2, -1)
        exact = np.minimum(together / given, 1)
        saved = torch.tensor(exact, dtype=torch.float32)
        thresholds = np.arange(101)[:, None] / 100
        np.testing.assert_array_equal(as_written(saved) >= thresholds, exact >= thresholds)

    @pytest.mark.parametrize("numbers", [(12, 1, 25, 4), (1, 12, 25), (1, 12, 25, 45)])
    def test_of_other_aus_they_are_refused(self, trained: JAANet, numbers: tuple[int, ...]) -> None:
        other = AUSet("other", numbers)
        relations = AURelations.from_labels(np.ones((5, len(numbers))), other)
        with pytest.raises(ModelError, match=r"the relations are of .* the model predicts AU1 AU12 AU25 AU4"):
            JAAGraphNet(trained, relations, config())
