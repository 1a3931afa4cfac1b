"""Figures of tables that tell less: no probabilities, AUs that never occur, nothing to draw."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from aulens.errors import ConfigError, InputError
from aulens.show.cooccurrence import cooccurrence_figure
from aulens.show.figure import COLUMN, PAGE
from aulens.show.figures import write_figures
from aulens.show.timeline import timeline
from aulens.tables import read_table
from aulens.tables.clip import read_clip
from aulens.tables.events import events
from aulens.tables.openface import OpenFace
from aulens.tables.shares import shares
from clips import LABELS, THRESHOLD, lose, person

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """OpenFace's, of 300 frames: AU6 comes and goes, AU28 has no intensity; lost in frames 100 to 119."""
    told = lose(person(0, range(300)), 100, 120)
    empty = dict.fromkeys(OpenFace().columns(), "NaN")
    rows = []
    for row in told.itertuples():
        seen = row.success == 1
        cells = {"AU06_c": row.AU6_c, "AU06_r": 5 * row.AU6_p, "AU12_c": row.AU12_c, "AU28_c": 0}
        about = {"frame": row.frame + 1, "face_id": 0, "timestamp": row.time, "confidence": 1}
        rows.append(empty | about | {"success": int(seen)} | (cells if seen else {}))
    path = tmp_path_factory.mktemp("openface") / "clip.csv"
    pd.DataFrame(rows).to_csv(path, index=False, na_rep="NaN")
    return read_table(path)


CHOSEN = {"AU6": 0.5, "AU12": 0.5, "AU28": 0.5}


def words(figure: Figure) -> list[str]:
    return [text.get_text() for part in (figure, *figure.axes) for text in part.texts]


def test_a_table_without_probabilities_is_drawn_as_presence_and_no_face_is_lost(table: pd.DataFrame) -> None:
    figure = timeline(table, CHOSEN, events(table), 0)
    track = read_clip(table, tuple(CHOSEN)).track(0)
    for number, axes in enumerate(figure.axes):
        assert not axes.lines  # no curve, no threshold
        (filled,) = [part for part in axes.collections if part.get_label() == "present"]
        spans = [path.get_extents().intervalx for path in filled.get_paths()]
        due = (track.lasts * track.present[:, number]).sum()
        assert sum(b - a for a, b in spans) == pytest.approx(due)
        (hatched,) = [part for part in axes.collections if part.get_hatch()]
        (path,) = hatched.get_paths()
        assert path.get_extents().intervalx.tolist() == pytest.approx([4.0, 4.8])
    share = shares(track).value
    assert 0.05 < share[0] < 0.95
    assert {f"{100 * share[0]:.0f} %", "0 %"} <= set(words(figure))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "present", "event", "its apex", "no face",
    ]  # fmt: skip


def test_aus_with_and_without_probabilities_share_a_figure() -> None:
    table = person(0, range(60)).assign(AU6_p=np.nan)
    figure = timeline(table, THRESHOLD, None, 0)
    assert [len(axes.lines) > 0 for axes in figure.axes] == [True, False, True, True]


@pytest.mark.parametrize(
    ("threshold", "kind", "message"),
    [
        ({}, ConfigError, "no Action Units are chosen; give at least one"),
        ({"AU6": 0.5, "AU99": 0.5}, InputError, "lacks the columns AU99_c; its Action Units are AU1, AU6"),
        ({"AU6": float("nan")}, ConfigError, "that of AU6 is nan"),
        ({"AU6": 50}, ConfigError, "from 0 to 1; that of AU6 is 50"),
    ],
)
def test_thresholds_that_do_not_fit_are_refused_in_a_sentence(
    threshold: dict[str, float], kind: type[Exception], message: str
) -> None:
    table = person(0, range(30))
    with pytest.raises(kind, match=message):
        timeline(table, threshold, events(table), 0)


def matrix(*present: str) -> np.ndarray:
    """Shares of the row's frames, 0.5 off the diagonal; NaN in rows of AUs that never occur."""
    found = np.full((len(LABELS), len(LABELS)), np.nan)
    for i, row in enumerate(LABELS):
        if row in present:
            found[i] = [1 if row == column else 0.5 * (column in present) for column in LABELS]
    return found


@pytest.mark.parametrize("measure", ["conditional", "joint", "jaccard", "phi"])
def test_aus_that_never_occur_are_left_out_and_named(measure: str) -> None:
    values = matrix("AU6", "AU12")
    figure = cooccurrence_figure(np.nan_to_num(values) if measure == "joint" else values, LABELS, measure)  # type: ignore[arg-type]
    cells = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert cells == ["AU6", "AU12"]
    assert ("Without change: AU1, AU25." if measure == "phi" else "Never present: AU1, AU25.") in words(
        figure
    )
    assert [text.get_text() for text in figure.axes[0].texts].count("50") == 2


@pytest.mark.usefixtures("without_pdfs")
@pytest.mark.parametrize(
    ("present", "said"), [((), "No Action Unit was present"), (("AU12",), "AU12 alone was present")]
)
def test_where_one_or_none_occurs_the_figure_says_so(
    present: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    figure = cooccurrence_figure(matrix(*present), LABELS, title="clip.mp4, person 0")
    assert not figure.axes
    assert any(text.startswith(said) for text in words(figure))
    table = person(0, range(60))
    table[[f"{label}_c" for label in LABELS if label not in present]] = 0
    written = write_figures(tmp_path, table, THRESHOLD)
    (drawn,) = [path for path in written if path.name == "cooccurrence.svg"]
    assert said in drawn.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [COLUMN, PAGE])
@pytest.mark.parametrize("count", [0, 5, *(pytest.param(n) for n in (1, 2))])
def test_words_of_a_matrix_lie_inside_and_none_on_another(width: float, count: int) -> None:
    labels = tuple(
        f"AU{n}" for n in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 18, 20, 22, 23, 24, 25, 26, 27)
    )
    values = np.where((np.arange(20) < count)[:, None], np.eye(20), np.nan)
    figure = cooccurrence_figure(values, labels, width=width, title="clip.mp4, person 0")
    FigureCanvasAgg(figure).draw()
    page = figure.bbox
    boxes = [text.get_window_extent() for text in figure.texts]
    boxes += [text.get_window_extent() for axes in figure.axes for text in axes.get_xticklabels()]
    for box in boxes:
        assert page.x0 <= box.x0 < box.x1 <= page.x1
        assert page.y0 <= box.y0 < box.y1 <= page.y1
    assert not [
        (a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :] if a.padded(-1).overlaps(b.padded(-1))
    ]


def test_a_share_is_rounded_once_and_halves_go_up() -> None:
    figure = cooccurrence_figure(np.array([[1, 64 / 122], [0.125, 1]]), ("AU25", "AU12"))
    assert [text.get_text() for text in figure.axes[0].texts] == ["52", "13"]
