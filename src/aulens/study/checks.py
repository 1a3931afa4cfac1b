"""What can be known to fail before hours of training do: settings and files first, then the prepared data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aulens.data.folds import split, train_only
from aulens.data.prepared import load_prepared
from aulens.data.registry import protocol_of
from aulens.errors import AulensError, ConfigError
from aulens.models import model_config
from aulens.study.config import StudyConfig
from aulens.study.planning import PlannedRun, run_folder
from aulens.study.results import RESULT
from aulens.training.config import TrainConfig
from aulens.training.setup import refuse_uncoded


def check_settings(study: StudyConfig, out: Path) -> None:
    """Check every run's configuration, before the data are looked at.

    Args:
        study: to be run.
        out: its folder: a file that only finished runs need may be gone.

    Raises:
        ConfigError: a setting is unknown or out of range, a file that it names is not there, or the data set
            has no such fold; the variant is named.
    """
    _check_folds(study)
    for variant, fold, seed in study.runs:
        try:
            config = study.training(variant, fold, seed, Path("data"))
            model_config(config.model)
            if not (run_folder(out, variant.name, fold, seed) / "test" / RESULT).is_file():
                _check_files(config)
        except AulensError as error:
            raise ConfigError(f"Variant {variant.name}: {error}") from error


def check_data(runs: Sequence[PlannedRun]) -> None:
    """Check that the prepared data have the folds and the AUs that the runs still to be done ask for.

    Raises:
        ConfigError: there is no such fold.
        DatasetError: an AU is coded nowhere among the training subjects.
    """
    seen = set()
    for run in runs:
        data, aus = run.config.data, model_config(run.config.model).au_set
        if run.finished or (key := (data.roots, data.plan, bool(data.tests), aus.numbers)) in seen:
            continue
        seen.add(key)
        for root in data.roots:
            prepared = load_prepared(Path(root), aus)
            subject, part = prepared.texts("subject", ""), prepared.texts("part", "")
            splits = (
                train_only(subject, data.plan)
                if data.tests
                else split(subject, part, data.plan, prepared.dataset)
            )
            refuse_uncoded(prepared.labels[splits == "train"], aus)


def _check_folds(study: StudyConfig) -> None:
    known = protocol_of(study.dataset)
    if study.tested or known is None:
        return
    parts = tuple(map(int, known.parts)) or (0,)
    if wrong := [fold for fold in study.folds if fold not in parts]:
        raise ConfigError(
            f"folds of the study: {known.title} has no fold {', '.join(map(str, wrong))}; write folds = "
            f"{list(parts)}, or some of them."
        )


def _check_files(config: TrainConfig) -> None:
    named = {
        "model.backbone_weights": config.model.get("backbone_weights"),
        "model.graph_matrix": config.model.get("graph_matrix"),
        "train.start": config.train.start,
        "stage2.start": config.stage2.start if config.stage2 else None,
    }
    for key, file in named.items():
        if file is None or (file == "hub" and key == "model.backbone_weights"):
            continue
        if not file:
            raise ConfigError(f"{key} is empty: name a file, or leave it out.")
        if not Path(file).exists():
            raise ConfigError(f"{key}: there is no file {file}.")
