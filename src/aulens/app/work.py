"""What is done with a dropped file: its table, its report and its figures, in a folder."""

import math
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.analysis.analyzer import Analyzer
from aulens.app.job_queue import Ticket
from aulens.app.source import Source, renamed, unwritten, without
from aulens.aus import AUSet
from aulens.errors import AulensError, ConfigError, InputError
from aulens.files import write_bytes
from aulens.image import encode_jpeg, read_image, unmirrored
from aulens.output import Here, OutputSettings, Receipt, Results
from aulens.output.drawings import QUALITY
from aulens.output.engine import execute
from aulens.output.pictures import AnalyzedPicture, OnPicture
from aulens.output.plan import DRAWN, PAGE, Job, make_plan
from aulens.output.settings import expected
from aulens.output.video import OnFrame
from aulens.runtime.card import ModelCard
from aulens.runtime.result import FaceResult, FrameResult
from aulens.show import draw_overlay, evidence_sheet
from aulens.show.timeline import timeline
from aulens.tables import read_table
from aulens.tables.dictionary import FILE_NAME
from aulens.video.media import VideoInfo

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Download:
    """A file to take away: what it is, its name in the folder, who can use it, what it is saved as."""

    label: str
    name: str
    about: str
    saved_as: str = ""


@dataclass(frozen=True, eq=False)
class PictureResult:
    """What was made of a picture, in a folder."""

    source: Source
    folder: Path
    downloads: tuple[Download, ...]
    card: ModelCard
    faces: tuple[FaceResult, ...]

    def draw(self, aus: AUSet | None, face_id: int, *, evidence: bool) -> None:
        """Draw `overlay.jpg`, with heat if `evidence`, and if there are AUs `evidence.jpg` of one face."""
        image = read_image(self.source.path)
        image = unmirrored(image) if self.source.mirrored else image
        faces = only(self.faces, () if aus is None else aus.labels)
        write_bytes(
            self.folder / "overlay.jpg",
            encode_jpeg(draw_overlay(image, faces, evidence=evidence), QUALITY),
            to_disk=False,
        )
        if aus is not None and self.faces:
            sheet = evidence_sheet(image, self.faces[face_id], aus)
            write_bytes(self.folder / "evidence.jpg", encode_jpeg(sheet, QUALITY), to_disk=False)


@dataclass(frozen=True, eq=False)
class ClipResult:
    """What was made of a video, in a folder.

    Attributes:
        done: counts, and where the video ended early.
        people: ids of those who were seen, ascending.
        until: seconds at which the part ended, if the video goes on behind it.
    """

    source: Source
    folder: Path
    downloads: tuple[Download, ...]
    card: ModelCard
    done: Receipt
    people: tuple[int, ...]
    until: float | None = None

    def table(self) -> pd.DataFrame:
        """The rows, in our schema."""
        return read_table(self.folder / self.done.files["table"])

    def events(self) -> pd.DataFrame | None:
        """The events; None for a video without time stamps."""
        name = self.done.files.get("events")
        return None if name is None else pd.read_csv(self.folder / name)

    def draw(self, aus: AUSet, face_id: int) -> str:
        """One person's time line as SVG, with these AUs."""
        from io import StringIO

        from aulens.show.figure import style

        threshold = dict(zip(self.card.aus.labels, self.card.threshold, strict=True))
        figure = timeline(
            self.table(), {label: threshold[label] for label in aus.labels}, self.events(), face_id,
            sides=self.card.has_side_scores,
        )  # fmt: skip
        text = StringIO()
        with style():
            figure.savefig(text, format="svg", metadata={"Date": None}, transparent=True)
        return text.getvalue()


def only(faces: Sequence[FaceResult], labels: Sequence[str]) -> list[FaceResult]:
    """Faces in which no other Action Unit is present, to be drawn."""
    return [replace(face, occurrence={label: face.occurrence[label] for label in labels}) for face in faces]


PageResult = PictureResult | ClipResult
Work = Callable[[Path, Ticket[PageResult]], PageResult]


def picture_work(analyzer: Analyzer, source: Source) -> Work:
    """Analyze a picture: a table, and a page with everything drawn."""

    def work(folder: Path, ticket: Ticket[PageResult]) -> PageResult:
        found: list[FaceResult] = []

        def take_in(seen: AnalyzedPicture, result: FrameResult | None) -> None:
            ticket.check()
            found.extend(() if result is None else result.faces)

        ticket.report(0, None, "Looking for faces")
        settings = OutputSettings(overlay=True, mirrored=source.mirrored)
        receipt = _made(analyzer, source, folder, settings, on_picture=take_in).pictures
        assert receipt is not None
        drawn = [folder / name for kind, name in receipt.files.items() if kind.startswith(DRAWN)]
        _zip(folder / "figures.zip", drawn)
        named = source.stem
        downloads = (
            Download(
                "Table", receipt.files["table"], "CSV: a row per face, all Action Units", f"{named}.csv"
            ),
            Download("Report", PAGE, "HTML: one page with everything, to keep or send", f"{named}.html"),
            Download(
                "Figures",
                "figures.zip",
                "ZIP: the drawn picture and the evidence, JPEG",
                f"{named}.figures.zip",
            ),
            Download("Columns", FILE_NAME, "CSV: what each column of the table means"),
        )
        return PictureResult(source, folder, downloads, analyzer.card, tuple(found))

    return _with_name(work, source)


def clip_work(analyzer: Analyzer, source: Source, settings: OutputSettings) -> Work:
    """Analyze a video: a table, events, a report and figures."""

    def work(folder: Path, ticket: Ticket[PageResult]) -> PageResult:
        count, before, now = 0, math.nan, math.nan

        def progress(job: Job, result: FrameResult, info: VideoInfo) -> None:
            nonlocal count, before, now
            count, before, now = count + 1, now, result.time
            total = expected(info, settings)
            last = total is not None and count >= total
            ticket.report(count, total, "Writing the report" if last else "Analyzing")
            ticket.check()

        ticket.report(0, None, "Opening")
        (done,) = _made(analyzer, source, folder, settings, on_frame=progress).clips.values()
        ticket.check()
        files, people = done.files, _people(folder / done.files["table"])
        downloads = [Download("Table", files["table"], "CSV: a row per frame and person, all Action Units")]
        if "events" in files:
            downloads.append(Download("Events", files["events"], "CSV: onset, apex and offset of each"))
        if "report" in files:
            downloads.append(Download("Report", files["report"], "HTML: one page to keep or send"))
        if "figures" in files:
            figures = sorted((folder / files["figures"]).iterdir())
            if figures:
                _zip(folder / f"{source.stem}.figures.zip", figures)
                downloads.append(
                    Download("Figures", f"{source.stem}.figures.zip", "ZIP: SVG and PDF, for print")
                )
        if "overlay" in files:
            downloads.append(Download("Video", files["overlay"], "MP4: the video with what was seen"))
        downloads.append(Download("Columns", files["columns"], "CSV: what each column of the tables means"))
        cut = settings.stop is not None and now + (now - before) >= settings.stop
        return ClipResult(
            source, folder, tuple(downloads), analyzer.card, done, people, settings.stop if cut else None
        )

    return _with_name(work, source)


def _made(
    analyzer: Analyzer,
    source: Source,
    folder: Path,
    settings: OutputSettings,
    *,
    on_frame: OnFrame | None = None,
    on_picture: OnPicture | None = None,
) -> Results:
    """The files that `aulens detect` makes of it, in which it is called as the visitor calls it.

    Raises:
        InputError: it can't be read.
    """
    plan = make_plan([source.path], folder, settings, called=[source.name])
    results = execute(plan, Here(analyzer, None, on_frame, on_picture))
    if (results.pictures is None or not results.pictures.frames) and not results.clips:
        (why,) = results.failed.values()
        raise InputError(f"{source.name}: {why}")
    return results


def _with_name(work: Work, source: Source) -> Work:
    """The same, but its errors speak of the visitor's file, and of no folder of this computer."""

    def named(folder: Path, ticket: Ticket[PageResult]) -> PageResult:
        try:
            return work(folder, ticket)
        except OSError as error:
            raise InputError(unwritten(error, folder)) from error
        except AulensError as error:
            why = error.__cause__
            if isinstance(error, ConfigError) and isinstance(why, OSError):  # its advice is for a terminal
                raise InputError(unwritten(why, folder)) from error
            named_error = InputError(renamed(error, source.path, source.name))
            raise InputError(without(named_error, folder)) from error

    return named


def _people(table: Path) -> tuple[int, ...]:
    seen = pd.read_csv(table, usecols=["face_id", "success"])
    return tuple(sorted(int(number) for number in seen.loc[seen["success"] == 1, "face_id"].unique()))


def _zip(path: Path, files: Sequence[Path]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
