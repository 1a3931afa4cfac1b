"""The runs of a study: which there are, where they lie, and which are finished as the study has them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from aulens.data.prepare import PrepareSettings
from aulens.data.prepared import read_about
from aulens.errors import ConfigError
from aulens.study.config import StudyConfig
from aulens.study.results import RESULT, read_facts
from aulens.training.config import TrainConfig
from aulens.training.run_folder import RunFolder, check_finished


@dataclass(frozen=True)
class PlannedRun:
    """One training of a study, and what is tested of it.

    Attributes as in `RunResult`, and:
        folder: its run folder.
        config: what it is trained by.
        variants: name → folder of the model that is tested under that name: its own, or its first stage.
        tested: the data set whose frames are tested.
        decide: the study's rule of decision.
        renders: the tested faces are rendered look-alikes, no people.
    """

    folder: Path
    config: TrainConfig
    variants: tuple[tuple[str, Path], ...]
    fold: str
    seed: int
    tested: str
    trained_on: str
    data: str
    decide: str
    renders: bool

    @property
    def name(self) -> str:
        """In words: "roi/fold1-seed1"."""
        return "/".join(self.folder.parts[-2:])

    @property
    def results(self) -> tuple[Path, ...]:
        """Folders of its results, finished or not."""
        return tuple(folder / "test" for _, folder in self.variants)

    @property
    def finished(self) -> bool:
        """Whether every result is there."""
        return all((folder / RESULT).is_file() for folder in self.results)

    def check(self) -> None:
        """Refuse to take what is finished for something else; ConfigError says what differs."""
        for folder in self.results:
            if not (folder / RESULT).is_file():
                continue
            run = RunFolder(self.folder)
            if run.config.is_file():
                check_finished(run.read_config(), self.config, self.folder)
            data = read_facts(folder).data
            if data and data != self.data:
                raise ConfigError(
                    f"{self.folder} is finished, but on other prepared data than are now given (other "
                    "frames, labels or settings of aulens prepare). Give the same data, or another --out; or "
                    "delete this run's folder, and it is made anew."
                )


def plan_runs(study: StudyConfig, out: Path, data: Path, tests: Path | None = None) -> tuple[PlannedRun, ...]:
    """All runs of a study, finished or not, in the order in which they are trained: seed by seed.

    Args:
        study: what to run.
        out: the study's folder.
        data: prepared folder of the data set.
        tests: prepared folder of the data set that is tested, if it is another.

    Raises:
        ConfigError: a setting is wrong, folders are not of the study's data sets, or a run is finished that
            had other settings or data.
    """
    if tests is None and study.tested:
        raise ConfigError(f"The study tests on {study.tested}: give its prepared folder, too.")
    if tests is not None and not study.tested:
        raise ConfigError(f"The study tests on its own data set, but {tests} was given to be tested.")
    for folder, name in ((data, study.dataset), (tests, study.tested)):
        if folder is not None and (found := read_about(folder)["dataset"]) != name:
            raise ConfigError(f"The study is of {name}, but {folder} holds {found}.")
    data_id, runs = identity(data, tests), list[PlannedRun]()
    renders = bool(read_about(tests or data).get("renders"))
    for variant, fold, seed in study.runs:
        folder, name = run_folder(out, variant.name, fold, seed), variant.name
        stages = [one.name for one in study.variants if one.stage1_of == name]
        config = study.training(variant, fold, seed, data, tests)
        if stages and not config.two_stages:
            raise ConfigError(f"{stages[0]} is to be the first stage of {name}, which has only one.")
        runs.append(
            PlannedRun(
                folder,
                config,
                ((name, folder), *((stage, folder / "stage1") for stage in stages)),
                str(fold) if fold else "",
                seed,
                study.tested or study.dataset,
                study.dataset if study.tested else "",
                data_id,
                study.decide,
                renders,
            )
        )
    for run in runs:
        run.check()
    return tuple(runs)


def run_folder(out: Path, variant: str, fold: int, seed: int) -> Path:
    """Where a run of a study lies."""
    return Path(out) / "runs" / variant / (f"fold{fold}-seed{seed}" if fold else f"seed{seed}")


def identity(*folders: Path | None) -> str:
    """16 digits that stand for prepared data: their frames, labels and landmarks, and how they were cut."""
    known = ("fingerprint", "dataset", "frames", "stored", *PrepareSettings.__dataclass_fields__)
    about = [read_about(folder) for folder in folders if folder]
    text = json.dumps([{key: one.get(key) for key in known} for one in about], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
