"""Co-occurrence against counting by hand, numpy's correlation and scikit-learn's Jaccard index."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import jaccard_score

from aulens.errors import InputError
from aulens.tables.cooccurrence import Cooccurrence, cooccurrence
from aulens.tables.schema import complete
from aulens.tables.smooth import smooth
from made_tables import clip


def table_of(**decided: list[int | None]) -> pd.DataFrame:
    rows = len(next(iter(decided.values())))
    columns = {f"{label}_c": pd.array(values, dtype="Int64") for label, values in decided.items()}
    return complete(pd.DataFrame({"file": "a", "face_id": 0, "success": 1, **columns}, range(rows)))


def test_by_hand() -> None:
    found = cooccurrence(table_of(AU1=[1, 1, 1, 0, None], AU12=[1, 0, None, 0, 1]))
    assert found.counts.to_numpy().tolist() == [[3, 1], [1, 2]]
    # AU1 and AU12 are both decided in three rows, in two of them AU1 is present, in one AU12.
    assert found.joint.loc["AU1", "AU12"] == 1 / 3
    assert found.conditional.loc["AU1", "AU12"] == 1 / 2
    assert found.conditional.loc["AU12", "AU1"] == 1
    assert found.jaccard.loc["AU1", "AU12"] == 1 / 2
    assert found.conditional.to_numpy().diagonal().tolist() == [1, 1]


def test_random_decisions_as_numpy_and_scikit_learn_say() -> None:
    rng = np.random.default_rng(0)
    data = (rng.random((500, 3)) < [0.2, 0.5, 0.7]).astype(int)
    data[:, 2] |= data[:, 0]
    found = cooccurrence(table_of(AU1=data[:, 0].tolist(), AU2=data[:, 1].tolist(), AU12=data[:, 2].tolist()))
    np.testing.assert_allclose(found.phi, np.corrcoef(data.T))
    np.testing.assert_allclose(found.joint, data.T @ data / 500)
    for i in range(3):
        for j in range(3):
            assert found.jaccard.iloc[i, j] == pytest.approx(jaccard_score(data[:, i], data[:, j]))
            assert found.conditional.iloc[i, j] == pytest.approx(data[data[:, i] == 1, j].mean())


def test_what_never_happens_is_nan_not_zero() -> None:
    found = cooccurrence(table_of(AU1=[0, 0], AU12=[1, 0], AU2=[None, None]))
    assert np.isnan(found.conditional.loc["AU1"]).all()
    assert found.conditional.loc["AU12", "AU1"] == 0
    assert np.isnan(found.jaccard.loc["AU1", "AU1"])
    assert np.isnan(found.phi.loc["AU1", "AU12"])
    assert np.isnan(found.joint.loc["AU1", "AU2"])


def test_rows_without_a_face_do_not_count() -> None:
    table = table_of(AU1=[1, 1], AU12=[1, 1])
    table.loc[1, "success"] = 0
    assert cooccurrence(table).counts.to_numpy().tolist() == [[1, 1], [1, 1]]


def test_smoothed_decisions_count_where_they_are() -> None:
    table = smooth(clip([0.1, 0.9, 0.1, 0.1]), 0.6, thresholds=0.5)
    assert cooccurrence(table).counts.to_numpy().tolist() == [[0]]
    assert cooccurrence(table, smoothed=False).counts.to_numpy().tolist() == [[1]]
    with pytest.raises(InputError, match="not smoothed"):
        cooccurrence(clip([0.1]), smoothed=True)


def test_counts_are_checked() -> None:
    one = np.ones((1, 1), dtype=np.int64)
    with pytest.raises(InputError, match="0 <= both <= row <= known"):
        Cooccurrence(("AU1",), one, one, 2 * one)
    with pytest.raises(InputError, match=r"both must be \(2, 2\) for 2 AUs"):
        Cooccurrence(("AU1", "AU2"), np.ones((2, 2), int), np.ones((2, 2), int), one)
    with pytest.raises(InputError, match="no columns of AUs"):
        cooccurrence(pd.DataFrame({"success": [1]}))
