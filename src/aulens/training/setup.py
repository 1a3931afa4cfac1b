"""From a configuration to its parts: model settings, samples, processes, optimiser."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from aulens.aus import MISSING, AUSet
from aulens.data.dataset import FaceDataset
from aulens.data.loading import load_data
from aulens.data.samples import Samples
from aulens.errors import ConfigError, DatasetError
from aulens.models import AUModel, ModelConfig
from aulens.models.family import au_family
from aulens.training.config import TrainConfig
from aulens.training.memory import keep_freed_memory
from aulens.training.scoring import crop_of


def load_samples(config: TrainConfig, settings: ModelConfig) -> Samples:
    """Read the data of a configuration: all splits, the training one cut to ``data.limit``."""
    if not config.data.roots:
        raise ConfigError("No data: set data.roots in the configuration, or give --data FOLDER.")
    data = config.data
    samples = load_data(
        [Path(root) for root in data.roots], settings.au_set, data.plan, [Path(root) for root in data.tests]
    )
    train_part, _ = samples.split("train"), samples.split("val")
    refuse_uncoded(train_part.labels, samples.aus)
    if data.limit:
        home = np.flatnonzero(samples.splits == "train")
        kept = np.random.default_rng(config.seed).permutation(home)[: data.limit]
        samples = samples.take(np.sort(np.concatenate([kept, np.flatnonzero(samples.splits != "train")])))
    return samples


def refuse_uncoded(labels: NDArray[np.int8], aus: AUSet) -> None:
    """Refuse training labels, (N, A), in which an AU is coded nowhere; DatasetError names it."""
    coded = (labels != MISSING).any(0)
    if not coded.any():
        raise DatasetError("All training labels are MISSING: there is nothing to learn from.")
    if not coded.all():
        lacking = [label for label, has in zip(aus.labels, coded, strict=True) if not has]
        numbers = [number for number, has in zip(aus, coded, strict=True) if has]
        raise DatasetError(
            f"The training labels code {int(coded.sum())} of the {len(coded)} AUs of the configuration; "
            f"{', '.join(lacking)} {'are' if lacking[1:] else 'is'} coded nowhere. Add data that code "
            f"{'them' if lacking[1:] else 'it'}, or train on the others: model.aus = {numbers}."
        )


def launch(config: TrainConfig) -> Fabric:
    """Start Fabric; under torchrun its number of processes wins over the configuration."""
    for name in ("lightning.fabric", "lightning.pytorch"):  # they log the precision in each run
        logging.getLogger(name).setLevel(logging.WARNING)
    loop = config.train
    devices = int(os.environ.get("LOCAL_WORLD_SIZE", loop.devices))
    nodes = int(os.environ.get("WORLD_SIZE", devices * loop.nodes)) // devices
    fabric = Fabric(
        accelerator={"gpu": "cuda"}.get(loop.accelerator, loop.accelerator),
        devices=devices,
        num_nodes=nodes,
        strategy="ddp" if devices * nodes > 1 else "auto",
        precision="bf16-mixed" if loop.precision == "bf16-mixed" else "32-true",
    )
    if fabric.device.type == "cpu":
        keep_freed_memory()
    fabric.launch()
    if loop.threads:
        torch.set_num_threads(loop.threads)
        cv2.setNumThreads(loop.threads)
    return fabric


def make_optimiser(config: TrainConfig, model: nn.Module) -> Optimizer:
    """The optimiser of a configuration, over the parameters that are trained.

    Adam (weight decay in the gradient, on everything: paper A's), AdamW (decoupled, on matrices), or SGD with
    momentum (weight decay in the gradient, on everything: paper B's).
    """
    settings = config.optimiser
    trained = [p for p in model.parameters() if p.requires_grad]
    if settings.name == "adam":
        return Adam(trained, lr=settings.lr, weight_decay=settings.weight_decay, fused=True)
    if settings.name == "sgd":
        return SGD(
            trained,
            lr=settings.lr,
            momentum=settings.momentum,
            nesterov=settings.nesterov,
            weight_decay=settings.weight_decay,
        )
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained if p.ndim > 1]},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=settings.lr, weight_decay=settings.weight_decay, fused=True)


def training_set(config: TrainConfig, samples: Samples, model: AUModel) -> FaceDataset:
    """The training samples as the model gets them: cut out for it, augmented as configured."""
    return FaceDataset(
        samples,
        crop_of(model),
        geometry=config.augment,
        photometric=config.augment,
        seed=config.seed,
        true_landmarks=au_family(config.variant).true_landmarks,
    )
