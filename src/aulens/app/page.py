"""What happens on the page: a file comes in, is analyzed, is shown, and may be cancelled."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import gradio as gr

from aulens.app import panels
from aulens.app.layout import Layout
from aulens.app.line import Line, Stopped
from aulens.app.live import live_work
from aulens.app.settings import AppSettings
from aulens.app.show import Shown, show
from aulens.app.source import look, within
from aulens.app.visits import Visit, Visits, safe_name
from aulens.app.work import clip_work, picture_work
from aulens.commands.sources import seconds
from aulens.errors import AulensError, InputError
from aulens.record import RecordSettings
from aulens.runtime.analyzer import Analyzer

_LOG: Final = logging.getLogger(__name__)
_EACH: Final = 0.25
"""Seconds between two looks at how far an analysis is."""
_WATCH: Final = 0.25
"""Seconds between two pictures of the camera, at least."""
_PATIENCE: Final = 10.0
_BROKEN: Final = (
    "Something went wrong that should not have. The terminal in which `aulens app` runs tells more."
)

_READY: Final = ("Ready.", "Press Analyze; before that, choose a part or each N-th frame if you like.")
_BUSY: Final = ("At work.", "The results appear here.")

Update = dict[Any, Any]
Sent = dict[str, Any]
"""What Gradio tells of an uploaded file: "path", "orig_name", …"""


class Page:
    """The page, one for all visitors.

    Args:
        analyzer: the model and the detector.
        settings: limits.
        visits: who is here.
        line: does the work.

    Attributes:
        blocks: for Gradio.
    """

    def __init__(self, analyzer: Analyzer, settings: AppSettings, visits: Visits, line: Line) -> None:
        self._analyzer, self._settings, self._visits, self._line = analyzer, settings, visits, line
        with gr.Blocks(title="aulens", analytics_enabled=False, fill_width=True) as self.blocks:
            self._on = Layout(analyzer.card, settings)
            self._connect()
            self.blocks.unload(self._left)
        self.blocks.queue(default_concurrency_limit=None)

    def _connect(self) -> None:
        on = self._on
        shown = [on.aus, on.heat]
        results = [
            on.nothing, on.mirror, on.facts, on.picture, on.drawn, on.face, on.scores, on.sheet, on.clip,
            on.report, on.person, on.curves, on.table, on.film_view,
        ]  # fmt: skip
        every = [*results, on.drop, on.snap, on.source, on.options, on.go, on.cancel, on.status]
        quiet: Update = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
        # As it was sent: Gradio's own reading leaves a file behind for each upload.
        on.drop.upload(self._take, [on.drop, *shown], every, preprocess=False, **quiet)
        on.snap.input(self._snapped, [on.snap, *shown], every, preprocess=False, **quiet)
        options = [on.every, on.start, on.stop, on.film]
        on.go.click(self._go, [*options, *shown], every, **quiet)
        on.cancel.click(self._cancel, None, [on.cancel, on.status], queue=False, **quiet)
        on.live.stream(
            self._watch, [on.live, *shown], [on.nothing, on.mirror, on.facts, on.picture, on.clip],
            stream_every=_WATCH, **quiet,
        )  # fmt: skip
        for change in (on.aus.change, on.heat.change, on.face.input, on.person.input):
            change(self._redraw, [*shown, on.face, on.person], results, trigger_mode="always_last", **quiet)

    async def _take(
        self, sent: Sent | None, aus: list[str], heat: bool, request: gr.Request
    ) -> AsyncIterator[Update]:
        """A file was dropped in."""
        if sent is not None:
            name = str(sent.get("orig_name") or Path(sent["path"]).name)
            async for update in self._taken(Path(sent["path"]), name, Shown(aus, heat), request):
                yield update

    async def _snapped(
        self, sent: Sent | None, aus: list[str], heat: bool, request: gr.Request
    ) -> AsyncIterator[Update]:
        """A picture was taken with the camera."""
        if sent is not None:
            path = Path(sent["path"])
            name = f"webcam-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}"
            async for update in self._taken(path, name, Shown(aus, heat), request):
                yield update

    async def _taken(self, path: Path, name: str, shown: Shown, request: gr.Request) -> AsyncIterator[Update]:
        """Look at what came in; a picture is analyzed at once."""
        on, visit, name = self._on, self._visit(request), safe_name(name)
        await self._end(visit)
        yield self._cleared() | {
            on.source: gr.update(visible=False), on.options: gr.update(visible=False),
            on.go: gr.update(visible=False), on.status: panels.said(f"Looking at {name}"),
        }  # fmt: skip
        try:
            place = await asyncio.to_thread(visit.take, path, name)
            visit.source = await asyncio.to_thread(look, place, name)
        except (AulensError, OSError) as error:
            visit.forget()
            yield {on.status: panels.problem(str(error)), on.drop: None, on.snap: None}
            return
        video = visit.source.info is not None
        yield {
            on.drop: None,
            on.snap: None,
            on.status: "",
            on.source: gr.update(value=panels.about_source(visit.source), visible=True),
            on.options: gr.update(visible=video),
            on.go: gr.update(visible=video),
            on.nothing: panels.empty(*_READY) if video else panels.empty(*_BUSY),
        }
        if not video:
            async for update in self._run(visit, RecordSettings(), shown):
                yield update

    async def _go(
        self, every: float, start: str, stop: str, film: bool, aus: list[str], heat: bool, request: gr.Request
    ) -> AsyncIterator[Update]:
        """The button was pressed."""
        visit = self._visit(request)
        await self._end(visit)
        try:
            if visit.source is None:
                raise InputError("Drop in a picture or a video first.")
            settings = RecordSettings(
                every=int(every), start=seconds(start.strip() or None, "From"),
                stop=seconds(stop.strip() or None, "To"), overlay=film, report=True,
            )  # fmt: skip
            if visit.source.info is not None:
                settings = within(visit.source.info, settings, self._settings)
        except AulensError as error:
            yield {self._on.status: panels.problem(str(error))}
            return
        async for update in self._run(visit, settings, Shown(aus, heat)):
            yield update

    async def _run(self, visit: Visit, settings: RecordSettings, shown: Shown) -> AsyncIterator[Update]:
        """Analyze what came in, tell how far it is, and show what was found."""
        on, source = self._on, visit.source
        if source is None:
            return
        make = picture_work(self._analyzer, source)
        if source.info is not None:
            make = clip_work(self._analyzer, source, settings)
        try:
            ticket = visit.begin(make, self._line)
        except InputError as error:
            yield {on.status: panels.problem(str(error))}
            return
        yield self._cleared() | {
            on.go: gr.update(visible=False),
            on.cancel: gr.update(visible=True),
            on.nothing: gr.update(value=panels.empty(*_BUSY), visible=True),
        }
        began, last = time.monotonic(), ""
        try:
            while not ticket.over:
                ahead = self._line.ahead(ticket)
                began = time.monotonic() if ahead else began
                told = panels.progress(ticket, ahead, time.monotonic() - began)
                if told != last:
                    yield {on.status: told}
                last = told
                await asyncio.sleep(_EACH)
        finally:
            if not ticket.over:
                self._line.stop(ticket)
        if visit.ticket is not ticket:
            return  # something else came in meanwhile
        over: Update = {
            on.cancel: gr.update(visible=False),
            on.go: gr.update(visible=source.info is not None),
            on.nothing: panels.empty(*(_READY if source.info is not None else ())),
        }
        try:
            ticket.result()
        except Stopped:
            yield over | {on.status: panels.said("Cancelled; nothing was kept.")}
        except AulensError as error:
            yield over | {on.status: panels.problem(str(error))}
        except OSError as error:
            why = error.strerror or error
            yield over | {on.status: panels.problem(f"The results can't be written: {why}.")}
        except Exception:
            _LOG.exception("an analysis failed")
            yield over | {on.status: panels.problem(_BROKEN)}
        else:
            yield over | {on.status: ""} | await asyncio.to_thread(show, on, visit, shown, new=True)

    def _redraw(
        self, aus: list[str], heat: bool, face: int | None, person: int | None, request: gr.Request
    ) -> Update:
        """Other Action Units, or another face, are to be shown."""
        return show(self._on, self._visit(request), Shown(aus, heat, face, person), new=False)

    def _watch(self, path: str | None, aus: list[str], heat: bool, request: gr.Request) -> Update:
        """A picture of the camera, one of many; those that come while there is other work are left out."""
        on = self._on
        if path is None:
            return {}
        image = self._visits.read_once(Path(path))
        if not self._line.idle:
            return {}
        try:
            ticket = self._line.enter(live_work(self._analyzer, image, Shown(aus, heat)))
            if not ticket.wait(_PATIENCE):
                self._line.stop(ticket)
                return {}
            drawn = ticket.result()
        except AulensError as error:
            return {on.mirror: gr.update(value=panels.problem(str(error)), visible=True)}
        hidden = {part: gr.update(visible=False) for part in (on.nothing, on.facts, on.picture, on.clip)}
        return hidden | {on.mirror: gr.update(value=drawn, visible=True)}

    def _cancel(self, request: gr.Request) -> Update:
        """The work is not wanted any more."""
        ticket = self._visit(request).ticket
        if ticket is not None:
            self._line.stop(ticket)
        return {self._on.status: panels.said("Stopping"), self._on.cancel: gr.update(visible=False)}

    def _left(self, request: gr.Request) -> None:
        """The page was closed or loaded anew."""
        self._visits.leave(str(request.session_hash))

    async def _end(self, visit: Visit) -> None:
        """Stop what is being done for this page, and wait until it is stopped."""
        ticket, visit.ticket = visit.ticket, None
        if ticket is not None:
            self._line.stop(ticket)
            await asyncio.to_thread(ticket.wait, 60)

    def _cleared(self) -> Update:
        """No results."""
        on = self._on
        hidden = {part: gr.update(visible=False) for part in (on.facts, on.picture, on.clip, on.mirror)}
        emptied = dict.fromkeys(
            (on.drawn, on.scores, on.sheet, on.report, on.curves, on.table, on.film_view), ""
        )
        return hidden | emptied | {on.nothing: gr.update(value=panels.empty(), visible=True)}

    def _visit(self, request: gr.Request) -> Visit:
        return self._visits.of(str(request.session_hash))
