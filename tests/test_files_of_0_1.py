"""Files of earlier versions are read as what they were: cards, configurations of runs, receipts."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from aulens.aus import AUSet
from aulens.faces.net_card import BoxCard, LandmarkCard, read_net_card
from aulens.output.receipt import files_of, read_receipt
from aulens.relations import AURelations
from aulens.runtime.card import read_card
from aulens.training.calibration import read_calibration
from aulens.training.config import load_config, to_toml

FILES = Path(__file__).parent / "golden" / "v0_1"
OWN = AUSet("own", (2, 12, 15))


def test_a_card_of_the_first_model() -> None:
    card, written = read_card(FILES / "model.json"), json.loads((FILES / "model.json").read_text())
    assert (card.name, card.backbone, card.crop, card.map) == ("aulens-renders", "mobilenetv2_100", 128, 32)
    assert list(card.aus) == written["aus"]
    assert [list(pair) for pair in card.platt] == list(written["platt"].values())
    assert list(card.threshold) == list(written["threshold"].values())
    # What such cards do not say: sides follow from the decoder; nobody was told, nothing has a curve.
    assert (card.has_side_scores, card.people, card.curves, card.selected_on_test) == (True, None, (), False)


def test_cards_of_the_first_networks_that_find_faces() -> None:
    box = read_net_card(BoxCard, FILES / "detector.json")
    marks = read_net_card(LandmarkCard, FILES / "landmarks.json")
    assert list(box.platt) == json.loads((FILES / "detector.json").read_text())["platt"]
    assert (marks.size, marks.layout, len(marks.template)) == (112, "ibug68", 5)


def test_the_configuration_that_a_run_kept() -> None:
    config = load_config(FILES / "config.toml")
    assert (config.data.roots, config.model["aus"]) == (("faces 1", "faces 2"), "affwild2")
    assert (config.augment.shift, config.augment.flip, config.optimiser.lr) == (0.0682, 0.5, 0.01)
    assert config.stage2 is not None
    assert config.stage2.epochs == 3


def test_what_is_kept_now_is_the_same_configuration(tmp_path: Path) -> None:
    config = load_config(FILES / "config.toml")
    (tmp_path / "config.toml").write_text(to_toml(config))
    assert load_config(tmp_path / "config.toml") == config


def test_a_calibration_from_before_intensities() -> None:
    found = read_calibration(FILES / "calibration.json", OWN)
    assert found is not None
    assert found.threshold == pytest.approx([0.39419557771107455, 0.4137051209730681, 0.5], abs=0)
    assert (found.samples, found.subjects, found.curves) == (60, 6, ())
    assert found.fitted.tolist() == [True, True, False]


def test_relations() -> None:
    found = AURelations.load(FILES / "relations.json", OWN)
    np.testing.assert_array_equal(found.conditional[1], [1 / 3, 1, 0])
    assert found.occurrences.tolist() == [10, 7, 0]


def test_a_receipt_from_before_remarks(tmp_path: Path) -> None:
    shutil.copy(FILES / "receipt.json", tmp_path / "talk.json")
    for name in ("talk.csv", "talk.events.csv"):
        (tmp_path / name).touch()
    identity = json.loads((FILES / "receipt.json").read_text())["identity"]
    found = read_receipt(tmp_path / "talk.json", identity)
    assert found is not None
    assert (found.rows, found.people, found.left_out, found.remark) == (580, 2, None, None)
    assert set(files_of(tmp_path / "talk.json")) == {"table", "events"}
