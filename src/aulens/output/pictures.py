"""Pictures to files: each is written down as soon as it is analyzed; table and page come when all are.

While a run goes on, OUT/results.part has a file NUMBER.jsonl for each job: what it is of, then a line for
each picture. Going on after a kill begins behind the last whole line.
"""

import json
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from aulens.analysis.analyzer import Analyzer
from aulens.checked import checked
from aulens.contents import parsed
from aulens.errors import ConfigError, InputError, within_memory
from aulens.files import make_folder, refuse_links
from aulens.image import read_image, unmirrored
from aulens.named import legible
from aulens.output.checkpoint import cut_back, is_begun
from aulens.output.drawings import draw, write_page
from aulens.output.identity import identity_of_pictures
from aulens.output.names import free_name, names_beside, stem_of
from aulens.output.plan import PAGE, PARTS, PICTURES_RECEIPT, Job, Outcome, Plan, results_path, stamp
from aulens.output.receipt import (
    Receipt,
    begin_anew,
    current_receipt,
    digest_of,
    files_of,
    mismatch,
    read_receipt,
    tables_of,
    with_earlier_files,
    write_receipt,
)
from aulens.output.settings import OutputSettings
from aulens.output.writers import count_rows, format_of, rows_in, table_of_pictures
from aulens.runtime.card import ModelCard
from aulens.runtime.doubt import doubts_text
from aulens.runtime.result import FrameResult
from aulens.show.page import versions
from aulens.tables.dictionary import FILE_NAME, write_dictionary
from aulens.tables.schema import Row
from aulens.tables.usable import out_of

_LOG: Final = logging.getLogger(__name__)
_FORMAT: Final = "aulens-pictures-part/3"


@dataclass(frozen=True)
class AnalyzedPicture:
    """What was seen in one picture.

    Attributes:
        file: what tables call it.
        rows: of the table; none where it can't be read.
        faces: in it.
        doubts: why those that count are doubtful, `FaceResult.doubt`, and how many are so.
        out: faces beyond the limits, whose rows have no scores.
        failed: why it can't be read, or None.
        left_out: faces that were left out, and why.
        drawn: names of what was drawn, in the folder of results.
        section: what the page says of it; "" if it has no room.
    """

    file: str
    rows: Sequence[Row] = ()
    faces: int = 0
    doubts: Mapping[str, int] = field(default_factory=dict)
    out: int = 0
    failed: str | None = None
    left_out: Sequence[str] = ()
    drawn: Sequence[str] = ()
    section: str = ""


OnPicture = Callable[[AnalyzedPicture, FrameResult | None], None]
"""Called with what was seen in a picture, and with the results, if it was analyzed just now."""


def analyze_picture(
    path: str, called: str, analyzer: Analyzer, settings: OutputSettings, left_out: list[str]
) -> tuple[AnalyzedPicture, FrameResult | None]:
    """Analyze a picture, which tables call `called`; of one that can't be read there is no `FrameResult`.

    `left_out` is where the detector notes faces that it leaves out.
    """
    left_out.clear()
    try:
        with within_memory(path):
            image = read_image(Path(path))
            image = unmirrored(image) if settings.mirrored else image
            result = FrameResult(0, math.nan, image, analyzer(image))
    except InputError as error:
        why = str(error).removeprefix(f"{path}: ")
        return AnalyzedPicture(legible(called), failed=why, left_out=tuple(left_out)), None
    limits, found = settings.limits, len(result.faces)
    rows = rows_in(settings.format, called, result, analyzer.card.aus, picture=True, limits=limits)
    kept = [face for face in result.faces if limits.counts(face)]
    doubts = dict(Counter(face.doubt for face in kept if face.doubt))
    return AnalyzedPicture(called, rows, found, doubts, found - len(kept), left_out=tuple(left_out)), result


def numbered(seen: AnalyzedPicture, number: int, format: str) -> Sequence[Row]:
    """The rows of a picture: where another tool's have a number, that is its place among those read."""
    if format_of(format, picture=True) is None:
        return seen.rows
    return [row | {"frame": str(number)} if "frame" in row else row for row in map(dict, seen.rows)]


class PicturesPart:
    """What was seen in the pictures of a job, which goes on where it was stopped, if it is the same."""

    def __init__(self, path: Path, job: Job, identity: dict[str, Any]) -> None:
        self._path, self._job = path, job
        pictures = [[name, *stamp(name)] for name in job.paths]
        head = {"format": _FORMAT, "identity": identity, "called": job.called, "pictures": pictures}
        self.seen = self._read(json.dumps(head) + "\n")

    def add(self, seen: AnalyzedPicture) -> None:
        """Write down what was seen in the next picture."""
        with self._path.open("a", encoding="utf-8", newline="") as file:
            file.write(json.dumps(asdict(seen)) + "\n")
        self.seen.append(seen)

    def _read(self, head: str) -> list[AnalyzedPicture]:
        """What an earlier try left, up to a line that was cut off or damaged."""
        make_folder(self._path.parent)
        lines = self._path.read_bytes().splitlines(keepends=True) if self._path.exists() else []
        lines = [line for line in lines if line.endswith(b"\n")]
        same, seen = False, list[AnalyzedPicture]()
        with suppress(ValueError):
            same = bool(lines) and parsed(lines[0].decode()) == parsed(head)  # in whatever order of keys
            for line in lines[1 : len(self._job.paths) + 1] if same else ():
                seen.append(checked(AnalyzedPicture, parsed(line.decode())))
        if same:
            cut_back(self._path, sum(map(len, lines[: len(seen) + 1])))
        else:
            self._path.write_text(head, encoding="utf-8", newline="")
        return seen


def part_of(plan: Plan, job: Job) -> Path:
    """The file of a job's part."""
    return plan.out / PARTS / f"{job.name}.jsonl"


def begin_pictures(plan: Plan) -> None:
    """Throw away what an earlier run kept of pictures, unless this one is to go on.

    Raises:
        ConfigError: a link lies where parts go; a table that was done is not what was written.
    """
    receipt_path = plan.out / PICTURES_RECEIPT
    refuse_links(plan.out / PARTS)
    if not plan.resume:
        _clear_parts(plan.out)
        begin_anew(receipt_path)
    elif (done := current_receipt(receipt_path)) is not None:
        if (why := mismatch(receipt_path, done)) is not None:
            raise ConfigError(f"{why}; move it away, or without --resume all pictures are analyzed anew")
        if done.identity.get("pictures") != plan.pictures[0].digest:
            _LOG.warning("%s is of other pictures, or they have changed; all are analyzed anew", receipt_path)


def analyze_pictures(
    plan: Plan,
    job: Job,
    analyzer: Analyzer,
    left_out: list[str],
    on_picture: OnPicture = lambda seen, result: None,
    *,
    worker: str = "",
    tries: Callable[[int], tuple[int, str | None]] = lambda place: (1, None),
    check: Callable[[], None] = lambda: None,
) -> Outcome:
    """Analyze the pictures of a job that were not analyzed before.

    Args:
        left_out: where the detector notes faces that it leaves out.
        on_picture: called with what was seen in each, also before.
        worker: who does it.
        tries: from the number of pictures that are done, how often the job was begun, and why the next
            picture is not to be analyzed.
        check: raises `BusyError` if another process has taken the job over.
    """
    identity = identity_of_pictures(job.digest, analyzer, plan.settings)
    if plan.resume and (done := read_receipt(plan.out / PICTURES_RECEIPT, identity)) is not None:
        _clear_parts(plan.out)
        return Outcome(job, worker, receipt=done)
    part = PicturesPart(part_of(plan, job), job, identity)
    before = len(part.seen)
    for seen in part.seen:
        on_picture(seen, None)
    count, refused = tries(before)
    for number in range(before, len(job.paths)):
        called = job.call(number)
        if refused is not None and number == before:
            seen, result = AnalyzedPicture(called, failed=refused), None
        else:
            seen, result = analyze_picture(job.paths[number], called, analyzer, plan.settings, left_out)
        if result is not None and plan.settings.draws_pictures:
            stem, place, limits = job.drawn[number], job.first + number, plan.settings.limits
            names, section = draw(plan.out, stem, called, result, analyzer.card, place, limits)
            seen = replace(seen, drawn=names, section=section)
        check()
        part.add(seen)
        on_picture(seen, result)
    return Outcome(
        job, worker, count,
        frames=len(part.seen) - before,
        failed={seen.file: seen.failed for seen in part.seen if seen.failed is not None},
        left_out={seen.file: tuple(seen.left_out) for seen in part.seen if seen.left_out},
    )  # fmt: skip


def finish_pictures(plan: Plan, card: ModelCard) -> Receipt:
    """Write table, page and receipt from the parts, all of which must be done, and take the parts away.

    Where no picture could be read, an earlier table stays as it is, with all that belongs to it.
    """
    receipt_path = plan.out / PICTURES_RECEIPT
    with part_of(plan, plan.pictures[0]).open(encoding="utf-8") as file:
        identity = json.loads(file.readline())["identity"]
    frames = with_face = faces = out = 0
    doubts = Counter[str]()
    failed: dict[str, str] = {}
    drawn: list[str] = []
    for seen in _seen(plan):
        if seen.failed is not None:
            failed[seen.file] = seen.failed
            continue
        frames, with_face = frames + 1, with_face + bool(seen.faces)
        faces, out = faces + seen.faces, out + seen.out
        doubts += Counter(seen.doubts)
        drawn += seen.drawn
    done = Receipt(
        None, identity, frames, with_face, faces, 0, None, {}, versions(),
        left_out=out_of(out, faces, plan.settings.limits) if plan.settings.limits else None,
        remark=doubts_text(doubts, faces - out), doubts=dict(doubts), failed=failed,
    )  # fmt: skip
    if frames or not results_path(plan.out, plan.settings.format).exists():
        begin_anew(receipt_path)  # from here on, an earlier run's would be of another table
        files = _write_table(plan, card)
        tables = tables_of({kind: plan.out / name for kind, name in files.items()})
        done = replace(done, rows=sum(map(count_rows, tables)), digest=digest_of(tables))
        if plan.settings.draws_pictures:
            write_page(plan.out / PAGE, (seen.section for seen in _seen(plan)), frames, failed, card)
            files |= {"page": PAGE} | {name: name for name in drawn}
        done = replace(done, files=with_earlier_files(receipt_path, identity, files))
        write_receipt(receipt_path, done)
    _clear_parts(plan.out)
    return done


def _write_table(plan: Plan, card: ModelCard) -> dict[str, str]:
    """The rows of all pictures that could be read, in one table or one for each; names, by what they are."""
    format, path = plan.settings.format, results_path(plan.out, plan.settings.format)
    theirs = format_of(format, picture=True)
    read = enumerate(seen for seen in _seen(plan) if seen.failed is None)
    if theirs is not None and not theirs.names_files:
        taken, files = names_beside(job.name for job in plan.clips), {}
        for number, seen in read:
            stem = free_name(stem_of(seen.file), taken)
            name = f"{stem}.csv"
            if is_begun(plan.out / f"{stem}.part") or files_of(plan.out / f"{stem}.json"):
                raise ConfigError(f"{plan.out / name} is of a video; give another --out for the pictures")
            with table_of_pictures(plan.out / name, format, card.aus) as writer:
                writer.write(numbered(seen, number, format))
            files[name] = name
        return files
    files = {"table": path.name}
    if theirs is None:
        files["columns"] = FILE_NAME
        write_dictionary(plan.out / FILE_NAME, card.aus)
    with table_of_pictures(path, format, card.aus) as writer:
        for number, seen in read:
            writer.write(numbered(seen, number, format))
    return files


def _seen(plan: Plan) -> Iterator[AnalyzedPicture]:
    """What was seen in each picture, in the order of the pictures."""
    for job in plan.pictures:
        with part_of(plan, job).open(encoding="utf-8") as file:
            next(file)
            yield from (AnalyzedPicture(**json.loads(line)) for line in file)


def _clear_parts(out: Path) -> None:
    for path in (out / PARTS).glob("[0-9]*.jsonl"):
        path.unlink(missing_ok=True)
    with suppress(OSError):  # not there, or somebody else's things are in it
        (out / PARTS).rmdir()
