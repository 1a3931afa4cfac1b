"""The report in a real browser: what one sees after a click, a key, another person."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from frames import AUS, frame

from aulens.image import encode_jpeg
from aulens.runtime.card import read_card
from aulens.show import page as page_of_pictures
from aulens.show.report import write_report
from aulens.show.stills import Stills
from aulens.tables.schema import rows_of, to_frame
from face_results import result
from stub_model import write_stub

pytestmark = pytest.mark.slow

COUNT = 400  # 16 seconds, and a kept frame for some of them only


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people: AU12 of the first rises three times, the second is away from 6 to 8 s."""
    folder = tmp_path_factory.mktemp("browser")
    rows = []
    with Stills(folder / "stills", AUS, limit=24) as stills:
        for k in range(COUNT):
            near = min(abs(k - at) for at in (50, 200, 350))
            people = {0: {"AU12": round(max(0.0, 0.95 - near / 20), 3)}}
            if not 150 <= k < 200:
                people[1] = {"AU25": round(0.5 + 0.45 * float(np.sin(k / 15)), 3)}
            result = frame(k, people, lost=() if 1 in people else (1,))
            stills.add(result)
            rows += rows_of(
                "two <b>people</b>.mp4", result.faces, AUS, frame=k, time=k / 25, lost=result.lost
            )
    path = folder / "report.html"
    write_report(path, to_frame(rows, AUS), read_card(write_stub(folder)), stills=folder / "stills")
    return path


@pytest.fixture(params=["light", "dark"])
def page(browser, report: Path, request: pytest.FixtureRequest) -> Iterator[object]:  # type: ignore[no-untyped-def]
    """The page, opened from its file; fails if it says an error or asks for anything from elsewhere."""
    page = browser.new_page(viewport={"width": 1300, "height": 900}, color_scheme=request.param)
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda one: asked.append(one.url))
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-ready]")
    page.wait_for_function("document.getElementById('still').dataset.frame !== undefined")
    yield page
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]
    page.close()


def shown(page) -> int:  # type: ignore[no-untyped-def]
    page.wait_for_timeout(150)
    return int(page.locator("#still").get_attribute("data-frame"))


def kept(page) -> list[int]:  # type: ignore[no-untyped-def]
    return page.evaluate("JSON.parse(document.getElementById('clip').textContent).stills.map((s) => s.frame)")


def at(page, seconds: float, row: int) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    box = page.locator("#cursor").bounding_box()
    return box["x"] + box["width"] * seconds / (COUNT / 25), box["y"] + 16 + 24 * row + 12


def pixels(page) -> str:  # type: ignore[no-untyped-def]
    return page.evaluate("document.getElementById('still').toDataURL()")


def test_it_opens_at_the_strongest_event_of_who_was_seen_longest(page) -> None:  # type: ignore[no-untyped-def]
    assert shown(page) == 50
    assert page.locator("h1").inner_text() == "two <b>people< / b>.mp4"  # folder and name, as text
    assert page.locator("#people [aria-checked=true]").inner_text() == "Person 0"
    assert "Person 0: AU12 present" in page.locator("#still").get_attribute("aria-label")
    assert page.locator(".tile").count() == 4
    told = page.locator(".tile").all_inner_texts()
    assert [text.replace("\u202f", " ").split("\n") for text in told[2:]] == [
        ["AU12", "95 %", "Lip Corner Puller", "R 48", "L 95"], ["AU25", "0 %", "Lips Part"],
    ]  # fmt: skip
    assert page.locator(".tile.on").all_inner_texts()[0].startswith("AU12")


def test_a_click_goes_to_the_nearest_kept_frame_and_shows_its_evidence(page) -> None:  # type: ignore[no-untyped-def]
    before, still = pixels(page), shown(page)
    page.mouse.click(*at(page, 14.0, 2))
    frames = kept(page)
    assert shown(page) == min(frames, key=lambda k: abs(k - 350)) == 350 != still
    assert pixels(page) != before
    assert page.locator("#names [aria-pressed=true]").inner_text().startswith("AU12")
    with_evidence = pixels(page)
    page.locator("#evidence").uncheck()
    page.wait_for_timeout(100)
    assert pixels(page) != with_evidence
    # A drag shows frame after frame.
    page.mouse.move(*at(page, 14.0, 2))
    page.mouse.down()
    seen = []
    for seconds in (10.0, 6.0, 2.0):
        page.mouse.move(*at(page, seconds, 2))
        seen.append(shown(page))
    page.mouse.up()
    assert seen == [min(frames, key=lambda k: abs(k - 25 * s)) for s in (10, 6, 2)]


def test_a_frame_that_decodes_slowly_does_not_come_after_the_cursor_went_back(page) -> None:  # type: ignore[no-untyped-def]
    assert shown(page) == 50
    before = pixels(page)
    page.evaluate(
        "() => { const Real = window.Image; window.Image = function () { const image = new Real();"
        "Object.defineProperty(image, 'onload', { set: (done) => image.addEventListener('load', () =>"
        "setTimeout(done, 400)) }); return image; }; }"
    )
    page.mouse.click(*at(page, 14.0, 2))
    page.mouse.click(*at(page, 2.0, 2))
    page.wait_for_timeout(1500)
    assert shown(page) == 50
    page.locator("#names [aria-pressed=true]").click()  # all AUs again, as at first
    assert pixels(page) == before


def test_evidence_is_warm_where_an_au_is_seen_else_cold(page) -> None:  # type: ignore[no-untyped-def]
    assert shown(page) == 50

    def warmth(selector: str, x: float, y: float) -> int:
        """Red minus blue at a place, shares of the picture's size."""
        red, _, blue, _ = page.evaluate(
            "([s, x, y]) => { const from = document.querySelector(s), to = document.createElement('canvas');"
            "const pen = to.getContext('2d', {willReadFrequently: true});"
            "pen.drawImage(from, from.width * x, from.height * y, 1, 1, 0, 0, 1, 1);"
            "return [...pen.getImageData(0, 0, 1, 1).data]; }",
            [selector, x, y],
        )
        return int(red) - int(blue)

    face = 40 / 160, 60 / 120  # the first person's nose
    for row, sign in ((2, 1), (0, -1)):  # AU12, whose map is all for it, and AU1, whose map is all against
        page.locator("#names button").nth(row).click()
        page.wait_for_timeout(100)
        assert sign * warmth("#still", *face) > 60
        assert sign * warmth(f".tile:nth-child({row + 1}) canvas", 0.5, 0.5) > 60
    assert abs(warmth("#still", 0.02, 0.98)) < 20  # grey, where there is no face


def test_hovering_tells_values(page) -> None:  # type: ignore[no-untyped-def]
    page.mouse.move(*at(page, 8.0, 2))
    tip = page.locator("#tip").inner_text()
    assert tip.startswith("AU12 Lip Corner Puller\n0:08.0")
    assert "right 4" in tip
    assert "left 9" in tip
    assert page.locator("#values div").nth(2).inner_text().startswith("9")
    page.mouse.move(5, 5)
    assert page.locator("#tip").is_hidden()


def test_the_keyboard_reaches_all(page) -> None:  # type: ignore[no-untyped-def]
    frames = kept(page)
    page.locator("#cursor").focus()
    page.keyboard.press("ArrowRight")
    assert shown(page) == frames[frames.index(50) + 1]
    page.keyboard.press("ArrowLeft")
    assert shown(page) == 50
    page.keyboard.press("Shift+ArrowRight")
    slider = page.locator("#cursor")
    assert float(slider.get_attribute("aria-valuenow")) == pytest.approx(51 / 25)
    page.keyboard.press("ArrowDown")
    assert slider.get_attribute("aria-valuetext").endswith("AU1 0\u202f%")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.locator("#names [aria-pressed=true]").inner_text().startswith("AU12")
    page.keyboard.press("PageDown")
    assert float(slider.get_attribute("aria-valuenow")) == pytest.approx(8.0)
    page.keyboard.press("End")
    assert shown(page) == frames[-1]
    page.keyboard.press("Home")
    assert shown(page) == frames[0] == 0
    page.keyboard.press("+")
    assert page.evaluate("document.activeElement.id") == "cursor"


def test_events_sort_and_rows_go_to_the_apex(page) -> None:  # type: ignore[no-untyped-def]
    rows = page.locator("#events-table tbody tr")
    assert rows.count() == 3
    heads = page.locator("#events-table thead th")
    heads.nth(1).locator("button").click()
    assert heads.nth(1).get_attribute("aria-sort") == "descending"
    assert rows.first.locator("td").nth(2).inner_text() == "0:14.00"
    rows.nth(1).locator("button").click()
    assert shown(page) == 200
    page.locator("#events-au").select_option(label="AU1")
    assert page.locator("#events-note").inner_text() == "No events."


def test_another_person_has_other_tables_and_frames(page) -> None:  # type: ignore[no-untyped-def]
    page.mouse.click(*at(page, 7.0, 2))
    page.locator("#people button").nth(1).click()
    assert "50 of 400 frames" in page.locator("#seen").inner_text()
    frame_shown = shown(page)
    assert not 150 <= frame_shown < 200  # one with this person
    assert "Person 1: " in page.locator("#still").get_attribute("aria-label")
    page.mouse.move(*at(page, 7.0, 3))
    assert "face lost" in page.locator("#tip").inner_text()
    page.locator("#together-kind").select_option("joint")
    assert page.locator("#together-table tbody th").all_inner_texts() == ["AU25"]


def test_the_page_fits_a_phone(browser, report: Path) -> None:  # type: ignore[no-untyped-def]
    page = browser.new_page(viewport={"width": 360, "height": 740}, has_touch=True)
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-ready]")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("#cursor").scroll_into_view_if_needed()
    box = page.locator("#cursor").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 0.5, box["y"] + 30)
    assert shown(page) == 200
    page.close()


def test_tables_of_pictures_fit_a_phone_and_what_is_wider_moves_in_its_own_box(  # type: ignore[no-untyped-def]
    browser, report: Path, tmp_path: Path
) -> None:
    card = read_card(write_stub(tmp_path))
    every = card.aus.labels
    face = result(dict.fromkeys(every, 0.9), intensity=dict.fromkeys(every, 2.0))
    sheet = encode_jpeg(np.zeros((300, 984, 3), np.uint8), 80)
    section = page_of_pictures.section("a.jpg", [face], card.aus, sheet, [sheet], 1)
    album = tmp_path / "index.html"
    album.write_text(
        page_of_pictures.head(card) + section + page_of_pictures.foot(1, 1, {}, card), encoding="utf-8"
    )
    page = browser.new_page(viewport={"width": 390, "height": 740})
    for path in (album, report):
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        boxes = page.evaluate(
            "[...document.querySelectorAll('table, .album img')].map((one) => [one.offsetWidth, "
            "one.parentElement.clientWidth, getComputedStyle(one.parentElement).overflowX])"
        )
        assert boxes
        assert all(wide <= room or over == "auto" for wide, room, over in boxes)
        widths = page.evaluate("[...document.querySelectorAll('table')].map((one) => one.offsetWidth)")
        assert max(widths) <= 390 - 2 * 14
    page.close()


def test_a_video_without_faces_shows_a_frame_and_no_evidence(browser, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    results = [frame(k, {}) for k in range(10)]
    with Stills(tmp_path / "stills", AUS) as stills:
        for result in results:
            stills.add(result)
    rows = [row for k in range(10) for row in rows_of("nobody.mp4", (), AUS, frame=k, time=k / 25)]
    path = tmp_path / "report.html"
    write_report(path, to_frame(rows, AUS), read_card(write_stub(tmp_path)), stills=tmp_path / "stills")
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_function("document.getElementById('still').dataset.frame !== undefined")
    assert page.locator("#still").is_visible()
    assert "vidence" not in page.locator(".board").inner_text()
    assert page.locator("#caption").inner_text().endswith("frame 0")
    page.close()


def test_what_has_no_sides_shows_none(page) -> None:  # type: ignore[no-untyped-def]
    page.locator("#people button").nth(1).click()
    rows = page.locator("#events-table tbody tr")
    assert {row.split("\t")[0]: row.split("\t")[-1] for row in rows.all_inner_texts()} == {"AU25": ""}
    page.mouse.move(*at(page, 2.0, 3))
    assert "right" not in page.locator("#tip").inner_text()
