"""What stands around Gradio: who may ask, what a browser may load, files of results."""

import asyncio
import json
from collections.abc import Container
from contextlib import suppress
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aulens.app.request_filter import Bodies, PlainParts, RefusedError, filtered_body, replayed
from aulens.app.sessions import Sessions

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
_FILE: Final = f"{_API}/file="
_HERE: Final = f"{_API}/heartbeat/"
_RESULT: Final = "/result/"
_FRAME: Final = 100_000
"""Bytes around files: their names and types."""
# Gradio would fetch addresses of the web for whoever asks.
_NEVER: Final = (f"{_API}/proxy=", f"{_API}/file/", "/monitoring", f"{_API}/runs", f"{_API}/deep_link")
_OTHER_NAME: Final = (
    "This page does not answer to the name (Host) by which it was asked. Whoever runs it can allow the name: "
    "aulens app --allow-host NAME"
)
_NO_ROOM: Final = "The files of all pages take as much as they may; close other pages, or try again later."
_FOREIGN: Final = (
    "This page takes nothing from another one. If it is shown through another server, let that pass on the "
    "name (Host) by which it was asked."
)


class SecureApp:
    """An ASGI application around Gradio's.

    Args:
        inner: Gradio's.
        sessions: whose files are served.
        hosts: names by which the page may be called, so that no web site can reach it under a name of its
            own (DNS rebinding).
        max_bytes: of one request with files, all of them together.
        max_total_bytes: of all files of all pages.
    """

    def __init__(
        self, inner: ASGIApp, sessions: Sessions, hosts: Container[str], max_bytes: int, max_total_bytes: int
    ) -> None:
        self._inner, self._sessions, self._hosts = inner, sessions, hosts
        self._is_upload = sessions.uploads.is_upload
        self._max_bytes, self._max_total_bytes = max_bytes, max_total_bytes
        self._expected = 0  # bytes of files that are on their way
        self._bodies = Bodies()
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
        if _host(scope) not in self._hosts:
            await PlainTextResponse(_OTHER_NAME, 403)(scope, receive, send)
        elif not _of_this_page(scope):
            await PlainTextResponse(_FOREIGN, 403)(scope, receive, send)
        elif path.startswith(_NEVER) or (
            path.startswith(_FILE) and not self._is_upload(path.removeprefix(_FILE))
        ):
            await PlainTextResponse("There is no such page.", 404)(scope, receive, send)
        elif path.startswith(_FILE):
            await self._upload_shown(path.removeprefix(_FILE), scope, receive, send)
        elif path.startswith(_RESULT):
            await self._result(path.removeprefix(_RESULT), scope, receive, send)
        elif path.startswith(_HERE):
            with self._sessions.here(path.removeprefix(_HERE)):
                await self._page(scope, receive, _with_headers(send, _PAGE_POLICY))
        elif scope["method"] in ("GET", "HEAD"):
            await self._page(scope, receive, _with_headers(send, _PAGE_POLICY))
        elif path == _UPLOAD:
            await asyncio.to_thread(self._sessions.sweep)
            await self._upload(scope, receive, _with_headers(send, _PAGE_POLICY))
        else:
            await self._ask(scope, receive, _with_headers(send, _PAGE_POLICY))

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Gradio's answer to what the page asks, if it names no file but one that was uploaded."""
        try:
            body = await filtered_body(
                scope["path"], receive, self._is_upload, self._bodies, _declared(scope)
            )
        except RefusedError as error:
            await JSONResponse({"detail": error.why}, error.status)(scope, receive, send)
            return
        headers = MutableHeaders(raw=list(scope["headers"]))
        headers["Content-Type"], headers["Content-Length"] = "application/json", str(len(body))
        await self._inner({**scope, "headers": headers.raw}, replayed(body, receive), send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Gradio's answer to files; it names them by what is in them, here each gets a path of its own."""
        declared = _declared(scope) or self._max_bytes  # browsers say it
        if declared > self._max_bytes + _FRAME:
            await PlainTextResponse(_too_much(self._max_bytes), 413)(scope, receive, send)
            return
        if await asyncio.to_thread(self._sessions.held) + self._expected + declared > self._max_total_bytes:
            await PlainTextResponse(_NO_ROOM, 507)(scope, receive, send)
            return
        self._expected += declared
        try:
            await self._arriving(scope, receive, send, declared)
        finally:
            self._expected -= declared

    async def _arriving(self, scope: Scope, receive: Receive, send: Send, declared: int) -> None:
        begun: Message = {}
        body = bytearray()
        received, over = 0, False
        plain = PlainParts(Headers(scope=scope).get("content-type", ""))

        async def counted() -> Message:
            """What comes, to its end or to the limit, where it is closed: what is unfinished Gradio keeps."""
            nonlocal received, over
            message = await receive()
            piece = message.get("body", b"")
            received += len(piece)
            if received > declared + _FRAME or plain.bytes_after(piece) > _FRAME:
                over = True
                return {"type": "http.request", "body": _end(scope), "more_body": False}
            return message

        async def noted(message: Message) -> None:
            nonlocal begun
            if message["type"] != "http.response.body":
                begun = message
                return
            body.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            if over:
                await asyncio.to_thread(self._thrown_away, bytes(body))
                await PlainTextResponse(_too_much(self._max_bytes), 413)(scope, receive, send)
            elif begun["status"] == 200:
                await self._handed_out(bytes(body))(scope, receive, send)
            else:
                await send(begun)
                await send({"type": "http.response.body", "body": bytes(body)})

        headers = MutableHeaders(raw=list(scope["headers"]))
        headers["Accept-Encoding"] = "identity"
        await self._inner({**scope, "headers": headers.raw}, counted, noted)

    def _thrown_away(self, body: bytes) -> None:
        with suppress(OSError, ValueError):
            for path in json.loads(body):
                self._sessions.uploads.refuse(path)

    def _handed_out(self, body: bytes) -> Response:
        try:
            paths = dict.fromkeys(json.loads(body))  # one for all that are the same
            places = {path: self._sessions.uploads.hand_out(path) for path in paths}
            return JSONResponse([places[path] for path in json.loads(body)])
        except (OSError, ValueError):
            return PlainTextResponse("This file did not arrive; drop it in once more.", 503)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Gradio's answer, which ends when all ends."""
        open_end = False

        async def noted(message: Message) -> None:
            nonlocal open_end
            await send(message)
            open_end = message["type"] == "http.response.start" or bool(message.get("more_body"))

        await self._inner(scope, self._until_closing(receive), noted)
        if open_end and self._closing.is_set():
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _upload_shown(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """An upload, to show it in the browser that sent it; nothing once it was taken in."""
        with self._sessions.uploads.shown(path) as place:
            answer = Response(status_code=204) if place is None else FileResponse(place)
            await answer(scope, receive, _with_headers(send, _RESULT_POLICY, store=False))

    async def _result(self, asked: str, scope: Scope, receive: Receive, send: Send) -> None:
        token, _, name = asked.partition("/")
        path = self._sessions.file(token, name)
        if path is None:
            await PlainTextResponse(
                "This file is gone: its page was closed, or something else was analyzed.", 404
            )(scope, receive, send)
            return
        await FileResponse(path)(scope, receive, _with_headers(send, _RESULT_POLICY, store=False))

    def _until_closing(self, receive: Receive) -> Receive:
        """What the browser says; at the end it has hung up."""

        async def wrapped() -> Message:
            message = asyncio.ensure_future(receive())
            over = asyncio.ensure_future(self._closing.wait())
            try:
                await asyncio.wait({message, over}, return_when=asyncio.FIRST_COMPLETED)
                return message.result() if message.done() else {"type": "http.disconnect"}
            finally:
                message.cancel()
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


def _declared(scope: Scope) -> int:
    """Bytes of a request, as it says itself; 0 if it does not."""
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0


def _end(scope: Scope) -> bytes:
    """What ends a request with files."""
    _, _, rest = Headers(scope=scope).get("content-type", "").partition("boundary=")
    boundary = rest.partition(";")[0].strip(' "')
    return f"\r\n--{boundary}--\r\n".encode("latin-1", "replace")


def _too_much(limit: int) -> str:
    return f"These are more than the {limit / 1e6:,.4g} MB that the page takes at once."


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
