"""Pictures: a part of the table for each few of them, each part done by one worker.

A part is OUT/results.part/NUMBER.jsonl: what it is of, then a line for each picture as soon as that is done.
"""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from aulens.cluster.jobs import Job
from aulens.cluster.merge import Seen, write_table
from aulens.errors import InputError
from aulens.files import write_text
from aulens.image import read_image
from aulens.output.checkpoint import cut_back
from aulens.runtime.analyzer import Analyzer
from aulens.runtime.card import ModelCard
from aulens.runtime.result import FrameResult
from aulens.tables import TABLE_FORMATS
from aulens.tables.schema import Row, rows_of

_FORMAT: Final = "aulens-pictures/1"


@dataclass(frozen=True)
class Looking:
    """With what pictures are analyzed, by which a later run knows that a part is done.

    Attributes:
        model: checksum of the model.
        detector: what it was made by.
        table: the format.
    """

    model: str
    detector: str
    table: str

    def head(self, job: Job) -> str:
        """The first line of a part."""
        pictures = [[name, *_stamp(name)] for name in job.paths]
        return json.dumps({"format": _FORMAT, **asdict(self), "pictures": pictures}) + "\n"


class Part:
    """One part, which goes on where it was stopped.

    Args:
        path: of its file.
        job: the pictures.
        looking: with what.
    """

    def __init__(self, path: Path, job: Job, looking: Looking) -> None:
        self._path, self._job, self._looking = path, job, looking
        self.seen = self._read(looking.head(job))

    @property
    def left(self) -> tuple[str, ...]:
        """Pictures that are not done."""
        return self._job.paths[len(self.seen) :]

    def look(self, analyzer: Analyzer, left_out: list[str]) -> None:
        """Analyze the next picture.

        Args:
            analyzer: who looks at it.
            left_out: where that notes faces that it leaves out.
        """
        name = self.left[0]
        left_out.clear()
        try:
            image = read_image(Path(name))
            results = analyzer(image)
        except InputError as error:
            self.add(Seen(name, failed=str(error).removeprefix(f"{name}: "), left_out=tuple(left_out)))
            return
        rows = self._rows(name, FrameResult(0, math.nan, image, results), analyzer.card)
        self.add(Seen(name, rows, len(results), left_out=tuple(left_out)))

    def add(self, seen: Seen) -> None:
        """Note what was seen in the next picture."""
        with self._path.open("a", encoding="utf-8", newline="") as file:
            file.write(json.dumps(asdict(seen)) + "\n")
        self.seen.append(seen)

    def _rows(self, name: str, found: FrameResult, card: ModelCard) -> Sequence[Row]:
        if self._looking.table in TABLE_FORMATS:
            return TABLE_FORMATS[self._looking.table].for_pictures().rows(name, found)
        return rows_of(name, found.faces, card.aus)

    def _read(self, head: str) -> list[Seen]:
        """What an earlier try left, but for a line that was cut off."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lines = self._path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            lines = []
        if not lines or lines[0] != head.encode():
            self._path.write_text(head, encoding="utf-8", newline="")
            return []
        whole = [line for line in lines if line.endswith(b"\n")]
        cut_back(self._path, sum(map(len, whole)))
        return [Seen(**json.loads(line)) for line in whole[1:]]


@dataclass(frozen=True)
class PicturesDone:
    """What was made of all pictures: OUT/results.json, beside the table.

    Attributes:
        identity: the pictures, the model and the settings, by which a later run knows that this is done.
        files: of the table, names in the folder.
        pictures: that were read.
        faces: in them.
        with_face: pictures with at least one.
        failed: those that can't be read, each with the reason.
    """

    identity: str
    files: Sequence[str]
    pictures: int
    faces: int
    with_face: int
    failed: dict[str, str]


class PictureFolder:
    """The parts of a run, and the table that they become.

    Args:
        out: folder of the results.
        jobs: of the run; those that are of no pictures are passed over.
        looking: with what.
    """

    def __init__(self, out: Path, jobs: Iterable[Job], looking: Looking) -> None:
        self._out, self._looking = out, looking
        jobs = list(jobs)
        self._jobs = [job for job in jobs if job.kind == "pictures"]
        self._clips = [job.name for job in jobs if job.kind != "pictures"]
        self._note = out / "results.json"

    def clear(self) -> None:
        """Throw away what an earlier run noted."""
        if self._jobs:
            shutil.rmtree(parts_folder(self._out), ignore_errors=True)
            self._note.unlink(missing_ok=True)

    def done(self) -> PicturesDone | None:
        """What an earlier run made of the same pictures in the same way, if it is all there."""
        try:
            found: dict[str, Any] = json.loads(self._note.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        if found.pop("format", None) != _FORMAT or found["identity"] != self._identity():
            return None
        done = PicturesDone(**found)
        return done if all((self._out / name).exists() for name in done.files) else None

    def finish(self, card: ModelCard) -> PicturesDone | None:
        """Write the table from the parts, all of which must be done, and take them away."""
        if not self._jobs:
            return None
        # Before the table: from here on, an older note would be of another one.
        self._note.unlink(missing_ok=True)
        files = write_table(self._looking.table, card.aus, self._out, self._seen(), self._clips)
        read = faces = with_face = 0
        failed: dict[str, str] = {}
        for seen in self._seen():
            if seen.failed is not None:
                failed[seen.file] = seen.failed
                continue
            read, faces, with_face = read + 1, faces + seen.faces, with_face + bool(seen.faces)
        done = PicturesDone(self._identity(), files, read, faces, with_face, failed)
        text = json.dumps({"format": _FORMAT, **asdict(done)}, indent=1, ensure_ascii=False) + "\n"
        write_text(self._note, text)
        shutil.rmtree(parts_folder(self._out))
        return done

    def _identity(self) -> str:
        digest = hashlib.sha256()
        for job in self._jobs:
            digest.update(self._looking.head(job).encode())
        return digest.hexdigest()

    def _seen(self) -> Iterator[Seen]:
        """What was seen in each picture, in the order of the pictures."""
        for job in self._jobs:
            with part_path(self._out, job).open(encoding="utf-8") as file:
                next(file)
                for line in file:
                    yield Seen(**json.loads(line))


def parts_folder(out: Path) -> Path:
    """Where the parts of the table are while a run goes on."""
    return out / "results.part"


def part_path(out: Path, job: Job) -> Path:
    """The file of one part."""
    return parts_folder(out) / f"{job.name}.jsonl"


def _stamp(name: str) -> tuple[int | None, int | None]:
    """Size and time of change of a file; None where it is not there."""
    try:
        about = os.stat(name)
    except OSError:
        return None, None
    return about.st_size, about.st_mtime_ns
