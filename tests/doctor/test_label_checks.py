"""Labels against landmarks, on many subjects."""

from dataclasses import replace

import numpy as np
import pytest
from actors import people, performances

from aulens.aus import BP4D, DISFA, MISSING
from aulens.data.protocols import PROTOCOLS
from aulens.doctor import Diagnosis, examine
from aulens.doctor.measures import EVIDENT


def examined(index) -> Diagnosis:
    return examine(index, pictures=False, whole=False)


def with_labels(index, labels):
    return replace(index, labels=labels)


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["bp4d", "disfa"])
def test_any_evident_au_swapped_with_any_other_is_found_or_harmless(dataset: str):
    aus = PROTOCOLS[dataset].aus
    index = performances(aus, people(dataset, 9), tasks=1, dataset=dataset)
    assert examined(index).ok
    for evident in EVIDENT & set(aus):
        for other in aus:
            if other == evident:
                continue
            labels = index.labels.copy()
            pair = [aus.index(evident), aus.index(other)]
            labels[:, pair] = labels[:, pair[::-1]]
            codes = {f.code for f in examined(with_labels(index, labels)).findings if f.level == "error"}
            assert codes & {"swapped_columns", "label_mismatch"}, (evident, other)


def test_a_subject_whose_0_and_1_are_exchanged_is_named():
    index = performances(DISFA, people("disfa", 9), frames=300, dataset="disfa")
    labels = index.labels.copy()
    rows = index.subject == index.subject[0]
    labels[rows] = 1 - labels[rows]
    seen = examined(with_labels(index, labels))
    named = [f.where for f in seen.findings if f.code == "label_mismatch"]
    assert named == [str(index.subject[0])]


def test_missing_labels_change_no_verdict():
    index = performances(BP4D, people("bp4d", 6))
    labels = index.labels.copy()
    labels[np.random.default_rng(0).random(labels.shape) < 0.1] = MISSING
    codes = {f.code for f in examined(with_labels(index, labels)).findings if f.level != "note"}
    assert codes == set()
