"""The tasks of FaceNet and LandmarkNet: what is drawn for a step, its losses, measures on other people."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aulens.data.digest import fingerprint
from aulens.data.face_nets.crops import FaceCrop, FalseFace, draw_crop, draw_negative
from aulens.data.face_nets.cutouts import Cutout, Spot, read_backgrounds, read_cutouts
from aulens.data.face_nets.scenes import draw_scene
from aulens.errors import ConfigError, DatasetError
from aulens.training.config import TrainConfig
from aulens.training.face_nets.false_faces import false_faces, padded
from aulens.training.face_nets.family import face_family
from aulens.training.face_nets.losses import face_loss, landmark_loss
from aulens.training.face_nets.measure import landmark_measures, scene_measures
from aulens.training.face_nets.networks import digest, load_best
from aulens.training.face_nets.task import Batch, FaceTask, answers
from aulens.training.run_folder import RunFolder

_HELD_OUT: Final = 10  # of so many backgrounds one is kept for measuring
_VALIDATION: Final = 400  # samples
_TOGETHER: Final = 50  # of these in one run
_NOBODY: Final = 0.15  # of so many crops there is no face in the middle
_QUARTERS: Final = (0, 0, 1, 0, 2, 0, 3)
_SUSPECT: Final = -1.5  # score of an answer that is worth training against
_MAX_SPOTS: Final = 3000
_TRAIN, _VAL = 0, 1  # streams of random numbers

_OF_AUS: Final = ("tests", "fold", "validation", "split_seed", "select_on_test", "limit")


def open_task(config: TrainConfig, splits: Sequence[str] = ("train", "val")) -> FaceTask:
    """The task of a configuration, the data of `splits` read.

    Raises:
        ConfigError: unknown keys, numbers out of range, or data missing in the configuration.
        DatasetError: the data can't be read.
    """
    if not config.data.roots:
        raise ConfigError("No data: set data.roots in the configuration, or give --data FOLDER.")
    _refuse_useless(config)
    task: FaceTask = face_family(config).task(config, splits)
    return task


def refuse_processes(config: TrainConfig) -> None:
    """Raise `ConfigError` if several processes are to train such a network."""
    if int(os.environ.get("WORLD_SIZE", config.train.devices * config.train.nodes)) > 1:
        raise ConfigError(
            "One process trains such a network: leave out train.devices, train.nodes, torchrun."
        )


def _refuse_useless(config: TrainConfig) -> None:
    """Refuse settings of AU models that would change nothing here."""
    usual = TrainConfig()
    useless = [f"data.{name}" for name in _OF_AUS if getattr(config.data, name) != getattr(usual.data, name)]
    useless += ["train.metric"] if config.train.metric != usual.train.metric else []
    useless += ["[augment]"] if config.augment != usual.augment else []
    if config.data.finder and not face_family(config).takes_finder:
        useless.append("data.finder")
    if useless:
        raise ConfigError(
            f"{', '.join(useless)}: of no use for {config.model['variant']}, whose pictures are drawn from "
            "data with splits of their own. Leave it out."
        )


class _Faces:
    """The faces of a split, drawn root by root with the given shares."""

    def __init__(self, config: TrainConfig, split: str) -> None:
        roots, shares = [Path(root) for root in config.data.roots], config.data.shares
        if shares and len(shares) != len(roots):
            raise ConfigError(
                f"data.shares has {len(shares)} numbers for {len(roots)} data.roots; give one for each"
            )
        found = [read_cutouts([root], split) for root in roots]
        if not any(found):
            raise DatasetError(f"no pictures of the split {split!r} in {', '.join(map(str, roots))}")
        weights = np.array(
            [share if group else 0 for share, group in zip(shares or map(len, found), found, strict=True)]
        )
        self.groups, self.edges = found, np.cumsum(weights / weights.sum())

    def draw(self, random: np.random.Generator) -> Cutout:
        """One of them."""
        group = self.groups[int(np.searchsorted(self.edges, random.random() * self.edges[-1], side="right"))]
        return group[int(random.integers(len(group)))]


class _CutoutsTask(FaceTask):
    """On faces that were cut out, and on backgrounds without people, of which some are kept for measuring."""

    finder = ""

    def __init__(self, config: TrainConfig, splits: Sequence[str]) -> None:
        super().__init__(config)
        self.faces = {split: _Faces(config, split) for split in splits}
        roots = [Path(root) for root in config.data.backgrounds]
        pictures = read_backgrounds(roots) if roots else []
        self.held_out = pictures[::_HELD_OUT]
        self.backgrounds = [one for i, one in enumerate(pictures) if i % _HELD_OUT] or pictures

    def randoms(self, count: int, *stream: int) -> Iterator[np.random.Generator]:
        """One source of randomness for each of `count` samples."""
        return (np.random.default_rng([self.seed, *stream, i]) for i in range(count))

    def describe(self) -> dict[str, Any]:
        """See `Task`."""
        backgrounds = [*self.held_out, *self.backgrounds]
        cutouts = [cutout for one in self.faces.values() for group in one.groups for cutout in group]
        points = np.array([[*cutout.landmarks.ravel(), cutout.yaw] for cutout in cutouts])
        lines = [f"{c.subject} {c.levels[0].shape}" for c in cutouts] + [f"{p.shape}" for p in backgrounds]
        lines += [self.finder] if self.finder else []
        return {
            "fingerprint": fingerprint([points], lines),
            "faces": {split: [len(group) for group in one.groups] for split, one in self.faces.items()},
            "backgrounds": len(backgrounds),
        }


class FacesTask(_CutoutsTask):
    """Scenes for FaceNet; after each epoch, backgrounds in which it finds faces are drawn more often."""

    metric = "average_precision"

    def __init__(self, config: TrainConfig, splits: Sequence[str]) -> None:
        if not config.data.backgrounds:
            raise ConfigError("face_net needs data.backgrounds: folders of pictures without people.")
        super().__init__(config, splits)
        self.spots: list[Spot] = []

    def draw(self, step: int, size: int) -> Batch:
        """See `FaceTask`."""
        draw, spots = self.faces["train"].draw, self.spots
        return [
            draw_scene(draw, self.backgrounds, self.size, random, spots=spots)
            for random in self.randoms(size, _TRAIN, step)
        ]

    def compare(self, answers: Any, batch: Batch) -> dict[str, Tensor]:
        """See `FaceTask`."""
        faces = [[torch.from_numpy(getattr(s, name)) for s in batch] for name in ("boxes", "points", "asked")]
        return face_loss(answers, self.size, *faces)

    def measure(self, model: nn.Module, split: str) -> dict[str, float]:
        """Average precision and recall in drawn scenes, on backgrounds that training did not see."""
        scenes = [
            draw_scene(self.faces[split].draw, self.held_out, self.size, random)
            for random in self.randoms(_VALIDATION, _VAL)
        ]
        return scene_measures(scenes, lambda images: answers(model, images))

    def between(self, model: nn.Module, epoch: int) -> None:
        """Search the backgrounds, at other sizes and turns than before, for what it takes for faces."""
        found = []
        for i, picture in enumerate(self.backgrounds):
            quarters, longest = _QUARTERS[(i + epoch) % len(_QUARTERS)], (320, 640)[(i + epoch) % 2]
            turned = np.ascontiguousarray(np.rot90(picture, quarters))
            seen, scale = padded(turned, longest)
            boxes, _, scores = (part[0] for part in answers(model, [seen]))
            best = int(np.argmax(scores))
            if scores[best] > _SUSPECT:
                x, y = ((boxes[best][:2] + boxes[best][2:]) / 2 / scale).tolist()
                found.append(Spot(i, quarters, x, y, self.size / scale))
        self.spots = found + self.spots[: _MAX_SPOTS - len(found)]

    def state(self) -> dict[str, Any]:
        """See `Task`."""
        return {"spots": [asdict(spot) for spot in self.spots], "backgrounds": len(self.backgrounds)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Task`."""
        if state["backgrounds"] == len(self.backgrounds):  # in other ones they are searched anew
            self.spots = [Spot(**spot) for spot in state["spots"]]


class LandmarksTask(_CutoutsTask):
    """Crops for LandmarkNet."""

    metric = "accuracy"

    def __init__(self, config: TrainConfig, splits: Sequence[str]) -> None:
        super().__init__(config, splits)
        self.false_faces: list[FalseFace] = []
        if finder := config.data.finder:
            if not self.backgrounds:
                raise ConfigError("data.finder finds false faces in data.backgrounds, and there are none.")
            model = load_best(RunFolder(Path(finder)))
            self.finder = digest(model)
            if "train" in splits:
                self.false_faces = false_faces(
                    lambda picture: tuple(part[0] for part in answers(model, [picture])), self.backgrounds
                )

    def draw(self, step: int, size: int) -> Batch:
        """See `FaceTask`."""
        return [self._crop(random) for random in self.randoms(size, _TRAIN, step)]

    def _crop(self, random: np.random.Generator) -> FaceCrop:
        cutout, hard = self.faces["train"].draw(random), float(random.random()) ** 1.5
        if self.backgrounds and random.random() < _NOBODY:
            return draw_negative(cutout, self.backgrounds, self.size, random, self.false_faces)
        return draw_crop(cutout, self.size, random, hard=hard)

    def compare(self, answers: Any, batch: Batch) -> dict[str, Tensor]:
        """See `FaceTask`."""
        landmarks = torch.from_numpy(np.stack([crop.landmarks for crop in batch]))
        visible = torch.from_numpy(np.stack([crop.visible for crop in batch]))
        quality = torch.tensor([crop.quality for crop in batch], dtype=torch.float32)
        present = torch.tensor([crop.present for crop in batch])
        return landmark_loss(answers, landmarks, visible, quality, present)

    def measure(self, model: nn.Module, split: str) -> dict[str, float]:
        """Error over inter-ocular distance, in per cent, on crops as they are and on spoilt ones."""
        measures: dict[str, float] = {}
        draw, side = self.faces[split].draw, self.size
        for name, hard in (("plain", 0.0), ("hard", 1.0)):
            randoms = self.randoms(_VALIDATION, _VAL)
            crops = [draw_crop(draw(random), side, random, hard=hard) for random in randoms]
            landmarks, visible, quality, there = _outputs(model, crops)
            measures[f"{name}_present"] = float((there > 0.5).mean())
            measures |= landmark_measures(crops, landmarks, visible, quality, name)
        if self.held_out:
            randoms = (np.random.default_rng([self.seed, _VAL, _VALIDATION + i]) for i in range(_VALIDATION))
            crops = [draw_negative(draw(random), self.held_out, side, random) for random in randoms]
            measures["nobody_present"] = float((_outputs(model, crops)[3] > 0.5).mean())
        measures[self.metric] = -measures["plain_error"] - 0.2 * measures["hard_error"]
        return measures


def _outputs(model: nn.Module, crops: Sequence[FaceCrop]) -> list[NDArray[np.float32]]:
    """What the network says of crops, output by output."""
    images = [crop.image for crop in crops]
    parts = [answers(model, images[i : i + _TOGETHER]) for i in range(0, len(images), _TOGETHER)]
    return [np.concatenate(output) for output in zip(*parts, strict=True)]
