"""When two people come near each other in the picture, and may be taken for each other."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.faces.detector import box_overlap
from aulens.faces.track import Track

CLOSE: Final = 0.05
"""Overlap of boxes above which two faces may be taken for each other."""

ONE_FACE: Final = 0.5
"""Overlap above which two tracks are on one face."""

_WITHIN: Final = 0.8  # share of the smaller box that is in the larger one, above which likewise

_APART: Final = 0.02  # faces that overlap less are apart: each can be recognized alone


def resolve_merged(tracks: Sequence[Track]) -> None:
    """Where two tracks ran into one face, the one that was expected there keeps it.

    Where one has hardly more of it than a part, it is the one that the detector is surer of.
    """
    here = [track for track in tracks if track.in_view]
    for number, a in enumerate(here):
        for b in here[number + 1 :]:
            if not (a.in_view and b.in_view):
                continue
            if box_overlap(a.box, b.box) > ONE_FACE:
                fit_a, fit_b = (box_overlap(track.box, track.expected) for track in (a, b))
                (b if fit_a >= fit_b else a).face = None
            elif _within(a.box, b.box) > _WITHIN:
                (b if a.confidence >= b.confidence else a).face = None


def note_occlusions(tracks: Sequence[Track]) -> None:
    """Who comes near another may be taken for them, and again when one of them is hidden or returns."""
    named = [track for track in tracks if track.face_id is not None]
    for number, a in enumerate(named):
        for b in named[number + 1 :]:
            if not (a.in_view or b.in_view):
                continue
            met = a.face_id in b.met or b.face_id in a.met
            appeared = a.in_view != a.was_in_view or b.in_view != b.was_in_view
            if (met and appeared) or (not met and box_overlap(a.box, b.box) > CLOSE):
                a.meet(b)


def overlapping(track: Track, tracks: Sequence[Track]) -> bool:
    """Whether a face in view overlaps with another one in view."""
    return track.face is not None and any(
        other is not track and other.face is not None and box_overlap(track.face.box, other.face.box) > _APART
        for other in tracks
    )


def _within(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Area shared by two boxes (4,) over that of the smaller one, 0 to 1."""
    width, height = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = max(float(width), 0.0) * max(float(height), 0.0)
    return shared / min(float(np.prod(a[2:] - a[:2])), float(np.prod(b[2:] - b[:2])))
