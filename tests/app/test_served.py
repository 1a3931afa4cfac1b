"""The served page without a browser: what other sites may send, what stays, no path in what it says."""

import html
import io
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from serving import Serving, until

from patch_people import patch_frame

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(serve: Callable[..., Serving]) -> Serving:
    return serve(0.0)


def post(page: Serving, path: str, body: bytes, kind: str, **more: str) -> Any:
    """The answer, as JSON."""
    headers = {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in more.items()}}
    request = urllib.request.Request(page.url + path, body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def upload(page: Serving, data: bytes, **more: str) -> Path:
    head = b'--part\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    kind = "multipart/form-data; boundary=part"
    return Path(post(page, "gradio_api/upload", head + data + b"\r\n--part--\r\n", kind, **more)[0])


def dropped(page: Serving, data: bytes, session: str) -> str:
    """What the page answers to a file."""
    sent = {"path": str(upload(page, data)), "orig_name": "a.png", "meta": {"_type": "gradio.FileData"}}
    return output(page, "upload", [sent], session)


def output(page: Serving, event: str, data: list[Any], session: str) -> str:
    """What the page answers when something happens on it, as JSON."""
    with urllib.request.urlopen(f"{page.url}config", timeout=30) as answer:
        found = json.load(answer)["dependencies"]
    number = next(each["id"] for each in found if [target[1] for target in each["targets"]] == [event])
    asked = {"fn_index": number, "data": data, "session_hash": session}
    post(page, "gradio_api/queue/join", json.dumps(asked).encode(), "application/json")
    url = f"{page.url}gradio_api/queue/data?session_hash={session}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        for line in answer:
            told = json.loads(line.removeprefix(b"data: ")) if line.strip() else {}
            if told.get("msg") == "process_completed":
                return json.dumps(told["output"])
    raise AssertionError("no answer came")


def test_another_site_can_leave_no_file_here(page: Serving) -> None:
    for said in ({"origin": "https://evil.example"}, {"sec_fetch_site": "cross-site"}):
        with pytest.raises(urllib.error.HTTPError) as error:
            upload(page, b"spam", **said)
        error.value.close()
        assert error.value.code == 403
    assert not [path for path in (page.folder / "uploads").rglob("*") if path.is_file()]


def test_what_nobody_took_goes_when_the_next_one_comes(page: Serving) -> None:
    old = upload(page, b"one")
    assert old.read_text() == "one"
    os.utime(old, (time.time() - 3700,) * 2)
    new = upload(page, b"two")
    assert not old.exists()
    assert new.exists()


def test_a_disk_that_takes_nothing_is_told_without_a_path(page: Serving) -> None:
    for number in range(1, 4):
        (page.folder / "visits" / f"visit-{number}").write_text("a file where a folder should be made")
    told = dropped(page, b"three", "anna")
    assert "a.png can&#x27;t be kept: " in told
    assert str(page.folder) not in told


def test_a_disk_that_is_full_later_is_told_without_a_path(serve: Callable[..., Serving]) -> None:
    page, picture = serve(0.0), io.BytesIO()
    Image.fromarray(patch_frame({})).save(picture, "PNG")
    dropped(page, picture.getvalue(), "anna")
    until(lambda: list(page.folder.glob("visits/*/*/a.figures.zip")))
    (result,) = page.folder.glob("visits/*/result-1")
    (result / ".overlay.jpg.new").mkdir()  # a drawing can't be written
    shown: list[Any] = [["AU12"], True, None, None]
    until(lambda: "The results can't be written: " in html.unescape(output(page, "change", shown, "anna")))
    assert str(page.folder) not in output(page, "change", shown, "anna")


def test_what_nobody_foresaw_is_told_to_the_terminal_only(page: Serving) -> None:
    assert output(page, "upload", [{"no": "path"}], "ben") == '{"error": null}'
