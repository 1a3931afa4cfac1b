"""Who is it? Numbers that are near for one person and far for two, and a memory of the people of a clip."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from aulens.align import five_points, similarity, warp
from aulens.errors import ConfigError, ModelError
from aulens.faces.detector import Face
from aulens.faces.net_card import PersonCard, read_net_card
from aulens.faces.net_session import NetSession
from aulens.faces.packing import pack, unpack

_VIEWS: Final = 6
_PEOPLE: Final = 1000
_CLOSEST: Final = 0.75  # of the distance between two who were seen side by side: never taken for one
# Shares of the largest distance of two faces of one person:
_OTHER_VIEW: Final = 0.3  # from here on a view is worth remembering beside the others
_STRICTEST: Final = 0.6


class FaceEmbedder(Protocol):
    """Anything that turns a face into numbers whose Euclidean distance says whether two are one person."""

    @property
    def same(self) -> float:
        """Faces of one person are nearer than this (above 0): set to mistake hardly anybody for another."""

    def __call__(self, image: NDArray[np.uint8], face: Face) -> NDArray[np.float32] | None:
        """(D,) float32 for a face of `image` (H, W, 3) uint8 RGB; None if this face can't be embedded."""


class NetEmbedder:
    """The default `FaceEmbedder`, 64 numbers for the head with its hair, of length 1.

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
        self.card = read_net_card(PersonCard, model)
        if same is not None and not 0 < same < 2:
            raise ConfigError(f"same must be a distance between 0 and 2, got {same}")
        self.same = self.card.same if same is None else same
        side = self.card.size
        self._session = NetSession(self.card, (side, side, 3), {"person": (None,)}, threads)
        self._template = np.array(self.card.template) * side - 0.5

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


class Gallery:
    """What the people of a clip look like: up to 6 views of each, at most 1,000 people.

    Who was not seen for longest is forgotten first. Two people who were seen side by side are two, so nobody
    is taken for another at more than 0.75 of the distance between the most alike of them.

    Args:
        same: largest distance of two faces of one person.
    """

    def __init__(self, same: float) -> None:
        self._widest = same
        self.same = same
        """Largest distance of two faces of one person, as far as this clip has shown."""
        self._views: dict[int, list[NDArray[np.float32]]] = {}

    def __contains__(self, person: int) -> bool:
        return person in self._views

    def distance(self, person: int, view: NDArray[np.float32]) -> float:
        """Distance from a view to the nearest one of a person; infinite for who is not known."""
        return min(
            (float(np.linalg.norm(view - known)) for known in self._views.get(person, ())), default=np.inf
        )

    def nearest(self, view: NDArray[np.float32], people: Iterable[int]) -> tuple[int | None, float]:
        """Who of `people` is most like it, and the distance; (None, infinity) if none of them is known."""
        distances = [(self.distance(person, view), person) for person in people if person in self._views]
        distance, person = min(distances, default=(np.inf, None))
        return person, distance

    def add(self, person: int, view: NDArray[np.float32], beside: Iterable[int] = ()) -> None:
        """Remember one more view of a person; `beside` are others in the same frame, who are not this one."""
        for other in beside:
            if other != person:
                apart = self.distance(other, view)
                self.same = max(min(self.same, _CLOSEST * apart), _STRICTEST * self._widest)
        views = self._views.pop(person, [])
        self._views[person] = views  # the most recent is last
        if self.distance(person, view) >= _OTHER_VIEW * self._widest:
            views.append(view)
            if len(views) > _VIEWS:
                del views[_most_redundant(views)]
        while len(self._views) > _PEOPLE:
            del self._views[next(iter(self._views))]

    def state(self) -> dict[str, Any]:
        """JSON-able; a list of people, as their order counts."""
        people = [[person, pack(np.stack(views))] for person, views in self._views.items()]
        return {"same": self.same, "people": people}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state()`."""
        self.same = state["same"]
        self._views = {person: list(unpack(views)) for person, views in state["people"]}


def _most_redundant(views: list[NDArray[np.float32]]) -> int:
    """The view nearest to another one; of the two, the older."""
    stack = np.stack(views)
    apart = np.linalg.norm(stack[:, None] - stack[None], axis=-1) + 9.0 * np.eye(len(views))
    return int(apart.min(1).argmin())
