"""JAA-Net v2 as its description reads: one small convolution per cell, one network per AU, maps by numpy.

Slow on purpose. Its six parts have the names and shapes of the published checkpoints, so that it is the plain
truth for `aulens.models.jaa_net` in tests, and what that module's speed is measured against in benchmarks.

Shao et al., JAA-Net: Joint Facial Action Unit Detection and Face Alignment via Adaptive Attention, IJCV 2021.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aulens.aus import AUSet
from aulens.roi import centres

SUBNETS = (
    "region_learning",
    "align_net",
    "local_attention_refine",
    "local_au_net",
    "global_au_feat",
    "au_net",
)
LANDMARKS = 49
WIDTHS = (96, 128, 160)  # of the three levels of a feature extractor
REFINE = 64
HIDDEN = 512
LOCAL_HIDDEN = 64


def attention_maps(landmarks: NDArray[np.floating], aus: AUSet, crop: int) -> NDArray[np.float32]:
    """A diamond of falling weight around each of an AU's two centres, the larger where they meet.

    Args:
        landmarks: (..., K, 2) crop pixels, any layout.
        aus: The Action Units, in order.
        crop: Side of the crop in pixels.

    Returns:
        (..., A, S, S) in [0, 1], S = crop / 4 + 2 * 4.
    """
    extent, slope = 0.14, 0.56
    size = crop // 4 + 8
    half = round((size - 1) / 2 * extent)
    centre = np.rint(centres(landmarks, aus, upright=True) * (size / crop))[..., None]  # (..., A, 2, 2, 1)
    pixel = np.arange(size)
    distance = np.abs(pixel - centre)
    low, high = np.clip(centre - half, 0, size - 1), np.clip(centre + half, 0, size - 1)
    inside = (pixel >= low) & (pixel <= high)
    (dx, dy), (in_x, in_y) = (np.moveaxis(a, -2, 0) for a in (distance, inside))
    value = 1 - (dy[..., :, None] + dx[..., None, :]) * (slope / (size * extent))
    value = np.where(in_y[..., :, None] & in_x[..., None, :], value, 0)
    return np.asarray(np.maximum(value, 0).max(-3), np.float32)


def feature_side(crop: int) -> int:
    """Side of a feature extractor's output: 5 at crop 176, 3 at 112."""
    return crop // 4 // 2 // 2 // 2


class LocalGrid(nn.Module):
    """The input cut into grid x grid cells, each with its own BN and convolution, zero at its borders."""

    def __init__(self, grid: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.grid = grid
        self.bns = nn.ModuleList(nn.BatchNorm2d(inputs) for _ in range(grid * grid))
        self.convs = nn.ModuleList(nn.Conv2d(inputs, outputs, 3, padding=1) for _ in range(grid * grid))

    def forward(self, x: Tensor) -> Tensor:
        rows = []
        for i, strip in enumerate(torch.chunk(x, self.grid, dim=2)):
            row = []
            for j, cell in enumerate(torch.chunk(strip, self.grid, dim=3)):
                k = i * self.grid + j
                row.append(self.convs[k](torch.relu(self.bns[k](cell))))
            rows.append(torch.cat(row, 3))
        return torch.cat(rows, 2)


class Hierarchy(nn.Module):
    """A convolution and what three ever coarser grids add to it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.local_conv_branch1 = LocalGrid(8, outputs, outputs // 2)
        self.local_conv_branch2 = LocalGrid(4, outputs // 2, outputs // 4)
        self.local_conv_branch3 = LocalGrid(2, outputs // 4, outputs // 4)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        first = self.local_conv_branch1(x)
        second = self.local_conv_branch2(first)
        third = self.local_conv_branch3(second)
        return torch.relu(self.bn(x + torch.cat([first, second, third], 1)))


class RegionLearning(nn.Module):
    """(B, 3, crop, crop) -> (B, 64, crop/4, crop/4)."""

    def __init__(self) -> None:
        super().__init__()
        self.multiscale_feat = nn.Sequential(
            Hierarchy(3, 32), nn.MaxPool2d(2), Hierarchy(32, 64), nn.MaxPool2d(2)
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.multiscale_feat(image)


class Extractor(nn.Module):
    """(B, 64, crop/4, crop/4) -> (B, 160, f, f): three levels of two convolutions and a pooling."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 64
        for width in WIDTHS:
            for inputs in (before, width):
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
            before = width
        self.feat_extract = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.feat_extract(x)


class AlignNet(nn.Module):
    """Region features -> its own features (B, 160, f, f), and landmarks (B, 98) as x1, y1, x2, y2..."""

    def __init__(self, crop: int) -> None:
        super().__init__()
        self.align_feat = Extractor()
        flat = WIDTHS[-1] * feature_side(crop) ** 2
        self.align_output = nn.Sequential(nn.Linear(flat, HIDDEN), nn.Linear(HIDDEN, 2 * LANDMARKS))

    def forward(self, region: Tensor) -> tuple[Tensor, Tensor]:
        features = self.align_feat(region)
        return features, self.align_output(features.flatten(1))


class AttentionRefine(nn.Module):
    """Initial maps (B, C, S, S) -> refined maps (B, C, S-8, S-8), each AU by a network of its own."""

    def __init__(self, aus: int) -> None:
        super().__init__()
        self.local_aus_attention = nn.ModuleList(self._network() for _ in range(aus))

    @staticmethod
    def _network() -> nn.Sequential:
        layers: list[nn.Module] = []
        for inputs in (1, REFINE, REFINE):
            layers += [nn.Conv2d(inputs, REFINE, 3), nn.BatchNorm2d(REFINE), nn.ReLU()]
        return nn.Sequential(*layers, nn.Conv2d(REFINE, 1, 3), nn.Sigmoid())

    def forward(self, initial: Tensor) -> Tensor:
        return torch.cat([net(initial[:, a : a + 1]) for a, net in enumerate(self.local_aus_attention)], 1)


class LocalAUNet(nn.Module):
    """Region features under each AU's map -> its features, its hidden layer and its log probabilities."""

    def __init__(self, aus: int, crop: int) -> None:
        super().__init__()
        flat = WIDTHS[-1] * feature_side(crop) ** 2
        self.local_aus_branch = nn.ModuleList(Extractor() for _ in range(aus))
        self.local_aus_output = nn.ModuleList(
            nn.Sequential(nn.Linear(flat, LOCAL_HIDDEN), nn.Linear(LOCAL_HIDDEN, 2)) for _ in range(aus)
        )

    def forward(self, region: Tensor, maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features, hidden, log_probability = [], [], []
        for a, (branch, output) in enumerate(zip(self.local_aus_branch, self.local_aus_output, strict=True)):
            features.append(branch(region * maps[:, a : a + 1]))
            hidden.append(output[0](features[a].flatten(1)))
            scores = output[1](hidden[a]).view(-1, 2, 1)
            log_probability.append(torch.log_softmax(scores, 1))
        return torch.stack(features, 1), torch.stack(hidden, 1), torch.cat(log_probability, 2)


class AUNet(nn.Module):
    """(B, 480, f, f) -> log probabilities (B, 2, C): all absences first, then all presences."""

    def __init__(self, aus: int, crop: int) -> None:
        super().__init__()
        flat = 3 * WIDTHS[-1] * feature_side(crop) ** 2
        self.aus = aus
        self.au_output = nn.Sequential(nn.Linear(flat, HIDDEN), nn.Linear(HIDDEN, 2 * aus))

    def forward(self, x: Tensor) -> Tensor:
        return torch.log_softmax(self.au_output(x.flatten(1)).view(-1, 2, self.aus), 1)


@dataclass(frozen=True)
class PlainOutput:
    """What the network computes for B faces and C Action Units.

    Attributes:
        landmarks: (B, 98) x1, y1, x2, y2.. of the 49 points in pixels of the crop.
        initial: (B, C, S, S) attention maps drawn from the landmarks, S = crop / 4 + 8; no gradient.
        refined: (B, C, crop/4, crop/4) what the refinement made of them, in (0, 1).
        local_log_probability: (B, 2, C) each AU's branch alone; row 0 absent, row 1 present.
        log_probability: (B, 2, C) of the whole network.
        region: (B, 64, crop/4, crop/4) shared features.
        align, overall: (B, 160, f, f) features of the alignment and of the whole face.
        local: (B, C, 160, f, f) features of each AU's branch.
        hidden: (B, C, 64) the layer between a branch's features and its log probabilities.
    """

    landmarks: Tensor
    initial: Tensor
    refined: Tensor
    local_log_probability: Tensor
    log_probability: Tensor
    region: Tensor
    align: Tensor
    overall: Tensor
    local: Tensor
    hidden: Tensor


class PlainJAANet(nn.Module):
    """The six parts, wired.

    Args:
        aus: The Action Units, in the checkpoints' order.
        crop: Side of the image in pixels, a multiple of 16 from 48 on; the papers have 176 and 112.
        draw: Landmarks (B, 49, 2) as numpy -> initial maps (B, C, S, S) as numpy; None for
            `attention_maps`.
    """

    def __init__(self, aus: AUSet, crop: int, draw: Callable | None = None) -> None:
        super().__init__()
        self.aus = aus
        self.crop = crop
        self.draw = draw if draw is not None else lambda points: attention_maps(points, aus, crop)
        self.region_learning = RegionLearning()
        self.align_net = AlignNet(crop)
        self.local_attention_refine = AttentionRefine(len(aus))
        self.local_au_net = LocalAUNet(len(aus), crop)
        self.global_au_feat = Extractor()
        self.au_net = AUNet(len(aus), crop)

    def forward(self, image: Tensor) -> PlainOutput:
        """Predict.

        Args:
            image: (B, 3, crop, crop) RGB in [-1, 1].
        """
        region = self.region_learning(image)
        align, landmarks = self.align_net(region)
        points = landmarks.detach().cpu().numpy().reshape(-1, LANDMARKS, 2)
        initial = torch.from_numpy(self.draw(points)).to(landmarks)
        refined = self.local_attention_refine(initial)
        local, hidden, local_log_probability = self.local_au_net(region, refined)
        overall = self.global_au_feat(region)
        # Version 2 keeps the whole network's loss out of the branches, which have their own.
        together = torch.cat([align, overall, local.mean(1).detach()], 1)
        return PlainOutput(
            landmarks=landmarks,
            initial=initial,
            refined=refined,
            local_log_probability=local_log_probability,
            log_probability=self.au_net(together),
            region=region,
            align=align,
            overall=overall,
            local=local,
            hidden=hidden,
        )
