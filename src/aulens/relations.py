"""How AUs go together: conditional probabilities counted from labels, and the graph made of them (paper B).

M_ij = P(AU_j | AU_i) is read along rows: given that AU i is present, how often AU j is too. Row i, column j,
in the order of the AU set. Where this becomes a graph, an edge i -> j means that AU i takes from AU j.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.aus import MISSING, AUSet
from aulens.checked import checked
from aulens.contents import json_of
from aulens.errors import ConfigError, InputError, ModelError
from aulens.files import write_text

FORMAT: Final = "aulens-relations/1"
THRESHOLD: Final = 0.4
"""From which probability on AUs are related, unless something else is said: ML-GCN's (Chen et al., CVPR
2019); paper B does not give its own."""

_MAX_COUNT: Final = np.iinfo(np.int64).max

Normalisation = Literal["none", "row", "symmetric"]


@dataclass(frozen=True, eq=False)
class AURelations:
    """The conditional probabilities between the AUs of a set; checked at birth, its arrays can't be written.

    Attributes:
        aus: the meaning of both axes.
        conditional: (A, A) float64 in [0, 1], M_ij = P(AU_j | AU_i). The diagonal is 1: every AU is related
            to itself, so that nothing has to be added to the graph later. 0 also where nothing is known: AU i
            was never seen in a frame that codes AU j.
        occurrences: (A,) int64, the frames in which each AU is present. An AU with 0 of them is related to
            itself only.

    Raises:
        InputError: the arrays have another shape, or values that can't be.
    """

    aus: AUSet
    conditional: NDArray[np.float64]
    occurrences: NDArray[np.int64]

    def __post_init__(self) -> None:
        matrix = _numbers(self.conditional, "relations").astype(np.float64)
        seen = _numbers(self.occurrences, "occurrences")
        count = len(self.aus)
        if matrix.shape != (count, count):
            raise InputError(f"relations of {count} AUs are a matrix {(count, count)}, got {matrix.shape}")
        wrong = np.argwhere(~((matrix >= 0) & (matrix <= 1)))  # NaN compares as False
        if wrong.size:
            i, j = wrong[0]
            raise InputError(
                f"relations are probabilities in [0, 1]; {self._pair(i, j)} is {matrix[i, j]:g}"
                f"{f' (and {len(wrong) - 1} more)' if wrong[1:].size else ''}"
            )
        if not (matrix.diagonal() == 1).all():
            i = int(np.argmin(matrix.diagonal() == 1))
            raise InputError(
                f"every AU is related to itself: {self._pair(i, i)} must be 1, is {matrix[i, i]:g}"
            )
        if seen.shape != (count,) or seen.dtype.kind not in "iu" or ((seen < 0) | (seen > _MAX_COUNT)).any():
            raise InputError(
                f"occurrences of {count} AUs are {count} counts, 0 or more and below 2^63; got {seen!r}"
            )
        alone = matrix.copy()
        np.fill_diagonal(alone, 0)
        for i in np.flatnonzero(seen == 0):
            if alone[i].any() or alone[:, i].any():
                raise InputError(
                    f"{self.aus.labels[i]} has 0 occurrences, so it can be related to itself only; "
                    "give its occurrences, or 0 for its row and column"
                )
        counts = np.array(seen, np.int64)
        matrix.flags.writeable = counts.flags.writeable = False
        object.__setattr__(self, "conditional", matrix)
        object.__setattr__(self, "occurrences", counts)

    def _pair(self, i: int, j: int) -> str:
        return f"P({self.aus.labels[j]} | {self.aus.labels[i]})"

    @classmethod
    def from_labels(cls, labels: ArrayLike, aus: AUSet) -> AURelations:
        """Count relations.

        A frame counts for a pair when both of its AUs are coded: M_ij = N_ij / N_i, with N_ij the frames with
        both AUs, and N_i those with AU i present and AU j coded.

        Args:
            labels: (N, A) in {0, 1, MISSING}; N may be 0 (then every AU is related to itself only).
            aus: the meaning of axis A.

        Raises:
            InputError: the labels have another shape or other codes.
        """
        codes = _numbers(labels, "labels")
        if codes.ndim != 2 or codes.shape[1] != len(aus):
            raise InputError(f"labels of {len(aus)} AUs have shape (N, {len(aus)}), got {codes.shape}")
        wrong = codes[(codes != 0) & (codes != 1) & (codes != MISSING)]
        if wrong.size:
            raise InputError(
                f"labels are 0, 1 or MISSING ({MISSING}), found {np.unique(wrong)[:5].tolist()}; "
                "replace other codes (9, 999: not coded) by MISSING"
            )
        occurrences = (codes == 1).sum(0)
        conditional = np.eye(len(aus))
        for i in np.flatnonzero(occurrences):
            given = codes[codes[:, i] == 1]
            both, coded = (given == 1).sum(0), (given != MISSING).sum(0)
            conditional[i] = both / np.maximum(coded, 1)
        return cls(aus, conditional, occurrences)

    def mask(self, threshold: float) -> NDArray[np.bool_]:
        """Which relations are strong (Eq 2): (A, A) bool, M_ij >= threshold. True on the diagonal.

        A pair never seen together is not related, also at threshold 0.

        Raises:
            ConfigError: the threshold is not in [0, 1].
        """
        if not 0 <= threshold <= 1:
            raise ConfigError(f"the threshold of relations is a probability in [0, 1], got {threshold}")
        return (self.conditional >= threshold) & (self.conditional > 0)

    def adjacency(self, threshold: float, normalisation: str = "row") -> NDArray[np.float64]:
        """The graph's matrix G of Eq 3, from the mask B of Eq 2.

        B has its self-loops already, so no identity is added, and no degree is 0. An AU never seen has the
        row of the identity.

        Args:
            threshold: as in `mask`.
            normalisation: "none": G = B, as the paper writes it; what a node takes grows with the number of
                its relations. "row": D^-1 B, the mean over the relations of a node; keeps their direction.
                "symmetric": D^-1/2 S D^-1/2 with S = max(B, B^T) and D its degrees. Kipf and Welling (2017)
                define this form for undirected graphs, and B is directed: P(j | i) is not P(i | j). So a
                relation counts if it holds either way; then G is symmetric, with eigenvalues in [-1, 1] and
                norm 1, which is what the normalisation is for. D^-1/2 B D^-1/2 with the row sums of B as it
                is would weigh AU j by the relations that start at it instead of those that lead there: not
                symmetric, and its norm is above 1.

        Returns:
            (A, A) float64.

        Raises:
            ConfigError: the threshold is not in [0, 1], or there is no such normalisation.
        """
        graph = self.mask(threshold).astype(np.float64)
        if normalisation == "none":
            return graph
        if normalisation == "row":
            return np.asarray(graph / graph.sum(1, keepdims=True))
        if normalisation == "symmetric":
            graph = np.maximum(graph, graph.T)
            degree = graph.sum(1)
            return np.asarray(graph / np.sqrt(np.outer(degree, degree)))
        allowed = ", ".join(get_args(Normalisation))
        raise ConfigError(f"normalisation is {normalisation!r}; it must be one of {allowed}")

    def require(self, aus: AUSet, source: str = "the relations") -> None:
        """Make sure that these are the relations of the AUs of a model, in its order.

        Args:
            aus: the model's.
            source: what to call these in the message.

        Raises:
            ModelError: they are of other AUs, or in another order.
        """
        if self.aus.numbers == aus.numbers:
            return
        raise ModelError(
            f"{source} are of {' '.join(self.aus.labels)}, the model predicts {' '.join(aus.labels)}"
            f"{' (the same in another order)' if set(self.aus) == set(aus) else ''}; "
            "make relations from labels of the model's AUs, in its order"
        )

    def save(self, path: str | Path) -> None:
        """Write as JSON: "format", the set's "name" and "aus" (numbers), "occurrences", "conditional".

        Numbers are written so that `load` finds the same bits.
        """
        rows = ",\n    ".join(json.dumps(row) for row in self.conditional.tolist())
        write_text(
            Path(path),
            f'{{\n  "format": "{FORMAT}",\n  "name": {json.dumps(self.aus.name)},\n'
            f'  "aus": {json.dumps(self.aus.numbers)},\n'
            f'  "occurrences": {json.dumps(self.occurrences.tolist())},\n'
            f'  "conditional": [\n    {rows}\n  ]\n}}\n',
        )

    @classmethod
    def load(cls, path: str | Path, aus: AUSet | None = None) -> AURelations:
        """Read what `save` wrote.

        Args:
            path: the .json file.
            aus: the AUs that they must be of, in this order; None for whatever the file has.

        Raises:
            ModelError: the file is missing, damaged or something else, or of other AUs than `aus`.
        """
        try:
            content = json_of(Path(path))
        except (OSError, ValueError) as error:
            raise ModelError(f"cannot read relations from {path}: {error}") from error
        kind = content.get("format") if isinstance(content, Mapping) else None
        if kind != FORMAT:
            raise ModelError(f"{path} holds no relations: its format is {kind!r:.80}, expected {FORMAT!r}")
        try:
            read = checked(_File, content, others=True)
            matrix = np.array(read.conditional, np.float64)
            relations = cls(AUSet(read.name, read.aus), matrix, np.array(read.occurrences))
        except (ValueError, OverflowError) as error:
            raise ModelError(f"the relations of {path} can't be used: {error}") from error
        if aus is not None:
            relations.require(aus, f"the relations of {path}")
        return relations


def _numbers(values: ArrayLike, what: str) -> NDArray[Any]:
    """Values as an array of numbers (bool included), or an InputError that says what it was instead."""
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError) as error:  # rows of several lengths
        raise InputError(f"{what} must be an array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise InputError(f"{what} must be numbers that fit 64 bits, got an array of {array.dtype}")
    return array


@dataclass(frozen=True)
class _File:
    """What `save` writes, beside the format."""

    name: str
    aus: tuple[int, ...]
    occurrences: tuple[int, ...]
    conditional: tuple[tuple[float, ...], ...]
