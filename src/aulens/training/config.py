"""Training configuration: frozen dataclasses read from TOML; unknown keys are refused.

A configuration file is a receipt: it opens with its command, its time and the number to expect, and a
run folder keeps the exact configuration that made its checkpoint.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aulens.errors import ConfigError
from aulens.models.family import DEFAULT, AUFamily, find
from aulens.training.sections import AugmentConfig, DataConfig, LoopConfig, OptimiserConfig, Stage2Config


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
    stage2: Stage2Config | None = None
    """Only for networks that are trained in two stages; none = its defaults."""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ConfigError(f"seed must not be negative, is {self.seed}.")
        if self.stage2 and not self.two_stages:
            raise ConfigError(
                "[stage2] is for networks that are trained in two stages, as jaa_gcn is; "
                f"model.variant is {self.model.get('variant')!r}. Leave it out."
            )
        if not self.sees and (self.data.shares or self.data.backgrounds or self.data.finder):
            raise ConfigError(
                "data.shares, data.backgrounds and data.finder are for networks that find faces, landmarks "
                f"or people, not Action Units; model.variant is {self.model.get('variant')!r}. Leave them "
                "out."
            )
        if self.stage2:
            self.stage2.optimiser(self.optimiser)
        if self.stage2 and self.stage2.start and self.train.start:
            raise ConfigError(
                "stage2.start means that stage 1 is not trained, so train.start, where that would begin, has "
                "no use. Give one of them."
            )

    @property
    def variant(self) -> str:
        """Which network."""
        return str(self.model.get("variant", DEFAULT))

    @property
    def first_stage(self) -> dict[str, Any] | None:
        """The [model] of the network that is trained before, of those that are trained in two stages."""
        family = find(self.variant)
        return family.first_stage(self.model) if isinstance(family, AUFamily) else None

    @property
    def two_stages(self) -> bool:
        """Whether the network is trained in two stages."""
        return self.first_stage is not None

    @property
    def sees(self) -> bool:
        """Whether it is a network that finds faces, landmarks or people, not Action Units."""
        family = find(self.variant)
        return family is not None and family.sees

    def to_dict(self) -> dict[str, Any]:
        """Return plain nested dicts and lists, JSON- and TOML-ready."""
        plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return plain


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
    # TOML has no null: an absent key is the default.
    plain = {key: value for key, value in config.to_dict().items() if value is not None}
    lines = [f"{key} = {_toml(value)}" for key, value in plain.items() if not isinstance(value, dict)]
    for section, table in plain.items():
        if isinstance(table, dict):
            lines += ["", f"[{section}]"] + [f"{k} = {_toml(v)}" for k, v in table.items() if v is not None]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    # JSON strings, numbers, booleans and flat lists are all valid TOML (json.dumps escapes as TOML does).
    return json.dumps(value, ensure_ascii=False)


def parse_setting(setting: str) -> tuple[str, Any]:
    """Split ``"train.epochs=3"`` into its dotted key and its value: TOML, a bare word a string.

    Raises:
        ConfigError: it has no key or no "=".
    """
    key, sign, text = setting.partition("=")
    if not sign or not key.strip():
        raise ConfigError(f"A setting reads key=value, for example train.epochs=3; got {setting!r}.")
    try:
        return key.strip(), tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), text.strip()


def _apply(raw: dict[str, Any], setting: str) -> None:
    key, value = parse_setting(setting)
    *sections, last = key.split(".")
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


_MANY: Final = types.MappingProxyType({str: "strings", float: "numbers"})


def _convert(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _build(kind, value, where)
    origin = typing.get_origin(kind)
    if origin is types.UnionType:  # "X | None"
        return None if value is None else _convert(typing.get_args(kind)[0], value, where)
    if origin is tuple:
        of = typing.get_args(kind)[0]
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{where} must be a list of {_MANY[of]}, got {value!r}.")
        return tuple(_convert(of, item, where) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise ConfigError(f"[{where}] must be a section, got {value!r}.")
        return dict(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ConfigError(f"{where} must be of type {kind.__name__}, got {value!r}.")
    return value
