"""The model that comes with aulens, on a photo and on renders: what the README promises."""

from pathlib import Path

import pytest

from aulens.analysis.analyzer import Analyzer
from aulens.runtime.card import find_card
from people import astronaut, detector

PICTURES = Path(__file__).parents[2] / "examples" / "pictures"


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(detector=detector(), threads=1)


def test_the_astronaut_smiles(analyzer: Analyzer) -> None:
    (result,) = analyzer(astronaut())
    assert {"AU12", "AU25"} <= set(result.present)
    assert not {"AU4", "AU15"} & set(result.present)
    assert 2 < result.intensity["AU12"] <= 5
    assert result.intensity["AU4"] < 1


def test_a_one_sided_smile_is_on_the_subjects_left(analyzer: Analyzer) -> None:
    (result,) = analyzer(PICTURES / "one_sided_smile.jpg")
    assert result.sides("AU12") == (False, True)
    heat = result.evidence["AU12"]
    width = heat.shape[1]
    # Her own left is the right half of the picture.
    assert heat[:, width // 2 :].max() > 0.3 > 2 * heat[:, : width // 3].max()


def test_a_neutral_face_has_no_action_unit(analyzer: Analyzer) -> None:
    (result,) = analyzer(PICTURES / "neutral.jpg")
    assert result.present == ()


def test_the_card_says_what_it_is(analyzer: Analyzer) -> None:
    card = analyzer.card
    assert card.calibrated
    assert "portraits" in card.trained_on
    assert "no certified FACS coder has validated it" in card.statement
    assert card.onnx.stat().st_size <= 25e6
    assert find_card().parent.name == "weights"
