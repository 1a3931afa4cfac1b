"""Training configuration: frozen dataclasses read from TOML; unknown keys are refused.

A configuration file is a receipt: it opens with its command, its time and the number to expect, and a
run folder keeps the exact configuration that made its checkpoint.
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aulens.checked import Checked, Natural, checked, read_toml
from aulens.errors import ConfigError
from aulens.models.family import DEFAULT, find
from aulens.training.sections import AugmentConfig, DataConfig, LoopConfig, OptimiserConfig, Stage2Config


@dataclass(frozen=True)
class TrainConfig(Checked):
    """Everything that decides a run. Read with :func:`load_config`."""

    name: str = "run"
    seed: Natural = 1
    data: DataConfig = field(default_factory=DataConfig)
    model: Mapping[str, Any] = field(default_factory=dict)
    """Keys of :class:`aulens.models.ModelConfig`; checked when the model is built."""
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    train: LoopConfig = field(default_factory=LoopConfig)
    stage2: Stage2Config | None = None
    """Only for networks that are trained in two stages; none = its defaults."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stage2 and not self.two_stages:
            raise ConfigError(
                "[stage2] is for networks that are trained in two stages, as jaa_gcn is; "
                f"model.variant is {self.model.get('variant')!r}. Leave it out."
            )
        if not self.for_faces and (self.data.shares or self.data.backgrounds or self.data.finder):
            raise ConfigError(
                "data.shares, data.backgrounds and data.finder are for networks that find faces, landmarks "
                f"or people, not Action Units; model.variant is {self.model.get('variant')!r}. Leave them "
                "out."
            )
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
        return find(self.variant).first_stage(self.model)

    @property
    def two_stages(self) -> bool:
        """Whether the network is trained in two stages."""
        return self.first_stage is not None

    @property
    def for_faces(self) -> bool:
        """Whether it is a network that finds faces, landmarks or people, not Action Units."""
        return find(self.variant).for_faces

    def to_dict(self) -> dict[str, Any]:
        """Plain nested dicts and lists, for JSON and TOML; `aulens.checked.checked` is the way back."""
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
    raw = read_toml(path, "the configuration")
    for setting in settings:
        key, value = parse_setting(setting)
        *sections, last = key.split(".")
        table = raw
        for section in sections:
            table = table.setdefault(section, {})
            if not isinstance(table, dict):
                raise ConfigError(f"{setting!r}: {section} is a value, not a section.")
        table[last] = value
    if data:
        given = raw.setdefault("data", {})
        if isinstance(given, dict):
            given["roots"] = [str(root) for root in data]
    # With settings, who is at fault may not be the file.
    return checked(TrainConfig, raw, "" if settings else path)


def to_toml(config: TrainConfig) -> str:
    """Write a configuration as TOML that :func:`load_config` reads back to an equal value."""
    import tomli_w  # of the extra `train`; reading a configuration needs none

    # TOML has no null: an absent key is the default.
    plain = {key: value for key, value in config.to_dict().items() if value is not None}
    for section, table in plain.items():
        if isinstance(table, dict):
            plain[section] = {key: value for key, value in table.items() if value is not None}
    return tomli_w.dumps(plain)


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
