"""What is found: of portraits, in the dark, small, tilted, cut off, covered; and where nobody is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np

from aulens import read_image
from finding_faces.pictures import (
    SIDES,
    SOURCES,
    TEST,
    UNTRAINED,
    Picture,
    Portraits,
    covered,
    cut,
    dimmed,
    exposed,
    turned,
)
from finding_faces.scenes import scenes
from finding_faces.sheets import Sheets
from finding_faces.subjects import Subject, Tally, judge

Row = tuple[str, Iterable[Picture]]


def found_table(
    title: str,
    rows: Sequence[Row],
    subjects: Sequence[Subject],
    sheets: Sheets,
    thirds: Mapping[str, int] | None = None,
) -> None:
    """Print of each kind of pictures what each subject finds.

    Args:
        title: of the first column.
        rows: names of kinds and their pictures.
        subjects: who looks.
        sheets: where misses and false faces are drawn.
        thirds: for each portrait's name the third of cheeks' brightness that it is in, 0 the darkest; then
            the shares found of each third are told too.
    """
    more = ": darkest | middle | lightest" if thirds else ""
    head = " | ".join(
        f"{s.name}: found | % | doubles | elsewhere" + (f" | {s.name}{more}" if thirds else "")
        for s in subjects
    )
    print(f"| {title} | faces | {head} |")
    print("| --- |" + " ---: |" * (1 + (7 if thirds else 4) * len(subjects)))
    for name, pictures in rows:
        totals = {s.name: [Tally(), Tally(), Tally()] for s in subjects}
        for picture in pictures:
            third = thirds[picture.name.split(" ")[0]] if thirds else 0
            for subject in subjects:
                answers = subject.see(picture.image)
                judged = judge(answers, picture.boxes, picture.size)
                totals[subject.name][third] += judged.tally
                if subject.name == "aulens":
                    sheets.judged(name, picture, answers, judged)
        cells = []
        for parts in totals.values():
            t = sum(parts, Tally())
            cells += [f"{t.found}", f"{t.share:.1f}", f"{t.doubles}", f"{t.others}"]
            cells += [f"{part.share:.1f}" for part in parts] if thirds else []
        print(f"| {name} | {t.faces} | {' | '.join(cells)} |", flush=True)
    print()


def by_third(source: Portraits, names: Sequence[str]) -> dict[str, int]:
    """For each portrait the third of cheeks' brightness that it is in, 0 the darkest."""
    ordered = sorted(names, key=source.skin)
    return {name: 3 * number // len(ordered) for number, name in enumerate(ordered)}


def portraits(source: Portraits, subjects: Sequence[Subject], sheets: Sheets, every: int) -> None:
    """Row 2: pictures kept for testing, of good quality; validation pictures apart; those left out."""
    print("### Portraits\n")
    kept = {name: source.names(name, below=TEST, every=every) for name in SOURCES}
    together = [name for names in kept.values() for name in names]
    others = [
        name for name in source.names(*SOURCES, below=UNTRAINED, every=every) if name not in set(together)
    ]
    rows: list[Row] = [(f"{name}, kept for testing", source.pictures(names)) for name, names in kept.items()]
    rows += [(name, source.pictures(source.names(name, every=every))) for name in ("openpeople", "london")]
    rows.append(("validation pictures of the first three", source.pictures(others)))
    rows.append(
        (
            "left out above: styl or bad, all sources, trained on or not",
            (source.picture(n) for n in source.names(*SOURCES) if source.quality.get(n) in {"styl", "bad"}),
        )
    )
    found_table("pictures", rows, subjects, sheets)


def nobody(files: Sequence[Path], subjects: Sequence[Subject], sheets: Sheets) -> None:
    """Row 3: photographs without people."""
    print("### Photographs without people\n")
    print("| subject | photographs | false faces | photographs with one | by confidence, aulens' own |")
    print("| --- |" + " ---: |" * 3 + " --- |")
    counts = {s.name: [0, 0] for s in subjects}
    sure: list[float] = []
    for path in files:
        image = read_image(path)
        for subject in subjects:
            answers = subject.see(image)
            counts[subject.name][0] += len(answers)
            counts[subject.name][1] += bool(answers)
            if subject.name == "aulens" and answers:
                sure += [answer.confidence for answer in answers]
                sheets.false(path.stem, image, answers)
    for name, (faces, pictures) in counts.items():
        told = ", ".join(f"{c:.2f}" for c in sorted(sure, reverse=True)[:40]) if name == "aulens" else ""
        print(f"| {name} | {len(files)} | {faces} | {pictures} | {told} |")
    print(flush=True)


EXPOSURES = (1.0, 0.15, 0.06)


def darkness(source: Portraits, subjects: Sequence[Subject], sheets: Sheets, every: int) -> None:
    """Row 4: found by thirds of the cheeks' brightness and by exposure."""
    groups = (
        ("cc0, all (70 % of them were trained on)", source.names("cc0", every=every)),
        ("cc0, sfhq, pexels kept for testing", source.names(*SOURCES, below=TEST, every=every)),
    )
    ways = (("in linear light", exposed), ("on pixel values", dimmed))
    for (group, names), (way, darken) in product(groups, ways):
        names = [name for name in names if source.quality.get(name, "uncoded") not in {"styl", "bad"}]
        names.sort(key=source.skin)
        thirds = [part.tolist() for part in np.array_split(np.array(names), 3)]
        limits = " / ".join(f"{source.skin(part[0]):.0f} to {source.skin(part[-1]):.0f}" for part in thirds)
        print(f"### Exposure {way}: {group}\n\nMedian brightness of the cheeks in each third: {limits}.\n")
        head = " | ".join(f"{s.name}: darkest | middle | lightest | apart" for s in subjects)
        print(f"| exposure | {head} |\n| --- |" + " ---: |" * (4 * len(subjects)))
        for share in EXPOSURES:
            cells = []
            for subject in subjects:
                found = []
                for number, part in enumerate(thirds):
                    total = Tally()
                    for picture in map(source.picture, part):
                        dark = Picture(
                            f"{picture.name} at {share:.0%}", darken(picture.image, share), picture.landmarks
                        )
                        answers = subject.see(dark.image)
                        judged = judge(answers, dark.boxes, dark.size)
                        total += judged.tally
                        if subject.name == "aulens":
                            sheets.judged(f"exposure {way} third {number + 1}", dark, answers, judged)
                    found.append(total.share)
                cells += [f"{share:.1f}" for share in found] + [f"{max(found) - min(found):.1f}"]
            print(f"| {share:.0%} | " + " | ".join(cells) + " |", flush=True)
        print()


def hard(
    source: Portraits, backgrounds: Sequence[Path], subjects: Sequence[Subject], sheets: Sheets, every: int
) -> None:
    """Row 5: scenes with small faces; tilted, cut off, covered."""
    kept = source.names(*SOURCES, below=TEST) + source.names("openpeople", every=4)
    kept = [name for name in kept if source.quality.get(name, "uncoded") in {"ok", "soft", "uncoded"}][
        ::every
    ]
    print("### Small faces in scenes of 1,920 pixels\n")
    wanted = ((24, 6, 40), (24, 1, 80), (16, 6, 12), (48, 6, 12), (96, 4, 12))
    rows: list[Row] = []
    for height, faces, count in wanted:
        few = scenes(source, kept, backgrounds, height=height, faces=faces, count=max(1, count // every))
        alone = "alone" if faces == 1 else f"{faces} in a scene"
        rows.append((f"{height} pixels, {alone}", few))
    found_table("height of the face's box", rows, subjects, sheets)

    def of(change: object, *more: object) -> Iterable[Picture]:
        return (change(source.picture(name), *more) for name in kept)  # type: ignore[operator]

    thirds = by_third(source, kept)
    print("### Tilted\n")
    angles = (30, -30, 45, -45, 60, -60, 90, -90, 180)
    found_table(
        "degrees counter-clockwise", [(f"{a:+d}", of(turned, a)) for a in angles], subjects, sheets, thirds
    )
    print("### Cut off by a border\n")
    cuts = [(f"{share:.0%} off, {side}", of(cut, side, share)) for share in (0.1, 0.25) for side in SIDES]
    found_table("of the face's box", cuts, subjects, sheets, thirds)
    print("### Covered\n")
    found_table(
        "by", [(kind, of(covered, kind)) for kind in ("mask", "glasses", "hand")], subjects, sheets, thirds
    )
