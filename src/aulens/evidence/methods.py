"""Where a network saw each AU, by its own maps and by what they are compared with.

Each method gives (B, A, m, m) float32 of B faces and A AUs, m the side of the network's own maps: the larger,
the more it speaks for the AU. Only the order of a face's m * m cells counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from aulens.aus import AUSet
from aulens.models import AUModel, AUOutput
from aulens.models.regions import Regions, region_masks
from aulens.roi import RoiGrid

PATCH, STRIDE = 4, 8
"""Occlusion: patches of a quarter of the crop's side, moved by an eighth."""
_BATCH: Final = 64


@dataclass(frozen=True)
class Explained:
    """Faces, what a network says about them, and how it can be asked again.

    Attributes:
        forward: crops and landmarks in, output out.
        model: the network itself; None of an exported one, which has no gradients.
        aus: A.
        image: (B, 3, S, S) float32 in [0, 1].
        landmarks: (B, K, 2) float32, pixels of the crop.
        output: what `forward` gives of them.
        grid: how the regions lie on the maps from which scores are read; None where they are not read so.
        seed: of what is random.
    """

    forward: Callable[[Tensor, Tensor], AUOutput]
    model: AUModel | None
    aus: AUSet
    image: Tensor
    landmarks: Tensor
    output: AUOutput
    grid: RoiGrid | None
    seed: int

    @property
    def side(self) -> int:
        """m."""
        return self.output.maps.shape[-1]

    def asked(self, image: Tensor, row: Tensor) -> Tensor:
        """Logits (N, A) of changed faces (N, 3, S, S), whose landmarks are those of faces `row` (N,)."""
        with torch.no_grad():
            parts = [
                self.forward(
                    image[first : first + _BATCH], self.landmarks[row[first : first + _BATCH]]
                ).logits
                for first in range(0, len(image), _BATCH)
            ]
        return torch.cat(parts)


Method = Callable[[Explained], Tensor]


def own_maps(faces: Explained) -> Tensor:
    """What the network draws: paper A's ROI maps, JAA-Net's refined attention."""
    return faces.output.maps


def regions_first(faces: Explained) -> Tensor:
    """The network's maps, the AU's two regions before all else: a score is read from these alone."""
    assert faces.grid is not None
    windows = Regions(faces.aus).windows(faces.landmarks, faces.grid)
    maps = faces.output.maps
    spread = maps.amax((2, 3), keepdim=True) - maps.amin((2, 3), keepdim=True)
    return maps + region_masks(windows, faces.side).any(2) * (spread + 1)


def region(faces: Explained) -> Tensor:
    """Nearness to the AU's two centres, whatever the picture shows: what knowing anatomy alone gives."""
    centres = Regions(faces.aus).centres(faces.landmarks).float()  # (B, A, 2, 2)
    step = faces.image.shape[-1] / faces.side
    at = (torch.arange(faces.side) + 0.5) * step - 0.5
    dx, dy = (at - centres[..., axis, None] for axis in (0, 1))
    distance = (dx[..., None, :] ** 2 + dy[..., :, None] ** 2).sqrt()
    return -distance.amin(2)


def random(faces: Explained) -> Tensor:
    """Smooth noise, a hill about as wide as an eye."""
    draws = torch.Generator().manual_seed(faces.seed)
    coarse = torch.rand(len(faces.image), len(faces.aus), 6, 6, generator=draws)
    return functional.interpolate(coarse, faces.side, mode="bicubic")


def occlusion(faces: Explained) -> Tensor:
    """How far the AU's score falls where a grey patch lies: mean over the patches that cover a cell."""
    side = faces.image.shape[-1]
    patch, step = max(side // PATCH, 1), max(side // STRIDE, 1)
    places = range(0, side - patch + 1, step)
    grey = faces.image.mean((2, 3), keepdim=True)
    total = torch.zeros(*faces.output.logits.shape, side, side)
    covered = torch.zeros(side, side)
    rows = torch.arange(len(faces.image))
    for y in places:
        for x in places:
            hidden = faces.image.clone()
            hidden[..., y : y + patch, x : x + patch] = grey
            fall = faces.output.logits - faces.asked(hidden, rows)
            total[..., y : y + patch, x : x + patch] += fall[..., None, None]
            covered[y : y + patch, x : x + patch] += 1
    return functional.adaptive_avg_pool2d(total / covered.clamp_min(1), faces.side)


def grad_cam(faces: Explained) -> Tensor:
    """Grad-CAM (R. Selvaraju et al., ICCV 2017) by the package grad-cam, on `AUModel.feature_layer`."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    assert faces.model is not None
    maps = []
    with (
        _asking_for_gradients(faces.model),
        GradCAM(
            model=_Logits(faces.model, faces.landmarks), target_layers=[faces.model.feature_layer]
        ) as cam,
    ):
        for number in range(len(faces.aus)):
            heat = cam(input_tensor=faces.image, targets=[ClassifierOutputTarget(number)] * len(faces.image))
            maps.append(torch.from_numpy(heat))
    return functional.adaptive_avg_pool2d(torch.stack(maps, 1).float(), faces.side)


def _inner(name: str) -> Method:
    def drawn(faces: Explained) -> Tensor:
        assert faces.model is not None
        with torch.no_grad():
            return faces.model.inner(faces.image)[name].float()

    return drawn


def methods_of(faces: Explained) -> Mapping[str, Method]:
    """The methods that a network allows, by name; its own first."""
    found: dict[str, Method] = {"own": own_maps}
    if faces.grid is not None:
        found["regions first"] = regions_first
    if faces.model is not None:
        with torch.no_grad():
            drawn = faces.model.inner(faces.image[:1])
        if "au_eigenvectors" in drawn:
            found["eigenvector"] = _inner("au_eigenvectors")
        if "initial_attention" in drawn:
            found["initial attention"] = _inner("initial_attention")
        if faces.model.feature_layer is not None:
            found["Grad-CAM"] = grad_cam
    return found | {"occlusion": occlusion, "region alone": region, "random": random}


class _Logits(nn.Module):
    """A network as grad-cam takes it: pictures in, logits out."""

    def __init__(self, model: AUModel, landmarks: Tensor) -> None:
        super().__init__()
        self.model = model
        self.landmarks = landmarks

    def forward(self, image: Tensor) -> Tensor:
        output: Any = self.model(image, self.landmarks)
        logits: Tensor = output.logits
        return logits


@contextmanager
def _asking_for_gradients(model: AUModel) -> Iterator[None]:
    """Parameters that ask for gradients, as grad-cam's hooks need them; afterwards as they were."""
    before = [parameter.requires_grad for parameter in model.parameters()]
    model.requires_grad_(True)
    try:
        yield
    finally:
        for parameter, asked in zip(model.parameters(), before, strict=True):
            parameter.requires_grad_(asked)
            parameter.grad = None
