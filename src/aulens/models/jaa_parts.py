"""The parts of JAA-Net, each holding what the published network keeps in many small ones.

The published code has 84 convolutions per region layer (one per cell of the face) and one network per AU, run
one after the other. Here they lie side by side on the channel axis of one tensor and run as grouped
convolutions: the same numbers in a fraction of the launches. Memory is channels-last throughout, so that the
channels of a group are neighbours and cutting a picture into cells moves whole pixels.

Shapes: B batch, C channels, G groups, H = W side of a picture, n side of the grid of cells.
"""

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from aulens.models.batch_norm import BatchNorm

REGION_CHANNELS: Final = 64
FEATURE_CHANNELS: Final = (96, 128, 160)
GRIDS: Final = (8, 4, 2)


def recut(cells: Tensor, grid: int, new: int) -> Tensor:
    """Cells of one grid as cells of another, one of which divides the other, in a single copy.

    Args:
        cells: (B, grid*grid*C, h, w), laid on the channel axis row by row.
        grid: Cells along each side now; 1 of a whole picture.
        new: Cells along each side afterwards.

    Returns:
        (B, new*new*C, h*grid/new, w*grid/new), channels-last.
    """
    batch, channels, height, width = cells.shape
    pixels = cells.permute(0, 2, 3, 1)
    depth = channels // grid**2
    if new < grid:
        k = grid // new
        split = pixels.reshape(batch, height, width, new, k, new, k, depth).permute(0, 4, 1, 6, 2, 3, 5, 7)
        height, width = height * k, width * k
    else:
        k = new // grid
        height, width = height // k, width // k
        split = pixels.reshape(batch, k, height, k, width, grid, grid, depth).permute(0, 2, 4, 5, 1, 6, 3, 7)
    return split.reshape(batch, height, width, new**2 * depth).permute(0, 3, 1, 2)


class PartitionedConv(nn.Module):
    """Batch norm, ReLU and 3x3 convolution with weights of its own for each cell of a face.

    Each cell is padded with zeros at its own border, as in the published code.

    Args:
        grid: Cells along each side.
        inputs: Channels in.
        outputs: Channels out.
    """

    def __init__(self, grid: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.grid = grid
        self.norm = BatchNorm(grid**2 * inputs)
        self.conv = nn.Conv2d(grid**2 * inputs, grid**2 * outputs, 3, padding=1, groups=grid**2)

    def forward(self, cells: Tensor) -> Tensor:
        """From (B, grid*grid*inputs, h, w) to (B, grid*grid*outputs, h, w)."""
        result: Tensor = self.conv(functional.relu(self.norm(cells), inplace=True))
        return result


class RegionLayer(nn.Module):
    """Hierarchical multi-scale region layer: a convolution plus what ever coarser partitions add to it.

    Args:
        inputs: Channels in.
        outputs: Channels out, a multiple of 4.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half, quarter = outputs // 2, outputs // 4
        widths = ((outputs, half), (half, quarter), (quarter, quarter))
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.partitions = nn.ModuleList(PartitionedConv(g, *w) for g, w in zip(GRIDS, widths, strict=True))
        self.norm = BatchNorm(outputs)

    def forward(self, picture: Tensor) -> Tensor:
        """From (B, inputs, H, W) to (B, outputs, H, W), not negative; H and W multiples of 8."""
        whole: Tensor = self.conv(picture)
        parts, cells, cut = [], whole, 1
        for grid, partition in zip(GRIDS, self.partitions, strict=True):
            cells = partition(recut(cells, cut, grid))
            parts.append(recut(cells, grid, 1))
            cut = grid
        return functional.relu(self.norm(whole + torch.cat(parts, 1)), inplace=True)


class RegionLearning(nn.Sequential):
    """Multi-scale features shared by all tasks: (B, 3, H, W) to (B, 64, H/4, W/4)."""

    def __init__(self) -> None:
        super().__init__(
            RegionLayer(3, REGION_CHANNELS // 2),
            nn.MaxPool2d(2),
            RegionLayer(REGION_CHANNELS // 2, REGION_CHANNELS),
            nn.MaxPool2d(2),
        )


class FeatureExtractor(nn.Sequential):
    """Three levels of two convolutions and a pooling each, for several branches at once.

    Args:
        groups: Number of branches.
        shared: The branches have one input (B, 64, H, W), instead of (B, groups*64, H, W).

    The output is (B, groups*160, f, f), f = H // 2 // 2 // 2.
    """

    def __init__(self, groups: int, shared: bool = False) -> None:
        layers: list[nn.Module] = []
        inputs = REGION_CHANNELS
        for level, outputs in enumerate(FEATURE_CHANNELS):
            for step, width in enumerate((inputs, outputs)):
                apart = 1 if shared and level == step == 0 else groups
                layers += [
                    nn.Conv2d(apart * width, groups * outputs, 3, padding=1, groups=apart),
                    BatchNorm(groups * outputs),
                    nn.ReLU(inplace=True),
                ]
            layers.append(nn.MaxPool2d(2))
            inputs = outputs
        super().__init__(*layers)


class AttentionRefinement(nn.Sequential):
    """Per AU four convolutions without padding: (B, A, S, S) to attention (B, A, S-8, S-8) in (0, 1).

    Args:
        aus: A, number of AUs.
    """

    def __init__(self, aus: int) -> None:
        layers: list[nn.Module] = []
        inputs = 1
        for _ in range(3):
            conv = nn.Conv2d(aus * inputs, aus * REGION_CHANNELS, 3, groups=aus)
            layers += [conv, BatchNorm(aus * REGION_CHANNELS), nn.ReLU(inplace=True)]
            inputs = REGION_CHANNELS
        super().__init__(*layers, nn.Conv2d(aus * inputs, aus, 3, groups=aus), nn.Sigmoid())


class GroupedLinear(nn.Module):
    """A linear layer of its own for each group, initialised as `nn.Linear` is.

    Args:
        groups: G.
        inputs: Features in, per group.
        outputs: Features out, per group.
    """

    def __init__(self, groups: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(groups, outputs, inputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(groups, outputs).uniform_(-bound, bound))

    def forward(self, features: Tensor) -> Tensor:
        """From (B, G, inputs) to (B, G, outputs)."""
        result = torch.baddbmm(self.bias.unsqueeze(1), features.transpose(0, 1), self.weight.transpose(1, 2))
        return result.transpose(0, 1)


def attend(features: Tensor, attention: Tensor) -> Tensor:
    """The features, weighted by each AU's attention, on the channel axis AU by AU.

    Args:
        features: (B, C, H, W).
        attention: (B, A, H, W).

    Returns:
        (B, A*C, H, W), channels-last.
    """
    pixels = features.permute(0, 2, 3, 1).unsqueeze(3) * attention.permute(0, 2, 3, 1).unsqueeze(4)
    return pixels.flatten(3).permute(0, 3, 1, 2)
