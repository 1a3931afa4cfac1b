"""The index of a data set's frames."""

import numpy as np

from aulens.aus import AUSet
from aulens.data.index import PICTURE, FrameIndex


def test_clips_are_in_the_order_of_the_index_whether_their_frames_lie_together_or_not():
    def index(names: list[str]) -> FrameIndex:
        n = len(names)
        subject, sequence = np.array([name.split("/") for name in names], str).reshape(n, 2).T
        none = np.array([""] * n, str)
        labels = np.zeros((n, 1), np.int8)
        return FrameIndex(
            "x",
            AUSet("x", (1,)),
            ("",) * n,
            np.full(n, PICTURE, np.int32),
            subject,
            sequence,
            np.arange(n),
            labels,
            None,
            none,
        )

    found = index(["b/T2", "b/T2", "a/T1", "b/T2", "b/T1", "a/T1"]).sequences()
    assert [(s, q, rows.tolist()) for s, q, rows in found] == [
        ("b", "T2", [0, 1, 3]),
        ("a", "T1", [2, 5]),
        ("b", "T1", [4]),
    ]
    assert all(type(name) is str for s, q, _ in found for name in (s, q))
    assert index([]).sequences() == []
