"""A study in a TOML file: data set x variants x folds x seeds, and the tables that it is for."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

from aulens.checked import Text, checked, one_of, read_toml
from aulens.data.prepare.settings import PrepareSettings
from aulens.data.registry import DATASETS
from aulens.errors import ConfigError
from aulens.study.grid import Rule
from aulens.study.published import TABLES, load
from aulens.training.config import TrainConfig, load_config, parse_setting


@dataclass(frozen=True)
class Variant:
    """One row or column of a study's table.

    Attributes:
        name: "roi_gcn".
        settings: what differs from the study's configuration: dotted key → value.
        stage1_of: another variant, trained in two stages, whose first stage this is; it is not trained again.
    """

    name: str
    settings: Mapping[str, Any]
    stage1_of: str = ""


@dataclass(frozen=True)
class StudyConfig:
    """A study. Read with :func:`load_study`.

    Attributes:
        name: of the study.
        dataset: what is trained on, by the name that it carries: "bp4d", or of own.csv "own".
        tested: another data set, all of which is the test; "" = the tested part of `dataset`.
        reader: the entry of `aulens.data.registry` that reads `dataset` as delivered; "" = that of its name.
        tested_reader: that reads `tested`.
        tables: the papers' tables that it makes, of A1 to A4 and B1.
        config: the training configuration that all variants begin with.
        folds: the parts that are tested in turn; (0,) where a data set has one split.
        seeds: of the trainings.
        decide: "papers" (score above 0, p >= 0.5) or "calibrated" (thresholds of validation subjects).
        reference: the variant that the others are compared to; "" = none.
        prepare: settings of `aulens prepare` that are not its defaults.
        set: settings of all variants: dotted key → value.
        variants: in the order of the table.
    """

    name: Text
    dataset: Text
    config: Path
    variants: tuple[Variant, ...]
    tested: str = ""
    reader: str = ""
    tested_reader: str = ""
    tables: tuple[Annotated[str, one_of(TABLES)], ...] = ()
    folds: tuple[int, ...] = (1, 2, 3)
    seeds: tuple[int, ...] = (1,)
    decide: Rule = "papers"
    reference: str = ""
    prepare: Mapping[str, Any] = field(default_factory=dict)
    set: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [variant.name for variant in self.variants]
        for key, value, allowed in (
            ("reader", self.reader, DATASETS.names()),
            ("tested_reader", self.tested_reader, DATASETS.names()),
            ("reference", self.reference, names),
            *(("stage1_of", variant.stage1_of, names) for variant in self.variants),
        ):
            if value and value not in allowed:
                raise ConfigError(f"{key} of the study must be one of {', '.join(allowed)}; got {value!r}.")
        for key, values in (("variants", names), ("folds", self.folds), ("seeds", self.seeds)):
            if not values or len(frozenset(values)) < len(values):
                raise ConfigError(f"{key} of the study must name at least one, and none twice; got {values}.")
        self._check_variants()
        self._check_tables()
        if self.tested and self.folds != (0,):
            raise ConfigError(
                f"The study tests on {self.tested}, all of it, so it has one split: write folds = [0]."
            )

    def _check_variants(self) -> None:
        firsts = {variant.name for variant in self.variants if variant.stage1_of}
        for variant in self.variants:
            if not _NAME.fullmatch(variant.name):
                raise ConfigError(
                    f"A variant names a folder: letters, digits, _ - and . only, no . first; got "
                    f"{variant.name!r}."
                )
            if variant.stage1_of in firsts:
                raise ConfigError(
                    f"Variant {variant.name!r} has stage1_of = {variant.stage1_of!r}, which is a first stage "
                    "itself. Name the variant that is trained in two stages."
                )
        for settings in (self.set, *(variant.settings for variant in self.variants)):
            for key in settings.keys() & _OWN.keys():
                raise ConfigError(f"{key} can't be set here: {_OWN[key]}.")

    def _check_tables(self) -> None:
        tested = self.tested or self.dataset
        for table in self.tables:
            if (dataset := load(table).dataset) != tested:
                raise ConfigError(
                    f"Table {table} is of {dataset}, but the study tests on {tested}: take it out of tables. "
                    "With tables = [] a study prints its own numbers."
                )

    @property
    def runs(self) -> Iterator[tuple[Variant, int, int]]:
        """Variant, fold and seed of each training, seed by seed; first stages are not trained again."""
        for seed, fold, variant in itertools.product(self.seeds, self.folds, self.variants):
            if not variant.stage1_of:
                yield variant, fold, seed

    def training(
        self, variant: Variant, fold: int, seed: int, data: Path, tests: Path | None = None
    ) -> TrainConfig:
        """The configuration of one run.

        Args:
            variant: of this study; not one that is another's first stage.
            fold: the part that is tested, 0 = none.
            seed: of the training.
            data: prepared folder.
            tests: prepared folder of `tested`.

        Raises:
            ConfigError: a setting is unknown or out of range.
        """
        own = {"data.fold": fold, "seed": seed, "name": f"{self.name}/{variant.name}"}
        settings = {**self.set, **variant.settings, **own}
        if tests:
            settings["data.tests"] = [str(tests)]
        given = [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in settings.items()]
        return load_config(self.config, data=[data], settings=given)


def load_study(path: Path, settings: Sequence[str] = ()) -> StudyConfig:
    """Read a study.

    Args:
        path: the TOML file; `config` in it is relative to it.
        settings: ``"train.epochs=2"`` and the like, for the trainings of all variants, applied last.

    Raises:
        ConfigError: the file is missing or not TOML, or a key is unknown or has a wrong value.
    """
    path = Path(path)
    raw = read_toml(path, "the study")
    written = checked(_Written, raw, path, others=True)
    # Here, rather than after the doctor has examined all of the data.
    checked(PrepareSettings, raw.get("prepare", {}), path, key="prepare")
    made = {
        "config": path.parent / written.config,
        "variants": tuple(_variant(name, table) for name, table in written.variants.items()),
        "set": {**_dotted(written.set), **_dotted(dict(parse_setting(text) for text in settings))},
    }
    return checked(StudyConfig, raw | made, path)


@dataclass(frozen=True)
class _Written:
    """The entries of a study's file that differ from `StudyConfig`."""

    config: str
    variants: Mapping[str, Mapping[str, Any]]
    set: Mapping[str, Any] = field(default_factory=dict)


_NAME: Final = re.compile(r"\w[\w.-]*")
"""Of variants: folders are called by it."""

_OWN: Final[Mapping[str, str]] = {
    "seed": "the seeds are the study's; change seeds = [...] in its file",
    "data.fold": "the folds are the study's; change folds = [...] in its file",
    "data.roots": "give the data as --root or --data",
    "data.tests": "give the tested data as --tested-root or --tests",
    "name": "the study names its runs",
}
"""Settings of a training that each run has of its own -> what to do instead."""


def _variant(name: str, table: Mapping[str, Any]) -> Variant:
    settings = _dotted(table)
    stage1_of = settings.pop("stage1_of", "")
    if stage1_of and settings:
        raise ConfigError(
            f"Variant {name!r} is the first stage of {stage1_of!r}, which decides its settings; it has also "
            f"{', '.join(settings)}. Leave these out."
        )
    return Variant(name, settings, stage1_of)


def _dotted(table: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted key → value, of tables within tables too: [set.train] epochs = 1 is "train.epochs" = 1."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            found |= {f"{key}.{inner}": item for inner, item in _dotted(value).items()}
        else:
            found[key] = value
    return found
