"""Who is it? The default: a small network of our own that turns a head into 64 numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.align import similarity, warp
from aulens.align.template import five_points
from aulens.errors import ConfigError, ModelError
from aulens.faces.detector import Face
from aulens.faces.net_card import PersonCard, read_person_card
from aulens.faces.net_session import NetSession

_OUTPUT: Final = "person"


class NetEmbedder:
    """A `FaceEmbedder`: numbers for the head with its hair, of length 1 together.

    It is made for one clip, where hair and light mostly stay; not to find people in an archive.

    Args:
        model: card (.json) or .onnx of another network; None for the one that aulens carries.
        same: largest distance of two faces of one person, between 0 and 2; None takes that of the card.
        threads: within one run.

    Raises:
        ModelError: a file is missing, damaged, of another kind or does not fit its card.
        ConfigError: `same` is out of range; fewer than one thread.
    """

    def __init__(
        self, model: str | Path | None = None, *, same: float | None = None, threads: int = 1
    ) -> None:
        self.card: PersonCard = read_person_card(model)
        if same is not None and not 0 < same < 2:
            raise ConfigError(f"same must be a distance between 0 and 2, got {same}")
        self._same = self.card.same if same is None else same
        side = self.card.size
        self._session = NetSession(self.card, (side, side, 3), {_OUTPUT: (None,)}, threads)
        self._template = np.array(self.card.template) * side - 0.5

    @property
    def same(self) -> float:
        """Largest distance of two faces of one person."""
        return self._same

    def __call__(self, image: NDArray[np.uint8], face: Face) -> NDArray[np.float32] | None:
        """(D,) float32; None for a face without landmarks.

        Raises:
            ModelError: the network gives what is no finite number.
        """
        if not len(face.landmarks):
            return None
        matrix = similarity(five_points(face.landmarks), self._template)
        (person,) = self._session(warp(image, matrix, self.card.size)[None])
        if not np.isfinite(person).all():
            raise ModelError(
                f"{self.card.onnx}: its numbers are not finite; the file or its weights are damaged"
            )
        return np.asarray(person[0], np.float32)
