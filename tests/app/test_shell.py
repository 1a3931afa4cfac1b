"""What stands around Gradio: no name of another site, no way out, files only for who knows their address."""

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="gradio is not installed (extra: app)")

from aulens.app.shell import Shell

TOKEN = "t0ken"


class OneFile:
    """Stands for `Visits`."""

    def __init__(self, path: Path) -> None:
        self.path, self.swept = path, 0

    def sweep(self) -> None:
        self.swept += 1

    def file(self, token: str, name: str) -> Path | None:
        return self.path if (token, name) == (TOKEN, self.path.name) else None


async def inner(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"the page"})


def get(
    shell: Shell, path: str, host: str = "127.0.0.1:7860", method: str = "GET", **more: str
) -> tuple[int, dict[str, str], bytes]:
    """The answer to a request with more headers, whose names have "_" for "-"."""
    answer: list[dict] = []

    async def receive() -> dict:
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
    asyncio.run(shell(scope, receive, send))
    headers = {name.decode().lower(): value.decode() for name, value in answer[0]["headers"]}
    return answer[0]["status"], headers, b"".join(part.get("body", b"") for part in answer[1:])


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    path = tmp_path / "Zoë 1.html"
    path.write_text("<p>report")
    return Shell(inner, OneFile(path), ("127.0.0.1", "localhost", "[::1]"))  # type: ignore[arg-type]


@pytest.fixture
def lent(tmp_path: Path) -> Shell:
    """For whoever can reach it, by any name."""
    return Shell(inner, OneFile(tmp_path), None)  # type: ignore[arg-type]


def test_the_page_may_load_from_here_only(shell: Shell) -> None:
    status, headers, body = get(shell, "/")
    assert (status, body) == (200, b"the page")
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert "http" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:7860", "", "[::2]:7860"])
def test_another_name_is_refused(shell: Shell, host: str) -> None:
    status, _, body = get(shell, "/", host)
    assert (status, body) == (403, b"This page is for its own computer only.")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:7860", "localhost:1", "[::1]:7860"])
def test_its_own_names_are_fine(shell: Shell, host: str) -> None:
    assert get(shell, "/", host)[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/file=http://web.example/x", "/gradio_api/file=https://a", "/gradio_api/proxy=http://a",
     "/monitoring/summary", "/result/t0ken/other.html", "/result/guess/Zoë 1.html",
     "/result/", "/result/t0ken"],
)  # fmt: skip
def test_what_is_not_there(shell: Shell, path: str) -> None:
    assert get(shell, path)[0] == 404


def test_a_result_is_sandboxed_and_not_stored(shell: Shell) -> None:
    status, headers, body = get(shell, f"/result/{TOKEN}/Zoë 1.html")
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
def test_no_web_site_can_send_anything(shell: Shell, lent: Shell, said: dict[str, str]) -> None:
    for each in (shell, lent):
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            status, _, body = get(each, "/gradio_api/upload", method=method, **said)
            assert (status, body[:42]) == (403, b"This page takes nothing from another one. ")
        assert each._visits.swept == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("said", OWN, ids=str)
def test_its_own_page_can_send_and_old_uploads_go(shell: Shell, lent: Shell, said: dict[str, str]) -> None:
    for each in (shell, lent):
        assert get(each, "/gradio_api/upload", method="POST", **said)[0] == 200
        assert each._visits.swept == 1  # type: ignore[attr-defined]


def test_a_link_to_it_and_a_server_before_it_work(shell: Shell, lent: Shell) -> None:
    assert get(shell, "/", sec_fetch_site="cross-site")[0] == 200
    said = {"origin": "https://aus.example", "sec_fetch_site": "same-origin"}
    assert get(lent, "/gradio_api/queue/join", method="POST", **said)[0] == 200
