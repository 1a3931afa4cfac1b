"""Which face is which person: gives ids to new faces, settles ids that came into doubt where people met."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens.faces.detector import iou, shared_area
from aulens.faces.identity import FaceEmbedder, Gallery
from aulens.faces.track import Track, swap_ids

Image = NDArray[np.uint8]

CLOSE: Final = 0.05
"""Overlap of boxes above which two faces may be taken for each other."""

ONE_FACE: Final = 0.5
"""Overlap above which two tracks are on one face."""

_WITHIN: Final = 0.8  # share of the smaller box that is in the larger one, above which likewise

_APART: Final = 0.02  # faces that overlap less are apart: each can be recognized alone

# Of the largest distance of two faces of one person: so far beyond it a face may yet turn out to be known.
_UNSURE: Final = 0.3
_COMPARISONS: Final = 3
_WAITS: Final = 50  # frames for which a face that touches another waits for its id, where somebody is away
_VIEW_PAUSES: Final = (0.6, 2.0)
_VIEW_PAUSE: Final = 10.0
_SMALLEST: Final = 48.0  # pixels: side of a face that is good enough to be remembered


class People:
    """Who was in a clip, and what they look like.

    Args:
        embedder: None recognizes nobody: ids go by place alone.
    """

    def __init__(self, embedder: FaceEmbedder | None) -> None:
        self._embedder = embedder
        self._gallery = Gallery(embedder.same if embedder is not None else 0.0)
        self._unsure = _UNSURE * self._gallery.same
        self._known: dict[int, float] = {}

    @property
    def recognizes(self) -> bool:
        """Whether appearance decides."""
        return self._embedder is not None

    def known(self) -> dict[int, float]:
        """Every id given so far, and the time at which it was in view last."""
        return dict(self._known)

    def name(self, image: Image, newcomers: Sequence[Track], tracks: Sequence[Track], now: float) -> None:
        """Give ids to those newcomers who can be recognized: of somebody who is away, or new ones.

        Args:
            image: the frame.
            newcomers: faces in view without an id, largest first.
            tracks: all faces, the newcomers too.
            now: seconds.
        """
        here = {track.face_id for track in tracks if track.face is not None}
        away = [person for person in self._known if person not in here and person in self._gallery]
        views = [self._embed(image, track) if away else None for track in newcomers]
        open_ = dict(enumerate(newcomers))
        for _ in newcomers:
            pairs = [
                (self._gallery.distance(person, view), number, person)
                for number in open_
                if (view := views[number]) is not None
                for person in away
            ]
            if not pairs or min(pairs)[0] > self._gallery.same:
                break
            _, number, person = min(pairs)
            self._assign(image, open_.pop(number), person, tracks, now, views[number])
            away.remove(person)
        for number, track in open_.items():
            if away and track.waits < _WAITS and overlapping(track, tracks):
                track.waits += 1  # half hidden it may be like nobody: asked again once it stands alone
                continue
            view = views[number]
            _, distance = self._gallery.nearest(view, away) if view is not None else (None, np.inf)
            track.comparisons += 1
            if distance < self._gallery.same + self._unsure and track.comparisons < _COMPARISONS:
                continue
            self._assign(image, track, self._next_id(), tracks, now, view)

    def settle(self, image: Image, track: Track, tracks: Sequence[Track], now: float) -> None:
        """Look who a face with an id in doubt is: its own, one it met, another who is away, or a new one."""
        here = {t.face_id: t for t in tracks if t.in_view and t is not track and t.face_id is not None}
        view = self._embed(image, track)
        if view is not None and track.face_id is not None:
            own = self._gallery.distance(track.face_id, view)
            others = [p for p in self._known if p != track.face_id and (p in track.met or p not in here)]
            other, distance = self._gallery.nearest(view, others)
            track.comparisons += 1
            if other is not None and distance <= self._gallery.same and distance < own:
                rival = here.get(other)
                if rival is None or self._swap_gains(image, rival, other, track.face_id, own - distance):
                    self._reidentify(track, other, tracks)
            elif own > self._gallery.same and track.comparisons < _COMPARISONS:
                return
            elif own > self._gallery.same + (0.0 if track.changed else self._unsure):
                track.face_id, track.next_view, track.views = self._next_id(), -np.inf, 0
            self._known[track.face_id] = now
        track.doubt, track.changed, track.comparisons = False, False, 0
        track.met -= here.keys()

    def remember(self, image: Image, tracks: Sequence[Track], now: float) -> None:
        """Note who is in view, and now and then what they look like."""
        here = [track for track in tracks if track.face is not None and track.face_id is not None]
        for track in here:
            assert track.face_id is not None
            assert track.face is not None
            self._known[track.face_id] = now
            if self._embedder is None or track.doubt or now < track.next_view:
                continue
            if np.sqrt(track.face.area) >= _SMALLEST and not overlapping(track, tracks):
                self._store_view(track, tracks, now, self._embed(image, track))

    def state(self) -> dict[str, Any]:
        """JSON-able."""
        return {"gallery": self._gallery.state(), "known": list(map(list, self._known.items()))}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state()`."""
        self._gallery.restore(state["gallery"])
        self._known = dict(state["known"])

    def _reidentify(self, track: Track, person: int, tracks: Sequence[Track]) -> None:
        """A face is somebody else than was thought, who is thus who this one was taken for."""
        holder = next((other for other in tracks if other.face_id == person), None)
        if holder is not None:
            swap_ids(track, holder)
        elif track.face_id is not None:
            track.met = (track.met | {track.face_id}) - {person}
            track.face_id = person

    def _swap_gains(self, image: Image, holder: Track, other: int, mine: int, gain: float) -> bool:
        """Whether two in view are more like each other's appearance than like their own, taken together."""
        view = self._embed(image, holder)
        if view is None:
            return False
        return gain + self._gallery.distance(other, view) - self._gallery.distance(mine, view) > 0

    def _next_id(self) -> int:
        return len(self._known)

    def _assign(
        self,
        image: Image,
        track: Track,
        person: int,
        tracks: Sequence[Track],
        now: float,
        view: NDArray[np.float32] | None,
    ) -> None:
        track.face_id, track.comparisons = person, 0
        self._known[person] = now
        if self._embedder is not None:
            self._store_view(track, tracks, now, self._embed(image, track) if view is None else view)

    def _store_view(
        self, track: Track, tracks: Sequence[Track], now: float, view: NDArray[np.float32] | None
    ) -> None:
        if view is not None and track.face_id is not None:
            beside = [
                t.face_id for t in tracks if t.face is not None and t.face_id is not None and not t.doubt
            ]
            self._gallery.add(track.face_id, view, beside)
        pause = _VIEW_PAUSES[track.views] if track.views < len(_VIEW_PAUSES) else _VIEW_PAUSE
        track.next_view, track.views = now + pause, track.views + 1

    def _embed(self, image: Image, track: Track) -> NDArray[np.float32] | None:
        if self._embedder is None or track.face is None:
            return None
        return self._embedder(image, track.face)


def resolve_merged(tracks: Sequence[Track]) -> None:
    """Where two tracks ran into one face, the one that was expected there keeps it.

    Where one has hardly more of it than a part, it is the one that the detector is surer of.
    """
    for a, b in combinations(tracks, 2):
        if not (a.in_view and b.in_view):
            continue
        if iou(a.box, b.box) > ONE_FACE:
            fit_a, fit_b = (iou(track.box, track.expected) for track in (a, b))
            (b if fit_a >= fit_b else a).face = None
        elif _within(a.box, b.box) > _WITHIN:
            (b if a.confidence >= b.confidence else a).face = None


def note_occlusions(tracks: Sequence[Track]) -> None:
    """Who comes near another may be taken for them, and again when one of them is hidden or returns."""
    for a, b in combinations((track for track in tracks if track.face_id is not None), 2):
        if not (a.in_view or b.in_view):
            continue
        met = a.face_id in b.met or b.face_id in a.met
        appeared = a.in_view != a.was_in_view or b.in_view != b.was_in_view
        if (met and appeared) or (not met and iou(a.box, b.box) > CLOSE):
            a.may_be_confused_with(b)


def overlapping(track: Track, tracks: Sequence[Track]) -> bool:
    """Whether a face in view overlaps with another one in view."""
    return track.face is not None and any(
        other is not track and other.face is not None and iou(track.face.box, other.face.box) > _APART
        for other in tracks
    )


def _within(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Area shared by two boxes (4,) over that of the smaller one, 0 to 1."""
    return shared_area(a, b) / min(float(np.prod(a[2:] - a[:2])), float(np.prod(b[2:] - b[:2])))
