"""Who is measured: models by their cards, and MediaPipe's blendshapes behind a fitted linear map."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from aulens import Analyzer
from coded.measures import scored
from coded.told import Faces, Told, missed_below, tell
from coded.truth import Coded

Tell = Callable[[Coded], Told]

_RIDGE = (0.003, 0.01, 0.03, 0.1, 0.3)  # inverse strengths that are tried on the validation portraits


@dataclass(frozen=True)
class Subject:
    """One that is measured.

    Attributes:
        name: head of its column.
        tell: what it says of coded pictures.
        analyzer: of a model of ours; None of others.
    """

    name: str
    tell: Tell
    analyzer: Analyzer | None = None


def by_card(card: Path | None, faces: Faces) -> Subject:
    """A model; the faces are those of `faces` for all."""
    analyzer = Analyzer(card, detector=faces.detector, threads=1)
    known: dict[tuple[str, ...], Told] = {}

    def told(coded: Coded) -> Told:
        if coded.names not in known:
            known[coded.names] = tell(analyzer, faces, coded.names, coded.aus)
        return known[coded.names]

    return Subject(analyzer.card.name, told, analyzer)


@dataclass(frozen=True, eq=False)
class Blendshapes:
    """A logistic regression of each AU on the 52 scores.

    Attributes:
        maps: of each AU that could be fitted.
        thresholds: of its logit, of best F1 on the portraits that it was fitted and chosen on.
    """

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
        return cls(maps, thresholds)

    def told(self, table: pd.DataFrame, coded: Coded) -> Told:
        """What the maps say of pictures; AUs without a map score NaN."""
        found = np.array([name in table.index for name in coded.names], bool)
        x = table.reindex(list(coded.names)).to_numpy(np.float64)[found]
        scores = np.full((len(coded), len(coded.aus)), np.nan)
        said = np.zeros(scores.shape, bool)
        for k, one in self.maps.items() if found.any() else ():
            scores[found, k] = one.decision_function(x)
            said[found, k] = scores[found, k] >= self.thresholds[k]
        return Told(found, missed_below(scores, found), said)


def by_blendshapes(file: Path, train: Coded, val: Coded) -> Subject:
    """MediaPipe, by its scores of all portraits."""
    table = pd.read_csv(file, dtype={"file": str, "source": str})
    table = table.set_index(table["source"] + "/" + table["file"]).drop(columns=["source", "file"])
    fitted = Blendshapes.fit(table, train, val)
    return Subject("MediaPipe's blendshapes, mapped", lambda coded: fitted.told(table, coded))


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
