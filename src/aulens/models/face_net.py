"""The face networks: for faces, their landmarks, and who they are.

Plain 3x3 convolutions, which a CPU trains several times faster than depthwise ones.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from aulens.landmarks import IBUG68

STRIDES: Final = (8, 16, 32)
POINTS: Final = 5
_MEAN, _SCALE = 127.5, 1 / 64.0
_RARE: Final = -4.6  # the score before training: one cell in a hundred
_CROP_NECK: Final = 24  # channels before the linear layer
MEAN_SHAPE: Final = (
    (0.214, 0.354), (0.216, 0.438), (0.226, 0.515), (0.238, 0.590),
    (0.269, 0.677), (0.324, 0.752), (0.371, 0.790), (0.433, 0.813),
    (0.500, 0.829), (0.567, 0.813), (0.629, 0.790), (0.676, 0.752),
    (0.731, 0.677), (0.762, 0.590), (0.774, 0.515), (0.784, 0.438),
    (0.786, 0.354), (0.261, 0.282), (0.295, 0.247), (0.341, 0.233),
    (0.399, 0.233), (0.452, 0.245), (0.548, 0.245), (0.601, 0.233),
    (0.659, 0.233), (0.705, 0.247), (0.739, 0.282), (0.500, 0.338),
    (0.500, 0.385), (0.500, 0.429), (0.500, 0.483), (0.443, 0.547),
    (0.472, 0.549), (0.500, 0.553), (0.528, 0.549), (0.557, 0.547),
    (0.315, 0.356), (0.337, 0.339), (0.383, 0.336), (0.423, 0.362),
    (0.386, 0.367), (0.339, 0.367), (0.577, 0.362), (0.617, 0.336),
    (0.663, 0.339), (0.685, 0.356), (0.661, 0.367), (0.614, 0.367),
    (0.388, 0.649), (0.422, 0.619), (0.466, 0.604), (0.500, 0.607),
    (0.534, 0.604), (0.578, 0.619), (0.612, 0.649), (0.581, 0.677),
    (0.547, 0.692), (0.500, 0.697), (0.453, 0.692), (0.419, 0.677),
    (0.402, 0.649), (0.454, 0.639), (0.500, 0.640), (0.546, 0.639),
    (0.598, 0.649), (0.549, 0.653), (0.500, 0.657), (0.451, 0.653),
)  # fmt: skip
"""Where the 68 points lie on average in a crop of `data.face_nets.crops`: the mean of near-frontal training
renders, made symmetric, (68, 2), shares of the crop's side. LandmarkNet says how they differ."""


class Block(nn.Module):
    """3x3 convolution, batch norm, ReLU; the input is added where its shape allows."""

    def __init__(self, width: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, out, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(out)
        self.adds = stride == 1 and width == out

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) to (B, out, H / stride, W / stride)."""
        y: Tensor = self.norm(self.conv(x))
        return functional.relu(x + y if self.adds else y)


def stage(width: int, out: int, blocks: int) -> nn.Sequential:
    """Halve the size, then `blocks` blocks."""
    return nn.Sequential(Block(width, out, 2), *(Block(out, out) for _ in range(blocks)))


class CropNet(nn.Module):
    """A network for a face cut out: convolutions to stride 16, then a linear layer over all of it.

    Args:
        size: side of the crop in pixels, a multiple of 16.
        widths: channels at strides 2, 4, 8 and 16.
        blocks: how many at strides 4, 8 and 16.
        numbers: outputs of the linear layer.
    """

    def __init__(self, size: int, widths: tuple[int, ...], blocks: tuple[int, ...], numbers: int) -> None:
        super().__init__()
        self.size = size
        stages = (stage(*one) for one in zip(widths, widths[1:], blocks, strict=False))
        self.body = nn.Sequential(Block(3, widths[0], 2), *stages, Block(widths[-1], _CROP_NECK))
        self.out = nn.Linear(_CROP_NECK * (size // 16) ** 2, numbers)

    def features(self, image: Tensor) -> Tensor:
        """Crops (B, 3, S, S) RGB in 0..255 to what the linear layer reads, (B, D)."""
        return torch.flatten(self.body((image - _MEAN) * _SCALE), 1)


class LandmarkNet(CropNet):
    """68 points of a face, whether each is in sight, the crop's quality, and whether it is a face at all."""

    mean: Tensor

    def __init__(self, size: int = 112) -> None:
        super().__init__(size, (24, 48, 80, 128), (2, 3, 2), 3 * IBUG68.count + 2)
        self.register_buffer("mean", torch.tensor(MEAN_SHAPE, dtype=torch.float32) * size - 0.5)
        nn.init.normal_(self.out.weight, std=0.001)
        nn.init.zeros_(self.out.bias)

    def answers(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Landmarks (B, 68, 2), pixels, and logits of visibility (B, 68), quality (B,), presence (B,)."""
        flat = self.out(features)
        offset = flat[:, : 2 * IBUG68.count].unflatten(1, (IBUG68.count, 2)) * (self.size / 8)
        seen = flat[:, 2 * IBUG68.count : 3 * IBUG68.count]
        return self.mean + offset, seen, flat[:, 3 * IBUG68.count], flat[:, 3 * IBUG68.count + 1]

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Landmarks (B, 68, 2), visibility (B, 68), quality (B,), presence (B,), the last three in 0..1.

        Args:
            image: (B, 3, S, S) RGB in 0..255.
        """
        landmarks, visibility, quality, presence = self.answers(self.features(image))
        return landmarks, visibility.sigmoid(), quality.sigmoid(), presence.sigmoid()


class PersonNet(CropNet):
    """D = 64 numbers for a head, near for one person and far for two, whatever light and expression do."""

    def __init__(self, size: int = 80) -> None:
        super().__init__(size, (16, 32, 64, 96), (1, 1, 1), 64)

    def answers(self, features: Tensor) -> tuple[Tensor]:
        """See `forward`."""
        return (functional.normalize(self.out(features), dim=1),)

    def forward(self, image: Tensor) -> tuple[Tensor]:
        """Who it is: (B, D), of length 1.

        Args:
            image: (B, 3, S, S) RGB in 0..255.
        """
        return self.answers(self.features(image))


class FaceNet(nn.Module):
    """Finds faces of about 10 pixels to the whole picture, with five points each, in one run.

    A small one-stage detector without anchors (after FCOS, Tian et al., ICCV 2019), a pyramid of strides 8,
    16, 32, one head for all three. Each cell says whether the middle of a face is near, and if so where its
    box's sides and its five points are.
    """

    def __init__(self) -> None:
        super().__init__()
        widths, neck = (16, 32, 48, 64, 96), 32  # channels at strides 2, 4, 8, 16 and 32, and of the pyramid
        self.stem = nn.Sequential(Block(3, widths[0], 2), Block(widths[0], widths[1], 2))
        self.stages = nn.ModuleList(
            stage(width, out, blocks)
            for width, out, blocks in zip(widths[1:], widths[2:], (1, 2, 2), strict=False)
        )
        self.lateral = nn.ModuleList(nn.Conv2d(width, neck, 1) for width in widths[2:])
        self.smooth = nn.ModuleList(Block(neck, neck) for _ in STRIDES)
        self.head = Block(neck, neck)
        self.out = nn.Conv2d(neck, 1 + 4 + 2 * POINTS, 1)
        self.scale = nn.Parameter(torch.ones(len(STRIDES)))
        nn.init.normal_(self.out.weight, std=0.01)
        self.out.bias = nn.Parameter(torch.tensor([_RARE, *[0.0] * (4 + 2 * POINTS)]))

    def features(self, image: Tensor) -> list[Tensor]:
        """Picture (B, 3, H, W) in 0..255 to what the last layer reads, (B, neck, H / s, W / s) per stride."""
        x = self.stem((image - _MEAN) * _SCALE)
        levels = []
        for part, lateral in zip(self.stages, self.lateral, strict=True):
            x = part(x)
            levels.append(lateral(x))
        for finer, coarser in ((1, 2), (0, 1)):
            levels[finer] = levels[finer] + functional.interpolate(
                levels[coarser], scale_factor=2.0, mode="nearest"
            )
        return [self.head(smooth(level)) for smooth, level in zip(self.smooth, levels, strict=True)]

    def answers(self, features: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """What every cell says; cells run by stride, row, column. See `forward`."""
        boxes, points, scores = [], [], []
        for number, (stride, feature) in enumerate(zip(STRIDES, features, strict=True)):
            flat = self.out(feature).flatten(2).transpose(1, 2)  # (B, cells, 15)
            middle = cells(feature, stride)
            unit = 2.0 * stride * self.scale[number]
            reach = functional.softplus(flat[..., 1:5]) * unit
            boxes.append(torch.cat([middle - reach[..., :2], middle + reach[..., 2:]], -1))
            points.append(middle.unsqueeze(1) + flat[..., 5:].unflatten(-1, (POINTS, 2)) * unit)
            scores.append(flat[..., 0])
        return torch.cat(boxes, 1), torch.cat(points, 1), torch.cat(scores, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Every cell's answer.

        Args:
            image: (B, 3, H, W) RGB in 0..255, H and W multiples of 32.

        Returns:
            Boxes (B, N, 4) x0, y0, x1, y1 and points (B, N, 5, 2) in pixels of the picture, where pixel i
            covers [i, i + 1); scores (B, N), logits.
        """
        return self.answers(self.features(image))


def cells(level: Tensor, stride: int) -> Tensor:
    """Middles (h * w, 2) of the cells of a map (B, C, h, w), (x, y) in pixels of the picture."""
    height, width = level.shape[-2:]
    y = torch.arange(height, device=level.device, dtype=torch.float32)
    x = torch.arange(width, device=level.device, dtype=torch.float32)
    rows, columns = y[:, None].expand(height, width), x[None].expand(height, width)
    return (torch.stack([columns, rows], -1).reshape(-1, 2) + 0.5) * stride
