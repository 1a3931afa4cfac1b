"""Figures for print: what is in them, checked in the figure and in the file."""

import itertools
import re
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aulens.errors import ConfigError, InputError
from aulens.runtime.card import read_card
from aulens.show.cooccurrence import cooccurrence_figure
from aulens.show.figure import COLUMN, PAGE, save_figure
from aulens.show.figures import people_to_draw, write_figures
from aulens.show.numbers import clock
from aulens.show.report import write_report
from aulens.show.timeline import timeline
from clips import LABELS, THRESHOLD, lose, person, spells
from stub_model import write_stub

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return lose(person(0, range(500)), 200, 260)


@pytest.fixture(scope="module")
def events(table: pd.DataFrame) -> pd.DataFrame:
    return spells(table)


@pytest.fixture(scope="module")
def figure(table: pd.DataFrame, events: pd.DataFrame) -> Figure:
    return timeline(table, THRESHOLD, events, 0)


def line(axes: Axes, label: str) -> Line2D:
    (found,) = [one for one in axes.lines if one.get_label() == label]
    return found


def texts(path: Path) -> list[str]:
    root = ElementTree.parse(path).getroot()
    return ["".join(node.itertext()).strip() for node in root.iter("{http://www.w3.org/2000/svg}text")]


def test_a_timeline_has_a_band_for_each_au_with_curve_and_threshold(
    figure: Figure, table: pd.DataFrame
) -> None:
    assert [axes.get_label() for axes in figure.axes] == list(LABELS)
    for axes, label in zip(figure.axes, LABELS, strict=True):
        x, y = line(axes, "probability").get_data()
        np.testing.assert_allclose(x, table["time"])
        np.testing.assert_allclose(y, table[f"{label}_p"].to_numpy(float, na_value=np.nan), atol=1e-6)
        assert set(line(axes, "threshold").get_ydata()) == {THRESHOLD[label]}
        assert axes.get_xlim() == (0.0, 20.0)
    # The bands do not touch, and go down in the order of the AUs.
    places = [axes.get_position() for axes in figure.axes]
    assert all(above.y0 > below.y1 for above, below in itertools.pairwise(places))


def test_there_is_no_curve_where_the_face_was_lost(figure: Figure) -> None:
    for axes in figure.axes:
        y = np.asarray(line(axes, "probability").get_ydata())
        np.testing.assert_array_equal(np.flatnonzero(np.isnan(y)), np.arange(200, 260))
        (hatched,) = [part for part in axes.collections if part.get_hatch()]
        (path,) = hatched.get_paths()
        assert path.get_extents().intervalx.tolist() == [8.0, 10.4]


def test_a_face_that_is_seen_badly_has_a_grey_ground(table: pd.DataFrame, figure: Figure) -> None:
    spoilt = table.assign(quality=0.9)
    spoilt.loc[300:349, "quality"] = 0.2
    drawn = timeline(spoilt, THRESHOLD, None, 0)
    for axes in drawn.axes:
        (ground,) = [part for part in axes.collections if part.get_label() == "doubtful"]
        (path,) = ground.get_paths()
        assert path.get_extents().intervalx.tolist() == [12.0, 14.0]
    key = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert "face seen badly" in key
    assert "face seen badly" not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_events_are_shaded_from_onset_to_offset(figure: Figure, events: pd.DataFrame) -> None:
    for axes, label in zip(figure.axes, LABELS, strict=True):
        (shading,) = [part for part in axes.collections if part.get_label() == "events"]
        spans = [path.get_extents().intervalx.tolist() for path in shading.get_paths()]
        own = events[events["au"] == label]
        np.testing.assert_allclose(spans, own[["onset", "offset"]].to_numpy())
        (apexes,) = [part for part in axes.collections if part.get_label() == "apexes"]
        np.testing.assert_allclose([s[0, 0] for s in apexes.get_segments()], own["apex"])


def test_a_long_clip_is_drawn_with_all_its_peaks() -> None:
    table = person(0, range(60_000))
    table.loc[31_234, "AU6_p"] = 1.0
    axes = timeline(table, THRESHOLD, None, 0).axes[1]
    x, y = line(axes, "probability").get_data()
    assert len(x) < 3000
    assert np.max(y) == 1
    assert abs(x[int(np.argmax(y))] - 31_234 / 25) < 2400 / 1000
    assert np.min(y) == pytest.approx(table["AU6_p"].min(), abs=1e-6)


def test_a_frame_alone_between_lost_ones_is_a_dot() -> None:
    table = lose(lose(person(0, range(60)), 10, 20), 21, 30)
    axes = timeline(table, THRESHOLD, None, 0).axes[0]
    (dots,) = [one for one in axes.lines if one.get_marker() == "."]
    np.testing.assert_allclose(dots.get_xdata(), [0.8])


def test_sides_are_two_curves_in_place_of_one(table: pd.DataFrame) -> None:
    figure = timeline(table, THRESHOLD, None, 0, sides=True)
    assert [text.get_text() for text in figure.legends[0].get_texts()][:3] == [
        "subject's right", "subject's left", "both sides",
    ]  # fmt: skip
    for axes, label in zip(figure.axes, LABELS, strict=True):
        if label == "AU25":  # of the lips: it has no sides
            line(axes, "probability")
            continue
        for side in ("right", "left"):
            y = table[f"{label}_{side}_p"].to_numpy(float, na_value=np.nan)
            np.testing.assert_allclose(line(axes, side).get_ydata(), y, atol=1e-6)
        assert "probability" not in [one.get_label() for one in axes.lines]
    blank = table.assign(**{f"{label}_{side}_p": np.nan for label in LABELS for side in ("left", "right")})
    with pytest.raises(InputError, match="has no scores of sides"):
        timeline(blank, THRESHOLD, None, 0, sides=True)


def test_a_person_who_comes_late_has_nothing_before() -> None:
    table = pd.concat([person(0, range(100)), person(1, range(50, 100))])
    axes = timeline(table, THRESHOLD, None, 1).axes[0]
    assert axes.get_xlim() == (0.0, 4.0)
    assert np.min(line(axes, "probability").get_xdata()) == 2.0


def test_the_files_have_text_as_text_and_are_the_same_each_time(figure: Figure, tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg", "a.pdf", "b.pdf"):
        save_figure(figure, tmp_path / name)
    for kind in ("svg", "pdf"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    found = texts(tmp_path / "a.svg")
    for label in LABELS:
        assert label in found
    for word in ("clip.mp4, person 0", "Lip Corner Puller", "time, min:s", "0:04", "threshold", "no face"):
        assert word in found
    assert b"/Subtype /Type3" not in (tmp_path / "a.pdf").read_bytes()
    with pytest.raises(ConfigError, match=r"ends in \.svg, \.pdf, \.png"):
        save_figure(figure, tmp_path / "a.jpg")


def test_the_settings_of_who_draws_stay_theirs(table: pd.DataFrame, tmp_path: Path) -> None:
    own = {"font.size": 11.5, "svg.hashsalt": "own", "svg.fonttype": "path", "pdf.fonttype": 3}
    with mpl.rc_context(own), warnings.catch_warnings():
        before, said = dict(mpl.rcParams), list(warnings.filters)
        save_figure(timeline(table, THRESHOLD, None, 0), tmp_path / "a.svg")
        cooccurrence_figure(np.eye(2), ("AU1", "AU2"))
        assert dict(mpl.rcParams) == before
        assert warnings.filters == said


def sun(path: Path, family: str) -> Path:
    """A font with one character."""
    pen = TTGlyphPen(None)
    for x, y in ((0, 0), (0, 900), (900, 900), (900, 0)):
        (pen.lineTo if x + y else pen.moveTo)((x, y))
    pen.closePath()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", "sun"])
    font.setupCharacterMap({ord("日"): "sun"})
    font.setupGlyf(dict.fromkeys([".notdef", "sun"], pen.glyph()))
    font.setupHorizontalMetrics(dict.fromkeys([".notdef", "sun"], (1000, 0)))
    font.setupHorizontalHeader(ascent=900, descent=-100)
    font.setupNameTable({"familyName": family, "styleName": "Regular", "psName": "Sun-Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(path)
    return path


def test_a_name_in_any_script_is_drawn_with_fonts_that_are_there_and_without_a_word(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Also where no font has it: the SVG's reader may."""
    table = person(0, range(60), file="日\U0001fae8.mp4")
    known = list(font_manager.fontManager.ttflist)
    try:
        font_manager.fontManager.addfont(sun(tmp_path / "sun.ttf", "Noto Sans CJK JP"))
        written = write_figures(tmp_path, table, THRESHOLD)
    finally:
        font_manager.fontManager.ttflist[:] = known
    assert all(path.stat().st_size > 1000 for path in written)
    for path in written:
        if path.suffix == ".svg":
            assert "日\U0001fae8.mp4, person 0" in texts(path)
            assert "sans-serif, 'Noto Sans CJK JP'" in path.read_text(encoding="utf-8")
        else:
            assert b"Sun-Regular" in path.read_bytes()
    assert (*capfd.readouterr(), caplog.text) == ("", "", "")


@pytest.mark.parametrize("width", [COLUMN, PAGE])
def test_all_words_lie_inside_the_figure_and_none_on_another(
    table: pd.DataFrame, events: pd.DataFrame, width: float
) -> None:
    figure = timeline(table, THRESHOLD, events, 0, width=width, sides=True)
    FigureCanvasAgg(figure).draw()
    page = figure.bbox
    words = [*figure.texts, *figure.legends[0].get_texts(), figure.axes[-1].xaxis.label]
    words += [text for axes in figure.axes for text in axes.texts]
    low, high = figure.axes[-1].get_xlim()
    words += [
        tick.label1 for tick in figure.axes[-1].xaxis.get_major_ticks() if low <= tick.get_loc() <= high
    ]
    boxes = [text.get_window_extent() for text in words if text.get_text()]
    assert len(boxes) > 15
    for box in boxes:
        assert page.x0 <= box.x0
        assert box.x1 <= page.x1
        assert page.y0 <= box.y0
        assert box.y1 <= page.y1
    overlaps = [
        (a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :] if a.padded(-1).overlaps(b.padded(-1))
    ]
    assert not overlaps


@pytest.mark.parametrize(
    ("seconds", "span", "text"),
    [(0, None, "0:00"), (59.6, None, "1:00"), (3725, None, "62:05"), (5.25, 8, "0:05.2"), (65, 8, "1:05.0")],
)
def test_times_are_minutes_and_seconds(seconds: float, span: float | None, text: str) -> None:
    assert clock(seconds, span) == text


def test_a_matrix_is_drawn_with_its_numbers(tmp_path: Path) -> None:
    matrix = np.array([[1, 0.25, np.nan], [0.5, 1, 0], [0.07, 0.999, 1]])
    save_figure(cooccurrence_figure(matrix, ("AU1", "AU6", "AU12"), title="who & <what>"), tmp_path / "c.svg")
    found = texts(tmp_path / "c.svg")
    cells = [text for text in found if re.fullmatch(r"\d+|–", text)]
    assert cells[:6] == ["25", "–", "50", "0", "7", "100"]  # row by row, without the diagonal
    assert "who & <what>" in found
    mesh = cooccurrence_figure(matrix, ("AU1", "AU6", "AU12"), "joint").axes[0].collections[0]
    np.testing.assert_array_equal(np.ma.getdata(mesh.get_array())[0, 1], 0.25)
    assert np.ma.getmaskarray(mesh.get_array()).sum() == 1
    with pytest.raises(InputError, match="does not fit 2 AUs"):
        cooccurrence_figure(matrix, ("AU1", "AU6"))
    with pytest.raises(InputError, match=r"conditional lies in \[0, 1\]"):
        cooccurrence_figure(-matrix, ("AU1", "AU6", "AU12"))
    cooccurrence_figure(-matrix, ("AU1", "AU6", "AU12"), "phi")


@pytest.mark.usefixtures("without_pdfs")
def test_all_figures_of_a_clip_are_written(tmp_path: Path) -> None:
    alone = write_figures(tmp_path / "one", person(0, range(60)), THRESHOLD)
    assert [path.name for path in alone] == [
        "timeline.svg", "timeline.pdf", "cooccurrence.svg", "cooccurrence.pdf",
    ]  # fmt: skip
    assert sorted((tmp_path / "one").iterdir()) == sorted(alone)
    several = pd.concat([person(0, range(60)), person(1, range(60)), person(2, range(10))])
    written = write_figures(tmp_path / "two", several, THRESHOLD)
    assert {path.name for path in written if path.suffix == ".svg"} == {
        f"{kind}-person{k}.svg" for kind in ("timeline", "cooccurrence") for k in (0, 1)
    }  # the third is seen for less than a second
    assert sorted((tmp_path / "two").iterdir()) == sorted(written)


@pytest.mark.parametrize(
    ("file", "title"),
    [
        ("study/P02/talk.mp4", "P02 / talk.mp4"),
        ("D:\\P02\\talk.mp4", "P02 / talk.mp4"),
        ("talk.mp4", "talk.mp4"),
    ],
)
def test_figures_and_page_call_a_clip_the_same(file: str, title: str, tmp_path: Path) -> None:
    """Clips of many participants have one name."""
    table = person(0, range(60), file=file)
    for path in write_figures(tmp_path, table, THRESHOLD):
        if path.suffix == ".svg":
            assert f"{title}, person 0" in texts(path)
    write_report(tmp_path / "page.html", table, read_card(write_stub(tmp_path)))
    assert f"<title>{title}" in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [COLUMN, PAGE])
def test_of_a_long_folder_the_title_keeps_what_fits(width: float) -> None:
    folder = "a study of many people and their faces in the laboratory, second wave, with participant 17"
    figure = timeline(person(0, range(60), file=f"{folder}/talk.mp4"), THRESHOLD, None, 0, width=width)
    FigureCanvasAgg(figure).draw()
    title = figure.texts[0]
    assert re.fullmatch(r"….*participant 17 / talk\.mp4, person 0", title.get_text())
    assert 0.8 * figure.bbox.x1 < title.get_window_extent().x1 <= figure.bbox.x1


def test_of_a_crowd_those_seen_longest_have_figures() -> None:
    seen = {k: 1.6 + 0.2 * (k % 15) for k in range(30)}
    assert people_to_draw(seen, 1.0) == [*range(9, 15), *range(24, 30)]
    assert people_to_draw({0: 1.0, 1: 0.99, 2: 7.0}, 1.0) == [0, 2]
    assert people_to_draw({3: 0.2}, 1.0) == [3]


def test_drawing_needs_no_screen_and_importing_draws_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, aulens.show.timeline, aulens.show.figures, aulens.show.report;"
        "assert 'matplotlib' not in sys.modules; assert 'torch' not in sys.modules;"
        "from aulens.show.cooccurrence import cooccurrence_figure as f; import numpy as np;"
        "f(np.eye(2), ('AU1', 'AU2')).savefig(sys.argv[1]);"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.svg")], check=True)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_figures_are_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "figures").symlink_to(tmp_path / "theirs")
    with pytest.raises(ConfigError, match="is a link, and nothing is written through one"):
        write_figures(tmp_path / "figures", person(0, range(60)), THRESHOLD)
    assert not list((tmp_path / "theirs").iterdir())
