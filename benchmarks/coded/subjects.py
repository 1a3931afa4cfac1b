"""Who is measured: models by their cards, and MediaPipe's blendshapes behind a fitted linear map."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from aulens import Analyzer
from aulens.aus import AUSet
from coded.measures import scored
from coded.predictions import Faces, Predictions, missed_below, predict
from coded.truth import Coded

Predict = Callable[[Coded], Predictions]

_MEDIAPIPE = Path(__file__).resolve().parents[1] / "mediapipe_reference.py"
_RIDGE = (0.003, 0.01, 0.03, 0.1, 0.3)  # inverse strengths that are tried on the validation portraits


@dataclass(frozen=True)
class Subject:
    """One that is measured.

    Attributes:
        name: head of its column.
        predict: what it says of coded pictures.
        analyzer: of a model of ours.
        blendshapes: of MediaPipe.
    """

    name: str
    predict: Predict
    analyzer: Analyzer | None = None
    blendshapes: Blendshapes | None = None


def by_card(card: Path | None, faces: Faces) -> Subject:
    """A model; the faces are those of `faces` for all."""
    analyzer = Analyzer(card, detector=faces.detector, threads=1)
    known: dict[tuple[str, ...], Predictions] = {}

    def predictions(coded: Coded) -> Predictions:
        if coded.names not in known:
            known[coded.names] = predict(analyzer, faces, coded.names, coded.aus)
        return known[coded.names]

    return Subject(analyzer.card.name, predictions, analyzer)


@dataclass(frozen=True, eq=False)
class Blendshapes:
    """A logistic regression of each AU on the 52 scores.

    Attributes:
        aus: A of them.
        maps: of each AU, by its place, that could be fitted.
        thresholds: of its logit, of best F1 on the portraits that it was fitted and chosen on.
    """

    aus: AUSet
    maps: Mapping[int, Pipeline]
    thresholds: Mapping[int, float]

    @classmethod
    def fit(cls, table: pd.DataFrame, train: Coded, val: Coded) -> Blendshapes:
        """Fit on `train`; how strongly it is held back is chosen for each AU by ROC-AUC on `val`.

        Args:
            table: a row of 52 scores for each name that MediaPipe found a face in.
            train: coded portraits.
            val: others.
        """
        maps, thresholds = {}, {}
        for k in np.flatnonzero(scored(train.labels)).tolist():
            x, y = _coded(table, train, k)
            xv, yv = _coded(table, val, k)
            tried = [
                make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=1000)).fit(x, y)
                for c in _RIDGE
            ]
            able = 0 < yv.sum() < len(yv)
            values = [roc_auc_score(yv, one.decision_function(xv)) if able else 0 for one in tried]
            best = tried[int(np.argmax(values))]
            maps[k] = best
            thresholds[k] = _best_threshold(
                best.decision_function(np.concatenate([x, xv])), np.concatenate([y, yv])
            )
        return cls(train.aus, maps, thresholds)

    def predictions(self, table: pd.DataFrame, names: Sequence[str]) -> Predictions:
        """What the maps say of pictures by their rows in a table; AUs without a map score NaN."""
        found = np.array([name in table.index for name in names], bool)
        x = table.reindex(list(names)).to_numpy(np.float64)[found]
        scores = np.full((len(names), len(self.aus)), np.nan)
        said = np.zeros(scores.shape, bool)
        for k, one in self.maps.items() if found.any() else ():
            scores[found, k] = one.decision_function(x)
            said[found, k] = scores[found, k] >= self.thresholds[k]
        return Predictions(found, missed_below(scores, found), said)


def by_blendshapes(table: pd.DataFrame, train: Coded, val: Coded) -> Subject:
    """MediaPipe, by its 52 scores of all portraits, a row for each name."""
    fitted = Blendshapes.fit(table, train, val)
    name = "MediaPipe's blendshapes, mapped"
    return Subject(name, lambda coded: fitted.predictions(table, coded.names), blendshapes=fitted)


def shapes_of(folder: Path, mediapipe: Sequence[str], file: Path | None) -> pd.DataFrame:
    """The blendshapes of the pictures in a folder, a row for each name in which a face was found.

    Args:
        folder: of the pictures.
        mediapipe: a Python that has it, and its task.
        file: keeps them, for the next process.
    """
    if file is None or not file.is_file():
        python, task = mediapipe
        command = [python, str(_MEDIAPIPE), "shapes", task, str(folder)]
        predictions = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True
        )
        if file is None:
            return pd.read_csv(StringIO(predictions.stdout), index_col="file")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(predictions.stdout)
    return pd.read_csv(file, index_col="file")


def _coded(table: pd.DataFrame, coded: Coded, k: int) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    labels = coded.labels[:, k]
    there = np.array([name in table.index for name in coded.names], bool) & (labels >= 0)
    names = [name for name, wanted in zip(coded.names, there, strict=True) if wanted]
    return table.loc[names].to_numpy(np.float64), labels[there]


def _best_threshold(scores: NDArray[np.float64], labels: NDArray[np.int8]) -> float:
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(labels[order] == 1)
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
    return float(scores[order][int(np.argmax(f1))])
