"""Models of the form of JAA-Net's: they decide by themselves, find landmarks and tell no sides."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

from aulens.align import JAANET, transform
from aulens.analysis.analyzer import Analyzer
from aulens.errors import InputError, ModelError
from aulens.faces.detector import Face
from aulens.landmarks import IBUG49, IBUG68, convert
from aulens.output.writers import open_writer
from aulens.runtime.card import read_card
from aulens.runtime.model import open_model
from aulens.tables.schema import rows_of, to_frame
from people import noise
from stub_jaa import spots, write_jaa_stub
from stub_model import write_stub
from synthetic_faces import face68

SIZE = 300
POINTS = face68() * 60 + 150


def no_faces(image: np.ndarray) -> tuple[Face, ...]:
    return ()


def a_face(points: np.ndarray = POINTS) -> Face:
    return Face(np.array([90.0, 90, 210, 210]), points)


@pytest.fixture(scope="module")
def analyzer(tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    return Analyzer(write_jaa_stub(tmp_path_factory.mktemp("jaa")), no_faces, threads=1)


def plain(red: int, green: int, blue: int) -> np.ndarray:
    image = np.empty((SIZE, SIZE, 3), np.uint8)
    image[:] = (red, green, blue)
    return image


def test_a_logit_becomes_a_probability(analyzer: Analyzer) -> None:
    """The stub's logits are 200 times the mean colour, minus 1; its card says slope 1, offset 0.25."""
    (result,) = analyzer.analyze(plain(0, 1, 2), [a_face()])
    for label, logit in (("AU1", -3), ("AU6", -1), ("AU12", 200 / 255 - 1), ("AU25", 400 / 255 - 1)):
        expected = 1 / (1 + np.exp(-(logit + 0.25)))
        assert result.probability[label] == pytest.approx(expected, abs=1e-5), label
    assert result.present == ("AU12", "AU25")


def test_sides_are_not_told(analyzer: Analyzer) -> None:
    (result,) = analyzer.analyze(plain(9, 9, 9), [a_face()])
    assert not result.has_side_scores
    assert result.sides("AU12") is None
    assert list(result.left) == list(result.right) == list(result.probability)
    assert np.isnan([*result.left.values(), *result.right.values()]).all()


def test_untold_sides_are_blank_in_every_table(analyzer: Analyzer) -> None:
    results = analyzer.analyze(plain(9, 9, 9), [a_face()])
    rows = rows_of("a.png", results, analyzer.card.aus)
    assert rows[0]["AU12_left_p"] is None
    assert rows[0]["AU12_p"] is not None
    text = io.StringIO()
    open_writer("csv", text, analyzer.card.aus, picture=True).write(rows)
    assert ",," in text.getvalue()
    assert "nan" not in text.getvalue().lower()
    text = io.StringIO()
    open_writer("jsonl", text, analyzer.card.aus, picture=True).write(rows)
    assert json.loads(text.getvalue())["AU12_right_p"] is None
    frame = to_frame(rows, analyzer.card.aus)
    assert frame["AU12_left_p"].dtype == np.float64
    assert frame["AU12_left_p"].isna().all()
    assert frame["AU12_p"].notna().all()


def test_attention_lies_where_the_model_looked(analyzer: Analyzer) -> None:
    """A green spot at her left mouth corner: AU12's attention is there, 0 elsewhere, in picture pixels."""
    corner = POINTS[54]
    image = spots(np.array([[-99, -99], corner, [-99, -99]]), (SIZE, SIZE), 6.0)
    (result,) = analyzer.analyze(image, [a_face()])
    assert result.evidence.attention
    heat = result.evidence["AU12"]
    assert heat.shape == (SIZE, SIZE)
    top = np.argwhere(heat > 0.9 * heat.max()).mean(0)
    np.testing.assert_allclose(top[::-1], corner, atol=2)
    assert heat.max() > 0.6
    assert heat.min() > -1e-6
    assert result.evidence.raw("AU1") == pytest.approx(np.full((28, 28), 0.5), abs=1e-6)


@pytest.mark.parametrize("layout", [IBUG68, IBUG49], ids=["68", "49"])
def test_the_face_is_cut_out_by_the_template_of_the_card(analyzer: Analyzer, layout: object) -> None:
    points = POINTS if layout is IBUG68 else convert(POINTS, IBUG68, IBUG49)
    (result,) = analyzer.analyze(noise(SIZE, SIZE), [a_face(points)])
    np.testing.assert_allclose(result.matrix, JAANET.matrix(POINTS, 112), atol=1e-9)


def test_five_points_are_enough_for_a_model_without_regions(analyzer: Analyzer, tmp_path: Path) -> None:
    five = transform(np.eye(2, 3), [POINTS[36:42].mean(0), POINTS[42:48].mean(0), *POINTS[[30, 48, 54]]])
    image = noise(SIZE, SIZE)
    (few,), (many,) = (analyzer.analyze(image, [a_face(points)]) for points in (five, POINTS))
    assert few.probability == many.probability
    assert few.pose is None
    with pytest.raises(InputError, match="no layout has 5 landmarks"):
        Analyzer(write_stub(tmp_path), no_faces).analyze(image, [a_face(five)])


def test_faces_without_landmarks_are_refused_and_the_way_out_is_named(analyzer: Analyzer) -> None:
    with pytest.raises(InputError, match=r"without landmarks.*JAALandmarks"):
        analyzer.analyze(noise(SIZE, SIZE), [a_face(np.empty((0, 2)))])


# --- files that do not fit their cards ------------------------------------------------------------


def test_a_direct_card_needs_a_file_with_logits(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"jaa\.onnx: it has no output 'logits'.*jaa\.json.*'direct'"):
        Analyzer(write_jaa_stub(tmp_path, logits=False), no_faces)


def test_landmarks_of_another_number_than_the_layout_of_the_card(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"its landmarks are 40 x 2, its card says 49 x 2 \(layout ibug49\)"):
        Analyzer(write_jaa_stub(tmp_path, points=40), no_faces)
    with pytest.raises(ModelError, match=r"its landmarks are 49 x 2, its card says 68 x 2 \(layout ibug68\)"):
        Analyzer(write_jaa_stub(tmp_path, card={"layout": "ibug68"}), no_faces)


def test_other_aus_or_maps_than_the_card_says(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"maps have 4 channels.*names 3 AUs"):
        Analyzer(write_jaa_stub(tmp_path, card={"aus": [1, 6, 12]}), no_faces)
    with pytest.raises(ModelError, match="its maps are 28 x 28, its card says 14 x 14"):
        Analyzer(write_jaa_stub(tmp_path, card={"map": 14}), no_faces)


def test_scores_that_are_not_finite_are_an_error(analyzer: Analyzer, tmp_path: Path) -> None:
    model = open_model(read_card(write_jaa_stub(tmp_path)))
    images = np.full((1, 3, 112, 112), np.nan, np.float32)
    with pytest.raises(ModelError, match=r"jaa\.onnx: its scores are not finite"):
        model.scores(model(images), np.zeros((1, 49, 2)))


def test_landmarks_that_are_not_finite_do_not_hurt_the_scores(tmp_path: Path) -> None:
    """The Analyzer takes its landmarks from the detector, not from the model."""
    analyzer = Analyzer(write_jaa_stub(tmp_path, landmarks="not finite"), no_faces)
    (result,) = analyzer.analyze(plain(9, 9, 9), [a_face()])
    assert np.isfinite(list(result.probability.values())).all()
