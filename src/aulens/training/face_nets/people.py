"""PersonNet's task: of two views of each of many people, those of one are to be nearer than all others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from aulens.data.digest import fingerprint
from aulens.data.face_nets.cutouts import read_cutouts
from aulens.data.face_nets.people import View, draw_pair, head
from aulens.errors import ConfigError, DatasetError
from aulens.training.config import TrainConfig
from aulens.training.face_nets.task import Batch, FaceTask, answers

SAME: Final = 0.7
"""Largest distance of two faces of one person, for the card. Of .5, .6, .7 and .86 (1 % of hard validation
pairs of two people are nearer) the one with neither a switch nor a shared id in benchmarks/tracking.py."""

_SHARPNESS: Final = 14.0  # of the softmax over cosines
_VALIDATION: Final = 300  # people
_FALSE: Final = 0.01
_TRAIN, _VAL = 0, 1  # streams of random numbers


class PeopleTask(FaceTask):
    """Views for PersonNet."""

    metric = "found"

    def __init__(self, config: TrainConfig, splits: Sequence[str]) -> None:
        if config.train.batch % 2:
            raise ConfigError(
                f"train.batch must be even for person_net: two views of each; is {config.train.batch}"
            )
        if config.data.backgrounds or config.data.shares:
            raise ConfigError("data.backgrounds and data.shares: of no use for person_net. Leave them out.")
        super().__init__(config)
        self.people = {split: _read([Path(root) for root in config.data.roots], split) for split in splits}

    def draw(self, step: int, size: int) -> Batch:
        """See `FaceTask`."""
        random = np.random.default_rng([self.seed, _TRAIN, step])
        people = list(self.people["train"].values())
        chosen = random.permutation(len(people))[: size // 2].tolist()
        return [View(view, who) for who in chosen for view in draw_pair(people[who], self.size, random)]

    def compare(self, answers: Any, batch: Batch) -> dict[str, Tensor]:
        """See `FaceTask`."""
        people = torch.tensor([view.person for view in batch], device=answers[0].device)
        return {"loss": person_loss(answers[0], people)}

    def describe(self) -> dict[str, Any]:
        """See `Task`."""
        lines = [
            f"{split} {who} {len(heads)}" for split, of in self.people.items() for who, heads in of.items()
        ]
        colours = [np.mean(heads) for of in self.people.values() for heads in of.values()]
        counts = {split: [sum(map(len, of.values()))] for split, of in self.people.items()}
        return {"fingerprint": fingerprint([np.array(colours)], lines), "faces": counts, "backgrounds": 0}

    def measure(self, model: nn.Module, split: str) -> dict[str, float]:
        """How many pairs of one person are nearer than all but 1 % of those of two: `person_measures`."""
        random = np.random.default_rng([self.seed, _VAL])
        people = list(self.people[split].values())
        some = random.permutation(len(people))[:_VALIDATION].tolist()
        views = [view for who in some for view in draw_pair(people[who], self.size, random)]
        parts = [answers(model, views[i : i + 100])[0] for i in range(0, len(views), 100)]
        return person_measures(np.concatenate(parts), np.repeat(some, 2))


def person_loss(views: Tensor, people: Tensor) -> Tensor:
    """Cross-entropy of finding another view of the same person among all others of a batch.

    Args:
        views: (B, D), of length 1.
        people: (B,) int64, two views or more of each.
    """
    alike = _SHARPNESS * views @ views.T
    alike = alike.masked_fill(torch.eye(len(views), dtype=torch.bool, device=views.device), -torch.inf)
    same = (people[:, None] == people[None]) & ~torch.eye(len(views), dtype=torch.bool, device=views.device)
    chances = functional.log_softmax(alike, dim=1)
    return -(chances.masked_fill(~same, 0).sum(1) / same.sum(1)).mean()


def person_measures(views: NDArray[np.float32], people: NDArray[Any]) -> dict[str, float]:
    """How well distances tell people apart.

    Args:
        views: (N, D).
        people: (N,).

    Returns:
        "found": the share of one person's pairs that are nearer than all but 1 % of pairs of two people;
        "limit": that distance; "auc": how often a pair of one person is nearer than one of two.
    """
    first, second = np.triu_indices(len(views), 1)
    apart = np.linalg.norm(views[first] - views[second], axis=1)
    same = people[first] == people[second]
    others = np.sort(apart[~same])
    limit = float(np.quantile(others, _FALSE))
    return {
        "found": float((apart[same] < limit).mean()),
        "limit": limit,
        "auc": 1 - float(np.searchsorted(others, apart[same]).mean()) / len(others),
    }


def _read(roots: Sequence[Path], split: str) -> dict[str, list[NDArray[np.uint8]]]:
    """The heads of each person of a split; a name that comes in several folders is one person."""
    people: dict[str, list[NDArray[np.uint8]]] = {}
    for root in roots:
        for cutout in read_cutouts([root], split):
            people.setdefault(cutout.subject, []).append(head(cutout))
    if len(people) < 2:
        raise DatasetError(f"fewer than two people of the split {split!r} in {', '.join(map(str, roots))}")
    return people
