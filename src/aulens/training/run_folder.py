"""The folder of a run: configuration, log, checkpoints, versions. A file appears whole or not at all."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

import aulens
from aulens.data.samples import SPLITS, Samples
from aulens.data.whole import plain, write_text
from aulens.errors import ConfigError, ModelError
from aulens.training.config import TrainConfig, load_config, to_toml
from aulens.training.sections import Stage2Config

FREE: Final[frozenset[str]] = frozenset(
    {
        "data.roots",
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


@dataclass(frozen=True)
class RunFolder:
    """Names of what lies in a run folder."""

    path: Path

    @property
    def config(self) -> Path:
        """The configuration, TOML."""
        return self.path / "config.toml"

    @property
    def log(self) -> Path:
        """One JSON line per epoch."""
        return self.path / "log.jsonl"

    @property
    def last(self) -> Path:
        """Everything needed to go on after a kill."""
        return self.path / "last.pt"

    @property
    def best(self) -> Path:
        """The chosen model; :func:`aulens.models.load_checkpoint` reads it."""
        return self.path / "best.safetensors"

    @property
    def calibration(self) -> Path:
        """Scores to probabilities, and thresholds."""
        return self.path / "calibration.json"

    @property
    def facts(self) -> Path:
        """Versions, commit, and what the data were."""
        return self.path / "facts.json"

    @property
    def relations(self) -> Path:
        """How the AUs of a graph go together; :class:`aulens.relations.AURelations` reads it."""
        return self.path / "relations.json"

    @property
    def has_results(self) -> bool:
        """Whether the chosen model was calibrated and evaluated."""
        return self.calibration.is_file() and (self.path / "val" / "report.json").is_file()

    def read_config(self) -> TrainConfig:
        """Read the configuration; ModelError if this is no run folder."""
        if not self.config.is_file():
            raise ModelError(
                f"{self.path} is not a run folder: it has no {self.config.name}. Make one: aulens train."
            )
        return load_config(self.config)

    def forget_results(self) -> None:
        """Delete calibration and reports: the best model is about to change, and they are of the old one."""
        for path in (self.calibration, *self.path.glob("*/report.json"), *self.path.glob("*/report.md")):
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
    elif run.config.is_file() or (run.path.is_dir() and any(run.path.iterdir())):
        raise ConfigError(
            f"{run.path} is not empty. Continue that run with --resume, or choose another --out."
        )
    run.path.mkdir(parents=True, exist_ok=True)
    write_text(run.config, to_toml(config))
    return run


def check_same(old: TrainConfig, new: TrainConfig, path: Path) -> None:
    """Refuse to go on in ``path`` with another configuration; ConfigError names the key."""
    free = FREE | _extensible(new)
    before, after = _flat(old.to_dict()), _flat(new.to_dict())
    for key in STARTS:
        if (key in before) != (key in after):
            was, now = (repr(table[key]) if key in table else "not given" for table in (before, after))
            raise ConfigError(
                f"Cannot resume {path} from another beginning: {key} was {was}, is {now}. "
                f"{'Give it again' if key in before else 'Leave it out'}, or use a new --out."
            )
    changed = sorted(
        k for k in before.keys() | after.keys() if before.get(k) != after.get(k) and k not in free
    )
    if changed:
        key = changed[0]
        raise ConfigError(
            f"Cannot resume {path} with another configuration: {key} was {before.get(key)!r}, is "
            f"{after.get(key)!r}{f' (and {len(changed) - 1} more)' if changed[1:] else ''}. "
            "Use its config.toml, or a new --out."
        )


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


def facts(samples: Samples) -> dict[str, Any]:
    """Describe versions, machine, commit and data: what makes a number in a report believable."""
    rates = samples.split("train").base_rates()
    return {
        "versions": {
            "aulens": aulens.__version__,
            "python": platform.python_version(),
            **{name: _version(name) for name in _PACKAGES},
        },
        "machine": {"system": platform.platform(), "cores": os.cpu_count()},
        "commit": _commit(),
        "data": {
            "fingerprint": fingerprint(samples),
            "sources": list(samples.sources),
            "samples": {name: int((samples.splits == name).sum()) for name in SPLITS},
            "subjects": {
                name: int(np.unique(samples.subjects[samples.splits == name]).size) for name in SPLITS
            },
            "base_rates": {
                label: round(float(r), 4) for label, r in zip(samples.aus.labels, rates, strict=True)
            },
        },
    }


def fingerprint(samples: Samples) -> str:
    """Hash labels, landmarks, subjects, splits and file names (not folders: data may move)."""
    digest = hashlib.sha256()
    for array in (samples.side_labels, samples.landmarks):
        digest.update(np.ascontiguousarray(array).tobytes())
    rows = zip(samples.paths, samples.subjects.tolist(), samples.splits.tolist(), strict=True)
    digest.update("\n".join(f"{Path(path).name} {subject} {split}" for path, subject, split in rows).encode())
    return digest.hexdigest()[:16]


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
