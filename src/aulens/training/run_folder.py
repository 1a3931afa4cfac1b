"""The folder of a run: configuration, log, checkpoints, versions. A file appears whole or not at all."""

from __future__ import annotations

import importlib.metadata
import itertools
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import aulens
from aulens.errors import ConfigError, DatasetError, ModelError
from aulens.files import plain, write_text
from aulens.models.family import find
from aulens.training.config import TrainConfig, load_config, to_toml
from aulens.training.sections import Stage2Config

FREE: Final[frozenset[str]] = frozenset(
    {
        "data.roots",
        "data.backgrounds",
        "data.finder",
        "data.tests",
        "data.workers",
        "train.threads",
        "train.checkpoint_minutes",
        "train.accelerator",
        "train.devices",
        "train.nodes",
        "train.start",
        "stage2.start",
    }
)
"""Keys that may change when a run is resumed: they say where it runs and where files lie, not what it
computes (that data and checkpoints are the same ones is seen from their contents)."""

STARTS: Final = ("train.start", "stage2.start")
"""Of those, where it begins: another file may be named, but none is not the same as one."""

_PACKAGES = ("torch", "lightning", "timm", "numpy", "opencv-python-headless", "pandas", "onnx")


class RunFolder:
    """A run folder, and the names of what lies in it.

    Attributes:
        path: the folder.
        config: the configuration, TOML.
        log: one JSON line per epoch.
        last: everything needed to go on after a kill.
        best: the chosen model; :func:`aulens.models.load_checkpoint` reads it.
        best_face_weights: likewise, of a network that finds faces, landmarks or people.
        calibration: scores to probabilities, and thresholds.
        facts: versions, commit, and what the data were.
        relations: how the AUs of a graph go together; :class:`aulens.relations.AURelations` reads it.
    """

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self.config: Final = path / "config.toml"
        self.log: Final = path / "log.jsonl"
        self.last: Final = path / "last.pt"
        self.best: Final = path / "best.safetensors"
        self.best_face_weights: Final = path / "best.pt"
        self.calibration: Final = path / "calibration.json"
        self.facts: Final = path / "facts.json"
        self.relations: Final = path / "relations.json"

    @property
    def has_results(self) -> bool:
        """Whether the chosen model was calibrated and evaluated."""
        return self.calibration.is_file() and (self.path / "val" / "report.json").is_file()

    @property
    def for_faces(self) -> bool:
        """Whether it is the run of a network that finds faces, landmarks or people."""
        return self.config.is_file() and self.read_config().for_faces

    def read_config(self) -> TrainConfig:
        """Read the configuration; ModelError if this is no run folder."""
        if not self.config.is_file():
            raise ModelError(
                f"{self.path} is not a run folder: it has no {self.config.name}. Make one: aulens train."
            )
        return load_config(self.config)

    def forget_results(self) -> None:
        """Delete calibration and reports: the best model is about to change, and they are of the old one."""
        # result.json is a study's: it says of the best model what the reports say.
        names = ("report.json", "report.md", "result.json")
        for path in (self.calibration, *(path for name in names for path in self.path.glob(f"*/{name}"))):
            path.unlink(missing_ok=True)

    def write_log(self, history: Iterable[Mapping[str, Any]]) -> None:
        """Write the whole log anew: after a resume it holds each epoch once."""
        write_text(self.log, "".join(json.dumps(plain(record)) + "\n" for record in history))


def open_run(path: Path, config: TrainConfig, *, resume: bool) -> RunFolder:
    """Make a run folder, or check that an old one fits.

    Raises:
        ConfigError: the folder holds a run and ``resume`` is off, or it holds one of another configuration.
    """
    run = RunFolder(Path(path))
    if run.config.is_file() and resume:
        check_same(run.read_config(), config, run.path)
    elif run.config.is_file() or (run.path.is_dir() and not all(map(_is_left_over, run.path.iterdir()))):
        raise ConfigError(
            f"{run.path} is not empty. Continue that run with --resume, or choose another --out."
        )
    run.path.mkdir(parents=True, exist_ok=True)
    write_text(run.config, to_toml(config))
    return run


def _is_left_over(path: Path) -> bool:
    """Whether it is a lock, or what a killed writer left."""
    return path.name.startswith(".") and path.suffix in (".lock", ".part")


def check_same(old: TrainConfig, new: TrainConfig, path: Path) -> None:
    """Refuse to go on in ``path`` with another configuration; ConfigError names the key."""
    changed = _changed(old, new, FREE | _extensible(new))
    for key in STARTS:
        if key in changed:
            was, now = changed[key]
            raise ConfigError(
                f"Cannot resume {path} from another beginning: {key} was {_word(was)}, is {_word(now)}. "
                f"{'Leave it out' if was is None else 'Give it again'}, or use a new --out."
            )
    if changed:
        raise ConfigError(
            f"Cannot resume {path} with another configuration: {_first(changed)}. Use its config.toml, or a "
            "new --out."
        )


def check_same_data(old: str, new: str, path: Path) -> None:
    """Refuse to go on in ``path`` with data of another fingerprint; "" is one that is not known."""
    if old not in ("", new):
        raise DatasetError(
            f"The data are not those of the run in {path}: other files, labels or splits. Give the same "
            "data, or start a new run."
        )


def check_finished(old: TrainConfig, new: TrainConfig, path: Path) -> None:
    """Refuse to take the finished run in ``path`` for one of another configuration; names the key."""
    if changed := _changed(old, new, FREE):
        raise ConfigError(
            f"{path} is finished, but with other settings: {_first(changed)}. Give the settings that it had, "
            "or another --out; or delete this run's folder, and it is made anew."
        )


def _changed(old: TrainConfig, new: TrainConfig, free: frozenset[str]) -> dict[str, tuple[Any, Any]]:
    """Keys whose values differ -> before and now, None where there is none.

    Of where a run begins only whether it begins anywhere: files may move, and their weights are compared.
    """
    before, after = _flat(old.to_dict()), _flat(new.to_dict())
    # A file may lie in another folder, as on another machine, but its name stays.
    files = (f"model.{name}" for name in find(new.variant).files)
    for key, table in itertools.product(files, (before, after)):
        if key in table:
            table[key] = Path(table[key]).name
    return {
        key: (before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
        and (key not in free or (key in STARTS and (key in before) != (key in after)))
    }


def _first(changed: Mapping[str, tuple[Any, Any]]) -> str:
    key, (was, now) = next(iter(changed.items()))
    more = f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
    return f"{key} was {_word(was)}, is {_word(now)}{more}"


def _word(value: Any) -> str:
    return "not given" if value is None else repr(value)


def _extensible(config: TrainConfig) -> frozenset[str]:
    """Epochs may be added where their number shapes no learning rate; of two stages, to the second."""
    optimiser = config.optimiser
    if config.two_stages:
        optimiser = (config.stage2 or Stage2Config()).optimiser(optimiser)
    if optimiser.schedule not in ("constant", "step"):
        return frozenset()
    return frozenset({"stage2.epochs" if config.two_stages else "train.epochs"})


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        elif value is not None:
            flat[prefix + key] = value
    return flat


def provenance() -> dict[str, Any]:
    """Versions, machine and commit."""
    return {
        "versions": {
            "aulens": aulens.__version__,
            "python": platform.python_version(),
            **{name: _version(name) for name in _PACKAGES},
        },
        "machine": {"system": platform.platform(), "cores": os.cpu_count()},
        "commit": _commit(),
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None
