"""From one frame to the next: landmarks follow each face, and the detector looks only near those in doubt."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.align import FACE
from aulens.errors import InputError
from aulens.faces.detector import Face, FaceFollower, LandmarkFollower, iou
from aulens.faces.people import CLOSE, ONE_FACE
from aulens.faces.steady import displacement
from aulens.faces.track import COAST, Anchor, Track, appearance

Image = NDArray[np.uint8]

# Frames after which the detector looks whether there still is a face: landmarks can be found anywhere. Those
# that tell whether there is one are checked only where looks at the whole picture do not see it any more.
_CHECK, _CHECK_KNOWING = 5, 20
_NEW: Final = 0.1  # weight of the detector's newest box; the rest is the ones before
_SEARCH: Final = 0.5  # seconds in which a lost face is searched for in every frame; COAST behind somebody
_AWAY: Final = 4  # lost faces that are searched for in a frame, at most
_AGAIN: Final = 0.2  # spreads that a face moved in its crop, from which landmarks are found in a better one
_AGREE: Final = 0.2  # spreads between landmarks of one face, found by following and by the detector
_PRESENT: Final = 0.5  # how sure the landmarks' network must be of a face, for the detector not to look


class LandmarkTracker:
    """Follows faces from frame to frame.

    Args:
        detector: finds landmarks in a box, or from those of the last frame.
    """

    def __init__(self, detector: FaceFollower) -> None:
        self.detector = detector
        self._by_landmarks = detector if isinstance(detector, LandmarkFollower) else None
        self._check = _CHECK if self._by_landmarks is None else _CHECK_KNOWING

    def follow(self, image: Image, tracks: Sequence[Track], now: float) -> list[Face]:
        """Place faces by their landmarks; return what the detector saw near those it had to look for."""
        if self._by_landmarks is not None:
            _predict_all(self._by_landmarks, image, tracks)
        found: list[Face] = []
        searched = 0
        for track in tracks:
            if not track.was_in_view:
                longest = COAST if track.met else _SEARCH
                if now - track.seen > longest or searched == _AWAY or not _inside(track.expected, image):
                    continue
                searched += 1
            elif self._may_skip_detector(track, tracks) and self._place_by_landmarks(image, track, now):
                continue
            found += self.detector.near(image, track.expected)
        unique: list[Face] = []
        for face in found:
            if usable(face) and all(iou(face.box, other.box) < ONE_FACE for other in unique):
                unique.append(face)
        return unique

    def refined(self, image: Image, track: Track, face: Face) -> Face:
        """A face that the detector sees again, its landmarks found the way they were in the frames before.

        Landmarks depend on where the face is cut out, and the detector's boxes and points come in steps of
        size and place: on a still picture they would go to and fro with each look, and the Action Units too.
        """
        if track.candidate is not None and agrees(track, face):
            return replace(track.candidate, confidence=face.confidence, look=face.look)
        if self._by_landmarks is not None or not len(face.landmarks):
            return face
        if track.anchor is None or track.changed or not track.was_in_view:
            return face
        anchor = track.anchor.mixed(Anchor.of(face), _NEW)
        again = replace(face, landmarks=self.detector.landmarks(image, anchor.box(face.landmarks)))
        if not usable(again):
            return face
        box = anchor.box(again.landmarks)
        return face if iou(box, face.box) < ONE_FACE else replace(again, box=box)

    def _may_skip_detector(self, track: Track, tracks: Sequence[Track]) -> bool:
        """Whether the detector need not look: it did lately, and nobody is close."""
        if track.anchor is None or track.face_id is None or track.unchecked + 1 >= self._check:
            return False
        others = (other for other in tracks if other is not track)
        return all(iou(track.expected, other.expected) <= CLOSE for other in others)

    def _place_by_landmarks(self, image: Image, track: Track, now: float) -> bool:
        """Place it by its landmarks; False, and nothing done, if what they find is not the face."""
        if self._by_landmarks is None:
            track.candidate = _followed(self.detector, image, track)
        if track.candidate is None or not track.alike(patch := appearance(image, track.candidate)):
            return False
        track.followed(track.candidate, patch, now)
        return True


def agrees(track: Track, face: Face) -> bool:
    """Whether a detected face is where following found it in this frame."""
    candidate = track.candidate
    if candidate is None or len(candidate.landmarks) != len(face.landmarks):
        return False
    # Between two faces landmarks may be stretched from one to the other: the box, found without them, is not.
    return (
        displacement(face.landmarks, candidate.landmarks) < _AGREE
        and iou(face.box, candidate.box) >= ONE_FACE
    )


def usable(face: Face) -> bool:
    """Whether the face can be aligned, if it has landmarks: not all in one place."""
    try:
        if len(face.landmarks):
            FACE.matrix(face.landmarks, 64)
    except InputError:
        return False
    return True


def _followed(detector: FaceFollower, image: Image, track: Track) -> Face | None:
    """What landmarks in the expected box lead to; None if that is not the face."""
    assert track.anchor is not None
    landmarks = detector.landmarks(image, track.expected)
    face = Face(track.expected, landmarks, track.confidence)
    if not usable(face):
        return None
    box = track.anchor.box(landmarks)
    return replace(face, box=box) if iou(box, track.expected) >= ONE_FACE else None


def _predict_all(detector: LandmarkFollower, image: Image, tracks: Sequence[Track]) -> None:
    """Find the landmarks of all who were in view together, where each is expected."""
    here = [track for track in tracks if track.was_in_view and len(track.landmarks)]
    if not here:
        return
    last = np.stack([track.crop_landmarks() for track in here])
    faces = detector.follow_all(image, last)
    there = [face.confidence >= _PRESENT for face in faces]
    moved = [n for n, face in enumerate(faces) if there[n] and displacement(last[n], face.landmarks) > _AGAIN]
    if moved:
        again = detector.follow_all(image, np.stack([faces[n].landmarks for n in moved]))
        for n, face in zip(moved, again, strict=True):
            faces[n] = face
    for track, face in zip(here, faces, strict=True):
        if face.confidence >= _PRESENT and iou(face.box, track.expected) >= ONE_FACE:
            track.candidate = face


def _inside(box: NDArray[np.float64], image: Image) -> bool:
    """Whether the middle of a box is in the picture."""
    x, y = (box[:2] + box[2:]) / 2
    return bool(0 <= x < image.shape[1] and 0 <= y < image.shape[0])
