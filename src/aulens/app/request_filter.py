"""What a browser sends, besides files: read whole and checked before Gradio gets any of it."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.types import Message, Receive

_API: Final = "/gradio_api"
_MAX_BYTES: Final = 8_000_000
"""Bytes: a picture of the camera is in it when live; files come another way."""
_MAX_PLAIN: Final = 10_000
_MAX_VALUES: Final = 10_000
_MAX_NAME: Final = 100
_MAX_AT_ONCE: Final = 64_000_000
_KEPT: Final = ("fn_index", "session_hash", "trigger_id", "event_id")
_WITH_DATA: Final = re.compile(rf"{_API}/(queue/join|run/predict|stream/[\w-]+)")
_PICTURE: Final = re.compile(r"data:image/(jpeg|png|webp);base64,[A-Za-z0-9+/]*={0,2}")
_WITHOUT: Final = re.compile(rf"{_API}/(cancel|reset|stream/[\w-]+/close)")


class RefusedError(Exception):
    """What was sent is not for Gradio.

    Args:
        status: of the answer.
        why: a sentence.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


class Bodies:
    """What is held of all requests that are being read."""

    def __init__(self) -> None:
        self._held = 0

    @contextmanager
    def reading(self, limit: int) -> Iterator[Callable[[int], None]]:
        """Gives what is to be called with the length of each piece that came, before it is kept.

        Raises:
            RefusedError: then: the request is larger than `limit` bytes, or there are too many large ones.
        """
        mine = 0

        def take(size: int) -> None:
            nonlocal mine
            mine, self._held = mine + size, self._held + size
            if mine > limit:
                raise RefusedError(413, "This is too much.")
            if self._held > _MAX_AT_ONCE:
                raise RefusedError(503, "Too much comes at once; try again in a while.")

        try:
            yield take
        finally:
            self._held -= mine


class PlainParts:
    """Counts what a request with files holds besides them: Gradio would keep it in memory, and needs none.

    Args:
        content_type: of the request.
    """

    def __init__(self, content_type: str) -> None:
        self._count, self._is_file, self._name, self._value = 0, False, b"", b""
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"-")
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._field,
                "on_header_value": self._text,
                "on_header_end": self._end,
                "on_part_data": self._data,
            },
        )

    def bytes_after(self, piece: bytes) -> int:
        """How many bytes there were so far, with the next piece of the request."""
        with suppress(FormParserError):  # Gradio says what is wrong with it
            self._parser.write(piece)
        return self._count

    def _begin(self) -> None:
        self._is_file = False

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _text(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._is_file = b"filename" in parse_options_header(self._value)[1]
        self._name = self._value = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        if not self._is_file:
            self._count += end - start


async def filtered_body(
    path: str, receive: Receive, is_upload: Callable[[str], bool], bodies: Bodies, declared: int = 0
) -> bytes:
    """The body of a request, as Gradio may have it.

    Args:
        path: what is asked; of Gradio's many ways to ask, only those that the page uses are open.
        receive: gives the body.
        is_upload: whether a path was given to a browser for a file that it uploaded.
        bodies: of all requests.
        declared: its length, as the browser says.

    Raises:
        RefusedError: it may not have it.
    """
    with_data = _WITH_DATA.fullmatch(path) is not None
    if not with_data and not _WITHOUT.fullmatch(path):
        raise RefusedError(404, "There is no such page.")
    limit = _MAX_BYTES if with_data else _MAX_PLAIN
    if declared > limit:
        raise RefusedError(413, "This is too much.")
    with bodies.reading(limit) as take:
        body = await _whole(receive, take)
    return _checked(body, is_upload) if with_data else body


def replayed(body: bytes, receive: Receive) -> Receive:
    """The same request, whose body is this."""
    first = True

    async def wrapped() -> Message:
        nonlocal first
        if not first:
            return await receive()
        first = False
        return {"type": "http.request", "body": body, "more_body": False}

    return wrapped


async def _whole(receive: Receive, take: Callable[[int], None]) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise RefusedError(400, "This was not sent to its end.")
        piece = message.get("body", b"")
        take(len(piece))
        body += piece
        if not message.get("more_body", False):
            return bytes(body)


def _checked(body: bytes, is_upload: Callable[[str], bool]) -> bytes:
    """Written anew, so that nobody can read it in another way than we did."""
    if sum(map(body.count, (b",", b"[", b"{"))) > _MAX_VALUES:  # each takes far more memory than a comma
        raise RefusedError(400, "This is nothing that the page asks.")
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "This is no JSON.") from error
    if not isinstance(asked, dict) or not isinstance(asked.get("data"), list):
        raise RefusedError(400, "This is nothing that the page asks.")
    kept = {name: asked[name] for name in _KEPT if name in asked}
    if not all(
        isinstance(value, int | str | None) and len(str(value)) <= _MAX_NAME for value in kept.values()
    ):
        raise RefusedError(400, "This is nothing that the page asks.")
    return json.dumps(kept | {"data": [_value(each, is_upload) for each in asked["data"]]}).encode()


def _value(value: Any, is_upload: Callable[[str], bool]) -> Any:
    """A file, a picture, a choice or something plain; Gradio copies and opens any path in an object."""
    if isinstance(value, list) and any(isinstance(each, list | dict) for each in value):
        raise RefusedError(400, "This is nothing that the page asks.")
    if not isinstance(value, dict):
        return value
    path, name, url = value.get("path"), value.get("orig_name"), value.get("url")
    if path is None and isinstance(url, str) and _PICTURE.fullmatch(url):
        return {"url": url}
    if not isinstance(path, str) or not is_upload(path):
        raise RefusedError(400, "This file did not arrive; drop it in once more.")
    return {
        "path": path,
        "orig_name": name if isinstance(name, str) else None,
        "meta": {"_type": "gradio.FileData"},
    }
