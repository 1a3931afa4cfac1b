import json
from dataclasses import dataclass, fields

import numpy as np
import pytest
from stub_detectors import GREY, face

from aulens.faces.detector import Face
from aulens.faces.motion import Motion
from aulens.faces.people import People, resolve_merged
from aulens.faces.track import Anchor, Track, appearance


def test_a_restored_track_knows_all_that_it_knew() -> None:
    box = face(100, 100).box
    blank = Face(box, np.empty((0, 2)))
    first = Track.begin(blank, appearance(GREY, blank), 0.0, moves=True)
    first.begin_frame(0.04)
    new = first.state()
    noise = np.random.default_rng(0).integers(0, 256, GREY.shape, np.uint8)
    seen = face(104.5, 98, 62, 0.4)
    track = Track(
        face_id=3,
        motion=Motion(seen.box, np.array([2.5, -1.0]), moves=False),
        seen=7.32,
        face=seen,
        confidence=0.3,
        anchor=Anchor.of(seen),
        landmarks=seen.landmarks,
        held=seen.landmarks + 2,
        patch=appearance(noise, seen),
        unchecked=2,
        proofs=5,
        comparisons=1,
        waits=3,
        doubt=True,
        changed=True,
        met={1, 4},
        next_view=9.5,
        views=2,
    )
    state = json.loads(json.dumps(track.state(), allow_nan=False))
    assert Track.restored(state).state() == state
    # Each frame sets these three before it asks for them.
    kept = {one.name for one in fields(Track)} - {"expected", "was_in_view", "candidate"}
    assert state.keys() == kept - {"face", "comparisons"} | {"in_view", "looks"}  # as 0.1 wrote them
    assert [key for key in state if state[key] == new[key]] == []


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_tracks_on_one_face_the_one_expected_there_keeps_it(turned: bool) -> None:
    """One is where it was; the other would have had to come over from beside it."""
    here, strayed, apart = (
        Track.begin(seen, appearance(GREY, seen), 0.0, moves=True)
        for seen in (face(100, 100), face(140, 100), face(220, 100))
    )
    for track, x in ((here, 102), (strayed, 104), (apart, 220)):
        track.begin_frame(0.04)
        track.detected(face(x, 100), appearance(GREY, face(x, 100)), 0.04)
    tracks = [here, strayed, apart]
    resolve_merged(tracks[::-1] if turned else tracks)
    assert [track.in_view for track in tracks] == [True, False, True]


@dataclass
class Looks:
    """An embedder: what the face at the left and the one at the right look like, on a line."""

    left: float
    right: float
    same: float = 0.8

    def __call__(self, image: np.ndarray, seen: Face) -> np.ndarray:
        return np.array([self.left if seen.box[0] < 160 else self.right], np.float32)


@pytest.mark.parametrize(("right", "ids"), [(1.0, [0, 1]), (0.1, [1, 0])])
def test_two_who_met_change_names_only_if_both_look_like_each_other(right: float, ids: list[int]) -> None:
    """The one at the left looks more like the other (0.4 away) than like who it was (0.6 away)."""
    looks = Looks(0.0, 1.0)
    people = People(looks)
    seen = [face(100, 100), face(220, 100)]
    tracks = [Track.begin(one, appearance(GREY, one), 0.0, moves=True) for one in seen]
    people.name(GREY, tracks, tracks, 0.0)
    assert [track.face_id for track in tracks] == [0, 1]
    looks.left, looks.right = 0.6, right
    tracks[0].met, tracks[0].doubt = {1}, True
    people.settle(GREY, tracks[0], tracks, 0.04)
    assert [track.face_id for track in tracks] == ids
    assert not tracks[0].doubt
