"""Training configuration: frozen dataclasses read from TOML; unknown keys are refused.

A configuration file is a receipt: it opens with its command, its time and the number to expect, and a
run folder keeps the exact configuration that made its checkpoint.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aulens.errors import ConfigError


@dataclass(frozen=True)
class DataConfig:
    """Where the samples come from and how they are read."""

    roots: tuple[str, ...] = ()
    """Folders with a manifest; several are joined, subjects are prefixed so that none collide."""
    workers: int = 1
    """Loader processes; 0 loads in the training process. Never changes the result."""
    limit: int = 0
    """Use only the first so many training samples after a seeded shuffle; 0 = all."""


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


@dataclass(frozen=True)
class LoopConfig:
    """The loop itself."""

    epochs: int = 20
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
    """"roc_auc" or "f1": macro over AUs, on validation subjects; chooses the kept epoch."""


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a run. Read with :func:`load_config`."""

    name: str = "run"
    seed: int = 1
    data: DataConfig = field(default_factory=DataConfig)
    model: Mapping[str, Any] = field(default_factory=dict)
    """Keys of :class:`aulens.models.ModelConfig`; checked when the model is built."""
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    train: LoopConfig = field(default_factory=LoopConfig)

    def __post_init__(self) -> None:
        """Check values that would otherwise fail late or silently."""
        loop, optimiser = self.train, self.optimiser
        _choice("optimiser.name", optimiser.name, ("adam", "adamw", "sgd"))
        _choice("optimiser.schedule", optimiser.schedule, ("constant", "step", "cosine", "one_cycle"))
        _choice("train.precision", loop.precision, ("32-true", "bf16-mixed"))
        _choice("train.accelerator", loop.accelerator, ("auto", "cpu", "gpu"))
        _choice("train.metric", loop.metric, ("roc_auc", "f1"))
        for key, value in (
            ("train.epochs", loop.epochs),
            ("train.batch", loop.batch),
            ("optimiser.step_epochs", optimiser.step_epochs),
        ):
            if value < 1:
                raise ConfigError(f"{key} must be at least 1, is {value}.")
        if self.seed < 0:
            raise ConfigError(f"seed must not be negative, is {self.seed}.")
        if not optimiser.lr > 0:
            raise ConfigError(f"optimiser.lr must be above 0, is {optimiser.lr}.")
        if not 0 <= optimiser.momentum < 1 or (optimiser.nesterov and not optimiser.momentum):
            raise ConfigError(
                f"optimiser.momentum must be in [0, 1), and above 0 with optimiser.nesterov; is "
                f"{optimiser.momentum}."
            )
        if not 0 <= loop.ema < 1:
            raise ConfigError(f"train.ema must be in [0, 1), is {loop.ema}.")
        for item in dataclasses.fields(self.augment):
            value = getattr(self.augment, item.name)
            if value < 0 or (item.name in _PROBABILITIES and value > 1):
                raise ConfigError(f"augment.{item.name} is out of range: {value}.")

    def to_dict(self) -> dict[str, Any]:
        """Return plain nested dicts and lists, JSON- and TOML-ready."""
        plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return plain


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
    }
)


def load_config(path: Path, *, data: Sequence[Path] = (), settings: Sequence[str] = ()) -> TrainConfig:
    """Read a TOML configuration.

    Args:
        path: the TOML file.
        data: when given, replaces ``[data] roots``.
        settings: ``"train.epochs=3"`` and the like, applied last; the value is TOML, a bare word a string.

    Raises:
        ConfigError: the file is missing or not TOML, a key is unknown (the nearest known one is named),
            or a value has the wrong type or is out of range.
    """
    try:
        raw = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"Cannot read the configuration {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error
    for setting in settings:
        _apply(raw, setting)
    if data:
        section = raw.setdefault("data", {})
        if isinstance(section, dict):
            section["roots"] = [str(root) for root in data]
    return config_from_dict(raw)


def config_from_dict(raw: Mapping[str, Any]) -> TrainConfig:
    """Build a checked configuration from nested dicts (the inverse of ``TrainConfig.to_dict``)."""
    config = _build(TrainConfig, raw, "")
    assert isinstance(config, TrainConfig)
    return config


def to_toml(config: TrainConfig) -> str:
    """Write a configuration as TOML that :func:`load_config` reads back to an equal value."""
    plain = config.to_dict()
    lines = [f"{key} = {_toml(value)}" for key, value in plain.items() if not isinstance(value, dict)]
    for section, table in plain.items():
        if isinstance(table, dict):
            # TOML has no null: an absent key is the default.
            lines += ["", f"[{section}]"] + [f"{k} = {_toml(v)}" for k, v in table.items() if v is not None]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    # JSON strings, numbers, booleans and flat lists are all valid TOML (json.dumps escapes as TOML does).
    return json.dumps(value, ensure_ascii=False)


def _apply(raw: dict[str, Any], setting: str) -> None:
    key, sign, text = setting.partition("=")
    if not sign or not key.strip():
        raise ConfigError(f"A setting reads key=value, for example train.epochs=3; got {setting!r}.")
    try:
        value = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    *sections, last = key.strip().split(".")
    table = raw
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{setting!r}: {section} is a value, not a section.")
    table[last] = value


def _build(kind: type[Any], raw: Any, where: str) -> Any:
    if not isinstance(raw, Mapping):
        raise ConfigError(f"[{where}] must be a section, got {raw!r}.")
    refuse_unknown(raw, {item.name for item in dataclasses.fields(kind)}, where)
    hints = typing.get_type_hints(kind)
    return kind(
        **{key: _convert(hints[key], value, f"{where}.{key}" if where else key) for key, value in raw.items()}
    )


def refuse_unknown(raw: Mapping[str, Any], known: set[str], where: str) -> None:
    """Raise ConfigError for a key that is not known, with the nearest one that is."""
    for key in raw:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(sorted(known))}."
            full = f"{where}.{key}" if where else key
            raise ConfigError(f"Unknown key {full!r} in the configuration.{hint}")


def _convert(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _build(kind, value, where)
    origin = typing.get_origin(kind)
    if origin is tuple:
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise ConfigError(f"{where} must be a list of strings, got {value!r}.")
        return tuple(value)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise ConfigError(f"[{where}] must be a section, got {value!r}.")
        return dict(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ConfigError(f"{where} must be of type {kind.__name__}, got {value!r}.")
    return value


def _choice(key: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ConfigError(f"{key} must be one of {', '.join(allowed)}; got {value!r}.")
