"""Training from a configuration to a calibrated model: in one stage, or in two where the network has two.

Paper B's network (jaa_gcn) is JAA-Net, trained first in RUN/stage1, a whole run folder of its own, and then,
in RUN, frozen under a graph that is trained on its features. Each stage is a run like any other: what a kill
leaves behind is gone on with, and a finished first stage is not touched again.
"""

from __future__ import annotations

import dataclasses
import hashlib
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from lightning.fabric import Fabric

from aulens.data.samples import Samples
from aulens.errors import ModelError
from aulens.locks import hold
from aulens.models import AUModel, ModelConfig, build, load_checkpoint, model_config
from aulens.models.family import au_family
from aulens.relations import AURelations
from aulens.training.au_task import AUTask
from aulens.training.checkpoint import fill
from aulens.training.config import TrainConfig
from aulens.training.engine import Trainer, TrainResult
from aulens.training.face_nets.networks import weights_from
from aulens.training.face_nets.tasks import open_task, refuse_processes
from aulens.training.progress import Display
from aulens.training.run_facts import read_facts
from aulens.training.run_folder import RunFolder, check_same, check_same_data, open_run
from aulens.training.sections import Stage2Config
from aulens.training.setup import launch, load_samples, make_optimiser
from aulens.training.task import Task

STAGE1: Final = "stage1"


def train(config: TrainConfig, out: Path, *, resume: bool = False, progress: bool = True) -> TrainResult:
    """Train a model, keep its best epoch, calibrate it on validation subjects.

    Args:
        config: from :func:`aulens.training.load_config`.
        out: run folder to make, or to go on with.
        resume: go on where the run in ``out`` was stopped; a new run if it holds none.
        progress: show a bar and a line per epoch on stderr.

    Returns:
        How the run ended; of two stages, the second.

    Raises:
        BusyError: another training works in ``out``.
        ConfigError: a setting is wrong, ``out`` is in use, or another configuration is resumed.
        DatasetError: the data are missing, lack an AU, or share a subject between splits.
        ModelError: the loss is not a number (the message names the pictures of the batch), or a checkpoint to
            begin from does not fit.
    """
    run = RunFolder(Path(out))
    if config.for_faces:
        refuse_processes(config)
        runner = _Runner(launch(config), resume, progress)
        with runner.alone(run):
            torch.manual_seed(config.seed)
            task = open_task(config)
            origin = weights_from(config.train.start, task.model) if config.train.start else ""
            runner.open(run, config)
            return runner.train(run, config, task, origin)
    settings = model_config(config.model)
    stages = _Stages(load_samples(config, settings), _Runner(launch(config), resume, progress))
    with stages.runner.alone(run):
        if first := first_stage(config):
            return stages.two(run, config, settings, first)
        return stages.one(run, config, settings, _start(config.train.start, settings))


@dataclass(frozen=True)
class _Start:
    """Weights to begin from, and the file that they came from."""

    model: AUModel
    file: Path

    @property
    def digest(self) -> str:
        """Of the weights: their file may be another one, or lie elsewhere."""
        weights = sorted(self.model.state_dict().items())
        return _digest(*(name.encode() + value.contiguous().numpy().tobytes() for name, value in weights))

    def fill(self, model: AUModel) -> None:
        """Bring the weights into a model of the same architecture."""
        fill(model, self.model.state_dict(), self.file)


@dataclass(frozen=True)
class _Runner:
    """What the trainings of one call have in common."""

    fabric: Fabric
    resume: bool
    progress: bool

    def alone(self, run: RunFolder) -> AbstractContextManager[object]:
        """Keep other trainings out of a run folder; BusyError if there is one."""
        if not self.fabric.is_global_zero:
            return nullcontext()
        return hold(run.path / ".training.lock", f"The run folder {run.path}")

    def open(self, run: RunFolder, config: TrainConfig) -> None:
        """Make or check a run folder, on the first process; the others wait."""
        if self.fabric.is_global_zero:
            open_run(run.path, config, resume=self.resume)
        self.fabric.barrier()

    def train(self, run: RunFolder, config: TrainConfig, task: Task, origin: str) -> TrainResult:
        result = Trainer(self.fabric, run, config, task, self.progress, origin).run_all(self.resume)
        if self.fabric.is_global_zero:
            task.conclude(run)
        self.fabric.barrier()
        return result

    def say(self, text: str) -> None:
        Display(self.progress and self.fabric.is_global_zero).say(text)


@dataclass(frozen=True)
class _Stages:
    """The trainings of a model of Action Units: one, or one after the other."""

    samples: Samples
    runner: _Runner

    def one(
        self, run: RunFolder, config: TrainConfig, settings: ModelConfig, start: _Start | None
    ) -> TrainResult:
        torch.manual_seed(config.seed)
        model = build(settings, self._relations(settings))
        if start:
            start.fill(model)
        self.runner.open(run, config)
        task = AUTask(config, settings, model, self.samples)
        return self.runner.train(run, config, task, start.digest if start else "")

    def two(
        self, run: RunFolder, config: TrainConfig, settings: ModelConfig, first: TrainConfig
    ) -> TrainResult:
        stage2 = config.stage2 or Stage2Config()
        # What can be wrong with the second stage is said before the hours of the first.
        relations, second = self._relations(settings), second_stage(config)
        torch.manual_seed(config.seed)
        model = build(settings, relations)
        make_optimiser(second, model)
        folder = RunFolder(run.path / STAGE1)
        wanted = model_config(first.model)
        start, beginning = _start(stage2.start, wanted), _start(config.train.start, wanted)
        begun = run.last.is_file()
        if begun and not start and not folder.best.is_file():
            raise ModelError(
                f"The second stage of {run.path} has begun, but its first is gone: there is no "
                f"{folder.best}. Put it back, or start a new run."
            )
        self.runner.open(run, config)
        if relations and self.runner.fabric.is_global_zero and not begun:
            relations.save(run.relations)
        if not start:
            self.runner.say(f"stage 1 of 2: {wanted.variant}, in {folder.path}")
            if not self._finished(folder, first):
                self.one(folder, first, wanted, beginning)
            start = begin_from(str(folder.best), wanted)
        self.runner.say(f"stage 2 of 2: {settings.variant}, in {run.path}")
        start.fill(model.first_stage)
        origin = _digest(start.digest.encode(), relations.conditional.tobytes() if relations else b"")
        return self.runner.train(run, second, AUTask(second, settings, model, self.samples), origin)

    def _relations(self, settings: ModelConfig) -> AURelations | None:
        family = au_family(settings.variant)
        return family.relations(settings, self.samples.split("train").labels, self.samples.aus)

    def _finished(self, folder: RunFolder, config: TrainConfig) -> bool:
        """Whether a stage was trained and evaluated, on these data: then nothing but its results is needed.

        Raises:
            ConfigError: it was, with another configuration.
            DatasetError: it was, on other data.
        """
        if not (folder.best.is_file() and folder.has_results):
            return False
        check_same(folder.read_config(), config, folder.path)
        if known := read_facts(folder.facts):
            check_same_data(known.data.fingerprint, self.samples.fingerprint, folder.path)
        return True


def first_stage(config: TrainConfig) -> TrainConfig | None:
    """The configuration of RUN/stage1: the same, for the network that is trained first; None if none is."""
    model = config.first_stage
    return None if model is None else dataclasses.replace(config, model=model, stage2=None)


def second_stage(config: TrainConfig) -> TrainConfig:
    """The configuration that the second stage is trained by: [stage2] where it differs from the first."""
    stage2 = config.stage2 or Stage2Config()
    return dataclasses.replace(
        config,
        optimiser=stage2.optimiser(config.optimiser),
        train=dataclasses.replace(config.train, epochs=stage2.epochs),
    )


def begin_from(path: str, settings: ModelConfig) -> _Start:
    """Read a checkpoint to begin from.

    Args:
        path: a checkpoint, or a run folder (its best model).
        settings: the model that is to begin there.

    Raises:
        ModelError: there is none, or it is of another architecture, other AUs, or another crop.
    """
    file = RunFolder(Path(path)).best if Path(path).is_dir() else Path(path)
    model, found = load_checkpoint(file)
    if found.variant != settings.variant:
        below, hint = au_family(found.variant).first_stage(found.to_dict()), ""
        if below and below["variant"] == settings.variant:
            hint = f" It is a model of stage 2; that of stage 1 lies in the run's folder {STAGE1}."
        raise ModelError(
            f"{file} is a {found.variant}, but a {settings.variant} is to begin from it.{hint} Give a "
            f"checkpoint of a {settings.variant}."
        )
    for what, has, wants in (
        ("predicts", ", ".join(model.aus.labels), ", ".join(settings.au_set.labels)),
        ("takes crops of", model.crop, settings.crop),
        ("takes crops of the template", model.template, settings.template),
    ):
        if has != wants:
            raise ModelError(
                f"{file} {what} {has}, but the configuration says {wants}. Give a checkpoint that fits, or "
                "change [model]."
            )
    return _Start(model, file)


def _start(path: str | None, settings: ModelConfig) -> _Start | None:
    return begin_from(path, settings) if path else None


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:16]
