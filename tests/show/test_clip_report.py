"""The report of a clip: one file, whole, well formed, honest about what it was given."""

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from frames import AUS, frame
from html_page import Page

from aulens.errors import InputError
from aulens.runtime.card import ModelCard, read_card
from aulens.runtime.result import FrameResult
from aulens.show.pages import templates
from aulens.show.report import write_report
from aulens.show.report.write import bibtex
from aulens.show.stills import Stills, read_stills
from aulens.tables.events import events as events_of
from aulens.tables.schema import rows_of, to_frame
from aulens.tables.smooth import smooth
from aulens.tables.usable import Limits
from aulens.video.media import VideoInfo
from clips import lose, person
from stub_jaa import write_jaa_stub
from stub_model import write_stub

NASTY = "</script><script>alert(1)</script> \"A\" & 'B' <img src=x>.mp4"


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    return read_card(
        write_stub(tmp_path_factory.mktemp("stub"), card={"statement": "Not <validated> & so on."})
    )


def acted(count: int = 120) -> list[FrameResult]:
    """Two people; the second is lost in frames 50 to 79; AU12 of the first is strongest in frame 30."""
    found = []
    for k in range(count):
        people = {0: {"AU12": round(max(0.0, 0.95 - abs(k - 30) / 20), 3)}}
        if not 50 <= k < 80:
            people[1] = {"AU25": 0.8}
        found.append(frame(k, people, lost=() if 1 in people else (1,)))
    return found


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rows = [
        row for r in acted() for row in rows_of(NASTY, r.faces, AUS, frame=r.index, time=r.time, lost=r.lost)
    ]
    return to_frame(rows, AUS)


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stills")
    with Stills(folder, AUS, limit=20) as keeper:
        for result in acted():
            keeper.add(result)
    return folder


@pytest.fixture(scope="module")
def path(
    tmp_path_factory: pytest.TempPathFactory, card: ModelCard, table: pd.DataFrame, stills: Path
) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    info = VideoInfo(NASTY, 160, 120, None, 4.8, None, 0, True, "h<264")
    command = f"aulens report '{NASTY}'"
    write_report(path, table, card, stills=stills, info=info, command=command, problems=["It <ended> early."])
    return path


@pytest.fixture(scope="module")
def page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def test_the_page_is_well_formed_and_needs_nothing_else(path: Path, page: Page) -> None:
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
    for tag, attributes in page.tags:
        assert tag not in {"iframe", "object", "embed", "link", "base", "form"}
        for key in ("src", "href", "action", "data"):
            assert (attributes.get(key) or "#").startswith("#")
        assert not any(key.startswith("on") for key in attributes)
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"https?://|//cdn|url\(|@import", text.replace("arxiv.org", ""))
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    # The script asks for elements by id: each is there.
    asked = set(re.findall(r'\bel\("([a-z-]+)"\)', page.scripts["main"]))
    assert len(asked) > 15
    assert asked <= set(ids)


def test_all_that_is_shown_has_a_name_for_those_who_do_not_see_it(page: Page) -> None:
    tags = {a["id"]: a for _, a in page.tags if a.get("id")}
    assert tags["cursor"]["role"] == "slider"
    assert tags["cursor"]["tabindex"] == "0"
    for name in ("cursor", "still", "people", "names"):
        assert tags[name]["aria-label"]
    assert [attributes["lang"] for tag, attributes in page.tags if tag == "html"] == ["en"]
    assert [t for t, _ in page.tags if t in {"h1", "main", "header", "noscript"}].count("h1") == 1


def test_words_from_outside_are_words_on_the_page(path: Path, page: Page) -> None:
    base = NASTY.rsplit("/", 1)[-1]
    assert f"{NASTY.rsplit('/', 2)[-2]} / {base}" in page.text
    for word in (base, "Not <validated> & so on.", "It <ended> early.", "h<264", f"aulens report '{NASTY}'"):
        assert " ".join(word.split()) in page.text
    assert len([t for t, _ in page.tags if t == "script"]) == 1 + 1 + 2 + len(page.data("clip")["stills"])
    assert "alert(1)</script>" not in path.read_text(encoding="utf-8")


def test_no_text_in_the_data_can_end_its_element() -> None:
    text = '<script type="application/json" id="x">{{ content|tojson }}</script>'
    page = Page(templates().from_string(text).render(content={NASTY: [NASTY, "\u2028"]}))
    assert page.data("x") == {NASTY: [NASTY, "\u2028"]}
    assert len(page.tags) == 1


def test_every_still_that_is_named_is_there_with_its_evidence(page: Page, stills: Path) -> None:
    index = read_stills(stills)
    named = page.data("clip")["stills"]
    assert [one["frame"] for one in named] == [still.frame for still in index.stills]
    for place, (brief, still) in enumerate(zip(named, index.stills, strict=True)):
        assert brief["time"] == still.time
        found = page.data(f"still-{place}")
        assert found["frame"] == still.frame
        assert base64.b64decode(found["picture"]) == (stills / still.name).read_bytes()
        assert [f["face_id"] for f in found["faces"]] == [f[0] for f in brief["faces"]]
        for face in found["faces"]:
            raw = np.frombuffer(base64.b64decode(face["maps"]), np.uint8)
            width, height = face["map"]
            assert cv2.imdecode(raw, cv2.IMREAD_GRAYSCALE).shape == (4 * height, width)
            assert len(face["probability"]) == len(face["right"]) == 4
    assert f"still-{len(named)}" not in page.scripts


def test_a_still_tells_what_the_timeline_tells(
    tmp_path: Path, card: ModelCard, table: pd.DataFrame, stills: Path, page: Page
) -> None:
    """Probability and presence are the table's, smoothed where the page is."""
    threshold = dict(zip(card.aus.labels, card.threshold, strict=True))
    smoothed = smooth(table, 3.0, thresholds=threshold, hysteresis=0.6)
    write_report(tmp_path / "smooth.html", smoothed, card, stills=stills)
    other = Page((tmp_path / "smooth.html").read_text(encoding="utf-8"))
    raw = []
    for shown, rows, middle in ((page, table, ""), (other, smoothed, "_smooth")):
        told = rows.set_index(["frame", "face_id"])
        for place, brief in enumerate(shown.data("clip")["stills"]):
            for face in shown.data(f"still-{place}")["faces"]:
                row = told.loc[brief["frame"], face["face_id"]]
                np.testing.assert_allclose(
                    face["probability"], [row[f"{label}{middle}_p"] for label in AUS.labels], atol=1e-4
                )
                assert face["present"] == [row[f"{label}{middle}_c"] for label in AUS.labels]
                raw.append(face["present"])
    assert raw[: len(raw) // 2] != raw[len(raw) // 2 :]  # smoothing did change something


def curve(page: Page, place: int, name: str) -> np.ndarray:
    raw = np.frombuffer(base64.b64decode(page.data(f"person-{place}")["curves"][name]), np.uint8)
    return raw.reshape(4, -1)


def test_curves_are_those_of_the_table(page: Page, table: pd.DataFrame, card: ModelCard) -> None:
    for place in (0, 1):
        own = table[table["face_id"] == place]
        curves = page.data(f"person-{place}")["curves"]
        time = np.frombuffer(base64.b64decode(curves["time"]), "<f8")
        np.testing.assert_allclose(time, own["time"])
        np.testing.assert_array_equal(np.frombuffer(base64.b64decode(curves["frame"]), "<u4"), own["frame"])
        assert curves["high"] is None
        for end, name in (("p", "low"), ("left_p", "left"), ("right_p", "right")):
            for number, label in enumerate(card.aus.labels):
                truth = own[f"{label}_{end}"].to_numpy(float, na_value=np.nan)
                steps = curve(page, place, name)[number]
                np.testing.assert_array_equal(steps == 255, np.isnan(truth))
                known = steps < 255
                np.testing.assert_allclose(steps[known] / 250, truth[known], atol=1 / 250)
    about = page.data("clip")["people"][1]
    assert (about["frames"], about["lost_frames"]) == (120, 30)
    assert page.data("person-1")["lost"] == [[2.0, 3.2]]


def test_a_value_stays_on_its_side_of_the_threshold(tmp_path: Path, card: ModelCard) -> None:
    labels = card.aus.labels
    table = person(0, range(1000), labels=labels)
    table["AU12_p"] = np.round(0.5 + np.linspace(-0.003, 0.003, 1000), 6)
    write_report(tmp_path / "a.html", table, card)
    page = Page((tmp_path / "a.html").read_text())
    level = page.data("clip")["level"]
    np.testing.assert_array_equal(curve(page, 0, "low")[2] >= level[2], table["AU12_p"] >= 0.5)


def test_events_and_shares_are_exact(page: Page, table: pd.DataFrame, card: ModelCard) -> None:
    threshold = dict(zip(card.aus.labels, card.threshold, strict=True))
    truth = events_of(table, thresholds=threshold)
    for place in (0, 1):
        own = truth[truth["face_id"] == place]
        found = page.data(f"person-{place}")["events"]
        assert len(found) == len(own) > 0
        for row, (_, event) in zip(found, own.iterrows(), strict=True):
            assert card.aus.labels[row[0]] == event["au"]
            assert row[1:4] == pytest.approx([event["onset"], event["apex"], event["offset"]])
            assert row[4] == event["apex_frame"]
            assert row[5:8] == [
                pytest.approx(event["peak_p"]),
                pytest.approx(event["mean_p"], abs=1e-4),
                "left",
            ]
            assert row[8:] == [int(event["open_start"]), int(event["open_end"]), 0]
    assert page.data("person-1")["shares"][3] == [
        1.0,
        None,
        None,
    ]  # AU25, whenever seen; too short for intervals
    assert page.data("person-0")["shares"][2][0] == pytest.approx(19 / 120, abs=0.01)
    assert page.data("person-1")["together"]["joint"][3] == [0.0, 0.0, 0.0, 1.0]
    assert page.data("person-1")["together"]["conditional"][0] == [None] * 4


def test_the_model_how_to_cite_and_versions_are_told(page: Page, card: ModelCard) -> None:
    for word in (card.name, card.trained_on, card.not_validated_on, card.onnx_sha256, "MIT", "aulens 0."):
        assert word in page.text
    assert "@inproceedings{zhang2020region," in page.text
    assert "2 people" in page.text
    assert "a face all the time" in page.text


def test_citations_agree_with_the_citation_file() -> None:
    cff = (Path(__file__).parents[2] / "CITATION.cff").read_text(encoding="utf-8")
    titles = set(re.findall(r'title: "(.*)"', cff))
    for variant, papers in (("jaa_gcn", 3), ("jaa_net", 2), ("roi_gcn_supervised", 2), ("pooled", 1)):
        text = " ".join(bibtex(variant, "1.2").split())
        found = re.findall(r"\btitle += \{(.*?)\}, ", text)
        assert len(found) == papers
        assert set(found) <= titles
        assert text.count("{") == text.count("}")
        assert text.count("year = {") == papers
    assert "version = {1.2}" in bibtex("pooled", "1.2")


def test_a_clip_without_faces_time_stamps_or_stills_has_a_page_too(tmp_path: Path, card: ModelCard) -> None:
    nobody = to_frame([r for k in range(5) for r in rows_of("a.mp4", (), AUS, frame=k, time=k / 25)], AUS)
    write_report(tmp_path / "nobody.html", nobody, card)
    page = Page((tmp_path / "nobody.html").read_text())
    assert page.data("clip")["people"] == []
    assert "no face found" in page.text
    untimed = person(0, range(5), labels=card.aus.labels).assign(time=np.nan)
    write_report(tmp_path / "untimed.html", untimed, card)
    page = Page((tmp_path / "untimed.html").read_text())
    assert page.data("person-0")["events"] is None
    assert page.data("clip")["timed"] is False


def test_a_model_that_tells_no_sides_and_looks(tmp_path: Path) -> None:
    card = read_card(write_jaa_stub(tmp_path))
    blank = {f"{label}_{side}_p": np.nan for label in card.aus.labels for side in ("left", "right")}
    table = person(0, range(50), labels=card.aus.labels).assign(**blank)
    write_report(tmp_path / "a.html", table, card)
    page = Page((tmp_path / "a.html").read_text())
    assert page.data("clip")["sides"] is False
    assert page.data("clip")["attention"] is True
    assert page.data("person-0")["curves"]["left"] is None
    assert "does not tell the two sides" in page.text
    assert "Violet" in page.text


def test_smoothed_tables_show_smoothed_curves_and_say_so(tmp_path: Path, card: ModelCard) -> None:
    table = person(0, range(50), labels=card.aus.labels)
    for label in card.aus.labels:
        table[f"{label}_smooth_p"], table[f"{label}_smooth_c"] = 0.5, 1
    write_report(tmp_path / "a.html", table, card)
    page = Page((tmp_path / "a.html").read_text())
    assert (curve(page, 0, "low") == 125).all()
    assert "Curves are smoothed" in page.text
    assert page.data("person-0")["shares"][0][0] == 1


def test_stills_of_other_aus_and_other_tables_are_refused(
    tmp_path: Path, card: ModelCard, stills: Path
) -> None:
    other = read_card(write_stub(tmp_path, aus=(1, 6)))
    path = tmp_path / "a.html"
    path.write_text("the report of before")
    with pytest.raises(InputError, match="stills are of other AUs"):
        write_report(path, person(0, range(5), labels=("AU1", "AU6")), other, stills=stills)
    with pytest.raises(InputError, match="lacks the columns"):
        write_report(path, person(0, range(5), labels=("AU1",)), card)
    assert path.read_text() == "the report of before"


def test_how_a_face_is_seen_and_whether_it_counts(
    tmp_path: Path, card: ModelCard, table: pd.DataFrame, stills: Path
) -> None:
    told = table.copy()
    told.loc[told["success"] == 1, ["pose_yaw", "pose_pitch", "pose_roll", "quality"]] = [12.0, -3, -8, 0.82]
    far = (told["face_id"] == 1) & (told["frame"] >= 80)
    told.loc[far, "pose_yaw"] = -50.0
    write_report(tmp_path / "all.html", told, card, stills=stills)
    every = Page((tmp_path / "all.html").read_text())
    write_report(
        tmp_path / "near.html",
        Limits(max_yaw=30).usable(told),
        card,
        stills=stills,
        left_out="3 <of> 7 left out",
    )
    near = Page((tmp_path / "near.html").read_text())
    assert "3 <of> 7 left out" in near.text
    for place, still in enumerate(every.data("clip")["stills"]):
        for face, limited in zip(
            every.data(f"still-{place}")["faces"], near.data(f"still-{place}")["faces"], strict=True
        ):
            turned = face["face_id"] == 1 and still["frame"] >= 80
            side = "50° to their right" if turned else "12° to their left"
            assert face["about"] == limited["about"] == f"turned {side}, tilted 8° clockwise, quality 0.82"
            assert (face["out"], limited["out"]) == (False, turned)
    assert near.data("clip")["people"][1]["lost_frames"] == 30 + 40


def test_when_and_why_a_face_is_seen_badly_is_told(
    tmp_path: Path, card: ModelCard, table: pd.DataFrame, stills: Path
) -> None:
    told = table.assign(quality=0.9, hidden=None, box_h=200.0)
    masked = (told["face_id"] == 0) & (told["frame"] >= 100)
    told.loc[masked, ["quality", "hidden"]] = 0.2, "mouth"
    write_report(tmp_path / "a.html", told, card, stills=stills)
    page = Page((tmp_path / "a.html").read_text())
    assert page.data("person-0")["doubtful"] == [[4.0, 4.8]]
    assert page.data("person-1")["doubtful"] == []
    assert "20 of 210 rows with a face are doubtful (quality below 0.5): 20 mouth hidden" in page.text
    assert "mouth hidden in 20 of 210 rows with a face, where AU12, AU25 are guesses" in page.text
    for place, still in enumerate(page.data("clip")["stills"]):
        for face in page.data(f"still-{place}")["faces"]:
            spoilt = face["face_id"] == 0 and still["frame"] >= 100
            said = "quality 0.20 (doubtful), mouth hidden" if spoilt else "quality 0.90"
            assert face["about"] == said


@pytest.mark.slow
def test_a_long_clip_gives_a_small_page_with_every_peak(tmp_path: Path, card: ModelCard) -> None:
    labels = card.aus.labels
    count = 150_000  # 1 h 40 min, two people
    table = pd.concat([person(k, range(count), labels=labels) for k in (0, 1)], ignore_index=True)
    table = lose(table, 60_000, 90_000)
    table.loc[123_456, "AU6_p"] = 1.0
    rng = np.random.default_rng(0)
    with Stills(tmp_path / "stills", AUS, limit=200) as keeper:
        for k in range(0, count, 1500):
            result = frame(k, {0: {"AU12": 0.9}})
            noise = rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)  # pictures as heavy as can be
            keeper.add(FrameResult(result.index, result.time, noise, result.faces))
    write_report(tmp_path / "a.html", table, card, stills=tmp_path / "stills")
    path = tmp_path / "a.html"
    assert path.stat().st_size < 16e6
    page = Page(path.read_text())
    low, high = curve(page, 0, "low")[1], curve(page, 0, "high")[1]
    time = np.frombuffer(base64.b64decode(page.data("person-0")["curves"]["time"]), "<f8")
    assert 10_000 < len(time) < count
    place = int(np.searchsorted(time, 123_456 / 25, side="right")) - 1
    assert (high[place], high[high < 255].max()) == (250, 250)
    known = low < 255
    assert (low[known] <= high[known]).all()
    kept = [one["time"] for one in page.data("clip")["stills"]]
    assert 10 <= len(kept) < 100
    assert np.diff([0, *kept, count / 25]).max() < count / 25 / 5
