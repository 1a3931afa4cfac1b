import json
from pathlib import Path
from typing import Any

import pytest

from aulens.errors import ModelError
from aulens.runtime.card import find_card, read_card
from aulens.runtime.intensity import Curve
from stub_jaa import write_jaa_stub
from stub_model import write_stub

LABELS = ("AU1", "AU6", "AU12", "AU25")


def changed(folder: Path, **entries: Any) -> Path:
    return write_stub(folder, card=entries)


def test_a_card_is_read(tmp_path: Path) -> None:
    card = read_card(write_stub(tmp_path))
    assert card.aus.numbers == (1, 6, 12, 25)
    assert card.platt == ((4.0, 0.25),) * 4
    assert card.threshold == (0.5,) * 4
    assert card.calibrated
    assert not read_card(changed(tmp_path, calibrated=False)).calibrated
    assert card.onnx == tmp_path / "stub.onnx"


def test_cards_from_before_sides_and_layout_were_told(tmp_path: Path) -> None:
    card = read_card(write_stub(tmp_path))
    assert (card.has_side_scores, card.layout.name, card.attention) == (True, "ibug68", False)
    assert not read_card(changed(tmp_path, decoder="pooled")).has_side_scores
    assert not read_card(changed(tmp_path, tells_sides=False)).has_side_scores


def test_a_card_of_a_model_that_decides_by_itself(tmp_path: Path) -> None:
    card = read_card(write_jaa_stub(tmp_path))
    assert (card.decoder, card.has_side_scores, card.attention) == ("direct", False, True)
    assert (card.backbone, card.roi_side, card.layout.count) == (None, None, 49)


def test_curves_of_intensity(tmp_path: Path) -> None:
    assert read_card(write_stub(tmp_path)).curves == ()  # older cards
    curves = {"AU12": [[-1, 0, 0.5], [0, 1, 4.5]]}
    card = read_card(changed(tmp_path, intensity={"fitted_on": "a few", "unit": "", "curves": curves}))
    assert card.curves == (None, None, Curve((-1, 0, 0.5), (0, 1, 4.5)), None)
    assert card.aus.intense == (12,)
    assert card.intensity_fitted_on == "a few"
    assert read_card(changed(tmp_path, intensity=None)).aus.intense == ()


@pytest.mark.parametrize(
    "curve",
    [
        [[0, 1]],
        [[0, 1], [0, 6]],
        [[0, 1], [2, 1]],
        [[1, 0], [0, 1]],
        [[0, 1], [0]],
        "steep",
        [[0], [0]],
        [1, 2],
    ],
)
def test_a_curve_that_can_not_be_is_named(tmp_path: Path, curve: object) -> None:
    path = changed(tmp_path, intensity={"fitted_on": "", "curves": {"AU12": curve}})
    with pytest.raises(ModelError, match=r"'intensity\.curves\.AU12' must be scores and intensities"):
        read_card(path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"format": "aulens-model/9"}, "format 'aulens-model/1', found 'aulens-model/9'"),
        ({"aus": [1, 6, 12]}, None),
        ({"aus": [1, 6, 12, 99]}, "unknown AUs.*99"),
        ({"aus": [1, 6, 12, 12]}, "12.*more than once"),
        ({"aus": "BP4D"}, "'aus' must be a list of AU numbers"),
        ({"aus": [1, 6, 12, 17]}, "'platt' lacks AU17"),
        ({"crop": 0}, "'crop' must be a whole number from 1 to 4096, found 0"),
        ({"crop": 10**9}, "'crop' must be a whole number from 1 to 4096, found 1000000000"),
        ({"map": 10**400}, "'map' must be a whole number from 1 to 4096, found 1000"),
        ({"platt": {label: [10**400, 0] for label in LABELS}}, "two numbers"),
        ({"crop": 128.0}, "'crop' must be a whole number"),
        ({"template": "ears"}, "'template' must be one of face.*'ears'"),
        ({"decoder": "guess"}, "'decoder' must be one of roi, pooled, direct"),
        ({"layout": "ibug5"}, "'layout' must be one of ibug68, ibug66, ibug49, found 'ibug5'"),
        ({"tells_sides": "left"}, "'tells_sides' must be true or false"),
        ({"decoder": "pooled", "tells_sides": True}, "'tells_sides' must be false.*'pooled'.*found True"),
        ({"decoder": "direct", "tells_sides": True}, "'tells_sides' must be false.*'direct'.*found True"),
        ({"platt": {}}, "'platt' lacks AU1"),
        ({"platt": {label: [1] for label in LABELS}}, "two numbers"),
        ({"threshold": dict.fromkeys(LABELS, 1.5)}, "from 0 to 1, found 1.5"),
        ({"threshold": dict.fromkeys(LABELS, float("nan"))}, "found nan"),
        ({"onnx_sha256": "abc"}, "64 hexadecimal digits"),
        ({"calibrated": "yes"}, "'calibrated' must be true or false"),
        ({"statement": None}, "'statement' must be text"),
        ({"results": []}, "'results' must be a table"),
        ({"intensity": {"curves": {}}}, r"lacks the entry 'intensity\.fitted_on'"),
        (
            {"intensity": {"fitted_on": "", "curves": {"AU99": [[0, 1], [0, 1]]}}},
            r"of AUs that the card has, found \['AU99'\]",
        ),
    ],
)
def test_what_is_wrong_with_a_card_is_named(
    tmp_path: Path, entries: dict[str, Any], message: str | None
) -> None:
    path = changed(tmp_path, **entries)
    if message is None:
        read_card(path)
        return
    with pytest.raises(ModelError, match=f"stub.json: .*{message}"):
        read_card(path)


@pytest.mark.parametrize("key", ["name", "aus", "platt", "onnx_sha256", "licence", "statement"])
def test_a_lacking_entry_is_named(tmp_path: Path, key: str) -> None:
    path = write_stub(tmp_path)
    entries = json.loads(path.read_text())
    del entries[key]
    path.write_text(json.dumps(entries))
    with pytest.raises(ModelError, match=f"lacks the entry '{key}'"):
        read_card(path)


def test_an_entry_that_is_not_known_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read_card(changed(tmp_path, mood="blue", training={})).name == "stub"
    (said,) = caplog.messages
    assert said.endswith("stub.json: passed over, as this version of aulens does not know them: ['mood']")
    for name, meant in (("tell_sides", "tells_sides"), ("Intensity", "intensity")):
        with pytest.raises(ModelError, match=f"unknown entry '{name}'; did you mean '{meant}'"):
            read_card(changed(tmp_path, **{name: None}))


@pytest.mark.parametrize("text", ["", "{", "[1]", "\xff", "[" * 100_000, '{"a": "\\ud800"}'])
def test_what_is_no_card_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelError, match=r"a\.json: not a model card"):
        read_card(path)


def test_a_model_is_found_by_its_card_or_its_onnx(tmp_path: Path) -> None:
    card = write_stub(tmp_path)
    assert find_card(card) == card
    assert find_card(str(tmp_path / "stub.onnx")) == card


def test_what_is_no_model_is_said(tmp_path: Path) -> None:
    (tmp_path / "best.pt").touch()
    with pytest.raises(ModelError, match=r"best\.pt: a model is given by its card"):
        find_card(tmp_path / "best.pt")
    with pytest.raises(ModelError, match=r"gone: there is no such file or folder"):
        find_card(tmp_path / "gone")
    with pytest.raises(ModelError, match=r"gone\.onnx: there is no such model file"):
        find_card(tmp_path / "gone.onnx")
    write_stub(tmp_path).unlink()
    with pytest.raises(ModelError, match=r"its card stub\.json is not beside it"):
        find_card(tmp_path / "stub.onnx")


def test_without_shipped_weights_the_error_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"carries no model weights; give the path"):
        find_card(shipped=tmp_path / "none.json")


def test_deeply_nested_json_is_no_card(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text("[" * 200_000)
    with pytest.raises(ModelError, match="not a model card"):
        read_card(path)
