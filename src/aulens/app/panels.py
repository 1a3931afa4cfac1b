"""The pieces of HTML that the page is made of; everything from outside is escaped."""

import base64
from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Any, Final
from urllib.parse import quote

from aulens import __version__
from aulens.app.line import Ticket
from aulens.app.source import Source, length
from aulens.app.work import ClipMade, Download, Made, PictureMade
from aulens.aus import AUS, AUSet
from aulens.runtime.card import ModelCard
from aulens.runtime.result import FaceResult
from aulens.show.report import words
from aulens.show.sides import sides_of
from aulens.tables.blinks import BLINK, SHUT

_NAMES: Final = {au.label: au.name for au in AUS.values()}
_EVENTS: Final = 200
"""Events on the page; all of them are in the file."""


def head() -> str:
    """The top of the page."""
    return (
        '<header class="au-head"><h1>aulens</h1><p>Facial Action Units in a picture or a video: which, on '
        "which side of the face, and where they were seen.</p></header>"
    )


def statement(card: ModelCard) -> str:
    """What to expect of the model, and its card to unfold."""
    return (
        f'<div class="au-statement" role="note"><p>{escape(card.statement)}</p>'
        f"<details><summary>Model card</summary>{words.about(card)}</details></div>"
    )


def foot() -> str:
    """The bottom of the page."""
    return (
        f'<p class="au-foot">aulens {escape(__version__)}. Everything is done on the computer that runs '
        "<code>aulens app</code>; nothing is sent elsewhere. What you drop in, and what is made of it, is "
        "deleted when you drop in something else or close this page.</p>"
    )


def limits(megabytes: float, minutes: float) -> str:
    """What may be dropped in."""
    return f'<p class="au-hint">Up to {megabytes:g} MB; of a video up to {minutes:g} min at once.</p>'


def hint(text: str) -> str:
    """A sentence in small type."""
    return f'<p class="au-hint">{escape(text)}</p>'


def drawing(svg: str) -> str:
    """A figure; in the dark its colours are turned, its hues stay."""
    return f'<div class="au-drawing au-scroll">{svg[svg.index("<svg") :]}</div>'


def empty(
    title: str = "Drop in a picture or a video.",
    text: str = "The Action Units of every face appear here, with a table and a report to take away.",
) -> str:
    """What stands where results will be."""
    return (
        '<div class="au-empty"><svg viewBox="0 0 64 64" aria-hidden="true"><path d="M20 8H12a4 4 0 0 0-4 4v8'
        "M44 8h8a4 4 0 0 1 4 4v8M20 56h-8a4 4 0 0 1-4-4v-8M44 56h8a4 4 0 0 0 4-4v-8M22 25v4M42 25v4M20 40c6 8"
        ' 18 8 24 0"/></svg>'
        f'<p>{escape(title)}</p><p class="soft">{escape(text)}</p></div>'
    )


def about_source(source: Source) -> str:
    """What was dropped in."""
    facts = [f"{source.size[0]} × {source.size[1]}"]
    if source.info is not None:
        if source.info.duration is not None:
            facts.insert(0, length(source.info.duration))
        if source.info.rate is not None:
            facts.append(f"{float(source.info.rate):.4g} frames/s")
    kind = "Picture" if source.info is None else "Video"
    return (
        f'<div class="au-source"><span class="kind">{kind}</span><b>{escape(source.name)}</b>'
        f'<span class="soft">{" · ".join(facts)}</span></div>'
    )


def problem(text: str) -> str:
    """A sentence about what went wrong."""
    return f'<p class="au-problem" role="alert">{escape(text)}</p>'


def said(text: str) -> str:
    """A sentence about what happened."""
    return f'<p class="au-said" role="status">{escape(text)}</p>'


def progress(ticket: Ticket[Made], ahead: int) -> str:
    """How far an analysis is.

    Args:
        ticket: of the analysis.
        ahead: how many come first.
    """
    share = None if not ticket.total else min(1.0, ticket.done / ticket.total)
    if ticket.stopping:
        said = "Stopping"
    elif ahead:
        said = f"Waiting: {ahead} {'analysis' if ahead == 1 else 'analyses'} before yours"
    elif ticket.done:
        of = f" of {ticket.total:,}" if ticket.total and ticket.total >= ticket.done else ""
        said = f"{ticket.stage} · frame {ticket.done:,}{of}"
        if share is not None and 0.02 < share < 1 and ticket.seconds > 2:
            said += f" · about {length(max(1, round(ticket.seconds * (1 / share - 1))))} left"
    else:
        said = ticket.stage or "Starting"
    value = "" if share is None else f' aria-valuenow="{share:.0%}"'.replace("%", "")
    width = "" if share is None else f' style="width:{share:.1%}"'
    unsure = " unsure" if share is None else ""
    return (
        f'<div class="au-progress"><div class="bar{unsure}" role="progressbar" aria-label="Analysis" '
        f'aria-valuemin="0" aria-valuemax="100"{value}><i{width}></i></div><p>{escape(said)}</p></div>'
    )


def address(token: str, name: str, version: int = 0) -> str:
    """Where a file of a result is."""
    return f"result/{token}/{quote(name)}" + (f"?v={version}" if version else "")


def downloads(token: str, files: Sequence[Download]) -> str:
    """Links to the files of a result."""
    links = "".join(
        f'<a href="{address(token, file.name)}" download="{escape(file.name)}" title="{escape(file.about)}">'
        f"<b>{escape(file.label)}</b><span>{escape(file.about.split(':')[0])}</span></a>"
        for file in files
    )
    return f'<nav class="au-files" aria-label="Files to take away">{links}</nav>'


def mirror(jpeg: bytes, faces: Sequence[FaceResult], labels: Collection[str]) -> str:
    """A drawn picture of the camera."""
    data = base64.b64encode(jpeg).decode("ascii")
    return (
        '<div class="au-picture" id="mirror"><img src="data:image/jpeg;base64,'
        f'{data}" alt="Live picture. {_present(faces, labels) or "No face"}"></div>'
    )


def picture_facts(made: PictureMade, token: str) -> str:
    """What was found in a picture, and its files."""
    faces = len(made.faces)
    found = {0: "No face was found.", 1: "One face."}.get(faces, f"{faces} faces.")
    return _facts(made.source.name, [found], None) + downloads(token, made.downloads)


def overlay(made: PictureMade, token: str, version: int, labels: Collection[str]) -> str:
    """The drawn picture; in words, which of the Action Units `labels` are present."""
    alt = f"{made.source.name}, Action Units present. {_present(made.faces, labels) or 'No face was found'}"
    at = address(token, "overlay.jpg", version)
    return (
        f'<a class="au-picture" href="{at}" target="_blank" title="Open in full size">'
        f'<img src="{at}" alt="{escape(alt)}"></a>'
    )


def au_table(face: FaceResult, aus: AUSet) -> str:
    """The Action Units of a face: probability with the threshold, and the two sides if they are told."""
    sides = '<th scope="col">Right</th><th scope="col">Left</th>' if face.has_side_scores else ""
    rows = "".join(_row(face, AUS[number].label) for number in _present_first(face, aus))
    return (
        '<div class="au-scroll"><table class="au-table"><thead><tr><th scope="col">AU</th>'
        f'<th scope="col">Name</th><th scope="col">Probability</th>{sides}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        + hint(
            "The tick on a bar is the threshold from which on an Action Unit counts as present."
            + (" Right and left are the person’s own." if face.has_side_scores else "")
        )
    )


def evidence(made: PictureMade, token: str, version: int, face: FaceResult) -> str:
    """One face's sheet of evidence."""
    at = address(token, "evidence.jpg", version)
    told = "Where the model looked for each" if face.evidence.attention else "Where each was seen"
    said = (
        "Violet speaks neither for an Action Unit nor against it."
        if face.evidence.attention
        else "Warm colours speak for an Action Unit, cold ones against it; those present have a frame."
    )
    alt = f"{made.source.name}, face {face.face_id}: {told.lower()} of the chosen Action Units"
    return (
        f'<h2 class="au-title">{told}</h2><p class="au-hint">{said}</p><div class="au-scroll au-sheet">'
        f'<img src="{at}" alt="{escape(alt)}"></div>'
    )


def clip_facts(made: ClipMade, token: str) -> str:
    """What was found in a video, and its files."""
    done, people = made.done, len(made.people)
    facts = ["No face was found." if not people else "1 person" if people == 1 else f"{people} people"]
    facts.append(f"{done.frames:,} frames analyzed")
    if people:
        all_of_them = done.with_face == done.frames
        facts.append(f"a face in {'all' if all_of_them else f'{done.with_face:,}'} of them")
    if made.until is not None:
        facts.append(f"up to {length(made.until)}; the video goes on")
    return _facts(made.source.name, facts, done.problem) + downloads(token, made.downloads)


def report(made: ClipMade, token: str) -> str:
    """The report, inside the page."""
    at = address(token, made.done.files["report"])
    return (
        f'<iframe class="au-report" src="{at}" title="Report of {escape(made.source.name)}" '
        'sandbox="allow-scripts"></iframe>'
    )


def film(made: ClipMade, token: str) -> str:
    """The drawn video, if there is one."""
    name = made.done.files.get("overlay")
    if name is None:
        return '<p class="au-hint">Switch on “Draw the video” before the analysis to see it here.</p>'
    return f'<video class="au-film" controls preload="metadata" src="{address(token, name)}"></video>'


def event_table(made: ClipMade, aus: AUSet) -> str:
    """The first events with these Action Units."""
    found = made.events()
    if found is None:
        return '<p class="au-hint">This video has no time stamps, and so no events.</p>'
    found = found[found["au"].isin([*aus.labels, *([BLINK] if SHUT in aus.labels else [])])]
    if found.empty:
        return '<p class="au-hint">No events of the chosen Action Units.</p>'
    rows = "".join(_event(entry) for entry in found.head(_EVENTS).to_dict("records"))
    heads = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("Person", "AU", "Name", "Onset, s", "Apex, s", "Offset, s", "Peak")
    )
    more = len(found) - _EVENTS
    note = hint(
        "‹ and › mark events that were under way when the face appeared or was lost."
        + (f" {more:,} more events are in the file." if more > 0 else "")
    )
    return (
        f'<div class="au-scroll"><table class="au-table events"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{note}"
    )


def _event(event: Mapping[Any, Any]) -> str:
    label = str(event["au"])
    onset = f"{'‹ ' if event['open_start'] else ''}{event['onset']:.2f}"
    offset = f"{event['offset']:.2f}{' ›' if event['open_end'] else ''}"
    return (
        f"<tr><td>{event['face_id']}</td><td><b>{escape(label)}</b></td><td>{_NAMES.get(label, '')}</td>"
        f"<td>{onset}</td><td>{event['apex']:.2f}</td><td>{offset}</td><td>{event['peak_p']:.0%}</td></tr>"
    )


def _facts(name: str, facts: Sequence[str], trouble: str | None) -> str:
    note = "" if trouble is None else problem(f"{trouble[:1].upper()}{trouble[1:]}")
    told = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    return f'<div class="au-facts"><h2>{escape(name)}</h2><ul>{told}</ul></div>{note}'


def _present(faces: Sequence[FaceResult], labels: Collection[str]) -> str:
    """Which of the Action Units are present in which face."""
    told = [[label for label in face.present if label in labels] for face in faces]
    return "; ".join(
        f"face {face.face_id}: {', '.join(found) or 'none'}" for face, found in zip(faces, told, strict=True)
    )


def _present_first(face: FaceResult, aus: AUSet) -> list[int]:
    """Present ones first, in the order of their numbers: a table that is read, and compared with another."""
    return sorted(aus, key=lambda number: not face.occurrence[AUS[number].label])


def _row(face: FaceResult, label: str) -> str:
    share, least = face.probability[label], face.threshold[label]
    present = face.occurrence[label]
    cells = (
        f'<td class="p"><span class="bar"><i style="width:{share:.0%}"></i><s style="left:{least:.0%}"></s>'
        f"</span>{share:.0%}</td>"
    )
    told = sides_of(face, label)
    if told is None and face.has_side_scores:
        cells += "<td></td><td></td>"
    elif told is not None:
        for name, value, lit in (("right", face.right[label], told[0]), ("left", face.left[label], told[1])):
            cells += f'<td><span class="side {name}{" lit" if lit else ""}">{value:.0%}</span></td>'
    mark = ' class="on"' if present else ""
    said = "present" if present else "absent"
    return (
        f'<tr{mark}><td title="{said}"><b>{label}</b></td><td class="name">{escape(_NAMES[label])}</td>'
        f"{cells}</tr>"
    )
