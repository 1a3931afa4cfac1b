"""The two tasks: what is drawn for a step, what the network makes of it, and how good it is on other people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aulens.data.sight.crops import FaceCrop, draw_crop
from aulens.data.sight.cutouts import Cutout, read_backgrounds, read_cutouts
from aulens.data.sight.scenes import Scene, draw_scene
from aulens.errors import ConfigError
from aulens.models.face_net import FaceNet
from aulens.models.landmark_net import LandmarkNet
from aulens.training.config import TrainConfig, refuse_unknown
from aulens.training.sight.losses import face_loss, landmark_loss
from aulens.training.sight.measure import landmark_measures, scene_measures

VARIANTS: Final = ("face_net", "landmark_net")
_VALIDATION: Final = 400  # samples
_TRAIN, _VAL, _MINE = 0, 1, 2  # streams of random numbers

Batch = list[Any]


class Task(Protocol):
    """What the loop needs of a network."""

    model: nn.Module
    metric: str

    def draw(self, step: int, size: int) -> Batch:
        """The samples of a step, a function of the seed and the step."""
        ...

    def losses(self, answers: Any, batch: Batch) -> dict[str, Tensor]:
        """The loss to minimise, "loss", and its parts."""
        ...

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Measures on validation people; `metric` is the one that chooses, larger is better."""
        ...

    def between(self, model: nn.Module) -> None:
        """After an epoch: look for what is still hard."""
        ...

    def state(self) -> dict[str, Any]:
        """What `between` found, for `restore`."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with what `between` found."""
        ...


def open_task(config: TrainConfig) -> Task:
    """The task of a configuration, its data read.

    Raises:
        ConfigError: unknown keys, numbers out of range, or data missing in the configuration.
        DatasetError: the data can't be read.
    """
    if not config.data.roots:
        raise ConfigError("No data: set data.roots in the configuration, or give --data FOLDER.")
    return FacesTask(config) if config.model["variant"] == "face_net" else LandmarksTask(config)


class _Faces:
    """The faces of a split, drawn root by root with the given shares."""

    def __init__(self, config: TrainConfig, split: str) -> None:
        roots, shares = [Path(root) for root in config.data.roots], config.data.shares
        if shares and len(shares) != len(roots):
            raise ConfigError(
                f"data.shares has {len(shares)} numbers for {len(roots)} data.roots; give one for each"
            )
        self.groups = [read_cutouts([root], split) for root in roots]
        weights = np.array(shares or [len(group) for group in self.groups], float)
        self.edges = np.cumsum(weights / weights.sum())

    def draw(self, random: np.random.Generator) -> Cutout:
        group = self.groups[min(int(np.searchsorted(self.edges, random.random())), len(self.groups) - 1)]
        return group[int(random.integers(len(group)))]


class FacesTask:
    """Scenes for FaceNet; after each epoch, backgrounds in which it sees faces are drawn more often."""

    metric = "average_precision"

    def __init__(self, config: TrainConfig) -> None:
        refuse_unknown(config.model, {"variant", "size"}, "model")
        self.seed, self.size = config.seed, _number(config, "size", 256, 32)
        self.model = FaceNet()
        self.train, self.val = _Faces(config, "train"), _Faces(config, "val")
        pictures = read_backgrounds([Path(root) for root in config.data.backgrounds])
        held = max(1, len(pictures) // 10)
        self.val_backgrounds, self.backgrounds = pictures[:: len(pictures) // held][:held], pictures
        kept = set(map(id, self.val_backgrounds))
        self.backgrounds = [picture for picture in pictures if id(picture) not in kept]
        self.chances: NDArray[np.float64] = np.full(len(self.backgrounds), 1 / len(self.backgrounds))

    def draw(self, step: int, size: int) -> Batch:
        """See `Task`."""
        return [
            draw_scene(_Drawn(self.train, random), self.backgrounds, self.size, random, chances=self.chances)
            for random in (np.random.default_rng([self.seed, _TRAIN, step, i]) for i in range(size))
        ]

    def losses(self, answers: Any, batch: Batch) -> dict[str, Tensor]:
        """See `Task`."""
        faces = [[torch.from_numpy(getattr(s, name)) for s in batch] for name in ("boxes", "points", "asked")]
        return face_loss(answers, self.size, *faces)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Average precision of the faces of drawn scenes, and the score that no background reaches."""
        randoms = (np.random.default_rng([self.seed, _VAL, i]) for i in range(_VALIDATION))
        scenes: list[Scene] = [
            draw_scene(_Drawn(self.val, random), self.val_backgrounds, self.size, random)
            for random in randoms
        ]
        return scene_measures(scenes, lambda images: _scored(model, images))

    def between(self, model: nn.Module) -> None:
        """Draw backgrounds by how much the network takes something in them for a face."""
        highest = []
        for picture in self.backgrounds:
            _, _, scores = _scored(model, [_padded(picture, 512)])
            highest.append(float(scores.max()))
        hard = 1 / (1 + np.exp(-np.array(highest) - 2.0))
        self.chances = 0.4 / len(hard) + 0.6 * hard / hard.sum()

    def state(self) -> dict[str, Any]:
        """See `Task`."""
        return {"chances": self.chances.tolist()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Task`."""
        if len(state["chances"]) == len(self.chances):  # with other backgrounds: found anew after the next epoch
            self.chances = np.array(state["chances"])


class LandmarksTask:
    """Crops for LandmarkNet."""

    metric = "accuracy"

    def __init__(self, config: TrainConfig) -> None:
        refuse_unknown(config.model, {"variant", "size"}, "model")
        self.seed, self.size = config.seed, _number(config, "size", 112, 16)
        self.model = LandmarkNet(self.size)
        self.train, self.val = _Faces(config, "train"), _Faces(config, "val")

    def draw(self, step: int, size: int) -> Batch:
        """See `Task`."""
        randoms = (np.random.default_rng([self.seed, _TRAIN, step, i]) for i in range(size))
        return [draw_crop(self.train.draw(random), self.size, random) for random in randoms]

    def losses(self, answers: Any, batch: Batch) -> dict[str, Tensor]:
        """See `Task`."""
        landmarks = torch.from_numpy(np.stack([crop.landmarks for crop in batch]))
        visible = torch.from_numpy(np.stack([crop.visible for crop in batch]))
        quality = torch.tensor([crop.quality for crop in batch], dtype=torch.float32)
        return landmark_loss(answers, landmarks, visible, quality)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Error over inter-ocular distance, in per cent, on crops as they are and on spoilt ones."""
        measures: dict[str, float] = {}
        for name, hard in (("plain", 0.0), ("hard", 1.0)):
            crops: list[FaceCrop] = []
            for i in range(_VALIDATION):
                random = np.random.default_rng([self.seed, _VAL, i])
                crops.append(draw_crop(self.val.draw(random), self.size, random, hard=hard))
            found = [_points(model, crops[i : i + 50]) for i in range(0, len(crops), 50)]
            measures |= landmark_measures(crops, *map(np.concatenate, zip(*found, strict=True)), name)
        measures[self.metric] = -measures["plain_error"] - 0.2 * measures["hard_error"]
        return measures

    def between(self, model: nn.Module) -> None:
        """Nothing is looked for."""

    def state(self) -> dict[str, Any]:
        """See `Task`."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Task`."""


class _Drawn(Sequence[Cutout]):
    """Faces as a sequence whose every access draws one by its root's share."""

    def __init__(self, faces: _Faces, random: np.random.Generator) -> None:
        self.faces, self.random = faces, random

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: Any) -> Any:
        return self.faces.draw(self.random)


def pixels(images: Sequence[NDArray[np.uint8]]) -> Tensor:
    """Pictures (H, W, 3) uint8 of one size as (B, 3, H, W) float32, 0..255, channels last in memory."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()


def _number(config: TrainConfig, key: str, default: int, multiple: int) -> int:
    value = config.model.get(key, default)
    if not isinstance(value, int) or value < multiple or value % multiple:
        raise ConfigError(f"model.{key} must be a multiple of {multiple}, is {value!r}.")
    return value


@torch.inference_mode()
def _scored(
    model: nn.Module, images: Sequence[NDArray[np.uint8]]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    boxes, points, scores = model(pixels(images))
    return boxes.numpy(), points.numpy(), scores.numpy()


@torch.inference_mode()
def _points(
    model: nn.Module, crops: Sequence[FaceCrop]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    landmarks, visible, quality = model(pixels([crop.image for crop in crops]))
    return landmarks.numpy(), visible.numpy(), quality.numpy()


def _padded(picture: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """The picture with its longest side at most `longest`, in a frame whose sides are multiples of 32."""
    scale = min(1.0, longest / max(picture.shape[:2]))
    if scale < 1:
        picture = np.asarray(
            cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    height, width = picture.shape[:2]
    down, right = -height % 32, -width % 32
    return np.asarray(cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_REPLICATE), np.uint8)
