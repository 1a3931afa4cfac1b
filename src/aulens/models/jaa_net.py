"""JAA-Net: Action Units and landmarks learned together, each AU with an attention map of its own.

Z. Shao, Z. Liu, J. Cai and L. Ma, "JAA-Net: Joint Facial Action Unit Detection and Face Alignment via
Adaptive Attention", IJCV 2021 (its second version: the attention is supervised by the AUs' local branches),
the feature extractor of paper B. Face in, 49 landmarks out; where they lie decides where each AU's attention
starts.

`aulens.models.official_jaa` brings the published weights here.

Shapes: B batch, A AUs, m = crop / 4 side of the features, f = m // 2 // 2 // 2, F = 160 * f * f features of a
branch.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from aulens.aus import AUSet
from aulens.landmarks import IBUG49
from aulens.models.base import AUModel, AUOutput, full
from aulens.models.jaa_parts import (
    FEATURE_CHANNELS,
    AttentionRefinement,
    FeatureExtractor,
    GroupedLinear,
    RegionLearning,
    attend,
)
from aulens.models.regions import Regions

MIN_CROP: Final = 48
HIDDEN: Final = 512
LOCAL_HIDDEN: Final = 64

ATTENTION_STRIDE: Final = 4
"""Crop pixels per pixel of the features that the attention maps weigh."""
ATTENTION_BORDER: Final = 4
"""Pixels that an initial map is wider on each side: the refinement's unpadded convolutions take them off."""
ATTENTION_EXTENT: Final = 0.14
"""A window's size relative to its map: ζ of the published code."""
ATTENTION_SLOPE: Final = 0.56
"""How much of the value is lost over `ATTENTION_EXTENT` of the map: ξ of the published code."""


@dataclass(frozen=True)
class JAAFeatures:
    """What JAA-Net knows of B faces before the last decision.

    Attributes:
        align: (B, F) features of the face alignment.
        overall: (B, F) features of the whole face (the papers' global features).
        local: (B, A, F) features of each AU.
        hidden: (B, A, 64) the local classifiers' inner layer.
        local_logits: (B, A) each AU's logit from its local features alone.
        landmarks: (B, 49, 2) predicted, pixels of the crop.
        attention: (B, A, m, m) refined attention in (0, 1).
        initial_attention: (B, A, m, m) in [0, 1], as the landmarks alone have it.
    """

    align: Tensor
    overall: Tensor
    local: Tensor
    hidden: Tensor
    local_logits: Tensor
    landmarks: Tensor
    attention: Tensor
    initial_attention: Tensor


class LandmarkModel(AUModel):
    """A model of JAA-Net's family: it finds the landmarks itself, and where each AU's attention lies.

    A subclass says what its `features` are and how it decides (`classify`).
    """

    teaches_local: bool = True
    """Whether the local classifiers are trained: only then their logits are part of the output."""

    @abstractmethod
    def features(self, image: Tensor) -> JAAFeatures:
        """All but the last decision.

        Args:
            image: (B, 3, crop, crop) float RGB in [0, 1].
        """

    @abstractmethod
    def classify(self, features: JAAFeatures) -> Tensor:
        """Logits (B, A) from all features."""

    def exported(self, image: Tensor) -> dict[str, Tensor]:
        """See `AUModel.exported`."""
        return {name: part for name, part in self.inner(image).items() if name != "initial_attention"}

    def inner(self, image: Tensor) -> dict[str, Tensor]:
        """See `AUModel.inner`."""
        features = self.features(image)
        return {
            "maps": features.attention,
            "logits": self.classify(features),
            "landmarks": features.landmarks,
            "initial_attention": features.initial_attention,
        }

    def forward(self, image: Tensor, landmarks: Tensor) -> AUOutput:
        """See `AUModel.forward`; those landmarks are only checked, the network finds its own."""
        self.check_input(image, landmarks)
        features = self.features(image)
        logits = self.classify(features)
        return AUOutput(
            logits=logits,
            maps=features.attention,
            sides=logits.unsqueeze(2).expand(-1, -1, 2),
            landmarks=features.landmarks,
            local_logits=features.local_logits if self.teaches_local else None,
        )


def present_minus_absent(pairs: Tensor) -> Tensor:
    """Logits (B, A) from the published output (B, 2A) = [absent_1 .. absent_A, present_1 .. present_A]; its
    log-softmax over the pair is log-sigmoid of this difference."""
    absent, present = full(pairs).chunk(2, 1)
    return present - absent


class InitialAttention(nn.Module):
    """A diamond of falling weight around each of an AU's two centres: where the attention starts.

    Around the centre c = round(x * S / crop) (half to even, as the published code has it: not `RoiGrid`'s
    pixel centres) the value is 1 - |p - c|₁ * slope / (S * extent) in a window of
    2 * round((S - 1) / 2 * extent) + 1 pixels; where windows meet, the larger; never below 0. A centre
    outside still marks the border that is nearest.

    Args:
        aus: The AUs, in order.
        crop: Side of the crop in pixels, a multiple of 4.
    """

    def __init__(self, aus: AUSet, crop: int) -> None:
        super().__init__()
        self.crop = crop
        self.side = crop // ATTENTION_STRIDE + 2 * ATTENTION_BORDER
        self.reach = round((self.side - 1) / 2 * ATTENTION_EXTENT)
        self.fall = ATTENTION_SLOPE / (self.side * ATTENTION_EXTENT)
        self.regions = Regions(aus)

    def forward(self, landmarks: Tensor) -> Tensor:
        """From (B, 49, 2) crop pixels to (B, A, S, S) in [0, 1], S = crop / 4 + 8."""
        centre = (self.regions.centres(landmarks, upright=True) * (self.side / self.crop)).round()
        pixel = torch.arange(self.side, device=landmarks.device, dtype=centre.dtype)
        low, high = ((centre + d).clamp(0, self.side - 1).unsqueeze(-1) for d in (-self.reach, self.reach))
        # Distances of the window's columns and rows; far away outside it, so that nothing is left there.
        outside = (pixel < low) | (pixel > high)
        distance = (pixel - centre.unsqueeze(-1)).abs().masked_fill(outside, self.side / self.fall)
        x, y = distance.to(landmarks.dtype).unbind(3)
        value = 1 - (y.unsqueeze(4) + x.unsqueeze(3)) * self.fall
        return value.amax(2).clamp_min(0)


class JAANet(LandmarkModel):
    """JAA-Net, version 2.

    Args:
        aus: What to predict; any AUs that have centres (`aulens.roi.CENTRES`).
        crop: Side of the image in pixels, a multiple of 16, at least 48: 176 in the published code, 112 in
            paper B.
        template: Name of the crop template.

    Attributes:
        width: F.
    """

    def __init__(self, aus: AUSet, crop: int, template: str = "jaanet") -> None:
        super().__init__(aus, crop, template, map=crop // ATTENTION_STRIDE, has_side_scores=False)
        self.width = FEATURE_CHANNELS[-1] * (self.map // 2 // 2 // 2) ** 2
        count = len(aus)
        self.region = RegionLearning()
        self.align_overall = FeatureExtractor(2, shared=True)
        self.align_output = nn.Sequential(nn.Linear(self.width, HIDDEN), nn.Linear(HIDDEN, 2 * IBUG49.count))
        self.attention = InitialAttention(aus, crop)
        self.refinement = AttentionRefinement(count)
        self.local = FeatureExtractor(count)
        self.local_output = nn.ModuleList(
            [GroupedLinear(count, self.width, LOCAL_HIDDEN), GroupedLinear(count, LOCAL_HIDDEN, 2)]
        )
        self.output = nn.Sequential(nn.Linear(3 * self.width, HIDDEN), nn.Linear(HIDDEN, 2 * count))
        self.to(memory_format=torch.channels_last)

    @property
    def feature_layer(self) -> nn.Module:
        """See `AUModel.feature_layer`."""
        return self.region

    def features(self, image: Tensor) -> JAAFeatures:
        """See `LandmarkModel.features`."""
        count = len(self.aus)
        region = self.region((image.contiguous(memory_format=torch.channels_last) - 0.5) / 0.5)
        pair = self.align_overall(region).reshape(-1, 2, self.width)
        align, overall = pair[:, 0], pair[:, 1]
        with torch.autocast(image.device.type, enabled=False):
            landmarks = self.align_output(full(align)).reshape(-1, IBUG49.count, 2)
            initial = self.attention(landmarks.detach())
        attention = self.refinement(initial.contiguous(memory_format=torch.channels_last))
        local = self.local(attend(region, attention)).reshape(-1, count, self.width)
        hidden = self.local_output[0](local)
        absent, present = full(self.local_output[1](hidden)).unbind(2)
        border = ATTENTION_BORDER
        return JAAFeatures(
            align, overall, local, hidden, present - absent, landmarks, full(attention),
            initial[..., border:-border, border:-border],
        )  # fmt: skip

    def classify(self, features: JAAFeatures) -> Tensor:
        """See `LandmarkModel.classify`; the final loss must not reach the local branches (version 2)."""
        together = torch.cat((features.align, features.overall, features.local.mean(1).detach()), 1)
        return present_minus_absent(self.output(together))
