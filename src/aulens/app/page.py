"""What happens on the page: a file comes in, is analyzed, is shown, and may be cancelled."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import gradio as gr

from aulens.analysis.analyzer import Analyzer
from aulens.app import panels
from aulens.app.job_queue import JobQueue, Stopped, Ticket
from aulens.app.layout import Layout
from aulens.app.sessions import LOST, Session, Sessions
from aulens.app.settings import AppSettings
from aulens.app.show import Shown, live_work, show
from aulens.app.source import each_nth, probe, unwritten, within
from aulens.app.uploads import safe_name
from aulens.app.work import PageResult, Work, clip_work, picture_work
from aulens.errors import AulensError, InputError
from aulens.inputs import parse_time
from aulens.output import OutputSettings
from aulens.runtime.doubt import DOUBTFUL

_LOG: Final = logging.getLogger(__name__)
_WATCH: Final = 0.25
"""Seconds between two pictures of the camera, at least."""
_PATIENCE: Final = 10.0
_BROKEN: Final = (
    "Something went wrong that should not have. The terminal in which `aulens app` runs says more."
)

_READY: Final = ("Ready.", "Press Analyze; before that, choose a part or each N-th frame if you like.")
_BUSY: Final = ("At work.", "The results appear here.")

Update = dict[Any, Any]
Sent = dict[str, Any]
"""What Gradio says about an uploaded file: "path", "orig_name", …"""


class Page:
    """The page, one for all visitors; `blocks` is what Gradio shows."""

    def __init__(
        self, analyzer: Analyzer, settings: AppSettings, sessions: Sessions, queue: JobQueue
    ) -> None:
        self._analyzer, self._settings, self._sessions, self._queue = analyzer, settings, sessions, queue
        with gr.Blocks(title="aulens", analytics_enabled=False, fill_width=True) as self.blocks:
            self._on = Layout(analyzer.card, settings)
            self._connect()
            self.blocks.unload(self._left)
        self.blocks.queue(default_concurrency_limit=None)

    def _connect(self) -> None:
        """What follows from what.

        Each answer comes with its own request, none through Gradio's queue: the server closes its stream of
        answers when nothing is left to answer, and what a browser asks just then is never answered. Only the
        live camera needs the queue, and a picture of it may be lost.
        """
        on = self._on
        shown = [on.aus, on.heat]
        results = [
            on.stage, on.facts, on.picture, on.drawn, on.face, on.scores, on.sheet, on.clip,
            on.report, on.person, on.curves, on.table, on.film_view,
        ]  # fmt: skip
        every = [*results, on.pulse, on.drop, on.snap, on.source, on.options, on.go, on.cancel, on.status]
        quiet: Update = {"show_progress": "hidden", "api_visibility": "private"}
        asked: Update = {"queue": False, **quiet}
        # As it was sent: Gradio's own reading leaves a file behind for each upload and speaks as Python does.
        as_sent: Update = {"preprocess": False, **asked}
        on.drop.upload(self._dropped, [on.drop, on.mirrored], every, **as_sent)
        on.snap.input(self._snapped, on.snap, every, **as_sent)
        options = [on.every, on.start, on.stop, on.good, on.film, on.mirrored]
        on.go.click(self._pressed, options, every, **as_sent)
        # Not `every`: what is named here is begun anew with each answer, and the camera would never start.
        on.pulse.tick(
            self._tick, shown, [*results, on.pulse, on.options, on.go, on.cancel, on.status], **asked
        )
        on.cancel.click(self._cancel, None, on.cancel, **asked)
        on.live.stream(
            self._watch,
            [on.live, *shown],
            [on.stage, on.facts, on.picture, on.clip],
            stream_every=_WATCH,
            concurrency_limit=None,
            **quiet,
        )
        for change in (on.aus.change, on.heat.change, on.face.input, on.person.input):
            change(self._redraw, [*shown, on.face, on.person], results, trigger_mode="always_last", **asked)

    async def _dropped(self, sent: Sent | None, mirrored: object, request: gr.Request) -> Update:
        """A file was dropped in."""
        return await self._receive(sent, request, mirrored=bool(mirrored))

    async def _snapped(self, sent: Sent | None, request: gr.Request) -> Update:
        """A picture was taken with the camera."""
        return await self._receive(sent, request, f"webcam-{time.strftime('%Y%m%d-%H%M%S')}")

    async def _receive(
        self, sent: Sent | None, request: gr.Request, stem: str | None = None, *, mirrored: bool = False
    ) -> Update:
        """Take a file in, named as it was sent or by `stem`."""
        if not sent or not sent.get("path"):
            return _unchanged()
        path = Path(sent["path"])
        name = safe_name(stem + path.suffix if stem else str(sent.get("orig_name") or path.name))
        return await self._in_turn(request, lambda session: self._take(path, name, session, mirrored))

    async def _in_turn(
        self, request: gr.Request, act: Callable[[Session], Coroutine[None, None, Update]]
    ) -> Update:
        """Do something for a page in place of what is being done for it; one thing after another."""
        try:
            session = self._sessions.of(str(request.session_hash))
        except InputError as error:
            return self._lost(str(error))
        async with session.turn:
            ticket, session.ticket = session.ticket, None
            if ticket is not None:
                self._queue.stop(ticket)
                await asyncio.to_thread(ticket.wait, 60)
            return await act(session)

    async def _take(self, path: Path, name: str, session: Session, mirrored: bool) -> Update:
        """Examine what came in; the analysis of a picture begins at once."""
        on = self._on
        update = self._cleared() | {on.drop: None, on.snap: None, on.source: "", on.status: ""}
        update |= _visible(False, on.options, on.go, on.cancel) | {on.pulse: gr.update(active=False)}
        try:
            place = await asyncio.to_thread(session.take, path, name)
            source = session.source = await asyncio.to_thread(probe, place, name, mirrored)
            update[on.source] = panels.about_source(source)
            if source.info is None:
                return update | self._begin(session, picture_work(self._analyzer, source))
            return update | _visible(True, on.options, on.go) | {on.stage: panels.empty(*_READY)}
        except AulensError as error:
            why = str(error)
        except OSError as error:
            why = f"{name} can't be kept: {error.strerror or type(error).__name__}."
        except Exception:
            _LOG.exception("a file could not be examined")
            why = f"{name} can't be read."
        session.forget()
        return update | {on.status: panels.problem(why)}

    async def _pressed(
        self,
        every: object,
        start: object,
        stop: object,
        good: object,
        film: object,
        mirrored: object,
        request: gr.Request,
    ) -> Update:
        """The analysis of a video is to begin."""

        async def analyze(session: Session) -> Update:
            try:
                source = session.source
                if source is None or source.info is None:
                    raise InputError("Drop in a video first.")
                settings = OutputSettings(
                    frame_step=each_nth(every), start=parse_time(_text(start), "From"),
                    stop=parse_time(_text(stop), "To"), overlay=bool(film), report=True,
                    min_quality=DOUBTFUL if good else None, mirrored=bool(mirrored),
                )  # fmt: skip
                settings = within(source.info, settings, self._settings)
                return self._cleared() | self._begin(session, clip_work(self._analyzer, source, settings))
            except AulensError as error:
                return {self._on.status: panels.problem(str(error))}

        return await self._in_turn(request, analyze)

    def _begin(self, session: Session, work: Work) -> Update:
        """Wait in the queue."""
        on = self._on
        session.begin(work, self._queue)
        shown = _visible(False, on.go) | _visible(True, on.cancel)
        return shown | {on.pulse: gr.update(active=True), on.stage: panels.empty(*_BUSY)}

    async def _tick(self, aus: list[str], heat: bool, request: gr.Request) -> Update:
        """Say how far the work is, or show what came of it."""
        session = self._sessions.known(str(request.session_hash))
        if session is None:
            return self._lost(LOST)
        ticket = session.ticket
        if session.turn.locked():
            return _unchanged()  # something else comes in
        if ticket is None:
            return self._idle(session)
        if not ticket.over:
            return {self._on.status: panels.progress(ticket, self._queue.ahead(ticket))}
        over = await self._settled(session, ticket, Shown(aus, heat))
        return over if session.ticket is ticket else _unchanged()

    def _idle(self, session: Session) -> Update:
        """Nothing is being done."""
        on, video = self._on, session.source is not None and session.source.info is not None
        shown = _visible(False, on.cancel) | _visible(video, on.go)
        return shown | {on.pulse: gr.update(active=False), on.stage: panels.empty(*_READY if video else ())}

    def _lost(self, why: str) -> Update:
        """The session is over and its files are gone, but its page is still there."""
        on = self._on
        hidden = self._cleared() | _visible(False, on.options, on.go, on.cancel)
        return hidden | {on.pulse: gr.update(active=False), on.status: panels.problem(why)}

    async def _settled(self, session: Session, ticket: Ticket[PageResult], shown: Shown) -> Update:
        """What came of it."""
        on, over = self._on, self._idle(session)
        try:
            ticket.result()
            return over | {on.status: ""} | await asyncio.to_thread(show, on, session, shown, new=True)
        except Stopped:
            return over | {on.status: panels.said("Cancelled; nothing was kept.")}
        except AulensError as error:
            why = str(error)
        except OSError as error:
            why = unwritten(error, session.folder)
        except Exception:
            _LOG.exception("an analysis failed")
            why = _BROKEN
        return over | {on.status: panels.problem(why)}

    def _redraw(
        self, aus: list[str], heat: bool, face: int | None, person: int | None, request: gr.Request
    ) -> Update:
        """Other Action Units, or another face, are to be shown."""
        try:
            session = self._sessions.of(str(request.session_hash))
            return show(self._on, session, Shown(aus, heat, face, person), new=False) or _unchanged()
        except InputError as error:
            return self._cleared() | {self._on.stage: panels.problem(str(error))}
        except OSError as error:
            return {self._on.stage: panels.problem(unwritten(error, session.folder))}

    def _watch(self, path: str | None, aus: list[str], heat: bool, request: gr.Request) -> Update:
        """A picture of the camera, one of many; those that come while there is other work are left out."""
        on = self._on
        try:
            image = None if path is None else self._sessions.uploads.read_once(Path(path))
            if image is None or not self._queue.idle:
                return _unchanged()
            ticket = self._queue.enter(live_work(self._analyzer, image, Shown(aus, heat)))
            if not ticket.wait(_PATIENCE):
                self._queue.stop(ticket)
                return _unchanged()
            return {on.stage: ticket.result(), on.facts: ""} | _visible(False, on.picture, on.clip)
        except Stopped:
            return _unchanged()
        except AulensError as error:
            return {on.stage: panels.problem(str(error))}

    def _cancel(self, request: gr.Request) -> Update:
        """The work is not wanted any more."""
        session = self._sessions.known(str(request.session_hash))
        if session is not None and session.ticket is not None:
            self._queue.stop(session.ticket)
        return _visible(False, self._on.cancel)  # the pulse says the rest

    def _left(self, request: gr.Request) -> None:
        """The page was closed or loaded anew."""
        self._sessions.leave(str(request.session_hash))

    def _cleared(self) -> Update:
        """No results."""
        on = self._on
        picture, clip = (on.drawn, on.scores, on.sheet), (on.report, on.curves, on.table, on.film_view)
        empty: Update = dict.fromkeys((on.facts, *picture, *clip), "")
        return empty | _visible(False, on.picture, on.clip) | {on.stage: panels.empty()}


def _text(sent: object) -> str | None:
    """What stands in a field; None if nothing does."""
    return None if sent is None else str(sent).strip() or None


def _visible(visible: bool, *parts: gr.blocks.Block) -> Update:
    return {part: gr.update(visible=visible) for part in parts}


def _unchanged() -> Update:
    return dict(gr.skip())
