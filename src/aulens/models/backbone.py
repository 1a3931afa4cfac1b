"""Backbones: an image becomes one feature map at 1/4 of its resolution."""

from typing import Any, cast

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from aulens.errors import ConfigError, ModelError
from aulens.models.hrnet_lane import WIDTHS, HRNetLane
from aulens.models.weights import load_body, read_state, reason

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
FINEST_STRIDE = 4
"""Levels finer than this are dropped: paper A works at 1/4 of the crop (256 -> 64)."""


class Backbone(nn.Module):
    """A feature pyramid whose levels are brought to the finest one's size and concatenated.

    HRNetV2-W18's branches of 18 + 36 + 72 + 144 channels become the 270 channels of paper A.

    Args:
        body: (B, 3, crop, crop) standardised -> list of feature maps, any order.
        crop: Side of the image in pixels.
        channels: None to concatenate the levels as they are; a number to project them to so many channels
            (1x1 convolution, batch norm, ReLU). A wide pyramid makes the layers behind it dear otherwise.
        name: Name for messages.
        mean, std: Statistics of RGB in [0, 1] that the body was trained with.

    Attributes:
        channels: Channels of the output.
        map: Side of the output in pixels.

    Raises:
        ModelError: The body can't take images of this size, or has no level of stride 4 or more.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        body: nn.Module,
        crop: int,
        channels: int | None = None,
        *,
        name: str = "backbone",
        mean: tuple[float, ...] = IMAGENET_MEAN,
        std: tuple[float, ...] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.body = body
        self.nhwc = str(getattr(body, "output_fmt", "NCHW")).endswith("NHWC")
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        shapes = self._probe(crop, name)
        self.levels = [i for i, shape in enumerate(shapes) if shape[2] * FINEST_STRIDE <= crop]
        if not self.levels:
            raise ModelError(
                f"{name} has no feature map of stride {FINEST_STRIDE} or more: {shapes}. Choose another."
            )
        self.sizes = [shapes[i][2] for i in self.levels]
        self.map: int = max(self.sizes)
        widths = [shapes[i][1] for i in self.levels]
        self.channels = sum(widths) if channels is None else channels
        self.project: nn.ModuleList | None = None
        if channels is not None:
            self.project = nn.ModuleList(nn.Conv2d(width, channels, 1, bias=False) for width in widths)
            self.norm = nn.BatchNorm2d(channels)

    def _probe(self, crop: int, name: str) -> list[tuple[int, ...]]:
        """Shapes of the levels, from one black image (in evaluation mode, so that no statistic moves)."""
        try:
            with torch.no_grad():
                levels = self._levels(self.body.eval(), torch.zeros(1, 3, crop, crop))
        except (RuntimeError, AssertionError, ValueError) as error:
            raise ModelError(
                f"The backbone {name} can't take images of {crop}x{crop} ({reason(error)}). "
                "Choose another crop (a multiple of 32 suits most) or another backbone."
            ) from error
        self.body.train()
        return [tuple(level.shape) for level in levels]

    def _levels(self, body: nn.Module, image: Tensor) -> list[Tensor]:
        levels = cast(list[Tensor], body(image))
        return [level.permute(0, 3, 1, 2) for level in levels] if self.nhwc else list(levels)

    def forward(self, image: Tensor) -> Tensor:
        """Features X0 of an image.

        Args:
            image: (B, 3, crop, crop) float RGB in [0, 1].

        Returns:
            (B, channels, map, map).
        """
        pyramid = self._levels(self.body, (image - self.mean) / self.std)
        levels = [pyramid[i] for i in self.levels]
        if self.project is None:
            return torch.cat(self._resize(levels), 1)
        # A 1x1 convolution and a resize commute, and so does the sum over levels with the concatenation: this
        # is the projection of the concatenated levels, at the cost of each level's own size.
        projected = self._resize([conv(level) for conv, level in zip(self.project, levels, strict=True)])
        return functional.relu(self.norm(sum(projected[1:], projected[0])))

    def _resize(self, levels: list[Tensor]) -> list[Tensor]:
        """Levels at the finest one's size, by sizes found when built: an export must not ask tensors."""
        target = (self.map, self.map)
        return [
            level
            if size == self.map
            else functional.interpolate(level, size=target, mode="bilinear", align_corners=False)
            for level, size in zip(levels, self.sizes, strict=True)
        ]


def backbone(name: str, crop: int, channels: int | None = None, weights: str | None = None) -> Backbone:
    """A backbone by name.

    Args:
        name: "hrnet_lane16", "hrnet_lane8" (ours), or any model of timm that can give features, "hrnet_w18"
            for one.
        crop: Side of the image in pixels.
        channels: Projection of the concatenated levels, see `Backbone`.
        weights: None for random ones; "hub" for timm's pretrained ones (needs the network); else a path:
            safetensors or torch, in timm's naming (the official HRNet files have it) or torchvision's
            MobileNetV2.

    Raises:
        ConfigError: No model of this name, or the hub asked for one of ours.
        ModelError: The weights can't be had or don't fit.
    """
    if name in WIDTHS:
        if weights == "hub":
            raise ConfigError(
                f"{name} has no pretrained weights on a hub; set backbone_weights to a file or to None."
            )
        body: nn.Module = HRNetLane(WIDTHS[name])
        if weights is not None:
            load_body(body, read_state(weights), body.state_dict(), name, source=weights)
        return Backbone(body, crop, channels, name=name)

    if not timm.is_model(name):
        near = timm.list_models(f"*{name.split('_')[0]}*")[:5]
        raise ConfigError(
            f"There is no backbone {name!r}. Ours: {', '.join(WIDTHS)}; else a model name of timm"
            f"{', such as ' + ', '.join(near) if near else ''}."
        )
    statistics = timm.get_pretrained_cfg(name)
    body = _timm_body(name, pretrained=weights == "hub")
    if weights is not None and weights != "hub":
        with torch.device("meta"):
            whole = timm.create_model(name).state_dict()
        load_body(body, read_state(weights), whole, name, source=weights)
    mean = statistics.mean if statistics else IMAGENET_MEAN
    std = statistics.std if statistics else IMAGENET_STD
    return Backbone(body, crop, channels, name=name, mean=mean, std=std)


def _timm_body(name: str, pretrained: bool) -> nn.Module:
    # HRNet's default features come from the classification head ("incre"); '' takes the branches themselves.
    location: dict[str, Any] = {"feature_location": ""} if name.startswith("hrnet") else {}
    try:
        return timm.create_model(name, pretrained=pretrained, features_only=True, **location)
    except (OSError, RuntimeError, ValueError, AttributeError, AssertionError) as error:
        if pretrained:
            raise ModelError(
                f"Pretrained weights of {name} can't be fetched from the hub ({reason(error)}). Set "
                "backbone_weights to a weight file, or to None to start from random weights."
            ) from error
        raise ModelError(
            f"timm's {name} gives no feature maps ({reason(error)}). Choose another backbone."
        ) from error
