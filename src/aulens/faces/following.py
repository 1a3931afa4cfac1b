"""From one frame to the next: landmarks follow each face, and the detector looks only near those in doubt."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.align import FACE
from aulens.errors import InputError
from aulens.faces.detector import Face, FaceFollower, LandmarkFollower, box_overlap
from aulens.faces.meetings import CLOSE, ONE_FACE
from aulens.faces.steady import apart
from aulens.faces.track import COAST, Anchor, Track, look

Image = NDArray[np.uint8]

_NEW: Final = 0.1  # weight of the detector's newest box; the rest is the ones before
_CHECK_EVERY: Final = 5  # frames: then the detector looks whether there still is a face
_SEARCH: Final = 0.5  # seconds in which a lost face is searched for in every frame; COAST behind somebody
_AWAY: Final = 4  # lost faces that are searched for in a frame, at most
_AGAIN: Final = 0.2  # spreads that a face moved in its crop, from which landmarks are found in a better one
_AGREE: Final = 0.2  # spreads between landmarks of one face, found by following and by the detector
_PRESENT: Final = 0.5  # how sure the landmarks' network must be of a face, for the detector not to look


def follow(follower: FaceFollower, image: Image, tracks: Sequence[Track], now: float) -> list[Face]:
    """Place faces by their landmarks; return what the detector saw near those it had to look for."""
    by_landmarks = isinstance(follower, LandmarkFollower)
    if isinstance(follower, LandmarkFollower):
        _offer(follower, image, tracks)
    found: list[Face] = []
    searched = 0
    for track in tracks:
        if not track.was_in_view:
            longest = COAST if track.met else _SEARCH
            if now - track.seen > longest or searched == _AWAY or not _inside(track.expected, image):
                continue
            searched += 1
        elif _may_slide(track, tracks):
            if not by_landmarks:
                track.offer = _slid(follower, image, track)
            if track.offer is not None and track.alike(patch := look(image, track.offer)):
                track.followed(track.offer, patch, now)
                continue
        found += follower.near(image, track.expected)
    unique: list[Face] = []
    for face in found:
        if usable(face) and all(box_overlap(face.box, other.box) < ONE_FACE for other in unique):
            unique.append(face)
    return unique


def agrees(track: Track, face: Face) -> bool:
    """Whether a detected face is where following found it in this frame."""
    offer = track.offer
    if offer is None or len(offer.landmarks) != len(face.landmarks):
        return False
    # Between two faces landmarks may be stretched from one to the other: the box, found without them, is not.
    return apart(face.landmarks, offer.landmarks) < _AGREE and box_overlap(face.box, offer.box) >= ONE_FACE


def seen_again(follower: FaceFollower, image: Image, track: Track, face: Face) -> Face:
    """A face that the detector sees again, its landmarks found the way they were in the frames before.

    Landmarks depend on where the face is cut out, and the detector's boxes and points come in steps of size
    and place: on a still picture they would go to and fro with each look, and the Action Units with them.
    """
    if track.offer is not None and agrees(track, face):
        return replace(track.offer, confidence=face.confidence, look=face.look)
    if track.anchor is None or track.changed or not track.was_in_view or not len(face.landmarks):
        return face
    if isinstance(follower, LandmarkFollower):
        return face
    anchor = track.anchor.mixed(Anchor.of(face), _NEW)
    again = replace(face, landmarks=follower.landmarks(image, anchor.box(face.landmarks)))
    if not usable(again):
        return face
    box = anchor.box(again.landmarks)
    return face if box_overlap(box, face.box) < ONE_FACE else replace(again, box=box)


def usable(face: Face) -> bool:
    """Whether the face can be aligned, if it has landmarks: not all in one place."""
    try:
        if len(face.landmarks):
            FACE.matrix(face.landmarks, 64)
    except InputError:
        return False
    return True


def _may_slide(track: Track, tracks: Sequence[Track]) -> bool:
    """Whether the detector need not look: it did lately, and nobody is close."""
    if track.anchor is None or track.face_id is None or track.unchecked + 1 >= _CHECK_EVERY:
        return False
    others = (other for other in tracks if other is not track)
    return all(box_overlap(track.expected, other.expected) <= CLOSE for other in others)


def _slid(follower: FaceFollower, image: Image, track: Track) -> Face | None:
    """What landmarks in the expected box lead to; None if that is not the face."""
    assert track.anchor is not None
    landmarks = follower.landmarks(image, track.expected)
    face = Face(track.expected, landmarks, track.confidence)
    if not usable(face):
        return None
    box = track.anchor.box(landmarks)
    return replace(face, box=box) if box_overlap(box, track.expected) >= ONE_FACE else None


def _offer(follower: LandmarkFollower, image: Image, tracks: Sequence[Track]) -> None:
    """Find the landmarks of all who were in view together, where each is expected."""
    there = ((track, track.place()) for track in tracks if track.was_in_view)
    places = [(track, place) for track, place in there if place is not None]
    if not places:
        return
    held = np.stack([place for _, place in places])
    faces = follower.follow_all(image, held)
    moved = [n for n, face in enumerate(faces) if apart(held[n], face.landmarks) > _AGAIN and _sound(face)]
    if moved:
        again = follower.follow_all(image, np.stack([faces[n].landmarks for n in moved]))
        for n, face in zip(moved, again, strict=True):
            faces[n] = face
    for (track, _), face in zip(places, faces, strict=True):
        if _sound(face) and box_overlap(face.box, track.expected) >= ONE_FACE:
            track.offer = face


def _sound(face: Face) -> bool:
    return face.confidence >= _PRESENT and usable(face)


def _inside(box: NDArray[np.float64], image: Image) -> bool:
    """Whether the middle of a box is in the picture."""
    x, y = (box[:2] + box[2:]) / 2
    return bool(0 <= x < image.shape[1] and 0 <= y < image.shape[0])
