"""The served page without a browser: what other sites may send, what stays, no path in what it says."""

import html
import http.client
import io
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from serving import Serving, until

from patch_people import patch_frame, write_people
from served_app import dropped, events, output, post, upload

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(serve: Callable[..., Serving]) -> Serving:
    return serve(0.0)


@pytest.fixture(scope="module")
def good(serve: Callable[..., Serving]) -> Serving:
    """One on which no test breaks a disk."""
    return serve(0.0)


def test_each_answer_but_the_cameras_comes_with_its_request(good: Serving) -> None:
    """Gradio's stream of answers can be closed between a question and its answer."""
    streamed = {target[1] for each in events(good) if each["queue"] for target in each["targets"]}
    assert streamed - {"unload"} == {"stream"}  # nobody waits for an answer to the former


def test_another_site_can_leave_no_file_here(page: Serving) -> None:
    for said in ({"origin": "https://evil.example"}, {"sec_fetch_site": "cross-site"}):
        with pytest.raises(urllib.error.HTTPError) as error:
            upload(page, b"spam", **said)
        error.value.close()
        assert error.value.code == 403
    assert not [path for path in (page.folder / "uploads").rglob("*") if path.is_file()]


def test_all_files_of_a_request_count_together(serve: Callable[..., Serving]) -> None:
    page = serve(0.0, 1.0)
    piece = (
        b'--part\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n' + b"x" * 400_000
    )
    kind = "multipart/form-data; boundary=part"
    assert len(post(page, "gradio_api/upload", b"\r\n".join([piece, piece, b"--part--\r\n"]), kind)) == 2
    kept = [path for path in (page.folder / "uploads").rglob("*") if path.is_file()]
    for said in (True, False):  # of one that does not say how long it is, what came is thrown away
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(page.url).netloc, timeout=30)
        body = b"\r\n".join([piece] * 4 + [b"--part--\r\n"])
        headers = {"Content-Type": kind}
        with suppress(BrokenPipeError, ConnectionResetError):  # it is answered before it ends
            connection.request(
                "POST", "/gradio_api/upload", body if said else iter([body]), headers, encode_chunked=not said
            )
            assert connection.getresponse().status == 413
        connection.close()
    assert [path for path in (page.folder / "uploads").rglob("*") if path.is_file()] == kept


def test_what_nobody_took_goes_when_the_next_one_comes(page: Serving) -> None:
    old = upload(page, b"one")
    assert old.read_text() == "one"
    os.utime(old, (time.time() - 700,) * 2)
    new = upload(page, b"two")
    assert not old.exists()
    assert new.exists()


def test_a_disk_that_takes_nothing_is_told_without_a_path(page: Serving) -> None:
    for number in range(1, 4):
        (page.folder / "sessions" / f"session-{number}").write_text("a file where a folder should be made")
    told = dropped(page, b"three", "anna")
    assert "a.png can't be kept: " in html.unescape(told)
    assert str(page.folder) not in told


def test_a_disk_that_is_full_later_is_told_without_a_path(serve: Callable[..., Serving]) -> None:
    page, picture = serve(0.0), io.BytesIO()
    Image.fromarray(patch_frame({})).save(picture, "PNG")
    dropped(page, picture.getvalue(), "anna")
    until(lambda: list(page.folder.glob("sessions/*/*/figures.zip")))
    (result,) = page.folder.glob("sessions/*/result-1")
    (result / "overlay.jpg").unlink(missing_ok=True)
    (result / "overlay.jpg").mkdir()  # a drawing can't be written
    shown: list[Any] = [["AU12"], True, None, None]
    until(lambda: "The results can't be written: " in html.unescape(output(page, "change", shown, "anna")))
    assert str(page.folder) not in output(page, "change", shown, "anna")


def test_what_nobody_foresaw_is_told_to_the_terminal_only(page: Serving) -> None:
    assert output(page, "upload", ["no file", False], "ben") == '{"error": null}'


def refused(page: Serving, path: str, body: bytes) -> int:
    """The status of a refusal."""
    with pytest.raises(urllib.error.HTTPError) as error:
        post(page, path, body, "application/json")
    error.value.close()
    return error.value.code


def test_no_file_of_this_computer_can_be_named(good: Serving, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    Image.fromarray(patch_frame({})).save(secret)
    uploads = good.folder / "uploads"
    mine = upload(good, b"mine")
    (uploads / "link.png").symlink_to(secret)
    (mine.parent / "link.png").symlink_to(secret)
    (uploads / "by hand").mkdir()
    (uploads / "by hand" / "secret.png").write_bytes(secret.read_bytes())
    before = set(good.folder.rglob("*"))
    named = [
        secret, "/etc/passwd", uploads / os.path.relpath(secret, uploads), mine / ".." / ".." / "link.png",
        uploads / "link.png", mine.parent / "link.png", uploads / "by hand" / "secret.png",
        mine.parent / ".." / mine.parent.name / mine.name, "http://127.0.0.1:1/secret.png",
    ]  # fmt: skip
    ways = ("queue/join", "run/predict", "stream/guess")
    found = events(good)
    assert {target[1] for each in found for target in each["targets"]} >= {
        "upload",
        "input",
        "stream",
        "click",
    }
    for path in named:
        sent = {"path": str(path), "orig_name": "x.png", "meta": {"_type": "gradio.FileData"}}
        for data in ([sent], [{"video": sent}], [[sent]], [{**sent, "is_stream": True}]):
            for each in found:
                asked = {"data": data, "fn_index": each["id"], "session_hash": "mallory"}
                for way in ways if each is found[0] else ways[:1]:
                    assert refused(good, f"gradio_api/{way}", json.dumps(asked).encode()) == 400
        url = "gradio_api/file=" + urllib.parse.quote(str(path))
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(good.url + url, timeout=30)
        error.value.close()
        assert error.value.code == 404
    for way in ("call/_dropped", "call/v2/_dropped", "api/_dropped", "run/_dropped", "component_server"):
        assert refused(good, f"gradio_api/{way}", b'{"data": []}') == 404
    assert set(good.folder.rglob("*")) == before


def test_each_camera_picture_must_have_been_uploaded(good: Serving) -> None:
    picture = io.BytesIO()
    Image.fromarray(patch_frame({})).save(picture, "PNG")
    for event, more in (("upload", [False]), ("input", []), ("stream", [["AU12"], True])):
        sent = {"path": str(upload(good, picture.getvalue())), "meta": {"_type": "gradio.FileData"}}
        assert '"error"' not in output(good, event, [sent, *more], f"camera-{event}")
        again = {"data": [sent, *more], "fn_index": 0, "session_hash": "twice"}
        upload(good, b"other")  # what was taken is forgotten
        assert refused(good, "gradio_api/queue/join", json.dumps(again).encode()) == 400


def test_the_same_file_from_many_pages_at_once(good: Serving) -> None:
    data = io.BytesIO()
    Image.fromarray(patch_frame({})).save(data, "PNG")
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: upload(good, data.getvalue()), range(24)))
    assert len(set(paths)) == 24
    assert {path.read_bytes() for path in paths} == {data.getvalue()}
    with ThreadPoolExecutor(4) as pool:
        told = list(
            pool.map(lambda number: dropped(good, data.getvalue(), f"pupil-{number}", "same.png"), range(4))
        )
    assert not [each for each in told if "did not arrive" in each]
    # Others' pictures may be there too.
    until(
        lambda: (
            sum("same.png" in path.read_text() for path in good.folder.glob("sessions/*/*/results.csv")) == 4
        )
    )


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ([float("nan"), "", "", False, False, False], "each N-th frame"),
        ([None, "", "", False, False, False], "each N-th frame"),
        (["x", "", "", False, False, False], "each N-th frame"),
        ([-3, "", "", False, False, False], "each N-th frame"),
        ([1e999, "", "", False, False, False], "each N-th frame"),
        ([1, "nan", "", False, False, False], "From nan: not a time"),
        ([1, ["a"], "", False, False, False], "From ['a']: not a time"),
        ([1, 99, None, None, False, False], "there is no frame from 99 s to its end"),
        ([1, None, "0", None, False, False], "must be later than the start"),
    ],
    ids=str,
)
def test_what_is_no_setting_is_a_sentence(good: Serving, tmp_path: Path, sent: list[Any], told: str) -> None:
    clip = write_people(tmp_path / "a.mp4", 10)
    assert "error" not in dropped(good, clip.read_bytes(), "cleo", "a.mp4")
    assert told in html.unescape(json.loads(output(good, "click", sent, "cleo"))["data"][-1])


def test_a_page_that_lost_its_visit_is_told(good: Serving) -> None:
    told = json.loads(output(good, "tick", [["AU12"], True], "nobody"))["data"]
    assert "Load it anew" in told[-1]


def test_many_presses_at_once_leave_one_result(good: Serving, tmp_path: Path) -> None:
    clip = write_people(tmp_path / "pressed.mp4", 10)
    dropped(good, clip.read_bytes(), "emil", "pressed.mp4")
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: output(good, "click", [1, "", "", False, False, False], "emil"), range(6)))
    until(lambda: "10 frames analyzed" in output(good, "tick", [["AU12"], True], "emil"))
    (made,) = good.folder.glob("sessions/*/result-*/pressed.csv")
    assert list(made.parents[1].glob("result-*")) == [made.parent]


def test_what_can_be_no_setting_but_nothing_is_fine(good: Serving, tmp_path: Path) -> None:
    clip = write_people(tmp_path / "a.mp4", 10)
    dropped(good, clip.read_bytes(), "dora", "a.mp4")
    output(good, "click", [1.5, None, None, None, None, None], "dora")
    until(lambda: list(good.folder.glob("sessions/*/result-*/a.csv")))
