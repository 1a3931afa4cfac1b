"""The page in a real browser: a file goes in, results come out and are taken away, and nothing is left."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from serving import OpenPage, Serving, until

from patch_people import patch_frame, write_people

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    people = {"red": (10, 20), "blue": (100, 30)}
    Image.fromarray(patch_frame(people)).save(folder / "people.png")
    Image.fromarray(patch_frame({})).save(folder / "nobody.png")
    write_people(folder / "two people.mp4", 60, lambda i: people if i < 40 else {"red": (10, 20)})
    write_people(folder / "long.mp4", 300)
    (folder / "letter.jpg").write_text("Dear all")
    (folder / "empty.mp4").touch()
    (folder / "notes.txt").write_text("hello")
    (folder / "heavy.mp4").write_bytes(bytes(2_500_000))
    return folder


@pytest.fixture(scope="module")
def quick(serve: Callable[..., Serving]) -> Serving:
    """Files up to 2 MB, videos up to 6 seconds."""
    return serve(0.0, 2, 0.1)


@pytest.fixture(scope="module")
def slow(serve: Callable[..., Serving]) -> Serving:
    return serve(0.3)


@pytest.fixture
def seen(browser: Any, quick: Serving) -> Iterator[OpenPage]:
    """Fails if the page complains, or asks for anything from elsewhere."""
    seen = OpenPage(browser, quick)
    yield seen
    assert seen.wrong == []
    assert seen.abroad() == []
    seen.page.close()
    until(lambda: quick.sessions() == [])


def test_a_picture(seen: OpenPage, files: Path) -> None:
    assert "A stub for tests" in seen.text(".au-note")
    seen.drop(files / "people.png", "Zoë & <b>Ben.png")
    picture = seen.page.locator(".au-picture img")
    picture.wait_for()
    seen.page.wait_for_function("document.querySelector('.au-picture img').naturalWidth > 600")
    assert "Ben" in seen.text("#facts h2")
    assert "160 × 96" in seen.text("#source")
    assert seen.page.locator("#cancel").is_hidden()
    assert "2 faces." in seen.text("#facts")
    assert re.search("face 0: (AU6, )?AU12", picture.get_attribute("alt"))
    table = seen.page.locator("#scores tbody tr")
    assert sorted(table.locator("td:first-child").all_inner_texts()) == ["AU1", "AU12", "AU25", "AU6"]
    rows = seen.rows()
    assert [row["face_id"] for row in rows] == ["0", "1"]
    assert {row["success"] for row in rows} == {"1"}
    assert all("Ben" in row["file"] and "/" not in row["file"] for row in rows)
    # Another face, and fewer Action Units.
    first = seen.text("#scores")
    seen.page.locator("#face label", has_text="Face 1").click()
    seen.page.wait_for_function("(old) => document.querySelector('#scores').innerText !== old", arg=first)
    seen.page.locator("#aus label", has_text=re.compile("^ *AU12 *$")).click()
    seen.page.wait_for_function("document.querySelectorAll('#scores tbody tr').length === 3")
    assert "AU12" not in picture.get_attribute("alt")
    assert len(seen.rows()[0]) == len(rows[0])  # the file holds all
    page = seen.taken("Report").decode("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<b>Ben" not in page
    names = zipfile.ZipFile(io.BytesIO(seen.taken("Figures"))).namelist()
    assert sorted(name.partition(".")[2] for name in names) == ["face0.jpg", "face1.jpg", "jpg"]


def test_faces_that_are_seen_badly_can_be_left_out(seen: OpenPage, files: Path) -> None:
    seen.drop(files / "two people.mp4")
    seen.page.locator("#go").wait_for()
    seen.page.locator("#good label").click()
    seen.page.locator("#go").click()
    seen.page.locator("#facts nav").wait_for()
    report = seen.taken("Report").decode("utf-8")
    assert "no face was left out: the table has no quality" in report  # that detector does not


def test_a_video(seen: OpenPage, files: Path) -> None:
    seen.drop(files / "two people.mp4")
    seen.page.locator("#go").wait_for()
    assert "0:02.4 · 160 × 96 · 25 frames/s" in seen.text("#source")
    seen.page.locator("#film label").click()
    seen.page.locator("#go").click()
    seen.page.locator("#facts nav").wait_for()
    assert "2 people" in seen.text("#facts")
    assert "60 frames analyzed" in seen.text("#facts")
    report = seen.page.frame_locator("iframe.au-report")
    report.locator("html[data-ready]").wait_for()
    assert report.locator("#people button").count() == 2
    seen.page.get_by_role("tab", name="Timeline").click()
    lines = seen.page.locator("#curves svg")
    lines.wait_for()
    assert "AU6" in lines.inner_html()
    assert "person 0" in lines.inner_html()
    seen.page.locator("#person label", has_text="Person 1").click()
    seen.page.wait_for_function("document.querySelector('#curves').innerHTML.includes('person 1')")
    seen.page.locator("#aus label", has_text=re.compile("^ *AU6 *$")).click()
    seen.page.wait_for_function("!document.querySelector('#curves').innerHTML.includes('AU6')")
    seen.page.get_by_role("tab", name="Video").click()
    seen.page.wait_for_function("document.querySelector('video.au-film')?.videoWidth >= 160")
    rows = seen.rows()
    assert {row["file"] for row in rows} == {"two people.mp4"}
    assert [row["frame"] for row in rows if row["face_id"] == "0"] == list(map(str, range(60)))
    assert sum(row["success"] == "0" for row in rows) == 20
    assert {row["file"] for row in seen.rows("Events")} == {"two people.mp4"}
    page = seen.taken("Report").decode("utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert "two people.mp4" in page
    assert "/tmp" not in page
    names = zipfile.ZipFile(io.BytesIO(seen.taken("Figures"))).namelist()
    assert "timeline-person0.svg" in names
    assert seen.taken("Video")[4:8] == b"ftyp"


def test_what_is_no_picture_and_no_video_is_a_sentence(seen: OpenPage, files: Path, quick: Serving) -> None:
    problem = seen.page.locator("#status [role=alert]")
    for name, message in (
        ("letter.jpg", "letter.jpg: not a picture that can be read"),
        ("empty.mp4", "empty.mp4: the file is empty"),
        ("notes.txt", "notes.txt: not a picture that can be read"),
    ):
        seen.drop(files / name)
        problem.filter(has_text=message).wait_for()
        assert problem.inner_text().startswith(message)
        assert "Traceback" not in seen.text("body")
        assert str(quick.folder) not in seen.text("body")
    # The page goes on; what is said of a file ends with it; and a picture with nobody is no failure.
    seen.drop(files / "two people.mp4")
    seen.page.locator("#go").wait_for()
    assert seen.text("#status").strip() == ""
    seen.drop(files / "nobody.png")
    seen.page.locator("#facts nav").wait_for()
    assert problem.count() == 0
    assert "No face was found." in seen.text("#facts")
    assert [row["success"] for row in seen.rows()] == ["0"]


def test_limits_are_told(browser: Any, quick: Serving, files: Path) -> None:
    seen = OpenPage(browser, quick)
    seen.drop(files / "heavy.mp4")
    seen.page.get_by_text(re.compile("maximum allowed size", re.I)).first.wait_for()
    assert seen.page.locator("#go").is_hidden()
    seen.analyze(files / "long.mp4")
    problem = seen.page.locator("#status [role=alert]")
    problem.wait_for()
    assert problem.inner_text().startswith("This part lasts 0:12; the page takes 0:06.0 at once.")
    seen.page.locator("#to textarea, #to input").first.fill("soon")
    seen.page.locator("#go").click()
    seen.page.wait_for_function("document.querySelector('#status').innerText.includes('To soon: not a time')")
    seen.page.locator("#to textarea, #to input").first.fill("0:01")
    seen.page.locator("#go").click()
    seen.page.locator("#facts nav").wait_for()
    assert "25 frames analyzed" in seen.text("#facts")
    seen.page.close()


def test_cancel_stops_the_work_and_the_page_goes_on(browser: Any, slow: Serving, files: Path) -> None:
    seen = OpenPage(browser, slow)
    seen.analyze(files / "long.mp4")
    seen.page.wait_for_function("/frame \\d/.test(document.querySelector('#status').innerText)")
    bar = seen.page.locator("#status [role=progressbar]")
    assert 0 <= float(bar.get_attribute("aria-valuenow")) < 100
    seen.page.locator("#cancel").click()
    seen.page.get_by_text("Cancelled; nothing was kept.").wait_for()
    assert seen.page.locator("#cancel").is_hidden()
    looks = slow.looks.stat().st_size
    assert looks < 300
    seen.page.wait_for_timeout(1500)
    assert slow.looks.stat().st_size == looks  # nobody works
    (session,) = slow.sessions()
    assert [path.name for path in session.iterdir()] == ["source"]
    seen.drop(files / "nobody.png")
    seen.page.locator("#facts nav").wait_for()
    seen.page.close()
    until(lambda: slow.sessions() == [])


def test_who_leaves_stops_the_work_and_the_next_one_has_waited(
    browser: Any, slow: Serving, files: Path
) -> None:
    first, second = OpenPage(browser, slow), OpenPage(browser, slow)
    first.analyze(files / "long.mp4")
    first.page.wait_for_function("/frame \\d/.test(document.querySelector('#status').innerText)")
    second.drop(files / "nobody.png")
    second.page.get_by_text("Waiting: 1 analysis before yours").wait_for()
    assert len(slow.sessions()) == 2
    first.page.close()
    second.page.locator("#facts nav").wait_for()
    until(lambda: len(slow.sessions()) == 1)
    second.page.close()
    until(lambda: slow.sessions() == [])
    until(lambda: not [path for path in (slow.folder / "uploads").rglob("*") if path.is_file()])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(browser: Any, quick: Serving, files: Path, scheme: str) -> None:
    seen = OpenPage(browser, quick, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    seen.drop(files / "people.png", "Zoë & <b>Ben.png")
    seen.page.locator("#facts nav").wait_for()
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 360
    paper = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper)[:3])) > 600) is (scheme == "light")
    seen.page.close()
