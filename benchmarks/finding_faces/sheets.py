"""Contact sheets of misses and of false faces, to look at."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np

from finding_faces.pictures import Image, Picture, Points
from finding_faces.subjects import Answer, Judged

_TILE, _ACROSS, _MOST = 200, 8, 64
_TRUE, _SAID, _MISSED = (0, 200, 0), (255, 160, 0), (255, 0, 0)


class Sheets:
    """Collects pictures and writes a sheet per kind.

    Args:
        folder: where to; None: nothing is kept.
        never: sources that are counted and not drawn.
    """

    def __init__(self, folder: Path | None, never: tuple[str, ...] = ("london",)) -> None:
        self._folder, self._never = folder, never
        self._tiles: dict[str, list[Image]] = {}
        self._lines: list[str] = []

    def judged(self, kind: str, picture: Picture, answers: list[Answer], judged: Judged) -> None:
        """Keep what was missed in a picture, and the answers that are no face's."""
        for box, number in zip(picture.boxes, judged.of_face, strict=True):
            self._line(kind, picture.name, "found" if number >= 0 else "missed", box, answers, number)
        for number in judged.wrong:
            self._line(kind, picture.name, "wrong", answers[number].boxes[0], answers, number)
        for box, answer in zip(picture.boxes, judged.of_face, strict=True):
            if answer < 0:
                self._keep(f"missed {kind}", picture.name, picture.image, box, answers, truth=box)
        for number in judged.wrong:
            said = answers[number]
            self._keep(
                f"wrong {kind}",
                f"{picture.name} {said.confidence:.2f}",
                picture.image,
                said.boxes[0],
                answers,
            )

    def false(self, name: str, image: Image, answers: list[Answer]) -> None:
        """Keep the faces that were seen in a photograph without people."""
        for number, said in enumerate(answers):
            self._line("nobody", name, "wrong", said.boxes[0], answers, number)
            label = f"{name} {said.confidence:.2f} q{said.quality:.2f} {said.look}"
            self._keep("false faces", label, image, said.boxes[0], [said])

    def _line(self, kind: str, name: str, how: str, box: Points, answers: list[Answer], number: int) -> None:
        where = " ".join(f"{value:.0f}" for value in box)
        said = answers[number] if number >= 0 else None
        told = f"{said.confidence:.3f}\t{said.quality:.3f}\t{said.look}" if said else "\t\t"
        self._lines.append(f"{kind}\t{name}\t{how}\t{told}\t{where}")

    def _keep(
        self,
        kind: str,
        name: str,
        image: Image,
        box: Points,
        answers: list[Answer],
        truth: Points | None = None,
    ) -> None:
        tiles = self._tiles.setdefault(kind, [])
        if self._folder is None or len(tiles) == _MOST or name.split("/")[0] in self._never:
            return
        centre, reach = (box[:2] + box[2:]) / 2, max(1.1 * float((box[2:] - box[:2]).max()), 12)
        scale = _TILE / (2 * reach)
        matrix = np.array(
            [[scale, 0, _TILE / 2 - scale * centre[0]], [0, scale, _TILE / 2 - scale * centre[1]]]
        )
        tile = cv2.warpAffine(image, matrix, (_TILE, _TILE), flags=cv2.INTER_AREA, borderValue=(40, 40, 60))
        shown = [(said.boxes[0], _SAID) for said in answers]
        for one, colour in [*shown, *([(truth, _MISSED)] if truth is not None else [])]:
            ends = np.rint(one.reshape(2, 2) * scale + matrix[:, 2]).astype(int).tolist()
            cv2.rectangle(tile, ends[0], ends[1], colour, 1)
        for line, text in enumerate((name[:30], name[30:60])):
            cv2.putText(tile, text, (2, 10 + 11 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.33, (255, 255, 0), 1)
        tiles.append(np.asarray(tile, np.uint8))

    def write(self) -> None:
        """Write all sheets, and a list of all that was kept."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        head = "kind\tpicture\thow\tconfidence\tquality\tlook\tbox"
        (self._folder / "all.tsv").write_text("\n".join([head, *self._lines]) + "\n")
        for kind, tiles in self._tiles.items():
            if not tiles:
                continue
            blank = np.zeros((_TILE, _TILE, 3), np.uint8)
            filled = tiles + [blank] * (-len(tiles) % _ACROSS)
            rows = [np.hstack(filled[i : i + _ACROSS]) for i in range(0, len(filled), _ACROSS)]
            file = self._folder / f"{re.sub(r'[^a-z0-9+-]+', '_', kind)[:60]}.png"
            cv2.imwrite(str(file), np.vstack(rows)[..., ::-1])
