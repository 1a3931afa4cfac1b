"""The default detector: two small networks of our own, one for faces and one for their landmarks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.errors import ConfigError
from aulens.faces.box_net import BoxNet, Found
from aulens.faces.detector import Face, check_image, largest_first
from aulens.faces.entry import DetectorEntry
from aulens.faces.landmark_net import LandmarkNet, Marks, box_points
from aulens.faces.net_card import BoxCard, LandmarkCard
from aulens.faces.search import DEFAULT_SEARCH, Search, SearchSettings
from aulens.landmarks import face_box

Image = NDArray[np.uint8]

# Of benchmarks/prior_box.py: the box from which `box_points` lie where eyes and mouth of such a picture do.
_ALIGNED_BOX: Final = (0.16, 0.07, 0.84, 1.04)
# From this sum of half the first network's logit and the second's on there is a face: of 520 pictures without
# people that were kept for choosing, few show one. A dog that fills the picture is what the odd looks see.
_EVEN: Final = 5.7
_ODD: Final = 1.5
_ODD_LOOKS: Final = ("shrunk", "turned90", "turned180", "turned270")
_ONE_PLACE: Final = 0.35  # five points within so many sides of their box are those of no face
_SURE: Final = 0.6  # where the first network is so sure and the second is not, the face may be upside down


class NetDetector:
    """Faces, 68 landmarks, which of them are seen and what a face is worth, by two networks of our own.

    The first look at a picture shrinks it to 320 pixels. That is all where faces of comfortable size are
    seen. Otherwise it looks again, each time only if those before did not do (numbers: `SearchSettings`):

    * stretched: nobody yet, and the picture is dark or flat: its contrast is stretched.
    * shrunk: nobody yet: half as large, in a grey margin, for a face that fills the picture or is cut by it.
    * enlarged: nobody for sure, or one so small that there may be smaller ones, or a hint of one: 640, 1280,
      1920 pixels, as far as the picture has them.
    * turned: nobody yet, or nobody for sure: turned by 90, 180 and 270 degrees.

    The confidence is what both networks make of a face, from the calibrated logit of the network for
    faces and the other's that there is one, in a crop by its own first landmarks (`_together`). Of doubles
    the most confident is kept; `Face.look` says which look that is from. Landmarks are found in the picture
    itself, upright by five points of the first network, of all faces together; where the second network
    sees no face by these, as of faces that lie on their side, their box is tried in all four turns.

    Args:
        threshold: minimum confidence of a face, above 0 up to 1; None takes the one of the network's card.
        min_size: longer side of the smallest box worth reporting, in pixels; saves enlarged looks.
        thorough: always take all enlarged looks: for crowds with faces of very different sizes.
        threads: within one run of a network; None leaves it to ONNX Runtime (one per core).
        rounds: how often landmarks are found; 2 cuts the face out anew by what the first run found.
        faces: card or .onnx of another network for faces, or such a network.
        landmarks: card or .onnx of another network for landmarks.
        search: when and how to look again.

    Raises:
        ModelError: a file is missing, damaged, of another kind or does not fit its card.
        ConfigError: an option is out of range.
        InputError: of each method: a picture is not (H, W, 3) uint8.
    """

    aligned_box: Final = _ALIGNED_BOX
    """Where its box lies in an aligned picture that one face fills, as shares of its sides."""

    def __init__(
        self,
        threshold: float | None = None,
        *,
        min_size: float = 0.0,
        thorough: bool = False,
        threads: int | None = 1,
        rounds: int = 2,
        faces: str | Path | BoxNet | None = None,
        landmarks: str | Path | None = None,
        search: SearchSettings = DEFAULT_SEARCH,
    ) -> None:
        if threshold is not None and not 0 < threshold <= 1:
            raise ConfigError(f"threshold must be a confidence above 0 up to 1, got {threshold}")
        if not 0 <= min_size < math.inf:
            raise ConfigError(f"min_size must be 0 pixels or more, got {min_size}")
        self._boxes = faces if isinstance(faces, BoxNet) else BoxNet(faces, threads)
        self._marks = LandmarkNet(landmarks, threads, rounds)
        self._threshold = self.card.threshold if threshold is None else threshold
        weak = min(self._threshold, self.card.threshold)
        self._search = Search(self._boxes, weak, min_size, thorough, search)
        self._options = (
            f"threshold={self._threshold:g}, min_size={min_size:g}, thorough={thorough}, rounds={rounds}"
        )
        if search != DEFAULT_SEARCH:
            self._options += f", search={search!r}"

    def __repr__(self) -> str:
        faces, landmarks = self.card.onnx_sha256[:12], self.landmark_card.onnx_sha256[:12]
        return f"NetDetector({faces}, {landmarks}, {self._options})"

    @property
    def card(self) -> BoxCard:
        """The card of the network that finds faces."""
        return self._boxes.card

    @property
    def landmark_card(self) -> LandmarkCard:
        """The card of the network that finds landmarks."""
        return self._marks.card

    def __call__(self, image: Image) -> tuple[Face, ...]:
        """Return the faces of `image` (H, W, 3) uint8 RGB, largest first; () if there is none."""
        return self.batch([image])[0]

    def batch(self, images: Sequence[Image]) -> list[tuple[Face, ...]]:
        """What a call gives for each of several pictures, at less cost where they are of one size."""
        images = [check_image(image) for image in images]
        return [largest_first(faces) for faces in self._faces(images, self._search(images))]

    def detect_quickly(self, image: Image) -> tuple[Face, ...]:
        """The faces that the first look shows, largest first."""
        image = check_image(image)
        return largest_first(self._faces([image], [self._search.first_look(image)])[0])

    def near(self, image: Image, box: ArrayLike) -> tuple[Face, ...]:
        """The faces about as large as a box (x0, y0, x1, y1), within half its size around it, nearest first.

        Less confidence suffices than for a call. It costs a fifth of a first look.
        """
        image = check_image(image)
        slack = self._search.settings.near_slack
        return tuple(self._faces([image], [self._search.near(image, box)], slack)[0])

    def landmarks(self, image: Image, box: ArrayLike) -> NDArray[np.float64]:
        """The 68 points, (68, 2), of the face in a box, however it was found; invented if there is none.

        Args:
            image: (H, W, 3) uint8 RGB.
            box: (4,) x0, y0, x1, y1 of an upright face; or its five points (5, 2); or landmarks (68, 2).

        Raises:
            InputError: the points are not finite or all in one place.
        """
        where = np.asarray(box, np.float64)
        points = box_points(where) if where.ndim == 1 else where
        return np.asarray(self._marks([check_image(image)], points[None]).points[0])

    def follow(self, image: Image, landmarks: ArrayLike) -> Face:
        """The face whose landmarks (68, 2) were these a moment ago: `follow_all` for one."""
        return self.follow_all(image, np.asarray(landmarks, np.float64)[None])[0]

    def follow_all(self, image: Image, landmarks: ArrayLike) -> list[Face]:
        """Faces whose landmarks were these a moment ago: one run of one network, without a look for faces.

        Args:
            image: (H, W, 3) uint8 RGB.
            landmarks: (N, 68, 2), the last ones of each face.

        Returns:
            Each face with its new landmarks, their `aulens.landmarks.face_box`, visibility and quality. The
            confidence is how sure that network is that there is a face: the detector did not look.
            Where the points are no face's, they stay as they were, and quality and confidence are 0.

        Raises:
            InputError: landmarks are not finite or all in one place.
        """
        image, last = check_image(image), np.asarray(landmarks, np.float64)
        if not len(last):
            return []
        marks = self._marks([image] * len(last), last, rounds=1)
        points = np.where(marks.sound[:, None, None], marks.points, last)
        quality, presence = (np.where(marks.sound, value, 0.0) for value in (marks.quality, marks.presence))
        parts = face_box(points), points, presence.tolist(), quality.tolist(), marks.visibility
        return list(map(Face, *parts))

    def _faces(self, images: Sequence[Image], found: Sequence[Found], slack: float = 0.0) -> list[list[Face]]:
        """The faces of each picture, with landmarks, of those found in it: where both networks see one."""
        threshold = self._threshold - slack
        owners = [number for number, some in enumerate(found) for _ in range(len(some))]
        faces: list[list[Face]] = [[] for _ in images]
        if not owners:
            return faces
        boxes, points, confidence, look = (
            np.concatenate([getattr(some, name) for some in found])
            for name in ("boxes", "points", "confidence", "look")
        )
        collapsed = _collapsed(points, boxes)
        if collapsed.any():
            points = np.where(collapsed[:, None, None], box_points(boxes), points)
        pictures = [images[number] for number in owners]
        marks = self._marks(pictures, points)
        joint = _together(confidence, marks.presence, look)
        doubtful = np.flatnonzero((joint < threshold) & (collapsed | ~marks.sound | (confidence >= _SURE)))
        if len(doubtful):
            marks = self._turned(pictures, boxes, marks, doubtful)
            joint = _together(confidence, marks.presence, look)
        for i in np.flatnonzero(marks.sound & (joint >= threshold)).tolist():
            share, quality = float(joint[i]), float(marks.quality[i])
            face = Face(boxes[i], marks.points[i], share, quality, marks.visibility[i], str(look[i]))
            faces[owners[i]].append(face)
        return faces

    def _turned(
        self, pictures: Sequence[Image], boxes: NDArray[np.float64], marks: Marks, which: NDArray[np.intp]
    ) -> Marks:
        """Marks of N faces, those of `which` found anew where another turn of their box shows one better."""
        tries = np.concatenate([box_points(boxes[which], quarters) for quarters in range(4)])
        again = self._marks([pictures[i] for i in which.tolist()] * 4, tries, rounds=2)
        worth = np.where(again.sound, again.presence + again.quality, -1.0).reshape(4, len(which))
        best = np.argmax(worth, axis=0) * len(which) + np.arange(len(which))
        before = np.where(marks.sound, marks.presence + marks.quality, -1.0)[which]
        better = worth.max(axis=0) > before
        return marks.replaced(which[better], again, best[better])


def _together(
    confidence: NDArray[np.float64], presence: NDArray[np.float64], look: NDArray[np.str_]
) -> NDArray[np.float64]:
    """What two networks make of N faces, (N,) each, found by these looks; see `_EVEN`."""
    first, second = (np.clip(share, 1e-6, 1 - 1e-6) for share in (confidence, presence))
    odds = np.sqrt(first / (1 - first)) * second / (1 - second)
    odds = odds * np.exp(np.where(np.isin(look, _ODD_LOOKS), -_ODD, 0.0) - _EVEN)
    return np.asarray(odds / (1 + odds))


def _collapsed(points: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether five points (N, 5, 2) are too close together for their boxes (N, 4) to be a face's: (N,)."""
    reach = np.ptp(points, axis=1).max(1)
    close: NDArray[np.bool_] = reach < _ONE_PLACE * (boxes[:, 2:] - boxes[:, :2]).max(1)
    return close


ENTRY: Final = DetectorEntry(
    lambda spec: NetDetector(faces=spec.model, landmarks=spec.landmarks, threads=spec.threads or 1),
    options=frozenset({"model", "landmarks"}),
    has_quality=True,
)
