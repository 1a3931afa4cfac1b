"""From one frame to the next: landmarks follow each face, and the detector looks only near those in doubt."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.align import FACE
from aulens.errors import InputError
from aulens.faces.detector import Face, FaceFollower, box_overlap
from aulens.faces.meetings import CLOSE, ONE_FACE
from aulens.faces.track import COAST, Anchor, Track

Image = NDArray[np.uint8]

_NEW: Final = 0.1  # weight of the detector's newest box; the rest is the ones before
_CHECK_EVERY: Final = 5  # frames: then the detector looks whether there still is a face
_SEARCH: Final = 0.5  # seconds in which a lost face is searched for in every frame; COAST behind somebody
_AWAY: Final = 4  # lost faces that are searched for in a frame, at most


def follow(follower: FaceFollower, image: Image, tracks: Sequence[Track], now: float) -> list[Face]:
    """Place faces by their landmarks; return what the detector saw near those it had to look for."""
    found: list[Face] = []
    searched = 0
    for track in tracks:
        if not track.was_in_view:
            longest = COAST if track.met else _SEARCH
            if now - track.seen > longest or searched == _AWAY or not _inside(track.expected, image):
                continue
            searched += 1
        elif _may_slide(track, tracks) and _slide(follower, image, track, now):
            continue
        found += follower.near(image, track.expected)
    unique: list[Face] = []
    for face in found:
        if usable(face) and all(box_overlap(face.box, other.box) < ONE_FACE for other in unique):
            unique.append(face)
    return unique


def steady(follower: FaceFollower, image: Image, track: Track, face: Face) -> Face:
    """A face that the detector sees again, its landmarks found from where its box mostly lies about them.

    The detector's boxes come in steps of size and place, and landmarks depend on the box: on a still picture
    they would go to and fro with each look, and the Action Units with them.
    """
    if track.anchor is None or track.changed or not track.was_in_view or not len(face.landmarks):
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


def _slide(follower: FaceFollower, image: Image, track: Track, now: float) -> bool:
    """Let the landmarks follow; False, and nothing done, if what they find is not the face."""
    assert track.anchor is not None
    face = Face(track.expected, follower.landmarks(image, track.expected))
    if not usable(face):
        return False
    there = track.anchor.box(face.landmarks)
    if box_overlap(there, track.expected) < ONE_FACE or not track.alike(image, face):
        return False
    track.followed(image, face.landmarks, now)
    return True


def _inside(box: NDArray[np.float64], image: Image) -> bool:
    """Whether the middle of a box is in the picture."""
    x, y = (box[:2] + box[2:]) / 2
    return bool(0 <= x < image.shape[1] and 0 <= y < image.shape[0])
