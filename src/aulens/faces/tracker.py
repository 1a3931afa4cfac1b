"""Faces over time: who is who from frame to frame of one clip."""

from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from aulens.errors import ConfigError, InputError
from aulens.faces.cuts import CutFinder
from aulens.faces.default import default_embedder
from aulens.faces.detector import Face, FaceDetector, FaceFollower, check_image, iou
from aulens.faces.dlib_detector import DlibEmbedder
from aulens.faces.identity import FaceEmbedder
from aulens.faces.landmark_tracking import LandmarkTracker, agrees, usable
from aulens.faces.people import People, note_occlusions, overlapping, resolve_merged
from aulens.faces.track import Patch, Track, appearance

_FORMAT: Final = "aulens-tracker/3"
_RATE: Final = 25.0  # frames per second where there are no time stamps
_LONGEST_STEP: Final = 0.15  # seconds between frames over which landmarks can follow
_EMPTY_PAUSE: Final = 0.1  # seconds between detections while nobody is in view
_THOROUGH_PAUSE: Final = 2.0  # seconds between those detections that also look for small faces
_SAME: Final = 0.3  # overlap of the boxes of one face in one frame, or from frame to frame


class VideoFrame(Protocol):
    """What a tracker needs of a frame, such as `aulens.video.reader.Frame`."""

    @property
    def index(self) -> int:
        """Number of the frame, from 0."""

    @property
    def time(self) -> float:
        """Seconds; NaN where there are none."""

    @property
    def image(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB."""


@dataclass(frozen=True, eq=False)
class Tracked:
    """The people in one frame.

    Attributes:
        faces: those in view.
        ids: of `faces`, ascending; 0, 1, 2 ... by first appearance in the clip.
        lost: ids that were seen before and are not in this frame, ascending.
    """

    faces: tuple[Face, ...]
    ids: tuple[int, ...]
    lost: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.faces) != len(self.ids) or list(self.ids) != sorted(set(self.ids)):
            raise InputError(f"{len(self.faces)} faces need as many ascending ids, got {self.ids}")
        if set(self.ids) & set(self.lost):
            raise InputError(f"nobody can be in view and lost: ids {self.ids}, lost {self.lost}")


class FaceTracker:
    """Follows the faces of one clip and says who is who.

    The detector looks at the whole picture now and then. In between, a `LandmarkFollower` (aulens' own) finds
    landmarks from those of the frame before, and looks near a face only where that leaves a doubt; another
    `FaceFollower` (dlib) finds them in the box where the face is expected, and looks there every few frames.
    Any other detector runs on every frame, because only it can find the landmarks.

    Args:
        detector: finds faces.
        embedder: tells people apart by appearance where place does not: after a cut, on return, after a
            crossing. "auto" is what `aulens.faces.default.default_embedder` gives, "dlib" an
            `aulens.faces.dlib_detector.DlibEmbedder` (extra `dlib`); several trackers may share one.
            None turns that off: who was out of sight for two seconds gets a new id, a cut is not noticed.
        motion: expect a face where its speed takes it; False expects it where it was.
        detect_every: seconds between looks at the whole picture while somebody is in view.
        min_confidence: confidence, by the detector's own score, of a face that needs no second look.
        keep_lost: seconds for which somebody who is gone is listed in `Tracked.lost`; None for ever.

    Raises:
        ConfigError: an option is out of range, or there is no embedder of this name.
        ModelError: the file of the embedder's network is missing.
    """

    def __init__(
        self,
        detector: FaceDetector,
        embedder: FaceEmbedder | Literal["auto", "dlib"] | None = "auto",
        *,
        motion: bool = True,
        detect_every: float = 0.4,
        min_confidence: float = 0.6,
        keep_lost: float | None = None,
    ) -> None:
        if not detect_every >= 0:
            raise ConfigError(f"detect_every must be 0 seconds or more, got {detect_every}")
        if keep_lost is not None and not keep_lost >= 0:
            raise ConfigError(f"keep_lost must be None or 0 seconds or more, got {keep_lost}")
        self._detector = detector
        self._follower = LandmarkTracker(detector) if isinstance(detector, FaceFollower) else None
        self._people = People(_named(embedder) if isinstance(embedder, str) else embedder)
        self._moves = motion
        self._detect_every = detect_every
        self._min_confidence = min_confidence
        self._keep_lost = keep_lost
        self._cuts = CutFinder()
        self._tracks: list[Track] = []
        self._now: float | None = None
        self._detected = self._thorough = -np.inf

    def __call__(self, frame: VideoFrame) -> Tracked:
        """The faces of the next frame. Frames come in order; some may be left out.

        Raises:
            InputError: the frame's image is not (H, W, 3) uint8.
        """
        image = check_image(frame.image)
        now = float(frame.time) if np.isfinite(frame.time) else frame.index / _RATE
        step = np.inf if self._now is None else now - self._now
        self._now = now
        cut = self._cuts(image)
        if cut and self._people.recognizes:
            self._tracks = []
        for track in self._tracks:
            track.begin_frame(now)
        follower = None if cut or step > _LONGEST_STEP else self._follower
        if follower is not None:
            self._assign(image, follower.follow(image, self._tracks, now), now)
        if follower is None or self._due(now):
            self._assign(image, self._detect(image, cut or step > _THOROUGH_PAUSE, now), now)
        resolve_merged(self._tracks)
        note_occlusions(self._tracks)
        self._tracks = [track for track in self._tracks if track.is_kept(now)]
        self._identify(image, now)
        return self._tracked(now)

    def state(self) -> dict[str, Any]:
        """All it knows, JSON-able, to go on later with `restore`."""
        return {
            "format": _FORMAT,
            "options": self._options(),
            "now": self._now,
            "detected": None if np.isinf(self._detected) else self._detected,
            "thorough": None if np.isinf(self._thorough) else self._thorough,
            "cuts": self._cuts.state(),
            "people": self._people.state(),
            "tracks": [track.state() for track in self._tracks],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state()`: the next frames give exactly what they would have given without the stop.

        Raises:
            InputError: not a state of this kind.
            ConfigError: it was made with other options.
        """
        if state.get("format") != _FORMAT:
            raise InputError(
                f"not the state of a face tracker: format {state.get('format')!r}, not {_FORMAT!r}"
            )
        if state["options"] != self._options():
            raise ConfigError(
                f"this state was made with other options: {state['options']}, now {self._options()}; "
                "go on with the same, or begin anew"
            )
        self._now = state["now"]
        self._detected = -np.inf if state["detected"] is None else state["detected"]
        self._thorough = -np.inf if state["thorough"] is None else state["thorough"]
        self._cuts.restore(state["cuts"])
        self._people.restore(state["people"])
        self._tracks = [Track.restored(track) for track in state["tracks"]]

    def _options(self) -> dict[str, Any]:
        return {
            "follows": self._follower is not None,
            "recognizes": self._people.recognizes,
            "motion": self._moves,
            "detect_every": self._detect_every,
            "sure": self._min_confidence,
            "keep_lost": self._keep_lost,
        }

    def _due(self, now: float) -> bool:
        in_view = any(track.face is not None for track in self._tracks)
        pause = self._detect_every if in_view else min(_EMPTY_PAUSE, self._detect_every)
        return now - self._detected >= pause - 1e-6

    def _detect(self, image: NDArray[np.uint8], thorough: bool, now: float) -> list[Face]:
        """Look at the whole picture; for small faces only if it must be, or was not done for long."""
        self._detected = now
        if self._follower is not None and not thorough and now - self._thorough < _THOROUGH_PAUSE - 1e-6:
            return [face for face in self._follower.detector.detect_quickly(image) if usable(face)]
        self._thorough = now
        return [face for face in self._detector(image) if usable(face)]

    def _assign(self, image: NDArray[np.uint8], faces: list[Face], now: float) -> None:
        """Detected faces to tracks, the best overlap first; the rest are newcomers."""
        patches = [appearance(image, face) for face in faces]
        pairs = []
        for number, (face, patch) in enumerate(zip(faces, patches, strict=True)):
            for track in self._tracks:
                overlap = iou(face.box, track.box)
                if overlap >= _SAME and self._may_match(track, patch):
                    # Who was in view comes first: the hidden one of two does not take over the other's face.
                    pairs.append((not track.was_in_view, -overlap, number, track))
        rest = dict(enumerate(faces))
        done: list[Track] = []
        for *_, number, track in sorted(pairs, key=lambda pair: pair[:3]):
            if number in rest and track not in done:
                done.append(track)
                self._update(image, track, rest.pop(number), patches[number], now)
        for number, face in rest.items():
            if all(not t.in_view or iou(face.box, t.box) <= _SAME for t in self._tracks):
                self._tracks.append(Track.begin(face, patches[number], now, self._moves))

    def _update(self, image: NDArray[np.uint8], track: Track, face: Face, patch: Patch, now: float) -> None:
        """A track gets the face that the detector saw in its place."""
        if track.in_view and agrees(track, face):
            track.confirmed(face)
            return
        if self._people.recognizes and not track.alike(patch):
            track.doubt = track.changed = True
        if self._follower is not None:
            face = self._follower.refined(image, track, face)
        track.detected(face, patch, now)

    def _may_match(self, track: Track, patch: Patch) -> bool:
        """Whether place suffices to take a face for one that was in view, or just now was not."""
        if track.was_in_view or track.in_view or not self._people.recognizes:
            return True
        return not track.met and track.alike(patch)

    def _identify(self, image: NDArray[np.uint8], now: float) -> None:
        """Give ids to newcomers who are faces for sure, and settle doubts of those who stand alone."""
        newcomers = [
            track
            for track in self._tracks
            if track.in_view
            and track.face_id is None
            and (track.confidence >= self._min_confidence or track.proofs > 1)
        ]
        newcomers.sort(key=lambda track: (-np.prod(track.box[2:] - track.box[:2]), *track.box[:2].tolist()))
        if newcomers:
            self._people.name(image, newcomers, self._tracks, now)
            back = {track.face_id for track in newcomers} - {None}
            self._tracks = [t for t in self._tracks if t.in_view or t.face_id not in back]
        for track in self._tracks:
            if not track.doubt or not track.in_view or track.face_id is None:
                continue
            if not overlapping(track, self._tracks):
                self._people.settle(image, track, self._tracks, now)
        self._people.remember(image, self._tracks, now)

    def _tracked(self, now: float) -> Tracked:
        here = {
            track.face_id: track.face
            for track in self._tracks
            # A face that changed all at once and was not recognized is not reported as who it was.
            if track.face_id is not None
            and track.face is not None
            and not (track.changed and track.comparisons)
        }
        ids = sorted(here)
        lost = [
            person
            for person, seen in sorted(self._people.known().items())
            if person not in here and (self._keep_lost is None or now - seen <= self._keep_lost)
        ]
        return Tracked(tuple(here[i] for i in ids), tuple(ids), tuple(lost))


def _named(embedder: str) -> FaceEmbedder:
    if embedder == "auto":
        return default_embedder()
    if embedder == "dlib":
        return DlibEmbedder()
    raise ConfigError(f'there is no embedder {embedder!r}; give "auto", "dlib", a FaceEmbedder or None')
