"""The sections of a training configuration: frozen, checked at birth."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from aulens.checked import Checked, Count, Decay, Natural, NotNegative, Positive, Probability, Texts
from aulens.data.augment import Geometry
from aulens.data.folds import SplitPlan
from aulens.data.photometric import Photometric
from aulens.errors import ConfigError

Schedule = Literal["constant", "step", "cosine", "one_cycle"]


@dataclass(frozen=True)
class DataConfig(Checked):
    """Where the samples come from and how they are read."""

    roots: Texts = ()
    """Folders of `aulens render` or `aulens prepare`; several are joined, subjects are prefixed so that none
    collide."""
    tests: Texts = ()
    """Folders of `aulens prepare` whose every frame is a test: then no frame of `roots` is."""
    fold: Natural = 0
    """The published part that is tested; 0 = the data come with a split of their own."""
    validation: float = 0.15
    """Share of the training subjects that choose epoch and thresholds, where the data name none."""
    split_seed: int = 1
    """Decides which."""
    select_on_test: bool = False
    """Choose epoch and thresholds on the tested subjects, as much of the literature does. Every number that
    comes of it is marked."""
    workers: int = 1
    """Loader processes; 0 loads in the training process. Never changes the result."""
    shares: tuple[Positive, ...] = ()
    """Of networks that find faces or landmarks: how often each of `roots` is drawn from; none = by size."""
    backgrounds: Texts = ()
    """Likewise: folders of pictures without people."""
    finder: str = ""
    """Of the network that finds landmarks: a run of the one that finds faces, whose false faces it learns."""
    coded_times: Count = 1
    """How often an epoch goes through the training samples whose AUs somebody coded; rendered ones once."""
    limit: Natural = 0
    """Use only the first so many training samples after a seeded shuffle; 0 = all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tests and (self.fold or self.select_on_test):
            raise ConfigError(
                "data.tests means that other data are the test, so data.fold and data.select_on_test have no "
                "use. Leave them out."
            )
        _ = self.plan

    @property
    def plan(self) -> SplitPlan:
        """How the parts of a data set become splits."""
        fold = str(self.fold) if self.fold else ""
        return SplitPlan(fold, self.validation, self.split_seed, self.select_on_test)


@dataclass(frozen=True)
class AugmentConfig(Photometric, Geometry):
    """Random changes of a training sample: both kinds of them, with defaults for the geometric ones.

    All off = the plain aligned crop.
    """

    rotation: NotNegative = 15.0
    scale: NotNegative = 0.1
    shift: NotNegative = 0.04
    flip: Probability = 0.5
    landmark_shift: NotNegative = 0.03
    landmark_rotation: NotNegative = 2.0
    landmark_noise: NotNegative = 0.015


@dataclass(frozen=True)
class OptimiserConfig(Checked):
    """Optimiser and learning-rate schedule."""

    name: Literal["adam", "adamw", "sgd"] = "adam"
    """"adam" (L2 weight decay, as paper A), "adamw" (decoupled), or "sgd" (L2 weight decay, as paper B)."""
    lr: Positive = 1e-4
    weight_decay: NotNegative = 5e-4
    momentum: Decay = 0.9
    """Of "sgd" only."""
    nesterov: bool = True
    """Of "sgd" only: Nesterov's momentum."""
    schedule: Schedule = "step"
    step_epochs: Count = 10
    gamma: Positive = 0.1
    warmup_epochs: NotNegative = 0.0
    """Linear warm-up; for "one_cycle" the rising part."""
    clip_norm: NotNegative = 0.0
    """Largest gradient norm; 0 = no clipping."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.name == "sgd" and self.nesterov and not self.momentum:
            raise ConfigError(
                "optimiser.momentum is 0.0, but optimiser.nesterov needs it above 0. Set optimiser.nesterov "
                "= false for plain gradient descent."
            )


@dataclass(frozen=True)
class LoopConfig(Checked):
    """The loop itself."""

    epochs: Count = 20
    steps: Count = 500
    """Of the face networks, whose samples are drawn: steps of an epoch."""
    batch: Count = 32
    """Samples per step over all devices together."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: int = 1
    """Devices per node; torchrun's own count wins."""
    nodes: int = 1
    threads: int = 0
    """torch threads; 0 leaves torch's choice."""
    channels_last: bool = True
    checkpoint_minutes: float = 10.0
    """Also save within an epoch, every so many minutes; 0 = only after each epoch."""
    ema: Decay = 0.0
    """Decay of the moving average of the weights that is validated and kept; 0 = off."""
    metric: Literal["roc_auc", "f1", "abaw2"] = "roc_auc"
    """"roc_auc" or "f1" (macro over AUs), or "abaw2" (0.5 mean F1 + 0.5 total accuracy); on validation
    subjects; chooses the kept epoch."""
    judges: Literal["all", "coded"] = "all"
    """Which validation samples choose the epoch and set the thresholds: "all", or "coded": those whose AUs
    somebody coded; rendered ones help out where these show an AU too rarely."""
    start: str | None = None
    """Checkpoint or run folder to begin from, of the same architecture, AUs and crop; none = random weights
    (and a backbone's, if model.backbone_weights names some). Of two stages, the first begins there."""


@dataclass(frozen=True)
class Stage2Config(Checked):
    """The second stage of a network that is trained in two (jaa_gcn): what differs from the first."""

    epochs: Count = 3
    start: str | None = None
    """Checkpoint or run folder of a finished first stage; stage 1 is then not trained."""
    lr: Positive | None = None
    """This and the following: none = as in [optimiser]."""
    weight_decay: NotNegative | None = None
    schedule: Schedule | None = None
    step_epochs: Count | None = None
    gamma: Positive | None = None
    warmup_epochs: NotNegative | None = None

    def optimiser(self, first: OptimiserConfig) -> OptimiserConfig:
        """The optimiser of the second stage, given the first's."""
        own = {item.name for item in dataclasses.fields(self)} - {"epochs", "start"}
        changed = {name: getattr(self, name) for name in own if getattr(self, name) is not None}
        return dataclasses.replace(first, **changed)
