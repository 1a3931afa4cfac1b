"""What stands around Gradio: who may ask, what a browser may load, files of results."""

import asyncio
from collections.abc import Iterable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import FileResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aulens.app.visits import Visits

_PAGE_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' "
    "'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; worker-src 'self' blob:; frame-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
"""What a browser may load for the page: nothing from elsewhere. The unsafe ones are Gradio's needs."""

_RESULT_POLICY: Final = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; style-src "
    "'unsafe-inline'; img-src data: blob:; media-src 'self'; frame-ancestors 'self'"
)
_API: Final = "/gradio_api"
_UPLOAD: Final = f"{_API}/upload"
_RESULT: Final = "/result/"
# Gradio would fetch addresses of the web for whoever asks.
_NEVER: Final = (f"{_API}/proxy=", f"{_API}/file=http", "/monitoring", f"{_API}/runs", f"{_API}/deep_link")
_FOREIGN: Final = (
    "This page takes nothing from another one. If it is shown through another server, let that pass on the "
    "name (Host) by which it was asked."
)


class Shell:
    """An ASGI application around Gradio's.

    Args:
        inner: Gradio's.
        visits: whose files are served.
        hosts: names by which the page may be called, so that no web site can reach it under a name of its
            own (DNS rebinding); None: any.
    """

    def __init__(self, inner: ASGIApp, visits: Visits, hosts: Iterable[str] | None) -> None:
        self._inner, self._visits = inner, visits
        self._hosts = None if hosts is None else frozenset(hosts)
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End answers that would last as long as a page is open; to be called where they are given."""
        self._closing.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        path: str = scope["path"]
        if self._hosts is not None and _host(scope) not in self._hosts:
            await PlainTextResponse("This page is for its own computer only.", 403)(scope, receive, send)
        elif not _of_this_page(scope):
            await PlainTextResponse(_FOREIGN, 403)(scope, receive, send)
        elif path.startswith(_NEVER):
            await PlainTextResponse("There is no such page.", 404)(scope, receive, send)
        elif path.startswith(_RESULT):
            await self._result(path.removeprefix(_RESULT), scope, receive, send)
        else:
            if path == _UPLOAD:
                await asyncio.to_thread(self._visits.sweep)
            await self._page(scope, receive, _with_headers(send, _PAGE_POLICY))

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Gradio's answer, which ends when all ends."""
        if scope["method"] != "GET":
            await self._inner(scope, receive, send)
            return
        open_end = False

        async def noted(message: Message) -> None:
            nonlocal open_end
            await send(message)
            open_end = message["type"] == "http.response.start" or bool(message.get("more_body"))

        await self._inner(scope, self._until_closing(receive), noted)
        if open_end and self._closing.is_set():
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _result(self, asked: str, scope: Scope, receive: Receive, send: Send) -> None:
        token, _, name = asked.partition("/")
        path = self._visits.file(token, name)
        if path is None:
            await PlainTextResponse(
                "This file is gone: its page was closed, or something else was analyzed.", 404
            )(scope, receive, send)
            return
        await FileResponse(path)(scope, receive, _with_headers(send, _RESULT_POLICY, store=False))

    def _until_closing(self, receive: Receive) -> Receive:
        """What the browser says; at the end it has hung up."""

        async def wrapped() -> Message:
            said = asyncio.ensure_future(receive())
            over = asyncio.ensure_future(self._closing.wait())
            try:
                await asyncio.wait({said, over}, return_when=asyncio.FIRST_COMPLETED)
                return said.result() if said.done() else {"type": "http.disconnect"}
            finally:
                said.cancel()
                over.cancel()

        return wrapped


def _with_headers(send: Send, policy: str, *, store: bool = True) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = policy
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "no-referrer"
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
            if not store:
                headers["Cache-Control"] = "no-store"
        await send(message)

    return wrapped


def _host(scope: Scope) -> str:
    """The name by which the page was called, without the port."""
    host = Headers(scope=scope).get("host", "")
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]


def _of_this_page(scope: Scope) -> bool:
    """Whether a request comes from this page, or only reads; any web site can make a browser send files here.

    Browsers say it in `Sec-Fetch-Site`, also through a server that goes between; where they don't, `Origin`
    is compared with the name by which the page was called. Programs that are no browsers say neither.
    """
    if scope["method"] in ("GET", "HEAD"):
        return True
    headers = Headers(scope=scope)
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site in ("same-origin", "none")
    return origin is None or origin.partition("://")[2] == headers.get("host", "")
