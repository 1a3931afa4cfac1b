"""The rows of the table: what is asked of each subject, and how the answer is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coded import measures
from coded.predictions import milliseconds
from coded.subjects import Subject
from coded.truth import Coded

Cell = Callable[[Subject], str]

OPENPEOPLE_LEAST = 10  # of AU20 and AU27 there are 7 and 6 among 160 pictures of ten people
NONE = "–"


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        of: the pictures.
        what: is measured.
        cell: a subject's number, written.
    """

    of: str
    what: str
    cell: Cell


def portraits(title: str, coded: Coded, least: int = measures.LEAST) -> Iterator[Row]:
    """Ranks, decisions and intensities on coded pictures."""
    many = int(measures.scored(coded.labels, least).sum())
    of = f"{title}: {len(coded)} faces, {many} AUs"
    yield Row(of, "faces found", lambda s: str(s.predict(coded).found.sum()))
    yield Row(of, "ROC-AUC, misses as lowest", lambda s: _macro(s, coded, "roc_auc", least))
    yield Row(of, "lowest AU", lambda s: _worst(s, coded, least))
    yield Row(of, "F1, own decisions", lambda s: _macro(s, coded, "f1", least))
    yield Row(of, "intensity: r", lambda s: _strength(s, coded, "pearson", least))
    yield Row(of, "intensity: ICC(3,1)", lambda s: _strength(s, coded, "icc", least))
    yield Row(of, "intensity: MAE", lambda s: _strength(s, coded, "mae", least))
    yield Row(
        of,
        "intensity: MAE of AUs that are present",
        lambda s: _strength(s, coded, "mae", least, present=True),
    )


def at_rest(title: str, coded: Coded) -> Iterator[Row]:
    """How often something is said where neither coder saw a trace of anything."""
    rest = coded.take(coded.at_rest)
    of = f"{title} at rest: {len(rest)} faces"
    yield Row(of, "AUs said per face", lambda s: str(measures.said_per_face(rest, s.predict(rest))))
    yield Row(of, "AUs said, most often first", lambda s: _often(s, rest))


def smiles(title: str, coded: Coded) -> Iterator[Row]:
    """How often AU12 is said: of all, and of those where the coders agree that it is absent."""
    k = coded.aus.index(12)
    absent = coded.take(coded.labels[:, k] == 0)
    share = f"{(coded.labels[:, k] == 1).mean():.0%} coded"
    yield Row(f"{title}: {len(coded)} faces", f"AU12 said ({share})", lambda s: _said(s, coded, k))
    yield Row(f"{title}: {len(absent)} faces without AU12", "AU12 said", lambda s: _said(s, absent, k))


def london(coded: Coded) -> Iterator[Row]:
    """People at rest and smiling, as they were asked to."""
    smiling = np.array([name.endswith("_08.jpg") for name in coded.names])
    neutral, k = coded.take(~smiling), coded.aus.index(12)
    of = f"london: {len(np.unique(coded.persons))} real people"

    def auc(subject: Subject) -> str:
        return str(measures.two_kinds(smiling, subject.predict(coded).scores[:, k], coded.persons))

    yield Row(of, "ROC-AUC of AU12, smiling against neutral", auc)
    yield Row(
        of, "AUs said per neutral face", lambda s: str(measures.said_per_face(neutral, s.predict(neutral)))
    )
    yield Row(of, "AUs said, most often first", lambda s: _often(s, neutral))


def cost() -> Iterator[Row]:
    """Time and size of the model alone."""
    yield Row("the model alone", "ms of processor time per face, one thread", _milliseconds)
    yield Row("the model alone", "MB of its file", _megabytes)


def markdown(rows: Sequence[Row], subjects: Sequence[Subject]) -> Iterator[str]:
    """The table, line by line."""
    yield f"| pictures | measured | {' | '.join(s.name for s in subjects)} |"
    yield "| --- | --- |" + " --- |" * len(subjects)
    for row in rows:
        yield f"| {row.of} | {row.what} | {' | '.join(row.cell(s) for s in subjects)} |"


def by_au(coded: Coded, subjects: Sequence[Subject]) -> Iterator[str]:
    """A table with a line per AU: ROC-AUC, F1, the share said, r."""
    heads = " | ".join(f"{s.name}: ROC-AUC | F1 | said | r" for s in subjects)
    yield f"| AU | with it | without | {heads} |"
    yield "| --- |" + " ---: |" * (2 + 4 * len(subjects))
    predictions = [s.predict(coded) for s in subjects]
    ranked = [measures.ranks(coded, one) for one in predictions]
    strong = [measures.strength(coded, one)[0] for one in predictions]
    for k, label in enumerate(coded.aus.labels):
        cells = []
        for one, rank, strength in zip(predictions, ranked, strong, strict=True):
            cells += (
                [NONE, NONE] if rank is None else [_two(rank.metrics[m].value[k]) for m in ("roc_auc", "f1")]
            )
            cells += [_two(one.said[one.found, k].mean()), _two(strength.metrics["pearson"].value[k])]
        with_it, without = ((coded.labels[:, k] == value).sum() for value in (1, 0))
        yield f"| {label} | {with_it} | {without} | {' | '.join(cells)} |"


def _macro(subject: Subject, coded: Coded, metric: str, least: int) -> str:
    ranked = measures.ranks(coded, subject.predict(coded), least)
    return NONE if ranked is None else str(ranked.metrics[metric].of_macro())


def _worst(subject: Subject, coded: Coded, least: int) -> str:
    ranked = measures.ranks(coded, subject.predict(coded), least)
    if ranked is None:
        return NONE
    auc = ranked.metrics["roc_auc"].value
    k = int(np.nanargmin(auc))
    return f"{coded.aus.labels[k]} {auc[k]:.3f}"


def _strength(subject: Subject, coded: Coded, what: str, least: int, *, present: bool = False) -> str:
    report, calibrated = measures.strength(coded, subject.predict(coded), least, present=present)
    if calibrated:
        return str(report.metrics[what].of_macro())
    return f"{report.metrics[what].of_macro()} (of scores)" if what == "pearson" else NONE


def _said(subject: Subject, coded: Coded, k: int) -> str:
    predictions = subject.predict(coded)
    return str(measures.rate(predictions.said[predictions.found, k], coded.persons[predictions.found]))


def _often(subject: Subject, coded: Coded) -> str:
    predictions = subject.predict(coded)
    shares = predictions.said[predictions.found].mean(axis=0)
    order = [k for k in np.argsort(-shares, kind="stable")[:6] if shares[k] >= 0.01]
    return ", ".join(f"{coded.aus.labels[k]} {shares[k]:.0%}" for k in order) or "none"


def _milliseconds(subject: Subject) -> str:
    return NONE if subject.analyzer is None else f"{milliseconds(subject.analyzer):.1f}"


def _megabytes(subject: Subject) -> str:
    if subject.analyzer is None:
        return NONE
    return f"{Path(subject.analyzer.card.onnx).stat().st_size / 1e6:.1f}"


def _two(value: float) -> str:
    return NONE if np.isnan(value) else f"{value:.2f}"
