"""The pieces of HTML that the page is made of: `pages/panels.html`, filled."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Final
from urllib.parse import quote

from aulens import __version__
from aulens.app.job_queue import Ticket
from aulens.app.source import Source, length
from aulens.app.work import ClipResult, Download, PageResult, PictureResult
from aulens.aus import AUS, NAMES, AUSet
from aulens.runtime.card import ModelCard
from aulens.runtime.result import FaceResult
from aulens.show.page import faces_found
from aulens.show.pages import piece
from aulens.show.report import words
from aulens.show.sides import sides_of
from aulens.tables.blinks import BLINK, SHUT

_EVENTS: Final = 200
"""Events on the page; all of them are in the file."""

_piece = partial(piece, "panels.html", package="aulens.app")


head = _piece("head")
"""The top of the page."""
hint, problem, said = _piece("hint"), _piece("problem"), _piece("said")
"""A sentence in small type; about what went wrong; about what happened."""


def statement(card: ModelCard) -> str:
    """What to expect of the model, and its card to unfold."""
    return _piece("statement")(card, words.measured(card))


def foot() -> str:
    """The bottom of the page."""
    return _piece("foot")(__version__)


def limits(megabytes: float, minutes: float) -> str:
    """What may be dropped in."""
    return hint(f"Up to {megabytes:g} MB; of a video up to {minutes:g} min at once.")


def drawing(svg: str) -> str:
    """A figure; in the dark its colours are turned, its hues stay."""
    return _piece("drawing")(svg[svg.index("<svg") :])


def empty(
    title: str = "Drop in a picture or a video.",
    text: str = "The Action Units of every face appear here, with a table and a report to take away.",
) -> str:
    """What stands where results will be."""
    return _piece("empty")(title, text)


def about_source(source: Source) -> str:
    """What was dropped in."""
    facts = [f"{source.size[0]} × {source.size[1]}"]
    if source.info is not None:
        if source.info.duration is not None:
            facts.insert(0, length(source.info.duration))
        if source.info.rate is not None:
            facts.append(f"{float(source.info.rate):.4g} frames/s")
    return _piece("about_source")("Picture" if source.info is None else "Video", source.name, facts)


def progress(ticket: Ticket[PageResult], ahead: int) -> str:
    """How far an analysis is, with `ahead` others before it."""
    share = None if not ticket.total else min(1.0, ticket.done / ticket.total)
    if ticket.stopping:
        text = "Stopping"
    elif ahead:
        text = f"Waiting: {ahead} {'analysis' if ahead == 1 else 'analyses'} before yours"
    elif ticket.done:
        of = f" of {ticket.total:,}" if ticket.total and ticket.total >= ticket.done else ""
        text = f"{ticket.stage} · frame {ticket.done:,}{of}"
        if share is not None and 0.02 < share < 1 and ticket.seconds > 2:
            text += f" · about {length(max(1, round(ticket.seconds * (1 / share - 1))))} left"
    else:
        text = ticket.stage or "Starting"
    return _piece("progress")(text, share)


def address(token: str, name: str, version: int = 0) -> str:
    """Where a file of a result is."""
    return f"result/{token}/{quote(name)}" + (f"?v={version}" if version else "")


def mirror(jpeg: bytes, faces: Sequence[FaceResult], labels: Collection[str]) -> str:
    """A drawn picture of the camera."""
    return _piece("mirror")(jpeg, f"Live picture. {_present(faces, labels) or 'No face'}")


def picture_facts(made: PictureResult, token: str) -> str:
    """What was found in a picture, and its files."""
    return _found(made.source.name, [faces_found(len(made.faces))], None, token, made.downloads)


def overlay(made: PictureResult, token: str, version: int, labels: Collection[str]) -> str:
    """The drawn picture; in words, which of the Action Units `labels` are present."""
    present = _present(made.faces, labels) or "No face was found"
    alt = f"{made.source.name}, Action Units present. {present}"
    return _piece("overlay")(address(token, "overlay.jpg", version), alt)


def au_table(face: FaceResult, aus: AUSet) -> str:
    """The Action Units of a face: probability with the threshold, and the two sides if it has them.

    Present ones first, in the order of their numbers: a table that is read, and compared with another.
    """
    numbers = sorted(aus, key=lambda number: not face.occurrence[AUS[number].label])
    units = [(AUS[number], sides_of(face, AUS[number].label)) for number in numbers]
    return _piece("au_table")(face, units)


def evidence(made: PictureResult, token: str, version: int, face: FaceResult) -> str:
    """One face's sheet of evidence."""
    return _piece("evidence")(address(token, "evidence.jpg", version), made.source.name, face)


def clip_facts(made: ClipResult, token: str) -> str:
    """What was found in a video, and its files."""
    done, people = made.done, len(made.people)
    facts = ["No face was found." if not people else "1 person" if people == 1 else f"{people} people"]
    facts.append(f"{done.frames:,} frames analyzed")
    if people:
        all_of_them = done.with_face == done.frames
        facts.append(f"a face in {'all' if all_of_them else f'{done.with_face:,}'} of them")
    if made.until is not None:
        facts.append(f"up to {length(made.until)}; the video goes on")
    return _found(made.source.name, facts, done.problem, token, made.downloads)


def report(made: ClipResult, token: str) -> str:
    """The report, inside the page."""
    return _piece("report")(address(token, made.done.files["report"]), made.source.name)


def film(made: ClipResult, token: str) -> str:
    """The drawn video, if there is one."""
    name = made.done.files.get("overlay")
    if name is None:
        return hint("Switch on “Draw the video” before the analysis to see it here.")
    return _piece("film")(address(token, name))


def event_table(made: ClipResult, aus: AUSet) -> str:
    """The first events with these Action Units."""
    found = made.events()
    if found is None:
        return hint("This video has no time stamps, and so no events.")
    found = found[found["au"].isin([*aus.labels, *([BLINK] if SHUT in aus.labels else [])])]
    if found.empty:
        return hint("No events of the chosen Action Units.")
    return _piece("event_table")(found.head(_EVENTS).to_dict("records"), NAMES, len(found) - _EVENTS)


def _found(
    name: str, facts: Sequence[str], trouble: str | None, token: str, files: Sequence[Download]
) -> str:
    sentence = trouble and f"{trouble[:1].upper()}{trouble[1:]}"
    return _piece("found")(name, facts, sentence, [(file, address(token, file.name)) for file in files])


def _present(faces: Sequence[FaceResult], labels: Collection[str]) -> str:
    """Which of the Action Units are present in which face."""
    shown = [[label for label in face.present if label in labels] for face in faces]
    return "; ".join(
        f"face {face.face_id}: {', '.join(found) or 'none'}" for face, found in zip(faces, shown, strict=True)
    )
