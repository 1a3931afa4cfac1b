"""A small HRNet whose widths fill the lanes of vector units.

High-resolution networks (K. Sun et al., "High-Resolution Representations for Labeling Pixels and Regions",
2019) keep a branch at 1/4 resolution from start to end and exchange features between branches. W18's widths
18/36/72/144 leave vector lanes empty; here every width is a multiple of 8, one module per stage, two blocks
per branch.
"""

from torch import Tensor, nn
from torch.nn import functional

WIDTHS: dict[str, int] = {"hrnet_lane8": 8, "hrnet_lane16": 16}
"""Name -> width of the finest branch; each coarser branch doubles it."""


def _conv_bn(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, relu: bool = True) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), *([nn.ReLU(inplace=True)] if relu else []))


class _BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = _conv_bn(width, width)
        self.conv2 = _conv_bn(width, width, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.conv2(self.conv1(x)) + x)


def _blocks(width: int) -> nn.Sequential:
    return nn.Sequential(_BasicBlock(width), _BasicBlock(width))


class _Exchange(nn.Module):
    """Every branch becomes the sum of all branches, brought to its width and resolution."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.paths = nn.ModuleList(
            nn.ModuleList(self._path(source, target, widths) for source in range(len(widths)))
            for target in range(len(widths))
        )

    @staticmethod
    def _path(source: int, target: int, widths: list[int]) -> nn.Module:
        if source == target:
            return nn.Identity()
        if source > target:
            return nn.Sequential(
                _conv_bn(widths[source], widths[target], kernel=1, relu=False),
                nn.Upsample(scale_factor=float(2 ** (source - target)), mode="nearest"),
            )
        halvings = target - source
        steps = [_conv_bn(widths[source], widths[source], stride=2) for _ in range(halvings - 1)]
        return nn.Sequential(*steps, _conv_bn(widths[source], widths[target], stride=2, relu=False))

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        fused = []
        for paths in self.paths:
            assert isinstance(paths, nn.ModuleList)
            total = paths[0](branches[0])
            for path, branch in zip(list(paths)[1:], branches[1:], strict=True):
                total = total + path(branch)
            fused.append(functional.relu(total))
        return fused


class _Stage(nn.Module):
    """Blocks on each branch, then the exchange."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(map(_blocks, widths))
        self.exchange = _Exchange(widths)

    def forward(self, inputs: list[Tensor]) -> list[Tensor]:
        outputs = [branch(x) for branch, x in zip(self.branches, inputs, strict=True)]
        return list(self.exchange(outputs))


class HRNetLane(nn.Module):
    """Four branches at 1/4, 1/8, 1/16 and 1/32 of the input.

    Args:
        width: Channels of the finest branch; the others have 2, 4 and 8 times as many.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        stem = 32  # channels of the two convolutions of stride 2, and of the first stage
        widths = [width * 2**level for level in range(4)]
        self.stem = nn.Sequential(_conv_bn(3, stem, stride=2), _conv_bn(stem, stem, stride=2))
        self.stage1 = _blocks(stem)
        self.enter = _conv_bn(stem, width)
        self.down = nn.ModuleList(
            [_conv_bn(stem, widths[1], stride=2)]
            + [_conv_bn(widths[level], widths[level + 1], stride=2) for level in (1, 2)]
        )
        self.stages = nn.ModuleList(_Stage(widths[: level + 2]) for level in range(3))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features of an image.

        Args:
            image: (B, 3, H, W) standardised; H and W multiples of 32.

        Returns:
            Four tensors (B, width * 2**i, H / 2**(i+2), W / 2**(i+2)), finest first.
        """
        trunk = self.stage1(self.stem(image))
        branches = [self.enter(trunk)]
        coarsest: Tensor = trunk
        for down, stage in zip(self.down, self.stages, strict=True):
            branches = stage([*branches, down(coarsest)])
            coarsest = branches[-1]
        return branches
