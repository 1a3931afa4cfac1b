"""Curves for few pixels."""

import numpy as np
import pytest

from aulens.show.envelope import envelope


@pytest.mark.parametrize("step", [0.0, 0.04, 0.3, 1.7, 1000.0])
def test_an_envelope_is_the_extremes_of_each_stretch(step: float) -> None:
    rng = np.random.default_rng(3)
    time = np.cumsum(rng.uniform(0.001, 0.2, 500))
    values = rng.random((500, 3))
    values[rng.random(500) < 0.2] = np.nan
    values[100:160] = np.nan
    found = envelope(time, values, step)
    groups: dict[float, list[int]] = {}
    for k in range(500):
        groups.setdefault(k if step == 0 else np.floor((time[k] - time[0]) / step), []).append(k)
    assert found.first.tolist() == [group[0] for group in groups.values()]
    for b, group in enumerate(groups.values()):
        part = values[group]
        known = part[~np.isnan(part[:, 0])]
        if len(known):
            np.testing.assert_array_equal(found.low[b], known.min(0))
            np.testing.assert_array_equal(found.high[b], known.max(0))
        else:
            assert np.isnan(found.low[b]).all()
    np.testing.assert_array_equal(found.time, time[found.first])
