"""What stands around Gradio: no name of another site, no way out, files only for who knows their address."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="gradio is not installed (extra: app)")

from aulens.app.request_filter import Bodies, RefusedError
from aulens.app.security import SecureApp
from aulens.app.settings import AppSettings, hosts_of

TOKEN = "t0ken"
UPLOADED = "/uploads/t1/a.png"
LIVE = "data:image/jpeg;base64,/9j+YQ=="
JOIN = "/gradio_api/queue/join"


class OneFile:
    """Stands for `Sessions`."""

    def __init__(self, path: Path) -> None:
        self.path, self.swept, self.bytes = path, 0, 0
        self.uploads = self
        self.gone: list[str] = []
        self.open: list[str] = []

    def held(self) -> int:
        return self.bytes

    def refuse(self, path: str) -> None:
        self.gone.append(path)

    @contextmanager
    def here(self, key: str) -> Iterator[None]:
        self.open.append(key)
        yield
        self.open.remove(key)

    def sweep(self) -> None:
        self.swept += 1

    def is_upload(self, path: str) -> bool:
        return path == UPLOADED

    def hand_out(self, path: str) -> str:
        if path == "gone":
            raise FileNotFoundError
        return f"own/{path}"

    @contextmanager
    def shown(self, path: str) -> Iterator[Path | None]:
        yield self.path if self.path.exists() else None

    def file(self, token: str, name: str) -> Path | None:
        return self.path if (token, name) == (TOKEN, self.path.name) else None


async def inner(scope, receive, send) -> None:
    """Stands for Gradio: a page, paths of uploads, and of all else what it was sent."""
    answer = [b"the page"]
    if scope["method"] == "POST":
        sent = (await receive())["body"]
        answer = [b'["sum/a.png", ', b'"sum/b.png"]'] if scope["path"] == "/gradio_api/upload" else [sent]
        assert (
            scope["path"] == "/gradio_api/upload"
            or (b"content-length", b"%d" % len(sent)) in scope["headers"]
        )
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    for part in answer[:-1]:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": answer[-1]})


def get(
    secured: SecureApp, path: str, host: str = "127.0.0.1:7860", method: str = "GET", **more: str
) -> tuple[int, dict[str, str], bytes]:
    """The answer to a request with more headers, whose names have "_" for "-"."""
    return ask(secured, path, b"", host, method, **more)


def ask(
    secured: SecureApp,
    path: str,
    body: bytes,
    host: str = "127.0.0.1:7860",
    method: str = "POST",
    **more: str,
) -> tuple[int, dict[str, str], bytes]:
    """The same for a request with a body, which comes in two pieces."""
    answer: list[dict] = []
    pieces = [body[:9], body[9:]]

    async def receive() -> dict:
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}
        await asyncio.Event().wait()  # nobody hangs up
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        answer.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [
            (b"host", host.encode()),
            *((name.replace("_", "-").encode(), value.encode()) for name, value in more.items()),
        ],
    }  # fmt: skip
    asyncio.run(secured(scope, receive, send))
    headers = {name.decode().lower(): value.decode() for name, value in answer[0]["headers"]}
    return answer[0]["status"], headers, b"".join(part.get("body", b"") for part in answer[1:])


def secure(files: OneFile, settings: AppSettings, app=inner) -> SecureApp:
    return SecureApp(app, files, hosts_of(settings), settings.max_bytes, settings.max_total_bytes)  # type: ignore[arg-type]


@pytest.fixture
def secured(tmp_path: Path) -> SecureApp:
    path = tmp_path / "Zoë 1.html"
    path.write_text("<p>report")
    return secure(OneFile(path), AppSettings())


@pytest.fixture
def lent(tmp_path: Path) -> SecureApp:
    """For whoever can reach this computer, and through a server before it."""
    return secure(OneFile(tmp_path), AppSettings(host="0.0.0.0", allow_hosts=("aus.example",)))


def test_the_page_may_load_from_here_only(secured: SecureApp) -> None:
    status, headers, body = get(secured, "/")
    assert (status, body) == (200, b"the page")
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert "http" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:7860", "", "[::2]:7860"])
def test_another_name_is_refused(secured: SecureApp, host: str) -> None:
    status, _, body = get(secured, "/", host)
    assert status == 403
    assert body.startswith(b"This page does not answer to the name (Host) by which it was asked.")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:7860", "localhost:1", "LocalHost", "[::1]:7860"])
def test_its_own_names_are_fine(secured: SecureApp, host: str) -> None:
    assert get(secured, "/", host)[0] == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [("192.168.1.20:7860", 200), ("[fe80::1]:7860", 200), (socket.gethostname(), 200), ("aus.example", 200),
     ("evil.example:7860", 403), ("192.168.1.20.evil.example", 403), ("aus.example.evil", 403), ("", 403)],
)  # fmt: skip
def test_who_lends_it_to_a_network_keeps_foreign_names_out_too(
    lent: SecureApp, secured: SecureApp, host: str, status: int
) -> None:
    """An address can't be given to another machine; a web site's name can."""
    assert get(lent, "/", host)[0] == status
    assert get(secured, "/", host)[0] == 403


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/file=http://web.example/x", "/gradio_api/file=https://a", "/gradio_api/proxy=http://a",
     "/gradio_api/file=/etc/passwd", f"/gradio_api/file={UPLOADED}/../b.png", "/gradio_api/file/etc/passwd",
     "/monitoring/summary", "/result/t0ken/other.html", "/result/guess/Zoë 1.html",
     "/result/", "/result/t0ken"],
)  # fmt: skip
def test_what_is_not_there(secured: SecureApp, path: str) -> None:
    assert get(secured, path)[0] == 404


def test_a_result_is_sandboxed_and_not_stored(secured: SecureApp) -> None:
    status, headers, body = get(secured, f"/result/{TOKEN}/Zoë 1.html")
    assert (status, body) == (200, b"<p>report")
    assert headers["content-security-policy"].startswith("sandbox allow-scripts allow-downloads; ")
    assert "allow-same-origin" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


FOREIGN = [
    {"origin": "https://evil.example", "sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "cross-site"},
    {"origin": "http://127.0.0.1:7860.evil.example"},
    {"origin": "http://127.0.0.1:8000", "sec_fetch_site": "same-site"},  # another page of this computer
    {"origin": "http://127.0.0.1:8000"},
    {"origin": "null"},
]
OWN = [
    {"origin": "http://127.0.0.1:7860", "sec_fetch_site": "same-origin"},
    {"origin": "http://127.0.0.1:7860"},  # an old browser
    {},  # no browser
]


@pytest.mark.parametrize("said", FOREIGN, ids=str)
def test_no_web_site_can_send_anything(secured: SecureApp, lent: SecureApp, said: dict[str, str]) -> None:
    for each in (secured, lent):
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            status, _, body = get(each, "/gradio_api/upload", method=method, **said)
            assert (status, body[:42]) == (403, b"This page takes nothing from another one. ")
        assert each._sessions.swept == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("said", OWN, ids=str)
def test_its_own_page_can_send_and_old_uploads_go(
    secured: SecureApp, lent: SecureApp, said: dict[str, str]
) -> None:
    for each in (secured, lent):
        status, _, body = get(each, "/gradio_api/upload", method="POST", **said)
        assert (status, json.loads(body)) == (200, ["own/sum/a.png", "own/sum/b.png"])
        assert each._sessions.swept == 1  # type: ignore[attr-defined]


def test_a_link_to_it_and_a_server_before_it_work(secured: SecureApp, lent: SecureApp) -> None:
    assert get(secured, "/", sec_fetch_site="cross-site")[0] == 200
    said = {"origin": "https://aus.example", "sec_fetch_site": "same-origin"}
    assert ask(lent, JOIN, b'{"data": []}', "aus.example", **said)[0] == 200


def file(path: object, **more: object) -> dict[str, object]:
    return {"path": path, "orig_name": "a.png", "meta": {"_type": "gradio.FileData"}} | more


ASKED = [JOIN, "/gradio_api/run/predict", "/gradio_api/stream/e1-2_3"]


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize(
    "sent",
    [
        file("/etc/passwd"), file("C:\\secret.png"), file("../secret.png"), file(""), file(None),
        file(f"{UPLOADED}/../../t2/b.png"), file("/uploads/./t1/a.png"),
        file("/uploads/t1/../t1/a.png"), file([UPLOADED]), file("http://web.example/a.png"),
        file("file:///etc/passwd"), file("/etc/passwd", is_stream=True), {"path": "/etc/passwd"},
        {"url": "http://web.example/a.png"}, {"no": "path"}, {"url": "data:text/html;base64,YQ=="},
        {"url": "/etc/passwd"}, {"url": "file:///etc/passwd"}, {"url": LIVE, "path": "/etc/passwd"},
        {"video": file("/etc/passwd"), "subtitles": None}, {"value": file("/etc/passwd")},
        [file("/etc/passwd")], [file(UPLOADED)], [["AU12"]], {"image": {"path": UPLOADED}},
    ],
    ids=str,
)  # fmt: skip
def test_no_path_but_an_uploads_reaches_gradio(secured: SecureApp, path: str, sent: object) -> None:
    for data in ([sent], [None, True, sent]):
        body = json.dumps({"data": data, "fn_index": 0, "session_hash": "s"}).encode()
        assert ask(secured, path, body)[0] == 400
        assert ask(secured, path, json.dumps(data).encode())[0] == 400


@pytest.mark.parametrize("path", ASKED)
def test_what_the_page_sends_reaches_gradio_and_nothing_besides(secured: SecureApp, path: str) -> None:
    plain = [{"url": LIVE}, ["AU1", "AU12"], True, None, 3, "0:01"]
    asked = {"data": [file(UPLOADED), *plain], "fn_index": 0, "session_hash": "s", "trigger_id": None}
    more = {"event_data": file("/etc/passwd"), "batched": True, "request": {"path": "/etc/passwd"}}
    sent = asked | more | {"data": [file(UPLOADED, url="http://web.example/a", is_stream=True), *plain]}
    status, _, body = ask(secured, path, json.dumps(sent).encode())
    assert (status, json.loads(body)) == (200, asked)


def test_what_can_be_read_in_two_ways_is_read_in_one(secured: SecureApp) -> None:
    for first, last, status in ((UPLOADED, "/etc/passwd", 400), ("/etc/passwd", UPLOADED, 200)):
        data = f'"data": [{{"path": "{first}", "path": "{last}"}}]'
        text = f'{{"data": [{{"path": "{first}"}}], {data}}}'
        answer = ask(secured, JOIN, text.encode())
        assert answer[0] == status
        assert b"passwd" not in answer[2]
    body = json.dumps({"data": [file("/etc/passwd")]}).encode("utf-16")
    assert ask(secured, JOIN, body)[0] == 400


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"data": {}}', b"[" * 100_000, b"\xff", b"a=b"]
)
def test_what_is_nothing_is_refused(secured: SecureApp, body: bytes) -> None:
    assert ask(secured, JOIN, body)[0] == 400


@pytest.mark.parametrize(("path", "most"), [(JOIN, 8_000_000), ("/gradio_api/reset", 10_000)])
def test_what_is_too_much_is_refused(secured: SecureApp, path: str, most: int) -> None:
    assert ask(secured, path, b" " * (most + 1))[0] == 413
    # One that says so is not read at all.
    assert ask(secured, path, b"", content_length=str(most + 1))[0] == 413


def test_many_large_ones_are_not_held_at_once() -> None:
    bodies, held = Bodies(), ExitStack()
    with held:
        for _ in range(8):
            held.enter_context(bodies.reading(8_000_000))(8_000_000)
        with pytest.raises(RefusedError, match="try again"), bodies.reading(8_000_000) as take:
            take(1)
    with bodies.reading(8_000_000) as take:
        take(8_000_000)


@pytest.mark.parametrize("value", [[[]] * 20_000, [0] * 20_000, {str(i): {} for i in range(20_000)}])
def test_what_takes_more_memory_than_it_seems_is_refused(secured: SecureApp, value: object) -> None:
    assert ask(secured, JOIN, json.dumps({"data": [value]}).encode())[0] == 400
    for name in ("session_hash", "event_id", "trigger_id", "fn_index"):
        assert ask(secured, JOIN, json.dumps({"data": [], name: value}).encode())[0] == 400
        assert ask(secured, JOIN, json.dumps({"data": [], name: "a" * 101}).encode())[0] == 400


UPLOAD = "/gradio_api/upload"


async def reads(scope, receive, send) -> None:
    """Stands for Gradio: takes all that comes, and tells where it is."""
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    await inner(scope, _nothing, send)


async def _nothing() -> dict:
    return {"body": b""}


def test_all_files_of_a_request_count_together(tmp_path: Path) -> None:
    files = OneFile(tmp_path)
    small = secure(files, AppSettings(max_megabytes=1), reads)
    assert ask(small, UPLOAD, b"x" * 1_000_000)[0] == 200
    assert files.gone == []
    status, _, body = ask(small, UPLOAD, b"x" * 1_200_000)  # it did not say how long it is
    assert (status, body) == (413, b"These are more than the 1 MB that the page takes at once.")
    assert files.gone == ["sum/a.png", "sum/b.png"]
    assert ask(small, UPLOAD, b"", content_length="1200000")[0] == 413
    assert files.gone == ["sum/a.png", "sum/b.png"]


def test_what_is_no_file_is_not_held(tmp_path: Path) -> None:
    """Gradio keeps the fields of a form in memory, whatever their size; the page sends none."""
    files, kind = OneFile(tmp_path), "multipart/form-data; boundary=part"
    secured = secure(files, AppSettings(), reads)
    heads = {
        200: b'--part\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n',
        413: b'--part\r\nX: filename=a\r\nContent-Disposition: form-data; name="files"\r\n\r\n',
    }
    for status, head in heads.items():
        for size, expected in ((90_000, 200), (200_000, status)):
            body = head + b"x" * size + b"\r\n--part--\r\n"
            assert ask(secured, UPLOAD, body, content_type=kind)[0] == expected


def test_files_of_all_pages_count_together(tmp_path: Path) -> None:
    files = OneFile(tmp_path)
    small = secure(files, AppSettings(max_megabytes=1, max_total_megabytes=3), reads)
    files.bytes = 2_000_000
    assert ask(small, UPLOAD, b"x" * 900_000, content_length="900000")[0] == 200
    files.bytes = 2_200_000
    status, _, body = ask(small, UPLOAD, b"x" * 900_000, content_length="900000")
    assert status == 507
    assert body.startswith(b"The files of all pages take as much as they may; close other pages")


def test_files_that_are_on_their_way_count(tmp_path: Path) -> None:
    """Two that begin at once can't both have the last of the room."""
    files = OneFile(tmp_path)
    found = []

    async def first(scope, receive, send) -> None:
        found.append(await asyncio.to_thread(ask, small, UPLOAD, b"x" * 600_000, content_length="600000"))
        await inner(scope, _nothing, send)

    small = secure(files, AppSettings(max_megabytes=1, max_total_megabytes=1), first)
    assert ask(small, UPLOAD, b"x" * 600_000, content_length="600000")[0] == 200
    assert found[0][0] == 507


def test_a_page_that_is_open_is_known(tmp_path: Path) -> None:
    files = OneFile(tmp_path)

    async def page(scope, receive, send) -> None:
        assert files.open == ["abc"]
        await inner(scope, receive, send)

    assert get(secure(files, AppSettings(), page), "/gradio_api/heartbeat/abc")[0] == 200
    assert files.open == []


@pytest.mark.parametrize(
    "path",
    ["call/predict", "call/v2/predict", "api/predict", "run/dropped", "run/predict/", "component_server",
     "process_recording", "vibe-edit", "run-history/connect", "queue/join/", "queue//join", "stream/a/b",
     "upload/"],
)  # fmt: skip
def test_other_ways_to_ask_gradio_are_closed(secured: SecureApp, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert ask(secured, f"/gradio_api/{path}", b'{"data": []}', method=method)[0] == 404
    assert get(secured, "/login", method="POST")[0] == 404


@pytest.mark.parametrize("path", ["cancel", "reset", "stream/e1-2_3/close"])
def test_what_names_no_file_passes(secured: SecureApp, path: str) -> None:
    body = b'{"session_hash": "s", "fn_index": 1, "event_id": "e"}'
    assert ask(secured, f"/gradio_api/{path}", body)[::2] == (200, body)


def test_who_uploaded_it_can_see_it(secured: SecureApp) -> None:
    asked = f"/gradio_api/file={UPLOADED}"
    assert get(secured, asked)[0] == 200
    secured._sessions.path.unlink()  # taken in meanwhile: no error in the browser, nor in the terminal
    assert get(secured, asked)[0] == 204
