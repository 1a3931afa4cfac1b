"""What one run of a study found in its test subjects: the file that statistics and tables begin with.

Shapes: N frames, A AUs. A result is two files of a folder: result.parquet, one row per frame, and
result.json, which is written last: without it the run is not finished.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyarrow.lib import ArrowInvalid

from aulens.aus import AUSet
from aulens.checked import checked
from aulens.contents import json_of, size_of
from aulens.errors import AulensError, DatasetError, InputError
from aulens.files import atomic_write, write_json
from aulens.metrics.counts import checked_labels
from aulens.metrics.ranking import checked_scores

FORMAT: Final = "aulens-result/1"
RESULT: Final = "result.json"
FRAMES: Final = "result.parquet"

_ARRAYS: Final = (
    ("label", "labels", np.int8),
    ("score", "scores", np.float32),
    ("calibrated", "decisions", np.bool_),
    ("uncalibrated", "uncalibrated", np.bool_),
    ("coded", "coded", np.float32),
    ("told", "predicted", np.float32),
)
"""Column prefix, attribute, dtype; the last two may be None."""


@dataclass(frozen=True, eq=False)
class RunResult:
    """Labels of the test subjects of one fold, and scores and decisions of one trained model.

    Attributes:
        dataset: whose frames were tested, "bp4d".
        variant: what was trained, by its name in the study: "roi_gcn".
        fold: the part that was tested: "1", "2", "3"; "" where there is one split only.
        seed: of the training.
        aus: the AUs of the axis A.
        subjects: (N,) str, who each frame shows.
        labels: (N, A) int8 in {0, 1, MISSING}.
        scores: (N, A) float32, larger = more surely present; finite where coded.
        decisions: (N, A) bool, at the thresholds calibrated on validation subjects.
        uncalibrated: (N, A) bool, by the papers' rule.
        selected_on_test: whether epoch or thresholds were chosen on these very frames.
        run: name or folder of the run.
        commit: of the code, if known.
        trained_on: the data set of the training, where it is another one than `dataset`; else "".
        data: which prepared data it is of (`aulens.study.planning.identity`); "" = not known, as older
            versions did not keep it.
        coded: (N, A) float32, intensity 0 to 5 of the stronger side, NaN where not coded; None = none are.
        predicted: (N, A) float32, the model's, NaN for an AU without a curve; None = it has none.

    Raises:
        InputError: shapes do not fit, a label is of another code, or a coded frame's score is not finite.
    """

    dataset: str
    variant: str
    fold: str
    seed: int
    aus: AUSet
    subjects: NDArray[np.str_]
    labels: NDArray[np.int8]
    scores: NDArray[np.float32]
    decisions: NDArray[np.bool_]
    uncalibrated: NDArray[np.bool_]
    selected_on_test: bool
    run: str
    commit: str | None = None
    trained_on: str = ""
    data: str = ""
    coded: NDArray[np.float32] | None = None
    predicted: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        shape = (len(self.labels), len(self.aus))
        for _, name, dtype in _ARRAYS:
            array = getattr(self, name)
            if array is not None and (array.shape != shape or array.dtype != dtype):
                raise InputError(
                    f"{name} of a result must be {shape} {np.dtype(dtype).name}, "
                    f"got {array.shape} {array.dtype.name}"
                )
        if self.subjects.shape != shape[:1]:
            raise InputError(f"subjects of a result must be {shape[:1]}, got {self.subjects.shape}")
        checked_scores(checked_labels(self.labels), self.scores)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def key(self) -> tuple[str, str, int]:
        """Which run of a study this is: variant, fold, seed."""
        return self.variant, self.fold, self.seed

    def save(self, folder: Path) -> None:
        """Write FOLDER/result.parquet and FOLDER/result.json; a kill leaves no result or a whole one."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        columns: dict[str, Any] = {"subject": self.subjects.astype(str)}
        for prefix, name, _ in _ARRAYS:
            if (array := getattr(self, name)) is not None:
                columns |= {f"{prefix}_{label}": array[:, a] for a, label in enumerate(self.aus.labels)}
        (folder / RESULT).unlink(missing_ok=True)  # it must never stand beside another run's frames
        frames = pd.DataFrame(columns)
        with atomic_write(folder / FRAMES) as part:
            frames.to_parquet(part, index=False)
        write_json(folder / RESULT, {"format": FORMAT, **self.to_dict()})

    def to_dict(self) -> dict[str, Any]:
        """Everything but the arrays, as JSON takes it."""
        facts = Facts(
            **{name: getattr(self, name) for name in _SHARED},
            au_set=self.aus.name,
            aus=self.aus.numbers,
            frames=len(self),
            subjects=len(np.unique(self.subjects)),
        )
        return asdict(facts)

    @staticmethod
    def load(folder: Path) -> RunResult:
        """Read what :meth:`save` wrote.

        Raises:
            DatasetError: the folder holds no result, or one that is damaged or of another format.
        """
        folder = Path(folder)
        facts = read_facts(folder)
        try:
            size_of(folder / FRAMES)
            result = _read(facts, pd.read_parquet(folder / FRAMES))
        except (OSError, AttributeError, KeyError, TypeError, ValueError, ArrowInvalid, AulensError) as error:
            raise DatasetError(f"{folder} holds a damaged result ({error}). Run the study again.") from None
        if len(result) != facts.frames:
            raise DatasetError(
                f"{folder / FRAMES} has {len(result)} frames, but {RESULT} says {facts.frames}. "
                "Run the study again."
            )
        return result


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The entries of result.json: as in `RunResult`; its AUs by name, how many frames and subjects."""

    dataset: str
    trained_on: str
    variant: str
    fold: str
    seed: int
    au_set: str
    aus: tuple[int, ...]
    frames: int
    subjects: int = 0
    selected_on_test: bool
    run: str
    commit: str | None
    data: str = ""


_SHARED: Final = (
    "dataset", "trained_on", "variant", "fold", "seed", "selected_on_test", "run", "commit", "data"
)  # fmt: skip
"""What `RunResult` and `Facts` have in common."""


def read_facts(folder: Path) -> Facts:
    """The facts of a result, without its frames.

    Raises:
        DatasetError: the folder holds no result, or one that is damaged or of another format.
    """
    path = Path(folder) / RESULT
    if not path.is_file():
        raise DatasetError(f"{folder} has no {RESULT}: this run is not finished. Run the study again.")
    try:
        facts = json_of(path)
        seen = facts.get("format")
    except (OSError, ValueError, AttributeError) as error:
        raise DatasetError(f"{folder} holds a damaged result ({error}). Run the study again.") from None
    if seen != FORMAT:
        raise DatasetError(f"{path} is of format {seen!r:.80}, expected {FORMAT!r}. Run the study again.")
    return checked(Facts, facts, path, error=DatasetError, others=True)


def _read(facts: Facts, frames: pd.DataFrame) -> RunResult:
    aus = AUSet(facts.au_set, facts.aus)
    arrays: dict[str, Any] = {
        name: frames[[f"{prefix}_{label}" for label in aus.labels]].to_numpy(dtype)
        for prefix, name, dtype in _ARRAYS
        if name not in ("coded", "predicted") or f"{prefix}_{aus.labels[0]}" in frames
    }
    return RunResult(
        aus=aus,
        subjects=frames["subject"].to_numpy().astype(np.str_),
        **{name: getattr(facts, name) for name in _SHARED},
        **arrays,
    )
