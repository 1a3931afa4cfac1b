"""Published numbers: averages that are the mean of their columns, the protocols' AUs, what the texts say."""

from decimal import Decimal

import numpy as np
import pytest

from aulens.data.protocols import PROTOCOLS
from aulens.errors import ConfigError
from aulens.study.averages import MEASURES
from aulens.study.published import TABLES, load

PAPERS_OWN = {"A1": {"DRML": 47.7, "EAC": 55.6, "SRERL": 62.8}, "A2": {"DRML": 26.1, "EAC": 57.4}}
"""Columns whose printed average is not their mean."""


@pytest.mark.parametrize("table", ["A1", "A2", "A3", "A4"])
def test_averages_are_the_means_of_their_columns(table: str) -> None:
    published = load(table)
    for method in published.methods:
        values = [Decimal(str(method.values[row])) for row in published.rows[:-1] if row in method.values]
        if not values:
            continue
        mean = sum(values) / len(values)
        odd = PAPERS_OWN.get(table, {}).get(method.name)
        if odd is None:
            assert abs(mean - Decimal(str(method.values["avg"]))) <= Decimal("0.05"), method.name
        else:
            assert abs(mean - Decimal(str(method.values["avg"]))) > Decimal("0.05"), method.name
            assert abs(mean - Decimal(str(odd))) <= Decimal("0.05"), method.name
            assert method.name in published.notes[0]
            assert str(odd) in published.notes[0]


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_the_protocols_aus(table: str) -> None:
    published = load(table)
    if published.of_aus:
        assert published.rows == (*PROTOCOLS[published.dataset].aus.labels, "avg")
    else:
        assert set(published.rows) <= set(MEASURES)
    for method in published.methods:
        top = 100 if published.percent else 1
        assert all(0 < value < top for value in method.values.values())


def test_paper_b_metric_is_half_of_each() -> None:
    for method in load("B1").methods:
        half = (method.values["f1"] + method.values["total_accuracy"]) / 2
        assert method.values["abaw2"] == pytest.approx(half, abs=0.00051)


def test_what_the_papers_say_in_words() -> None:
    a1 = {method.name: method.values for method in load("A1").methods}
    assert max(a1, key=lambda name: a1[name]["avg"]) == "Ours"
    others = [name for name in a1 if name != "Ours"]
    # "the major improvement comes from the less likely occurred AUs (AU1, AU2, AU4, AU23)"
    for au in ("AU1", "AU2", "AU4", "AU23"):
        assert a1["Ours"][au] > max(a1[name][au] for name in others)
    # "Together with SRERL, we outperform other works in terms of AU2, AU7, AU12, AU15"
    for au in ("AU2", "AU7", "AU12", "AU15"):
        assert {"Ours", "SRERL"} == set(sorted(a1, key=lambda name: a1[name][au])[-2:])
    # "a significant F1 increment from 58.7 to 62.0"
    a2 = [method.values["avg"] for method in load("A2").methods]
    assert sorted(a2)[-2:] == [58.7, 62.0]
    full = {table: load(table).methods for table in ("A1", "A2", "A3", "A4")}
    assert full["A3"][-1].values == full["A1"][-1].values
    assert full["A4"][0].values == full["A2"][-1].values
    assert [method.values["avg"] for method in full["A3"]] == [62.0, 62.5, 62.8, 63.5]


def test_unknown_numbers_are_not_there() -> None:
    assert load("A4").methods[1].values == {}
    assert list(load("a3").methods[0].values) == ["avg"]
    assert not any(np.isnan(list(m.values.values())).any() for t in TABLES for m in load(t).methods)
    with pytest.raises(ConfigError, match="no table 'A5'; there are A1"):
        load("A5")
