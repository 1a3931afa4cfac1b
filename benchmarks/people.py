"""How well models find Action Units of coded faces, beside MediaPipe's blendshapes (extras train, dev).

    python benchmarks/people.py [CARD ...] --portraits DIR [--mediapipe PYTHON TASK] [--cache DIR]
        [--renders DIR ...] [--moved DIR ...] [--real DIR --score score.py] [--by-au] [--sheets DIR]
        [--choose]

Prints Markdown tables, a column per model card (default: the shipped model). docs/people.md says which
pictures these are, who coded them, and what to make of it.

    --portraits  what `python -m aulens.data.portraits.cut` made: folders by source
    --renders    folders of `aulens render`
    --moved      folders of `aulens render --portraits`
    --real       photographs with codes that only measure, and the script that scores a table of them
    --mediapipe  a Python with mediapipe 0.10.21 or older, and a face_landmarker.task: the peer
    --cache      keeps the faces found there, and the peer's scores, for the next card
    --by-au      a table per AU too
    --sheets     writes contact sheets of the worst errors there; of generated people only
    --choose     only what models may be chosen by: the validation splits. No test picture is looked at

Faces are found by aulens' own detector, the largest of a picture counts. A picture without one is a miss: it
scores below all others, and nothing is said of it. AUs with fewer than 5 pictures with it, or without it,
are not scored (openpeople: 10). In brackets: 95 % of 1,000 bootstrap resamples of persons.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import pandas as pd
from coded import real, rows
from coded.failures import write_sheets
from coded.groups import groups
from coded.predictions import Faces, digest_of
from coded.subjects import Subject, by_blendshapes, by_card, shapes_of
from coded.truth import Coded, read_coded

from aulens import NetDetector, read_image
from aulens.data.portraits.splits import TRAINING
from aulens.runtime.card import find_card

_EYES = ("faces.onnx", "landmarks.onnx")


def rendered(given: argparse.Namespace, split: str) -> Iterator[rows.Row]:
    if given.renders or given.moved:  # torch takes seconds to load
        from coded.rendered import rendered

        for folder in given.moved:
            yield from rendered(f"{folder.name} (re-animated)", [folder], split)
        if given.renders:
            yield from rendered("renders", given.renders, split)


def chosen_by(coded: Coded, given: argparse.Namespace) -> Iterator[rows.Row]:
    val = coded.of(*TRAINING).split("val")
    yield from rows.portraits("portraits for validation", val)
    yield from rows.at_rest("portraits for validation", val)
    yield from rows.smiles("portraits for validation", val)
    yield from rendered(given, "val")
    yield from rows.cost()


def shown(coded: Coded, faces: Faces, given: argparse.Namespace) -> Iterator[rows.Row]:
    kept = coded.of(*TRAINING).split("test")
    untrained, cc0, open_people = coded.split("val", "test"), coded.of("cc0"), coded.of("openpeople")
    if given.real:
        yield from real.real(given.real, given.score, remembered("real", given.cache), given.mediapipe)
    if len(open_people):
        yield from rows.portraits("openpeople", open_people, rows.OPENPEOPLE_LEAST)
        yield from rows.at_rest("openpeople", open_people)
    yield from rows.london(coded.of("london"))
    yield from rows.at_rest("cc0", cc0)
    yield from rows.smiles("cc0", cc0)
    yield from rows.smiles("cc0 not trained on", untrained.of("cc0"))
    yield from rows.portraits("portraits kept for test", kept)
    yield from rows.at_rest("portraits not trained on", untrained.of(*TRAINING))
    yield from rendered(given, "test")
    yield from groups(open_people + kept, faces)
    yield from rows.cost()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cards", type=Path, nargs="*", metavar="CARD")
    parser.add_argument("--portraits", type=Path, required=True)
    for name in ("real", "score", "cache", "sheets"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--mediapipe", nargs=2, metavar=("PYTHON", "TASK"))
    for name in ("renders", "moved"):
        parser.add_argument(f"--{name}", type=Path, nargs="+", default=[])
    for name in ("by-au", "choose"):
        parser.add_argument(f"--{name}", action="store_true")
    given = parser.parse_args()
    if bool(given.real) != bool(given.score):
        parser.error("--real and --score go together")
    cv2.setNumThreads(1)
    coded = read_coded(given.portraits)
    detector, folder = NetDetector(), given.portraits
    faces = Faces(lambda name: read_image(folder / name), detector, remembered("portraits", given.cache))
    subjects = [by_card(card, faces) for card in given.cards or [find_card()]]
    if given.mediapipe:
        subjects.append(peer(coded, given))
    table = list(chosen_by(coded, given) if given.choose else shown(coded, faces, given))
    for line in rows.markdown(table, subjects):
        print(line, flush=True)
    for title, part in closer(coded, given.choose).items():
        if given.by_au:
            print(f"\n### {title}\n")
            print("\n".join(rows.by_au(part, subjects)))
        for subject in subjects if given.sheets else ():
            write_sheets(given.sheets / title.partition(",")[0].replace(" ", "_"), subject, part, faces)


def closer(coded: Coded, choose: bool) -> dict[str, Coded]:
    """What is looked at AU by AU."""
    generated = coded.of(*TRAINING)
    if choose:
        return {"portraits for validation": generated.split("val")}
    return {
        "openpeople": coded.of("openpeople"),
        "portraits kept for test": generated.split("test"),
        "cc0, also those that may have trained": coded.of("cc0"),
    }


def remembered(what: str, folder: Path | None) -> Path | None:
    """The file that keeps the faces found by the networks that aulens carries now."""
    weights = find_card().parent
    return folder and folder / f"{what}-{digest_of(*(weights / name for name in _EYES))}.npz"


def peer(coded: Coded, given: argparse.Namespace) -> Subject:
    """MediaPipe, mapped on the portraits that models of ours are trained on and chosen by."""
    tables = []
    for source in sorted({name.split("/")[0] for name in coded.names}):
        file = given.cache and given.cache / f"blendshapes-{source}.csv"
        table = shapes_of(given.portraits / source, given.mediapipe, file)
        tables.append(table.set_index(source + "/" + table.index))
    trained = coded.of(*TRAINING)
    train, val = trained.split("train"), trained.split("val")
    return by_blendshapes(pd.concat(tables), train, val)


if __name__ == "__main__":
    main()
