"""Paper B: JAA-Net, frozen, and a graph convolution over the local features of its AUs.

C. Zhang et al., "Action Unit Detection with Joint Adaptive Attention and Graph Relation", arXiv 2107.04389,
2021 (ABAW-2). Stage 1 trains JAA-Net; stage 2 keeps it as it is and trains what is here:

    M_ij = P(AU_j | AU_i) in the training labels; Mbool = [M >= threshold]           Eq 2
    Z_k+1 = G Z_k W_k, Z_0 the local features of the AUs, G made of Mbool            Eq 3
    logits from [alignment features, global features, all nodes of the last Z]

Our choices, where the paper says nothing or leaves it open: a ReLU after each graph convolution, the last
one too (Eq 3 has none; but what follows is linear as in JAA-Net, so that without it all that the graph adds
would be one linear map of features that JAA-Net's own output has already); no bias; the sizes of the last two
layers, which are JAA-Net's; G is "row" unless the configuration says otherwise ("none" is the equation as
written).

Shapes: B batch, A AUs, F features of a branch of JAA-Net, W width of the graph.
"""

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from aulens.models.config import JAAConfig
from aulens.models.jaa_net import (
    HIDDEN,
    LOCAL_HIDDEN,
    JAAFeatures,
    JAANet,
    LandmarkModel,
    present_minus_absent,
)
from aulens.relations import AURelations


class AUGraph(nn.Module):
    """Graph convolutions over AUs (Eq 3): each AU takes from those that it is related to.

    Args:
        adjacency: G (A, A) float; row i weighs what AU i takes. Kept as a buffer: saved, not trained.
        nodes_in: Features of a node that come in.
        width: Features of a node that go out, W.
        depth: Graph convolutions one after the other.
    """

    adjacency: Tensor

    def __init__(self, adjacency: Tensor, nodes_in: int, width: int, depth: int) -> None:
        super().__init__()
        self.register_buffer("adjacency", adjacency.detach().clone())
        self.layers = nn.ModuleList(
            [nn.Linear(nodes_in if k == 0 else width, width, bias=False) for k in range(depth)]
        )

    def forward(self, nodes: Tensor) -> Tensor:
        """Refine.

        Args:
            nodes: (B, A, nodes_in).

        Returns:
            (B, A, width), not negative.
        """
        for layer in self.layers:
            # G (Z W), not (G Z) W: the features are many times wider than what W leaves of them.
            nodes = functional.relu(self.adjacency.to(nodes.dtype) @ layer(nodes))
        return nodes


class JAAGraphNet(LandmarkModel):
    """JAA-Net with the AU relation graph: paper B's network of stage 2.

    `jaa` is frozen: without gradients, in evaluation mode whatever `train` says (so that its batch-norm
    statistics stay), and never part of the autograd graph. A checkpoint has all of it, and the relations.

    Args:
        jaa: Trained in stage 1; its parameters no longer ask for gradients afterwards.
        relations: Of the same AUs, in the same order. To load a checkpoint, those of no labels will do: its
            own take their place.
        config: Threshold, normalisation, depth, width and nodes of the graph.

    Attributes:
        jaa: As given.
        threshold: Of Eq 2, as drawn by `aulens graph`.

    Raises:
        ModelError: The relations are of other AUs, or in another order.
    """

    # What they would learn is frozen.
    teaches_local = False

    conditional: Tensor
    occurrences: Tensor

    def __init__(self, jaa: JAANet, relations: AURelations, config: JAAConfig) -> None:
        relations.require(jaa.aus)
        super().__init__(jaa.aus, jaa.crop, jaa.template, jaa.map, jaa.has_side_scores)
        self.threshold = config.graph_threshold
        self.hidden_nodes = config.graph_nodes == "hidden"
        self.jaa = jaa.requires_grad_(False)
        adjacency = relations.adjacency(config.graph_threshold, config.graph_normalisation)
        self.graph = AUGraph(
            torch.tensor(adjacency, dtype=torch.float32),
            LOCAL_HIDDEN if self.hidden_nodes else jaa.width,
            config.graph_width,
            config.graph_depth,
        )
        self.output = nn.Sequential(
            nn.Linear(2 * jaa.width + len(jaa.aus) * config.graph_width, HIDDEN),
            nn.Linear(HIDDEN, 2 * len(jaa.aus)),
        )
        self.register_buffer("conditional", torch.tensor(relations.conditional, dtype=torch.float32))
        self.register_buffer("occurrences", torch.tensor(relations.occurrences))
        self.train(self.training)

    @property
    def relations(self) -> AURelations:
        """The relations that the graph was made of."""
        return AURelations(self.aus, as_written(self.conditional), self.occurrences.cpu().numpy())

    @property
    def first_stage(self) -> JAANet:
        """See `AUModel.first_stage`."""
        return self.jaa

    def train(self, mode: bool = True) -> Self:
        """Set the mode of the graph and the output; JAA-Net stays in evaluation mode."""
        super().train(mode)
        self.jaa.eval()
        return self

    def features(self, image: Tensor) -> JAAFeatures:
        """Those of the frozen JAA-Net, of (B, 3, crop, crop) float RGB in [0, 1]; they carry no gradients."""
        with torch.no_grad():
            return self.jaa.features(image)

    def classify(self, features: JAAFeatures) -> Tensor:
        """See `LandmarkModel.classify`: all that stage 2 trains."""
        nodes = self.graph(features.hidden if self.hidden_nodes else features.local)
        together = torch.cat((features.align, features.overall, nodes.flatten(1)), 1)
        return present_minus_absent(self.output(together))


def as_written(values: Tensor) -> NDArray[np.float64]:
    """The decimal numbers that float32 values stand for: 0.7 as float32 is below 0.7, and a relation of 0.7
    would fall under a threshold of 0.7."""
    return values.float().cpu().numpy().astype(str).astype(np.float64)
