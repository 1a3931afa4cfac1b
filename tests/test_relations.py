"""Relations between AUs: counted, thresholded, normalised; against an independent implementation."""

import json
from pathlib import Path

import numpy as np
import pytest

from aulens.aus import BP4D, MISSING, AUSet
from aulens.errors import ConfigError, InputError, ModelError
from aulens.relations import AURelations

THREE = AUSet("three", (12, 1, 25))
FOUR = AUSet("four", (1, 2, 4, 45))


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    """From golden_au_graph.npz, computed by an independent implementation: 4000 frames of 12 AUs (their 133
    patterns and how often each came), cond, mbool_t04, row_norm, kipf_symmetrised. Made by:
        rows, counts = np.unique(z["labels"], axis=0, return_counts=True); np.packbits(rows, axis=1)
    """
    with np.load(Path(__file__).parent / "golden" / "au_graph.npz") as file:
        content = dict(file)
    rows = np.unpackbits(content["rows"], axis=1, count=12)
    return content | {"labels": np.repeat(rows, content["counts"], axis=0)}


def some() -> AURelations:
    """By hand: AU12 in 4 frames, AU1 in 5, AU25 in 2."""
    return AURelations(THREE, np.array([[1, 0.5, 0.25], [0.4, 1, 0], [0.5, 0, 1]]), np.array([4, 5, 2]))


class TestGolden:
    def test_conditional_probabilities(self, golden: dict[str, np.ndarray]) -> None:
        assert golden["labels"].shape == (4000, 12)
        relations = AURelations.from_labels(golden["labels"], BP4D)
        np.testing.assert_allclose(relations.conditional, golden["conditional"], rtol=0, atol=1e-9)
        # cooc: the first AU in 1000 frames, the last in 1952, both in 745.
        assert relations.occurrences[[0, 11]].tolist() == [1000, 1952]
        assert relations.conditional[0, 11] == 745 / 1000
        assert relations.conditional[11, 0] == 745 / 1952

    def test_mask(self, golden: dict[str, np.ndarray]) -> None:
        mask = AURelations.from_labels(golden["labels"], BP4D).mask(0.4)
        np.testing.assert_array_equal(mask, golden["mask"])
        assert not (mask == mask.T).all()

    @pytest.mark.parametrize(("normalisation", "name"), [("row", "row"), ("symmetric", "symmetric")])
    def test_adjacency(self, golden: dict[str, np.ndarray], normalisation: str, name: str) -> None:
        relations = AURelations.from_labels(golden["labels"], BP4D)
        found = relations.adjacency(0.4, normalisation)
        np.testing.assert_allclose(found, golden[name], rtol=0, atol=1e-9)

    def test_equation_as_written(self, golden: dict[str, np.ndarray]) -> None:
        relations = AURelations.from_labels(golden["labels"], BP4D)
        np.testing.assert_array_equal(relations.adjacency(0.4, "none"), golden["mask"].astype(float))

    def test_what_the_normalisations_promise(self, golden: dict[str, np.ndarray]) -> None:
        relations = AURelations.from_labels(golden["labels"], BP4D)
        symmetric = relations.adjacency(0.4, "symmetric")
        np.testing.assert_array_equal(symmetric, symmetric.T)
        assert np.linalg.norm(symmetric, 2) == pytest.approx(1)
        np.testing.assert_allclose(relations.adjacency(0.4, "row").sum(1), 1)


class TestCounting:
    def test_only_frames_that_code_both_count(self) -> None:
        relations = AURelations.from_labels(
            [[1, 1, MISSING], [1, MISSING, 0], [1, 0, 1], [0, 1, 1], [MISSING, 1, 1]], THREE
        )
        expected = [[1, 1 / 2, 1 / 2], [1 / 2, 1, 1], [1 / 1 / 2, 2 / 3, 1]]
        np.testing.assert_allclose(relations.conditional, expected)
        assert relations.occurrences.tolist() == [3, 3, 3]

    def test_frames_without_labels_change_nothing(self) -> None:
        labels = np.random.default_rng(0).integers(0, 2, (50, 3))
        more = np.concatenate([labels, np.full((20, 3), MISSING)])
        first, second = AURelations.from_labels(labels, THREE), AURelations.from_labels(more, THREE)
        np.testing.assert_array_equal(first.conditional, second.conditional)
        np.testing.assert_array_equal(first.occurrences, second.occurrences)

    @pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32])
    def test_any_dtype_and_the_labels_stay_as_they_are(self, dtype: type) -> None:
        labels = np.array([[1, 0, -1], [1, 1, -1]], dtype)
        before = labels.copy()
        relations = AURelations.from_labels(labels, THREE)
        np.testing.assert_array_equal(labels, before)
        np.testing.assert_array_equal(relations.conditional, [[1, 0.5, 0], [1, 1, 0], [0, 0, 1]])

    @pytest.mark.parametrize("normalisation", ["none", "row", "symmetric"])
    @pytest.mark.parametrize("threshold", [0, 0.4, 1])
    @pytest.mark.parametrize("code", [0, MISSING])
    def test_an_au_never_seen_is_related_to_itself_only(
        self, normalisation: str, threshold: float, code: int
    ) -> None:
        labels = np.array([[1, 1, 1, code], [1, 1, 0, code], [0, 1, 1, code]])
        relations = AURelations.from_labels(labels, FOUR)
        assert relations.occurrences.tolist() == [2, 3, 2, 0]
        graph = relations.adjacency(threshold, normalisation)
        np.testing.assert_array_equal(graph[3], [0, 0, 0, 1])
        np.testing.assert_array_equal(graph[:, 3], [0, 0, 0, 1])
        assert np.isfinite(graph).all()

    def test_no_frame_at_all(self) -> None:
        relations = AURelations.from_labels(np.empty((0, 3)), THREE)
        np.testing.assert_array_equal(relations.adjacency(0.4), np.eye(3))

    def test_the_identity_is_not_added_twice(self) -> None:
        graph = some().adjacency(0.4, "none")
        np.testing.assert_array_equal(graph, [[1, 1, 0], [1, 1, 0], [1, 0, 1]])
        np.testing.assert_allclose(some().adjacency(0.4)[0], [0.5, 0.5, 0])

    def test_symmetric_by_hand(self) -> None:
        """Undirected: 12-1, 12-25; degrees 3, 2, 2."""
        a, b = 1 / np.sqrt(6), 1 / 2
        np.testing.assert_allclose(
            some().adjacency(0.4, "symmetric"), [[1 / 3, a, a], [a, b, 0], [a, 0, b]], rtol=0, atol=1e-15
        )

    def test_the_threshold_itself_counts(self) -> None:
        assert some().mask(0.4)[1, 0]
        assert not some().mask(np.nextafter(0.4, 1))[1, 0]


class TestBadInput:
    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            (np.zeros((4, 2)), r"shape \(N, 3\), got \(4, 2\)"),
            (np.zeros(3), r"got \(3,\)"),
            (np.zeros((4, 3, 2)), r"got \(4, 3, 2\)"),
            ([[0, 1, 9], [999, 1, 0]], r"found \[9, 999\]; replace other codes"),
            ([[0, 1, 0.5]], r"found \[0\.5\]"),
            ([[0, 1, np.nan]], r"found \[nan\]"),
            ([[None, 1, 0]], "labels must be numbers .* got an array of object"),
            ([["0", "1", "0"]], "labels must be numbers .* got an array of <U1"),
            ([[0, 1, 1], [0, 1]], "labels must be an array of numbers"),
            ([[0, 1, 2**64]], "labels must be numbers that fit 64 bits"),
        ],
    )
    def test_labels(self, labels: object, message: str) -> None:
        with pytest.raises(InputError, match=message):
            AURelations.from_labels(labels, THREE)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("place", "value", "message"),
        [
            ((0, 2), np.nan, r"P\(AU25 \| AU12\) is nan"),
            ((1, 0), 1.01, r"P\(AU12 \| AU1\) is 1\.01"),
            ((1, 2), -0.1, r"P\(AU25 \| AU1\) is -0\.1"),
            ((2, 2), 0.0, r"P\(AU25 \| AU25\) must be 1, is 0"),
        ],
    )
    def test_probabilities(self, place: tuple[int, int], value: float, message: str) -> None:
        matrix = some().conditional.copy()
        matrix[place] = value
        with pytest.raises(InputError, match=message):
            AURelations(THREE, matrix, some().occurrences)

    @pytest.mark.parametrize("shape", [(2, 2), (3, 4), (3,), (1, 3, 3)])
    def test_shape(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(InputError, match=r"a matrix \(3, 3\), got"):
            AURelations(THREE, np.ones(shape), some().occurrences)

    @pytest.mark.parametrize("occurrences", [[1, 2], [1, 2, -1], [1.5, 2, 3], [[1, 2, 3]]])
    def test_occurrences(self, occurrences: list[float]) -> None:
        with pytest.raises(InputError, match="occurrences of 3 AUs are 3 counts"):
            AURelations(THREE, some().conditional, np.array(occurrences))

    @pytest.mark.parametrize("never", [1, 2])
    def test_an_au_without_occurrences_has_no_relations(self, never: int) -> None:
        occurrences = some().occurrences.copy()
        occurrences[never] = 0
        with pytest.raises(InputError, match=f"{THREE.labels[never]} has 0 occurrences"):
            AURelations(THREE, some().conditional, occurrences)

    @pytest.mark.parametrize("threshold", [-0.01, 1.01, np.nan])
    def test_threshold(self, threshold: float) -> None:
        with pytest.raises(ConfigError, match=r"probability in \[0, 1\], got"):
            some().mask(threshold)

    def test_normalisation(self) -> None:
        with pytest.raises(ConfigError, match="'column'; it must be one of none, row, symmetric"):
            some().adjacency(0.4, "column")

    def test_nothing_changes_afterwards(self) -> None:
        given = some().conditional.copy()
        relations = AURelations(THREE, given, some().occurrences)
        given[0, 1] = 0.9
        assert relations.conditional[0, 1] == 0.5
        for array in (relations.conditional, relations.occurrences):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0


class TestFile:
    def test_what_is_saved_is_loaded_exactly(self, tmp_path: Path) -> None:
        labels = np.random.default_rng(0).integers(-1, 2, (977, 12))
        relations = AURelations.from_labels(labels, BP4D)
        relations.save(tmp_path / "graph.json")
        loaded = AURelations.load(tmp_path / "graph.json", BP4D)
        assert loaded.aus == BP4D
        np.testing.assert_array_equal(loaded.conditional, relations.conditional)
        np.testing.assert_array_equal(loaded.occurrences, relations.occurrences)
        assert AURelations.load(str(tmp_path / "graph.json")).aus == BP4D

    @pytest.mark.parametrize(
        ("numbers", "message"),
        [
            ((1, 12, 25), r"AU1 AU12 AU25 \(the same in another order\)"),
            ((12, 1), "AU12 AU1;"),
            ((12, 1, 26), "AU12 AU1 AU26;"),
        ],
    )
    def test_other_aus(self, tmp_path: Path, numbers: tuple[int, ...], message: str) -> None:
        some().save(tmp_path / "graph.json")
        with pytest.raises(
            ModelError, match=rf"graph\.json are of AU12 AU1 AU25, the model predicts {message}"
        ):
            AURelations.load(tmp_path / "graph.json", AUSet("model", numbers))

    def test_another_name_of_the_same_aus_is_fine(self, tmp_path: Path) -> None:
        some().save(tmp_path / "graph.json")
        AURelations.load(tmp_path / "graph.json", AUSet("custom", THREE.numbers))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"conditional": [[1, 0], [0, 1]]}, r"matrix \(3, 3\), got \(2, 2\)"),
            ({"conditional": [[1, 0, 0], [0, 1]]}, "can't be used"),
            ({"conditional": [[1, 0, 2], [0, 1, 0], [0, 0, 1]]}, r"P\(AU25 \| AU12\) is 2"),
            ({"conditional": [[1, 0, float("nan")], [0, 1, 0], [0, 0, 1]]}, "is nan"),
            ({"conditional": None}, "'conditional' must be a list, found None"),
            ({"conditional": [1, 0, 0]}, r"'conditional\.0' must be a list, found 1"),
            (
                {"conditional": [["1", 0, 0], [0, 1, 0], [0, 0, 1]]},
                r"'conditional\.0\.0' must be a number, found '1'",
            ),
            (
                {"conditional": [[True, 0, 0], [0, 1, 0], [0, 0, 1]]},
                r"'conditional\.0\.0' must be a number, found True",
            ),
            ({"conditional": [[1, 0, 10**400], [0, 1, 0], [0, 0, 1]]}, "can't be used"),
            ({"aus": [12, 1, 99]}, r"unknown AUs \[99\]"),
            ({"aus": 12}, "'aus' must be a list, found 12"),
            ({"aus": [12, True, 25]}, r"'aus\.1' must be a whole number, found True"),
            ({"aus": [12, 1.0, 25]}, r"'aus\.1' must be a whole number, found 1\.0"),
            ({"name": None}, "'name' must be text, found None"),
            ({"occurrences": ["many", 1, 2]}, r"'occurrences\.0' must be a whole number, found 'many'"),
            ({"occurrences": [True, 1, 2]}, r"'occurrences\.0' must be a whole number, found True"),
            ({"occurrences": [2**63, 1, 2]}, r"3 counts, 0 or more and below 2\^63"),
            ({"occurrences": [2**64, 1, 2]}, "occurrences must be numbers that fit 64 bits"),
            ({"occurrences": ...}, "lacks the entry 'occurrences'"),
            ({"format": "aulens-model/1"}, "format is 'aulens-model/1', expected 'aulens-relations/1'"),
        ],
    )
    def test_damaged(self, tmp_path: Path, change: dict[str, object], message: str) -> None:
        path = tmp_path / "graph.json"
        some().save(path)
        content = json.loads(path.read_text()) | change
        path.write_text(json.dumps({key: value for key, value in content.items() if value is not ...}))
        with pytest.raises(ModelError, match=message):
            AURelations.load(path)

    @pytest.mark.parametrize("content", [b"", b"[1, 2]", b"\xff\xfe", b'{"format":'])
    def test_something_else(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "graph.json"
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"graph\.json"):
            AURelations.load(path)

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"cannot read relations from .*none\.json"):
            AURelations.load(tmp_path / "none.json")
