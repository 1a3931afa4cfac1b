"""Drawings: what they show, and that they leave their input alone."""

import dataclasses
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aulens.analysis.analyzer import Analyzer
from aulens.aus import AUS, AUSet
from aulens.faces.detector import Face
from aulens.runtime.card import ModelCard
from aulens.runtime.result import FaceResult
from aulens.show import draw_overlay, evidence_sheet, page
from aulens.show.canvas import FRAME, LEFT, RIGHT, Layer, text_width, view_of
from aulens.show.evidence import blend_evidence
from aulens.show.labels import LabelStyle, draw_chip
from people import astronaut, crowd, detector, noise
from stub_jaa import spots, write_jaa_stub
from stub_model import write_stub
from synthetic_faces import face68

Image = np.ndarray


@pytest.fixture(scope="module")
def analyzer(tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    threshold = {"AU1": 1.0, "AU6": 1.0, "AU12": 0.7, "AU25": 1.0}
    card = write_stub(tmp_path_factory.mktemp("stub"), card={"threshold": threshold})
    return Analyzer(card, detector(), threads=1)


@pytest.fixture(scope="module")
def picture() -> Image:
    """The astronaut in grey, with a red patch on her own left mouth corner: the stub sees AU12 there only."""
    image = astronaut()
    grey = image.mean(axis=2, keepdims=True).astype(np.uint8).repeat(3, axis=2)
    grey[132:149, 236:253] = (220, 20, 20)
    return grey


@pytest.fixture(scope="module")
def results(analyzer: Analyzer, picture: Image) -> tuple[FaceResult, ...]:
    return analyzer.analyze(picture, detector()(astronaut()))


@pytest.mark.parametrize(
    ("shape", "longer"),
    [((512, 512), 900), ((100, 50), 400), ((3000, 1500), 1600), ((1200, 900), 1200), ((1, 1), 4)],
)
def test_a_view_has_a_size_for_looking_at(shape: tuple[int, int], longer: int) -> None:
    assert max(view_of(noise(*shape)).pixels.shape) == longer


def test_view_and_picture_coordinates_are_inverse() -> None:
    view = view_of(noise(333, 500))
    points = np.array([[0.0, 0.0], [499.0, 332.0], [120.5, 7.25]])
    there = view.points(points)
    back = there @ view.to_picture[:, :2].T + view.to_picture[:, 2]
    np.testing.assert_allclose(back, points, atol=1e-9)
    # The outer edge of the picture is the outer edge of the view.
    np.testing.assert_allclose(view.points(np.array([[499.5, 332.5]])), [[899.5, view.pixels.shape[0] - 0.5]])


def test_heat_lies_where_the_evidence_is(picture: Image, results: tuple[FaceResult, ...]) -> None:
    view = view_of(picture)
    changed = np.abs(blend_evidence(view, results).astype(int) - view.pixels).sum(axis=2)
    assert results[0].sides("AU12") == (False, True)
    patch = view.points(np.array([[236.0, 132.0], [253.0, 149.0]])).round().astype(int)
    inside = changed[patch[0, 1] + 8 : patch[1, 1] - 8, patch[0, 0] + 8 : patch[1, 0] - 8]
    assert inside.mean() > 30
    mirrored = changed[patch[0, 1] : patch[1, 1], patch[0, 0] - 75 : patch[1, 0] - 75]
    assert mirrored.mean() < inside.mean() / 4


def test_an_overlay_has_flags_for_the_side(picture: Image, results: tuple[FaceResult, ...]) -> None:
    before = picture.copy()
    drawn = draw_overlay(picture, results)
    np.testing.assert_array_equal(picture, before)
    assert drawn.shape == (900, 900, 3)
    assert drawn.dtype == np.uint8

    def area(colour: tuple[int, int, int]) -> int:
        return int((np.abs(drawn.astype(int) - colour).max(axis=2) < 8).sum())

    # AU12 is the only label, and its flag is lit on the left only.
    assert area(LEFT) > 100
    assert area(RIGHT) == 0


class Heard(Layer):
    """Remembers where words stand."""

    def text(self, x: float, y: float, text: str, *rest: Any, **more: Any) -> None:
        self.words = {**getattr(self, "words", {}), text: x}


@pytest.mark.parametrize("right", [True, False])
def test_flags_stand_as_one_sees_the_subject(right: bool) -> None:
    """Who looks at a person has that person's right at the left."""
    style = LabelStyle(20)
    layer = Heard((40, round(style.width)))
    draw_chip(layer, "AU12", (right, not right), 0, 0, style)
    assert layer.words["R"] < layer.words["AU12"] < layer.words["L"]
    colour = np.array(RIGHT if right else LEFT)
    pixels = layer.pixels().astype(int)
    lit = np.flatnonzero((np.abs(pixels[..., :3] - colour).max(axis=2) < 8).any(axis=0))
    start = layer.words["R" if right else "L"]
    assert lit.min() < start < lit.max()
    assert lit.max() < style.width / 2 if right else lit.min() > style.width / 2


def test_labels_of_a_crowd_are_listed_below_the_picture(analyzer: Analyzer) -> None:
    image = crowd(4, 5)
    results = analyzer(image)
    assert len(results) == 20
    view = view_of(image).pixels
    drawn = draw_overlay(image, results, evidence=False)
    assert drawn.shape[0] > view.shape[0] + 20 * 20
    assert drawn.shape[1] == view.shape[1]
    # Each face has its number in the list: yellow at the left border of every row.
    listed = np.abs(drawn[view.shape[0] :, 8].astype(int) - FRAME).max(axis=1) < 8
    assert (np.diff(listed.astype(int)) == 1).sum() == 20


def test_labels_have_room_beside_a_face_that_is_alone(
    picture: Image, results: tuple[FaceResult, ...]
) -> None:
    assert draw_overlay(picture, results).shape == view_of(picture).pixels.shape
    close = np.ascontiguousarray(picture[60:200, 165:280])
    moved = dataclasses.replace(results[0], box=results[0].box - (165, 60, 165, 60))
    assert draw_overlay(close, [moved], evidence=False).shape[0] > view_of(close).pixels.shape[0]


def test_no_face_and_one_pixel_are_drawn_too() -> None:
    for image in (noise(60, 80), noise(1, 1)):
        np.testing.assert_array_equal(draw_overlay(image, ()), view_of(image).pixels)


def test_a_sheet_has_a_tile_for_each_au(
    analyzer: Analyzer, picture: Image, results: tuple[FaceResult, ...]
) -> None:
    sheet = evidence_sheet(picture, results[0], analyzer.card.aus)
    assert sheet.dtype == np.uint8
    assert sheet.shape[1] == 4 * (150 + 12) + 12
    # AU1 of the stub is absent everywhere: its tile is cold.
    tile = sheet[20:150, 20:150].astype(int)
    assert tile[..., 2].mean() > tile[..., 0].mean() + 40


# --- models that tell no sides, and look instead of draw -------------------------------------------


@pytest.fixture(scope="module")
def sideless(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelCard, Image, FaceResult]:
    """A model with attention that is sure of all but AU1, on a picture that is green at one mouth corner."""
    card = write_jaa_stub(tmp_path_factory.mktemp("jaa"), card={"threshold": THRESHOLDS})
    points = face68() * 60 + 150
    corner = np.array([[-99, -99], points[54], [-99, -99]])
    image = np.maximum(spots(corner, (300, 300), 6.0), 60)
    analyzer = Analyzer(card, detector=lambda image: (), threads=1)
    (result,) = analyzer.analyze(image, [Face(np.array([90.0, 90, 210, 210]), points)])
    assert result.present == ("AU6", "AU12", "AU25")
    return analyzer.card, image, result


THRESHOLDS = {"AU1": 1.0, "AU6": 0.0, "AU12": 0.0, "AU25": 0.0}


def near(image: Image, colour: tuple[int, int, int]) -> int:
    return int((np.abs(image.astype(int) - colour).max(axis=2) < 8).sum())


def test_labels_without_sides_have_no_flags(sideless: tuple[ModelCard, Image, FaceResult]) -> None:
    _, image, result = sideless
    drawn = draw_overlay(image, [result], evidence=False)
    listed = draw_overlay(image, [result, result], evidence=False)
    for picture in (drawn, listed):
        assert near(picture, LEFT) == near(picture, RIGHT) == 0
        assert near(picture, (92, 98, 110)) < 50  # flags that are not lit; a few in the edges of letters
        dark = (picture.max(axis=2) < 70) & (picture != 60).any(axis=2)
        assert dark.sum() > 500  # the labels; the picture itself is of 60


def test_attention_has_a_colour_of_its_own_and_lies_where_the_model_looked(
    sideless: tuple[ModelCard, Image, FaceResult],
) -> None:
    card, image, result = sideless
    view = view_of(image)
    change = blend_evidence(view, [result]).astype(int) - view.pixels
    x, y = view.points(result.landmarks[54]).round().astype(int)
    there = change[y - 8 : y + 9, x - 8 : x + 9].mean((0, 1))
    assert there[2] > 30  # towards violet,
    assert there[1] < -30  # away from green; not red or yellow, which would speak for the AU
    assert np.abs(change).sum(2).astype(bool).mean() < 0.05
    # AU1 has the same attention everywhere: its tile shows the face and no colour.
    tile = evidence_sheet(image, result, card.aus)[14:160, 14:160].astype(int)
    assert np.ptp(tile, axis=2).max() < 70


def test_a_sheet_of_attention_says_what_it_is(sideless: tuple[ModelCard, Image, FaceResult]) -> None:
    card, image, result = sideless
    sheet = evidence_sheet(image, result, card.aus)
    narrow = evidence_sheet(image, result, AUSet("one", (12,)))
    assert near(sheet, LEFT) == near(sheet, RIGHT) == 0
    assert (sheet[204:211] > 250).all()  # nothing where the bars of the sides would be
    for picture, least in ((sheet, 204), (narrow, 204)):
        note = picture[least + 4 :].astype(int)
        assert (note.min(axis=2) < 140).any(axis=1).sum() > 8  # lines of text
        assert (note[:, -10:] > 250).all()  # that end before the border


def test_a_page_of_a_model_without_sides_claims_none(sideless: tuple[ModelCard, Image, FaceResult]) -> None:
    card, _, result = sideless
    html = (
        page.head(card) + page.section("a.jpg", [result], card.aus, b"", [b""], 1) + page.foot(1, 1, {}, card)
    )
    checker = Checker()
    checker.feed(html)
    assert checker.open == []
    for text in ("does not tell the two sides", "where the model looked", "Where the model looked for each"):
        assert text in checker.text
    for text in ("Right", "Left", "own right and left", "Warm colours", "nan", "None"):
        assert text not in checker.text
    assert "(jaa_net)" in checker.text


class Checker(HTMLParser):
    """Collects every address, and makes sure that each tag is closed in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page_is_whole_and_needs_nothing_from_elsewhere(
    analyzer: Analyzer, results: tuple[FaceResult, ...]
) -> None:
    card = analyzer.card
    html = (
        page.head(card)
        + page.section("a <b>.jpg", results, card.aus, b"picture", [b"sheet"], 1)
        + page.section("none.jpg", (), card.aus, b"picture", [], 2)
        + page.foot(3, 2, {Path("bad & co.jpg"): "the file is empty"}, card)
    )
    checker = Checker()
    checker.feed(html)
    assert checker.open == []
    assert len(checker.addresses) == 3
    assert all(address.startswith("data:image/jpeg;base64,") for address in checker.addresses)
    assert not re.search(r"url\(|@import|https?:", html)
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'\"" in html
    for text in (
        "a <b>.jpg", card.statement, "Lip Corner Puller", "No face was found.",
        "bad & co.jpg: the file is empty", "The first 2 of 3 pictures", card.onnx_sha256, "numpy",
    ):  # fmt: skip
        assert text in checker.text, text


def test_a_sheet_has_the_whole_name_of_each_au(
    monkeypatch: pytest.MonkeyPatch, picture: Image, results: tuple[FaceResult, ...], analyzer: Analyzer
) -> None:
    said = []
    monkeypatch.setattr(Layer, "text", lambda self, x, y, text, *rest, **more: said.append(text))
    evidence_sheet(picture, results[0], analyzer.card.aus)
    assert {"Inner Brow Raiser", "Cheek Raiser", "Lip Corner Puller", "Lips Part"} <= set(said)
    assert said.count("R") == said.count("L") == 3  # lips have no sides
    assert max(text_width(au.name, 11) for au in AUS.values()) <= 150


def test_a_page_shows_no_sides_of_the_lips(results: tuple[FaceResult, ...]) -> None:
    html = page.section("a.jpg", results, AUSet("two", (12, 25)), b"", [b""], 1)
    rows = re.findall(r"<tr><td><b>(AU\d+)</b>(.*?)</tr>", html)
    assert {label: row.count("%</td>") for label, row in rows} == {"AU12": 3, "AU25": 1}


def test_a_page_tells_intensities_where_there_are_some(results: tuple[FaceResult, ...]) -> None:
    aus = AUSet("two", (12, 25))
    assert "Intensity" not in page.section("a.jpg", results[:1], aus, b"", [b""], 1)
    told = replace(results[0], intensity={"AU12": 2.34})
    html = page.section("a.jpg", (told,), aus, b"", [b""], 1)
    rows = dict(re.findall(r"<tr><td><b>(AU\d+)</b>(.*?)</tr>", html))
    assert "2.3 of 5" in rows["AU12"]
    assert "of 5" not in rows["AU25"]
