"""What kinds of training data do for paper A's network, trained equally long, several seeds.

    python benchmarks/data_ablation.py --portraits DIR --out runs/data --prepared PREPARED
        --free DIR ... --joint DIR ... --moved DIR ... --backbone-weights FILE
        [--test NAME FOLDER ...] [--mediapipe PYTHON TASK] [--cache DIR] [--real DIR --score score.py]

Trains what is not yet trained, shows each run the test pictures of docs/people.md, and prints a Markdown
table with a column for each kind of data, beside the shipped model and MediaPipe's blendshapes (people.py):
means over seeds with 95 % intervals by bootstrap over persons, and below them the differences to the columns
that lack what a column has more, on the same draws.

    --free       renders whose AUs are drawn one by one
    --joint      renders whose AUs go together (`aulens render --joint`)
    --moved      re-animated portraits (`aulens render --portraits`)
    --prepared   coded portraits (`aulens prepare portraits`)
    --portraits  the same as pictures, which are tested as a user's are
    --test       made pictures, of whose test subjects there are numbers too
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from coded import measures
from coded.predictions import Faces
from coded.real import scorer
from coded.rows import OPENPEOPLE_LEAST
from coded.subjects import Subject, by_card
from coded.truth import Coded, read_coded
from paired import Floats, Paired, f1_and_auc

from aulens import NetDetector, read_image
from aulens.aus import MISSING, au_set
from aulens.data.loading import load_data
from aulens.data.portraits.splits import TRAINING
from aulens.metrics.bootstrap import mean_of_defined, subject_draws
from aulens.metrics.intensity import drawn_intensity
from aulens.runtime.card import find_card
from aulens.training import load_config, train
from aulens.training.exporter import export
from aulens.training.inference import predict
from people import peer, remembered

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "portraits.toml"
NONE = "–"
KINDS = {
    "free": ("free",),
    "joint": ("joint",),
    "joint + moved": ("joint", "moved"),
    "joint + coded": ("joint", "prepared"),
    "all": ("joint", "moved", "prepared"),
}
LACKING = {
    "joint": ("free",),
    "joint + moved": ("joint",),
    "joint + coded": ("joint",),
    "all": ("joint + moved", "joint + coded"),
}
SETTINGS = ("model.backbone=mobilenetv2_100", "train.epochs=2")


@dataclass(frozen=True)
class Line:
    """A measure: (R,) of a subject, or None of one that cannot be asked."""

    of: str
    what: str
    drawn: Callable[[Subject], Floats | None]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("portraits", "out", "prepared", "backbone-weights"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("free", "joint", "moved"):
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True)
    for name in ("real", "score", "cache"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument(
        "--test", dest="tests", nargs="+", action="append", default=[], metavar=("NAME", "FOLDER")
    )
    parser.add_argument("--mediapipe", nargs=2, metavar=("PYTHON", "TASK"))
    parser.add_argument("--seeds", type=int, nargs="+", default=(1, 2, 3))
    parser.add_argument(
        "--passes", type=int, default=4800, help="training pictures an epoch, repeats counted"
    )
    given = parser.parse_args()
    given.prepared = [given.prepared]
    cv2.setNumThreads(1)
    cards = {kind: [card(given, kind, seed) for seed in given.seeds] for kind in KINDS}
    coded = read_coded(given.portraits)
    image = lambda name: read_image(given.portraits / name)  # noqa: E731
    faces = Faces(image, NetDetector(), remembered("portraits", given.cache))
    columns = {kind: [by_card(one, faces) for one in of_seeds] for kind, of_seeds in cards.items()}
    shipped = by_card(find_card(), faces)
    columns[shipped.name] = [shipped]
    if given.mediapipe:
        mapped = peer(coded, given)
        columns[mapped.name] = [mapped]
    print(f"| pictures | measured | {' | '.join(columns)} |\n| --- | --- |" + " --- |" * len(columns))
    for line in lines(coded, given):
        print("\n".join(written(line, columns)), flush=True)


def card(given: argparse.Namespace, kind: str, seed: int) -> Path:
    """Train a run and export it, or find it done."""
    name = f"{kind.replace(' + ', '_')}_{seed}"
    run, cards = given.out / name, given.out / "cards"
    if not (run / "val" / "report.json").is_file():
        folders = [folder for part in KINDS[kind] for folder in getattr(given, part)]
        judges = "coded" if "prepared" in KINDS[kind] else "all"
        settings = [f"seed={seed}", f"name={name}", f"train.judges={judges}", *SETTINGS]
        settings.append(f"model.backbone_weights={given.backbone_weights}")
        config = load_config(CONFIG, data=folders, settings=settings)
        limit = pictures(folders, config.data.coded_times, given.passes)
        print(f"{name}: {limit} pictures", file=sys.stderr)
        train(
            load_config(CONFIG, data=folders, settings=[*settings, f"data.limit={limit}"]), run, resume=True
        )
    if not (cards / f"{name}.json").is_file():
        export(run, cards, name)
    return Path(cards / f"{name}.json")


def pictures(folders: Sequence[Path], times: int, passes: int) -> int:
    """How many pictures make so many passes if the coded ones come several times; down to fifties."""
    made = load_data(folders, au_set("renders"), load_config(CONFIG).data.plan).split("train").from_renderer
    return max(50, int(passes / (1 + (times - 1) * (~made).mean())) // 50 * 50)


def lines(coded: Coded, given: argparse.Namespace) -> Iterator[Line]:
    if given.real:
        yield from real(given)
    yield from portraits("openpeople", coded.of("openpeople"), OPENPEOPLE_LEAST)
    yield from portraits("portraits kept for test", coded.of(*TRAINING).split("test"), measures.LEAST)
    yield from london(coded.of("london"))
    for title, *folders in given.tests:
        yield from made(title, [Path(folder) for folder in folders])


def real(given: argparse.Namespace) -> Iterator[Line]:
    score = scorer(given.real, given.score, remembered("real", given.cache), given.mediapipe)

    def drawn(subject: Subject, what: str) -> Floats | None:
        found = score(subject)
        return None if found is None else np.array([float(getattr(found, what))])

    yield Line("real photographs", "ROC-AUC, misses as lowest", lambda s: drawn(s, "every"))
    yield Line("real photographs", "F1, own decisions", lambda s: drawn(s, "f1"))


def portraits(title: str, coded: Coded, least: int) -> Iterator[Line]:
    wanted = measures.scored(coded.labels, least)

    @cache
    def ranked(subject: Subject) -> tuple[Floats, Floats]:
        predictions = subject.predict(coded)
        labels = np.where(wanted & np.isfinite(predictions.scores), coded.labels, MISSING).astype(np.int8)
        return f1_and_auc(labels, predictions.scores, predictions.said, coded.persons)

    def strength(subject: Subject) -> Floats:
        predictions = subject.predict(coded)
        values = predictions.scores if predictions.intensities is None else predictions.intensities
        told_there = np.where(wanted & predictions.found[:, None], values, np.nan)
        who, draws = subject_draws(coded.persons, measures.BOOTSTRAP, measures.SEED)
        return mean_of_defined(drawn_intensity(coded.intensities, told_there, who, draws)[1])

    of = f"{title}: {len(coded)} faces, {wanted.sum()} AUs"
    yield Line(of, "ROC-AUC, misses as lowest", lambda s: ranked(s)[1])
    yield Line(of, "F1, own decisions", lambda s: ranked(s)[0])
    yield Line(of, "intensity: r", strength)
    yield said(f"{title} at rest", coded.take(coded.at_rest))


def london(coded: Coded) -> Iterator[Line]:
    smiling, k = np.array([name.endswith("_08.jpg") for name in coded.names]), coded.aus.index(12)

    def smiles(subject: Subject) -> Floats:
        return measures.drawn_two_kinds(smiling, subject.predict(coded).scores[:, k], coded.persons)

    yield Line("london: 204 faces", "ROC-AUC of AU12, smiling against neutral", smiles)
    yield said("london, neutral", coded.take(~smiling))


def said(title: str, coded: Coded) -> Line:
    def drawn(subject: Subject) -> Floats:
        predictions = subject.predict(coded)
        return measures.drawn_rate(
            predictions.said.sum(1)[predictions.found], coded.persons[predictions.found]
        )

    return Line(f"{title}: {len(coded)} faces", "AUs said per face", drawn)


def made(title: str, folders: Sequence[Path]) -> Iterator[Line]:
    """Test splits of folders of `aulens render`, on crops by the landmarks that they tell."""

    @cache
    def ranked(model: Path) -> tuple[Floats, Floats]:
        found = predict(model, folders, threads=1, progress=False)
        labels = found.samples.labels
        labels = np.where(measures.scored(labels), labels, MISSING).astype(np.int8)
        return f1_and_auc(labels, found.scores, found.decisions, found.samples.subjects)

    def drawn(subject: Subject, which: int) -> Floats | None:
        return None if subject.analyzer is None else ranked(subject.analyzer.card.path)[which]

    yield Line(f"{title}, test split", "ROC-AUC", lambda s: drawn(s, 1))
    yield Line(f"{title}, test split", "F1, own decisions", lambda s: drawn(s, 0))


def written(line: Line, columns: Mapping[str, Sequence[Subject]]) -> Iterator[str]:
    """The numbers, and the differences."""
    found = {name: [line.drawn(one) for one in subjects] for name, subjects in columns.items()}
    values = {name: Paired.of(drawn) for name, drawn in found.items() if drawn[0] is not None}
    cells = [text(values[name]) if name in values else NONE for name in columns]
    yield f"| {line.of} | {line.what} | {' | '.join(cells)} |"
    gaps = [
        "; ".join(f"{values[name].less(values[less])} to {less}" for less in LACKING.get(name, ()))
        for name in columns
    ]
    yield f"| | difference | {' | '.join(gaps)} |"


def text(value: Paired) -> str:
    """With each run, if there are several."""
    return f"{value} ({value.each})" if len(value.runs) > 1 else str(value)


if __name__ == "__main__":
    main()
