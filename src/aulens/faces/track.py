"""One person in view, or just out of sight: where the face is, how it looked, and what is in doubt."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.faces.detector import Face
from aulens.faces.motion import Motion
from aulens.faces.packing import pack, unpack
from aulens.faces.steady import steadied

_PATCH: Final = 24
_REACH: Final = 1.6  # from the middle of the landmarks, in spreads: from brows to chin
_LIKE: Final = 0.7  # a face correlates with itself in the next frame by 0.9 and more, with another's by 0.65
_PROOF: Final = 0.1  # seconds in which a face of low confidence must be seen again
_READ: Final = 96  # rows of a face that are read for its patch, about: every n-th is enough

_KEPT: Final = (
    "face_id", "seen", "confidence", "unchecked", "proofs", "waits", "doubt", "changed", "views",
)  # fmt: skip
_PACKED: Final = ("landmarks", "held", "patch")

Patch = NDArray[np.uint8]

COAST: Final = 2.0
"""Seconds for which a person who is out of sight is expected at their place."""


@dataclass(frozen=True, eq=False)
class Anchor:
    """Where the detector's box lies about the landmarks, so that they give the box of the next frame.

    Attributes:
        shift: (2,) from the middle of the landmarks to the box's, in spreads.
        size: (2,) width and height of the box, in spreads.
    """

    shift: NDArray[np.float64]
    size: NDArray[np.float64]

    @classmethod
    def of(cls, face: Face) -> "Anchor":
        """That of a face which a detector found."""
        middle, spread = middle_and_spread(face.landmarks)
        box = face.box
        return cls(((box[:2] + box[2:]) / 2 - middle) / spread, (box[2:] - box[:2]) / spread)

    def mixed(self, other: "Anchor", weight: float) -> "Anchor":
        """Between the two: 0 is this one, 1 the other."""
        return Anchor(
            self.shift + weight * (other.shift - self.shift), self.size + weight * (other.size - self.size)
        )

    def box(self, landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
        """The box (4,) about landmarks (K, 2)."""
        middle, spread = middle_and_spread(landmarks)
        centre, half = middle + self.shift * spread, self.size * spread / 2
        return np.concatenate([centre - half, centre + half])


@dataclass
class Track:
    """A face over time.

    Attributes:
        face_id: None while it is not clear whether, or who, it is.
        motion: the last box and its speed.
        seen: time at which it was in view last, seconds.
        face: in this frame; None while it is out of sight.
        confidence: of the last detection.
        anchor: see `Anchor`; None for a face without landmarks.
        landmarks: (K, 2) when it was seen last.
        held: (K, 2) landmarks by which it was cut out last; see `aulens.faces.steady`.
        patch: (24, 24) uint8 grey, how it looked when seen last.
        unchecked: frames since a detector last confirmed it.
        proofs: frames in which a detector saw it.
        comparisons: how often a face that has no id yet, or whose id is in doubt, was compared with others.
        waits: for how many frames a face that touches another has waited for its id.
        doubt: the id may be another's: it met somebody, or changed abruptly.
        changed: the doubt is that it looked different from one frame to the next.
        met: ids of those it was in touch with, and has not been seen apart from since.
        next_view: time at which to remember its appearance again.
        views: how often its appearance was remembered in a row.
        expected: (4,) where this frame should show it.
        was_in_view: whether the last frame showed it.
        candidate: what its landmarks led to in this frame, until the detector has had its say.
    """

    face_id: int | None
    motion: Motion
    seen: float
    face: Face | None
    confidence: float
    anchor: Anchor | None
    landmarks: NDArray[np.float64]
    held: NDArray[np.float64]
    patch: Patch
    unchecked: int = 0
    proofs: int = 1
    comparisons: int = 0
    waits: int = 0
    doubt: bool = False
    changed: bool = False
    met: set[int] = field(default_factory=set)
    next_view: float = -np.inf
    views: int = 0
    expected: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))
    was_in_view: bool = False
    candidate: Face | None = None

    @classmethod
    def begin(cls, face: Face, patch: Patch, now: float, moves: bool) -> "Track":
        """A face seen for the first time."""
        return cls(
            None,
            Motion(face.box, np.zeros(2), moves),
            now,
            face,
            float(face.confidence),
            Anchor.of(face) if len(face.landmarks) > 1 else None,
            face.landmarks,
            face.landmarks,
            patch,
            expected=face.box,
        )

    def begin_frame(self, now: float) -> None:
        """A new frame begins: nobody has seen it there yet."""
        self.was_in_view = self.face is not None
        self.expected = self.motion.after(now - self.seen)
        self.face = self.candidate = None

    def crop_landmarks(self) -> NDArray[np.float64]:
        """Landmarks (K, 2) by which to cut it out of this frame; call it once."""
        way = self.expected - self.motion.box
        there = self.landmarks + (way[:2] + way[2:]) / 2
        self.held = steadied(self.held, there) if len(self.held) == len(there) else there
        return self.held

    @property
    def in_view(self) -> bool:
        """Whether this frame shows it."""
        return self.face is not None

    @property
    def box(self) -> NDArray[np.float64]:
        """The box (4,) where it is in this frame, or else where it should be."""
        return self.expected if self.face is None else self.face.box

    def detected(self, face: Face, patch: Patch, now: float) -> None:
        """A detector saw it in this frame."""
        self.proofs += now > self.seen
        self.confidence = float(face.confidence)
        self.unchecked = 0
        if len(face.landmarks) > 1:
            self.anchor = Anchor.of(face)
        self._place(face, patch, now)

    def followed(self, face: Face, patch: Patch, now: float) -> None:
        """Its landmarks were found where it was expected; no detector looked."""
        self._place(face, patch, now)
        self.unchecked += 1

    def confirmed(self, face: Face) -> None:
        """A detector sees it too, where its landmarks were found in this frame."""
        assert self.face is not None
        self.confidence, self.unchecked = float(face.confidence), 0
        self.face = replace(self.face, confidence=self.confidence, look=face.look)

    def alike(self, patch: Patch) -> bool:
        """Whether a face that looks so looks much as this one did when it was seen last."""
        return correlation(self.patch, patch) >= _LIKE

    def is_kept(self, now: float) -> bool:
        """Whether it is worth waiting for: a person for a while, a first impression hardly."""
        return self.in_view or now - self.seen <= (_PROOF if self.face_id is None else COAST)

    def may_be_confused_with(self, other: "Track") -> None:
        """The two may be taken for each other from now on."""
        assert self.face_id is not None
        assert other.face_id is not None
        for one, another in ((self, other.face_id), (other, self.face_id)):
            one.met.add(another)
            one.doubt = True

    def _place(self, face: Face, patch: Patch, now: float) -> None:
        known = len(face.landmarks) == len(self.landmarks) > 0
        way = face.landmarks.mean(0) - self.landmarks.mean(0) if known else None
        self.motion = self.motion.seen(face.box, now - self.seen, way)
        self.seen, self.landmarks, self.patch = now, face.landmarks, patch
        self.face = replace(face, confidence=self.confidence)

    def state(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            **{name: getattr(self, name) for name in _KEPT},
            **{name: pack(getattr(self, name)) for name in _PACKED},
            "motion": self.motion.state(),
            "in_view": self.in_view,
            "anchor": None if self.anchor is None else [pack(self.anchor.shift), pack(self.anchor.size)],
            "looks": self.comparisons,
            "met": sorted(self.met),
            "next_view": None if np.isinf(self.next_view) else self.next_view,
        }

    @classmethod
    def restored(cls, state: dict[str, Any]) -> "Track":
        """From `state()`."""
        anchor, next_view = state["anchor"], state["next_view"]
        motion = Motion.restored(state["motion"])
        packed: dict[str, Any] = {name: unpack(state[name]) for name in _PACKED}
        return cls(
            **{name: state[name] for name in _KEPT},
            **packed,
            motion=motion,
            # Of the last frame's face the next one asks only whether it was there.
            face=Face(motion.box, packed["landmarks"]) if state["in_view"] else None,
            anchor=None if anchor is None else Anchor(unpack(anchor[0]), unpack(anchor[1])),
            comparisons=state["looks"],
            met=set(state["met"]),
            next_view=-np.inf if next_view is None else next_view,
        )


def swap_ids(a: Track, b: Track) -> None:
    """Each turns out to be the other."""
    a.face_id, b.face_id = b.face_id, a.face_id
    a.met, b.met = b.met, a.met


def middle_and_spread(landmarks: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Mean (2,) of landmarks (K, 2), and how far they spread from it up and down (at least 1e-6 pixels).

    Up and down only: a head that turns gets narrower, and the detector's box does not.
    """
    middle = landmarks.mean(axis=0)
    return middle, max(1.4 * float(landmarks[:, 1].std()), 1e-6)


def appearance(image: NDArray[np.uint8], face: Face) -> Patch:
    """What is about a face's landmarks, or else in its box: (24, 24) uint8 grey; black if outside."""
    box = face.box
    if len(face.landmarks):
        # The boxes of a detector come in steps of size; landmarks do not.
        middle, spread = middle_and_spread(face.landmarks)
        box = np.concatenate([middle - _REACH * spread, middle + _REACH * spread])
    height, width = image.shape[:2]
    x0, y0, x1, y1 = np.clip(np.rint(box), 0, [width, height, width, height]).astype(int).tolist()
    if x1 - x0 < 2 or y1 - y0 < 2:
        return np.zeros((_PATCH, _PATCH), np.uint8)
    step = max(1, max(x1 - x0, y1 - y0) // _READ)
    small = cv2.resize(image[y0:y1:step, x0:x1], (_PATCH, _PATCH), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def correlation(a: Patch, b: Patch) -> float:
    """Pearson's, of two patches; 0 if one is all of one grey, 1 if both are."""
    x, y = (one.ravel() - one.mean() for one in (a, b))
    length = float(np.sqrt(x.dot(x) * y.dot(y)))
    if length > 0:
        return float(x.dot(y)) / length
    return float(not x.any() and not y.any())
