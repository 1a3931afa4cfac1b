"""What all models share, whatever they are made of; and what those that draw ROI maps share."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from aulens.aus import AUSet
from aulens.errors import InputError
from aulens.landmarks import IBUG68, LAYOUTS
from aulens.models.backbone import Backbone
from aulens.models.regions import Regions
from aulens.relations import AURelations
from aulens.roi import RoiGrid


@dataclass(frozen=True)
class AUOutput:
    """One batch of predictions (B faces, A Action Units in the model's order).

    Attributes:
        logits: (B, A) float32 score of each AU: the larger of its two sides. Present when above 0.
        maps: (B, A, h, w) float32: paper A's ROI maps, about +1 where an AU shows, -1 where it is absent; or
            JAA-Net's attention, 0 to 1.
        sides: (B, A, 2) float32 score per side, order [subject_right, subject_left]; equal for AUs of the
            midline, and for models without scores of sides.
        eigen_logits: (B, A) float32 logit of each AU read from its eigenvector (paper A, Eq 7),
            or None for models without that supervision.
        landmarks: (B, 49, 2) float32 landmarks that the model found itself (layout IBUG49), in pixels of the
            crop; None for models that find none.
        local_logits: (B, A) float32 logit of each AU from its local branch alone (JAA-Net); None elsewhere.
    """

    logits: Tensor
    maps: Tensor
    sides: Tensor
    eigen_logits: Tensor | None = None
    landmarks: Tensor | None = None
    local_logits: Tensor | None = None


def full(tensor: Tensor) -> Tensor:
    """The tensor in float32 at least: bfloat16 is too coarse for coordinates, decisions, sums."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


class AUModel(nn.Module, ABC):
    """A model of Action Units: aligned crop and landmarks in, `AUOutput` out.

    Args:
        aus: What the model predicts, in this order on every axis of length A.
        crop: Side of the image in pixels.
        template: Name of the `aulens.align.Template` that crops must follow.
        map: Side of the maps in pixels.
        has_side_scores: Whether its scores tell the two sides of a face apart.

    Attributes:
        aus, crop, template, map, has_side_scores: As given.
        layout: Name of the landmark layout that regions are defined on; `forward` takes its subsets too.
    """

    def __init__(self, aus: AUSet, crop: int, template: str, map: int, has_side_scores: bool) -> None:
        super().__init__()
        self.aus = aus
        self.crop = crop
        self.template = template
        self.map = map
        self.has_side_scores = has_side_scores
        self.layout = IBUG68.name

    @property
    def relations(self) -> AURelations | None:
        """How its AUs go together, of models that build on it."""
        return None

    @property
    def first_stage(self) -> "AUModel":
        """The part that begins from a checkpoint of the first stage: of one stage all of it."""
        return self

    @property
    def feature_layer(self) -> nn.Module | None:
        """The part whose output (B, C, h, w) all later ones see the face through; None if there is none."""
        return None

    def inner(self, image: Tensor) -> dict[str, Tensor]:
        """What a network draws on its way, to be shown to people; "maps" of `exported` at least.

        Args:
            image: (B, 3, crop, crop) float RGB in [0, 1].

        Returns:
            Of paper A's models "x0" and "x1" (B, C, map, map), the features before and after the graph, and
            its "eigenvectors" (B, M, map, map), or "au_eigenvectors" (B, A, map, map) if each is asked for
            one AU; of JAA-Net's family "initial_attention" (B, A, map, map) and "landmarks".
        """
        return self.exported(image)

    @abstractmethod
    def exported(self, image: Tensor) -> dict[str, Tensor]:
        """What an exported file computes, by name: all that needs no landmarks.

        Args:
            image: (B, 3, crop, crop) float RGB in [0, 1].

        Returns:
            "maps" (B, A, map, map) float32; and of models that decide by themselves "logits" (B, A), of those
            that find landmarks "landmarks" (B, K, 2) in pixels of the crop.
        """

    @abstractmethod
    def forward(self, image: Tensor, landmarks: Tensor) -> AUOutput:
        """Predict.

        Args:
            image: (B, 3, crop, crop) float RGB in [0, 1].
            landmarks: (B, K, 2) float (x, y) in pixels of the crop, a layout of `aulens.landmarks`.

        Raises:
            InputError: The image has another size, or the landmarks are of no known layout.
        """

    def check_input(self, image: Tensor, landmarks: Tensor) -> None:
        """Raise InputError for what `forward` does not take."""
        if image.ndim != 4 or tuple(image.shape[1:]) != (3, self.crop, self.crop):
            raise InputError(
                f"The model takes images (B, 3, {self.crop}, {self.crop}), got {tuple(image.shape)}; "
                "align faces to its crop first (aulens.align)."
            )
        if not image.is_floating_point():
            raise InputError(f"The model takes float images in [0, 1], got {image.dtype}; divide by 255.")
        counts = [layout.count for layout in LAYOUTS.values()]
        if landmarks.ndim != 3 or landmarks.shape[2] != 2 or landmarks.shape[1] not in counts:
            raise InputError(
                f"The model takes landmarks (B, K, 2) with K one of {', '.join(map(str, counts))}, got "
                f"{tuple(landmarks.shape)}; see aulens.landmarks."
            )
        if landmarks.shape[0] != image.shape[0]:
            raise InputError(f"{image.shape[0]} images but landmarks of {landmarks.shape[0]} faces.")


class MapModel(AUModel):
    """A model that draws one map per AU from the features of a backbone, and scores it by its regions.

    Args:
        backbone: Image -> features; brings its own normalisation.
        aus, crop, template, has_side_scores: As of `AUModel`.
        roi_side: Side of a region in pixels of the map (odd).

    Attributes:
        grid: How regions are laid on the maps.
    """

    def __init__(
        self,
        backbone: Backbone,
        aus: AUSet,
        crop: int,
        template: str,
        roi_side: int,
        has_side_scores: bool = True,
    ) -> None:
        super().__init__(aus, crop, template, backbone.map, has_side_scores)
        self.backbone = backbone
        self.grid = RoiGrid(crop=crop, map=backbone.map, side=roi_side)
        self.regions = Regions(aus)

    @property
    def feature_layer(self) -> nn.Module:
        """See `AUModel.feature_layer`."""
        return self.backbone

    @abstractmethod
    def maps(self, image: Tensor) -> Tensor:
        """Maps of all AUs; needs no landmarks.

        Args:
            image: (B, 3, crop, crop) float RGB in [0, 1].

        Returns:
            (B, A, map, map) float32.
        """

    def exported(self, image: Tensor) -> dict[str, Tensor]:
        """See `AUModel.exported`."""
        return {"maps": self.maps(image)}
