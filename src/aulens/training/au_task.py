"""What the loop asks of a model of Action Units: samples, losses, and the numbers of an epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from aulens import metrics
from aulens.data.columns import distinct_pairs
from aulens.data.dataset import Batch, BatchOrder, FaceDataset, make_loader
from aulens.data.samples import SPLITS, Samples
from aulens.errors import DatasetError, ModelError
from aulens.files import atomic_write, plain
from aulens.models import AUModel, ModelConfig, save_checkpoint
from aulens.models.family import au_family
from aulens.training.config import TrainConfig
from aulens.training.evaluation import conclude
from aulens.training.judges import judged, judges_of
from aulens.training.leakage import people
from aulens.training.progress import Display
from aulens.training.run_folder import RunFolder
from aulens.training.scoring import crop_of, score, to_input
from aulens.training.setup import training_set
from aulens.training.sides import finite_mean
from aulens.training.task import Task

METRICS: Final[Mapping[str, str]] = {"roc_auc": "macro_roc_auc", "f1": "macro_f1", "abaw2": "abaw2"}
"""Name in the configuration -> key of :func:`summary`."""


class Learner(nn.Module):
    """Model and losses as one module, so that all of it is inside what Fabric and DDP wrap."""

    def __init__(self, model: nn.Module, criterion: nn.Module) -> None:
        super().__init__()
        self.model, self.criterion = model, criterion

    def forward(
        self, image: Tensor, landmarks: Tensor, side_labels: Tensor, side_intensities: Tensor
    ) -> dict[str, Tensor]:
        """The losses of a batch; "loss" is the one to minimise."""
        output = self.model(image, landmarks)
        with torch.autocast(image.device.type, enabled=False):  # losses stay in float32
            losses: dict[str, Tensor] = self.criterion(output, landmarks, side_labels, side_intensities)
        return losses


class AUTask(Task):
    """A model of Action Units, and the samples that it learns from.

    Args:
        config: of the run.
        settings: of the model, as written into checkpoints.
        model: to train.
        samples: all splits.

    Raises:
        DatasetError: the model asks for intensities that the data lack, or nobody is to judge it.
    """

    def __init__(self, config: TrainConfig, settings: ModelConfig, model: AUModel, samples: Samples) -> None:
        self.config, self.settings, self.model, self.samples = config, settings, model, samples
        self.metric = METRICS[config.train.metric]
        self.train_part = samples.split("train").with_coded(config.data.coded_times)
        self.val_part = samples.split("val")
        self.judges = judges_of(self.val_part, config.train.judges)
        family = au_family(settings.variant)
        if (setting := family.needs_intensities(settings)) and self.train_part.intensities is None:
            raise DatasetError(
                f"model.{setting} needs intensities, and the training data have none. Leave it out."
            )
        self.criterion = family.criterion(settings, self.train_part.base_rates().tolist())
        self.crop = crop_of(model)
        self.train_set = training_set(config, self.train_part, model)

    def learner(self) -> nn.Module:
        """See `Task`."""
        return Learner(self.model, self.criterion)

    def describe(self) -> dict[str, Any]:
        """See `Task`."""
        return describe(self.samples)

    def batches(self, epoch: int, start: int, rank: int, world: int) -> tuple[int, Iterable[Batch]]:
        """See `Task`."""
        given, device = self.config, next(self.model.parameters()).device
        order = BatchOrder(
            len(self.train_set), given.train.batch,
            seed=given.seed, epoch=epoch, rank=rank, world=world, start=start,
        )  # fmt: skip
        loader = make_loader(self.train_set, order, given.data.workers, pin=device.type == "cuda")
        return len(order) + start, loader

    def losses(self, learner: nn.Module, batch: Batch, device: torch.device) -> dict[str, Tensor]:
        """See `Task`."""
        image = to_input(batch["image"], device, self.config.train.channels_last)
        targets = (batch["landmarks"], batch["side_labels"], batch["side_intensities"])
        losses: dict[str, Tensor] = learner(image, *(part.to(device) for part in targets))
        return losses

    def files(self, batch: Batch) -> list[str]:
        """See `Task`."""
        return [self.train_part.paths[i] for i in batch["index"].tolist()]

    def validate(self, model: nn.Module, epoch: int, fabric: Fabric, display: Display) -> dict[str, Any]:
        """See `Task` and `summary`."""
        sides = self._scores(model, fabric, display)
        if not np.isfinite(sides).all():
            raise ModelError(
                f"The model gives scores that are not numbers after epoch {epoch + 1}: its weights have "
                "diverged. Lower optimiser.lr, or set optimiser.clip_norm."
            )
        part = self.val_part if self.judges.all() else judged(self.val_part, self.judges)
        return summary(part, sides[self.judges])

    def summary(self, measures: Mapping[str, Any]) -> str:
        """See `Task`."""
        named = (("val ROC-AUC", "macro_roc_auc"), ("F1", "macro_f1"), ("ABAW-2", "abaw2"))
        numbers = ((name, measures[key]) for name, key in named)
        return "  ".join(f"{name} {'undefined' if n is None else f'{n:.4f}'}" for name, n in numbers)

    def keep(self, run: RunFolder, model: nn.Module) -> None:
        """See `Task`."""
        assert isinstance(model, AUModel)
        with atomic_write(run.best) as part:
            save_checkpoint(part, model, self.settings)

    def conclude(self, run: RunFolder) -> None:
        """Calibrate the best model, and report on it, on validation samples."""
        if not run.has_results:
            conclude(run, self.val_part)

    def _scores(self, model: nn.Module, fabric: Fabric, display: Display) -> NDArray[np.float32]:
        """Side scores of all validation samples, shared out among the processes."""
        loop, total, world = self.config.train, len(self.val_part), fabric.world_size
        display.begin("validation", -(-total // (2 * loop.batch * world)))
        with fabric.autocast():
            mine = score(
                model,
                FaceDataset(self.val_part, self.crop),
                batch=2 * loop.batch,
                workers=self.config.data.workers,
                device=fabric.device,
                channels_last=loop.channels_last,
                rank=fabric.global_rank,
                world=world,
                step=display.step,
            ).sides
        if world == 1:
            return mine
        padded = np.zeros((-(-total // world), *mine.shape[1:]), np.float32)
        padded[: len(mine)] = mine
        own = torch.from_numpy(padded).to(fabric.device)
        parts = [torch.empty_like(own) for _ in range(world)]
        torch.distributed.all_gather(parts, own)
        # Rank r scored samples r, r + world, ...: interleave.
        return np.asarray(torch.stack(parts, 1).flatten(0, 1)[:total].cpu().numpy())


def describe(samples: Samples) -> dict[str, Any]:
    """What the data are: what makes a number in a report believable."""
    rates = samples.split("train").base_rates()
    homes = Counter(split for _, split in distinct_pairs(samples.subjects, samples.splits))
    return {
        "fingerprint": samples.fingerprint,
        "sources": list(samples.sources),
        "samples": {name: int((samples.splits == name).sum()) for name in SPLITS},
        "subjects": {name: homes[name] for name in SPLITS},
        "people": people(samples),
        "base_rates": {label: round(float(r), 4) for label, r in zip(samples.aus.labels, rates, strict=True)},
    }


def summary(samples: Samples, sides: NDArray[np.float32]) -> dict[str, Any]:
    """Return macro ROC-AUC, macro F1 and ABAW-2's measure (scores above 0, the papers' rule), the first two
    per AU as well.

    An AU for which a number is undefined takes no part in the mean; if none is defined, it is None.

    Args:
        samples: N validation samples.
        sides: (N, A, 2) scores.
    """
    scores, labels, names = sides.max(-1), samples.labels, samples.aus.labels
    area = metrics.roc_auc(labels, scores)
    f1 = metrics.f1(metrics.counts(labels, scores > 0))
    found: dict[str, Any] = plain(
        {
            "macro_roc_auc": finite_mean(area),
            "macro_f1": finite_mean(f1),
            "abaw2": metrics.abaw2_score(labels, scores > 0),
            "roc_auc": dict(zip(names, area, strict=True)),
            "f1": dict(zip(names, f1, strict=True)),
        }
    )
    return found
