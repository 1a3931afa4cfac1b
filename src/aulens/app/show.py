"""Results on the page: of a picture, a video or the camera, with the Action Units that are wanted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from aulens.analysis.analyzer import Analyzer
from aulens.app import panels
from aulens.app.job_queue import Ticket
from aulens.app.layout import Layout
from aulens.app.sessions import Session
from aulens.app.work import ClipResult, PictureResult, only
from aulens.aus import AUSet
from aulens.image import encode_jpeg
from aulens.runtime.card import ModelCard
from aulens.show import draw_overlay

_NONE: Final = "Choose at least one Action Unit."
_LIVE_QUALITY: Final = 80


@dataclass(frozen=True)
class Shown:
    """What a visitor wants to see: which AUs, evidence over the picture, a face or person of several."""

    labels: Sequence[str]
    heat: bool
    face: int | None = None
    person: int | None = None

    def aus(self, card: ModelCard) -> AUSet | None:
        """The AUs in the model's order; None if there is none."""
        numbers = tuple(
            number for number, label in zip(card.aus, card.aus.labels, strict=True) if label in self.labels
        )
        return AUSet("shown", numbers) if numbers else None


def show(on: Layout, session: Session, shown: Shown, *, new: bool) -> dict[Any, Any]:
    """What to change on the page of a session; nothing if nothing was made for it.

    Args:
        on: the page.
        session: whose results.
        shown: what they want to see.
        new: the results just came; else only what is drawn changes.
    """
    made = session.result
    try:
        if isinstance(made, PictureResult):
            return _picture(on, session, made, shown, new)
        if isinstance(made, ClipResult):
            return _clip(on, session, made, shown, new)
    except FileNotFoundError:
        pass  # something else came in while this was drawn
    return {}


def live_work(analyzer: Analyzer, image: NDArray[np.uint8], shown: Shown) -> Callable[[Ticket[str]], str]:
    """Analyze a picture (H, W, 3) uint8 RGB of the camera and draw it as HTML: shown, and forgotten."""

    def work(ticket: Ticket[str]) -> str:
        results = analyzer(image)
        ticket.check()
        aus = shown.aus(analyzer.card)
        labels = () if aus is None else aus.labels
        faces = only(results, labels)
        drawn = encode_jpeg(draw_overlay(image, faces, evidence=shown.heat), _LIVE_QUALITY)
        return panels.mirror(drawn, faces, labels)

    return work


def _picture(on: Layout, session: Session, made: PictureResult, shown: Shown, new: bool) -> dict[Any, Any]:
    aus = shown.aus(made.card)
    face_id = min(shown.face or 0, max(0, len(made.faces) - 1))
    made.draw(aus, face_id, evidence=shown.heat)
    session.version += 1
    update: dict[Any, Any] = {
        on.drawn: panels.overlay(made, session.token, session.version, shown.labels),
        on.scores: "",
        on.sheet: "",
    }
    if made.faces and aus is not None:
        face = made.faces[face_id]
        update[on.scores] = panels.au_table(face, aus)
        update[on.sheet] = panels.evidence(made, session.token, session.version, face)
    elif made.faces:
        update[on.scores] = panels.hint(_NONE)
    if new:
        faces = [(f"Face {face.face_id}", face.face_id) for face in made.faces]
        update |= {
            on.stage: "",
            on.facts: panels.picture_facts(made, session.token),
            on.picture: gr.update(visible=True),
            on.face: gr.update(choices=faces, value=face_id, visible=len(faces) > 1),
        }
    return update


def _clip(on: Layout, session: Session, made: ClipResult, shown: Shown, new: bool) -> dict[Any, Any]:
    aus, people = shown.aus(made.card), made.people
    person = shown.person if shown.person in people else (people[0] if people else None)
    update: dict[Any, Any] = {on.curves: panels.hint("No face was found."), on.table: ""}
    if aus is None:
        update = dict.fromkeys((on.curves, on.table), panels.hint(_NONE))
    elif person is not None:
        update = {on.curves: panels.drawing(made.draw(aus, person)), on.table: panels.event_table(made, aus)}
    if new:
        choices = [(f"Person {number}", number) for number in people]
        update |= {
            on.stage: "",
            on.facts: panels.clip_facts(made, session.token),
            on.clip: gr.update(visible=True),
            on.report: panels.report(made, session.token),
            on.person: gr.update(choices=choices, value=person, visible=len(choices) > 1),
            on.film_view: panels.film(made, session.token),
        }
    return update
