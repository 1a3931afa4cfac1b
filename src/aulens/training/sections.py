"""The sections of a training configuration: frozen, checked at birth."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from aulens.data.folds import SplitPlan
from aulens.errors import ConfigError

_PROBABILITIES = frozenset(
    {
        "flip",
        "colour",
        "grey",
        "gamma",
        "shading",
        "blur",
        "resolution",
        "noise",
        "jpeg",
        "occlusion",
        "glasses",
        "exposure",
    }
)


@dataclass(frozen=True)
class DataConfig:
    """Where the samples come from and how they are read."""

    roots: tuple[str, ...] = ()
    """Folders of `aulens render` or `aulens prepare`; several are joined, subjects are prefixed so that none
    collide."""
    tests: tuple[str, ...] = ()
    """Folders of `aulens prepare` whose every frame is a test: then no frame of `roots` is."""
    fold: int = 0
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
    shares: tuple[float, ...] = ()
    """Of networks that find faces or landmarks: how often each of `roots` is drawn from; none = by size."""
    backgrounds: tuple[str, ...] = ()
    """Likewise: folders of pictures without people."""
    finder: str = ""
    """Of the network that finds landmarks: a run of the one that finds faces, whose false faces it learns."""
    coded_times: int = 1
    """How often an epoch goes through the training samples whose AUs somebody coded; rendered ones once."""
    limit: int = 0
    """Use only the first so many training samples after a seeded shuffle; 0 = all."""

    def __post_init__(self) -> None:
        if self.fold < 0:
            raise ConfigError(f"data.fold must be 0 or more, is {self.fold}.")
        if any(not 0 < share < math.inf for share in self.shares):
            raise ConfigError(f"data.shares must be above 0, are {list(self.shares)}.")
        if self.coded_times < 1:
            raise ConfigError(f"data.coded_times must be at least 1, is {self.coded_times}.")
        if self.limit < 0:
            raise ConfigError(f"data.limit must be 0 (all) or more, is {self.limit}.")
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
class AugmentConfig:
    """Random changes of a training sample. Probabilities are 0..1; all off = the plain aligned crop."""

    rotation: float = 15.0
    """Uniform in +-rotation degrees."""
    scale: float = 0.1
    """Log-uniform zoom in [1/(1+scale), 1+scale]."""
    shift: float = 0.04
    """Uniform shift in +-shift crop sides, each axis."""
    flip: float = 0.5
    landmark_shift: float = 0.03
    """Detector imprecision common to all points: normal, in inter-ocular distances; scale likewise."""
    landmark_rotation: float = 2.0
    """Detector imprecision common to all points: normal, degrees."""
    landmark_noise: float = 0.015
    """Detector imprecision of each point: normal, in inter-ocular distances."""
    colour: float = 0.0
    """Probability of white balance, hue, saturation, contrast and brightness changes."""
    grey: float = 0.0
    gamma: float = 0.0
    shading: float = 0.0
    """Probability of a smooth, slightly coloured light gradient."""
    blur: float = 0.0
    """Probability of a Gaussian or motion blur."""
    resolution: float = 0.0
    """Probability of shrinking to 20..80 % and enlarging again."""
    noise: float = 0.0
    """Probability of Gaussian + shot noise."""
    jpeg: float = 0.0
    """Probability of JPEG recompression at quality 10..90."""
    occlusion: float = 0.0
    """Probability of a foreign object: box, ellipse, or hand-like blob."""
    glasses: float = 0.0
    """Probability of a drawn pair of glasses."""
    exposure: float = 0.0
    """Probability of 8 to 180 % of the light, in 8 bits."""

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if not 0 <= value < math.inf or (item.name in _PROBABILITIES and value > 1):
                raise ConfigError(f"augment.{item.name} is out of range: {value}.")


@dataclass(frozen=True)
class OptimiserConfig:
    """Optimiser and learning-rate schedule."""

    name: str = "adam"
    """"adam" (L2 weight decay, as paper A), "adamw" (decoupled), or "sgd" (L2 weight decay, as paper B)."""
    lr: float = 1e-4
    weight_decay: float = 5e-4
    momentum: float = 0.9
    """Of "sgd" only."""
    nesterov: bool = True
    """Of "sgd" only: Nesterov's momentum."""
    schedule: str = "step"
    """"constant", "step", "cosine" or "one_cycle"."""
    step_epochs: int = 10
    gamma: float = 0.1
    warmup_epochs: float = 0.0
    """Linear warm-up; for "one_cycle" the rising part."""
    clip_norm: float = 0.0
    """Largest gradient norm; 0 = no clipping."""

    def __post_init__(self) -> None:
        _choice("optimiser.name", self.name, ("adam", "adamw", "sgd"))
        _choice("optimiser.schedule", self.schedule, ("constant", "step", "cosine", "one_cycle"))
        _at_least_one("optimiser.step_epochs", self.step_epochs)
        for key in ("lr", "gamma"):
            if not 0 < getattr(self, key) < math.inf:
                raise ConfigError(f"optimiser.{key} must be above 0 and finite, is {getattr(self, key)}.")
        for key in ("weight_decay", "warmup_epochs", "clip_norm"):
            if not 0 <= getattr(self, key) < math.inf:
                raise ConfigError(f"optimiser.{key} must be 0 or more and finite, is {getattr(self, key)}.")
        if not 0 <= self.momentum < 1:
            raise ConfigError(f"optimiser.momentum must be in [0, 1), is {self.momentum}.")
        if self.name == "sgd" and self.nesterov and not self.momentum:
            raise ConfigError(
                "optimiser.momentum is 0.0, but optimiser.nesterov needs it above 0. Set optimiser.nesterov "
                "= false for plain gradient descent."
            )


@dataclass(frozen=True)
class LoopConfig:
    """The loop itself."""

    epochs: int = 20
    steps: int = 500
    """Of the networks that aulens sees with, whose samples are drawn: steps of an epoch."""
    batch: int = 32
    """Samples per step over all devices together."""
    precision: str = "32-true"
    """"32-true" or "bf16-mixed"."""
    accelerator: str = "auto"
    """"auto", "cpu" or "gpu"."""
    devices: int = 1
    """Devices per node; torchrun's own count wins."""
    nodes: int = 1
    threads: int = 0
    """torch threads; 0 leaves torch's choice."""
    channels_last: bool = True
    checkpoint_minutes: float = 10.0
    """Also save within an epoch, every so many minutes; 0 = only after each epoch."""
    ema: float = 0.0
    """Decay of the moving average of the weights that is validated and kept; 0 = off."""
    metric: str = "roc_auc"
    """"roc_auc" or "f1" (macro over AUs), or "abaw2" (0.5 mean F1 + 0.5 total accuracy); on validation
    subjects; chooses the kept epoch."""
    judges: str = "all"
    """Which validation samples choose the epoch and set the thresholds: "all", or "coded": those whose AUs
    somebody coded; rendered ones help out where these show an AU too rarely."""
    start: str | None = None
    """Checkpoint or run folder to begin from, of the same architecture, AUs and crop; none = random weights
    (and a backbone's, if model.backbone_weights names some). Of two stages, the first begins there."""

    def __post_init__(self) -> None:
        _choice("train.precision", self.precision, ("32-true", "bf16-mixed"))
        _choice("train.accelerator", self.accelerator, ("auto", "cpu", "gpu"))
        _choice("train.metric", self.metric, ("roc_auc", "f1", "abaw2"))
        _choice("train.judges", self.judges, ("all", "coded"))
        _at_least_one("train.epochs", self.epochs)
        _at_least_one("train.batch", self.batch)
        _at_least_one("train.steps", self.steps)
        if not 0 <= self.ema < 1:
            raise ConfigError(f"train.ema must be in [0, 1), is {self.ema}.")


@dataclass(frozen=True)
class Stage2Config:
    """The second stage of a network that is trained in two (jaa_gcn): what differs from the first."""

    epochs: int = 3
    start: str | None = None
    """Checkpoint or run folder of a finished first stage; stage 1 is then not trained."""
    lr: float | None = None
    """This and the following: none = as in [optimiser]."""
    weight_decay: float | None = None
    schedule: str | None = None
    step_epochs: int | None = None
    gamma: float | None = None
    warmup_epochs: float | None = None

    def __post_init__(self) -> None:
        _at_least_one("stage2.epochs", self.epochs)
        self.optimiser(OptimiserConfig())

    def optimiser(self, first: OptimiserConfig) -> OptimiserConfig:
        """The optimiser of the second stage, given the first's."""
        own = {item.name for item in dataclasses.fields(self)} - {"epochs", "start"}
        changed = {name: getattr(self, name) for name in own if getattr(self, name) is not None}
        try:
            return dataclasses.replace(first, **changed)
        except ConfigError as error:
            raise ConfigError(f"In [stage2]: {error}") from error


def _choice(key: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ConfigError(f"{key} must be one of {', '.join(allowed)}; got {value!r}.")


def _at_least_one(key: str, value: int) -> None:
    if value < 1:
        raise ConfigError(f"{key} must be at least 1, is {value}.")
