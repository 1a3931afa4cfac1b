"""The settings of workers: plain values, from which each makes its own analyzer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aulens.analysis.analyzer import Analyzer
from aulens.checked import Checked, Count
from aulens.errors import ConfigError
from aulens.faces.detector import Face, FaceDetector
from aulens.output.plan import Plan
from aulens.runtime.backend import BACKENDS

LeftOut = Callable[[Face, str], None]
"""Called with a face that a detector leaves out, and why."""


@dataclass(frozen=True)
class ClusterSettings(Checked):
    """Where to work, and with how many workers.

    Attributes:
        address: of a running Ray cluster ("auto", "HOST:6379"); None starts one on this machine, for this
            run only.
        workers: that work at the same time, each with a model of its own; None: one per `threads` CPUs.
        threads: that a worker uses, and CPUs that it takes.

    Raises:
        ConfigError: a number is out of range.
    """

    address: str | None = None
    workers: Count | None = None
    threads: Count = 1

    def count(self, cpus: float, jobs: int) -> int:
        """How many workers to start on so many CPUs for so many jobs."""
        wanted = max(1, int(cpus) // self.threads) if self.workers is None else self.workers
        return min(wanted, jobs)


@dataclass(frozen=True)
class AnalyzerSettings:
    """How a worker makes its analyzer.

    Attributes:
        model: as in `aulens.Analyzer`; on every machine at the same path.
        detector: called once in each worker, makes the detector. Its argument is what to call with a face
            that the detector leaves out, and why. Workers must be able to import it. None is aulens' own.
        backend: as in `aulens.Analyzer`.

    Raises:
        ConfigError: unknown backend.
    """

    model: str | Path | None = None
    detector: Callable[[LeftOut], FaceDetector] | None = None
    backend: str = BACKENDS[0]

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise ConfigError(f"there is no backend {self.backend!r}; take one of {', '.join(BACKENDS)}")

    def open(self, threads: int, on_left_out: LeftOut) -> Analyzer:
        """The analyzer.

        Raises:
            ModelError: a file is missing, damaged or of another kind.
        """
        detector = None if self.detector is None else self.detector(on_left_out)
        return Analyzer(self.model, detector, self.backend, threads)


@dataclass(frozen=True)
class Setup:
    """All that a worker begins with.

    Attributes:
        version: of aulens.
        folder: that relative paths start from, where a machine has it.
        token: a file in the folder of results, which shows a worker that the folder is the same.
        plan: what is made; its jobs come one by one.
        analyzer: how to make it.
        threads: of one worker.
    """

    version: str
    folder: str
    token: str
    plan: Plan
    analyzer: AnalyzerSettings
    threads: int
