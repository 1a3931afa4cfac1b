"""Units of work, the pictures of a unit, and the choice of a face: each alone."""

import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numbered_videos import FRAMES, number_of, write_video

from aulens import align
from aulens.align import warp
from aulens.data.digest import PIECE
from aulens.data.frames import read_frame_range
from aulens.data.index import PICTURE, FrameIndex
from aulens.data.prepare import PrepareSettings, prepare
from aulens.data.prepare.faces import FaceFinder, Located, centre, stored_matrix
from aulens.data.prepare.units import REASONS, Missing, divide, fingerprint, pictures
from aulens.data.prepared import load_prepared
from aulens.data.shards import read_bytes
from aulens.errors import ConfigError
from aulens.faces import Face
from aulens.landmarks import IBUG49, IBUG68, convert
from drawn_frames import AUS, drawn_frame
from synthetic_faces import face68


def index_of(*sequences: tuple[str, str, int]) -> FrameIndex:
    rows = [(subject, sequence, k) for subject, sequence, n in sequences for k in range(n)]
    n = len(rows)
    return FrameIndex(
        "x", AUS, ("",) * n, np.full(n, PICTURE, np.int32),
        np.array([row[0] for row in rows]), np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows], np.int64), np.zeros((n, 3), np.int8), None, np.full(n, ""),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": "big"}, "'size' must be a whole number of at least 32, found 'big'"),
        ({"size": 256.0}, "'size' must be a whole number of at least 32, found 256.0"),
        ({"quality": True}, "'quality' must be a whole number from 1 to 100, found True"),
        ({"margin": "0.25"}, "'margin' must be a number from 0 to 1, found '0.25'"),
        ({"margin": None}, "'margin' must be a number from 0 to 1, found None"),
        ({"landmarks": ["given"]}, r"'landmarks' must be one of auto, given, detect, found \['given'\]"),
        ({"size": 16}, "'size' must be a whole number of at least 32, found 16"),
    ],
)
def test_settings_of_another_kind_are_said(settings, message):
    with pytest.raises(ConfigError, match=message):
        PrepareSettings(**settings)
    assert PrepareSettings(margin=0).margin == 0


def test_units_are_pieces_of_one_sequence():
    units = divide(index_of(("F001", "T1", 500), ("F001", "T2", 1201), ("M/1", "../a.b:c", 1)))
    assert [len(unit.rows) for unit in units] == [500, 401, 400, 400, 1]
    assert np.concatenate([unit.rows for unit in units]).tolist() == list(range(1702))
    assert [unit.name for unit in units][::4] == ["00000_F001_T1", "00004_M-1_-a-b-c"]
    assert len({unit.name for unit in units}) == 5


@pytest.mark.parametrize("frames", [3, pytest.param(PIECE, marks=pytest.mark.slow)])
def test_the_fingerprint_is_of_all_that_decides_the_result(frames):
    random = np.random.default_rng(0)
    media = ("/x/1.jpg", "", "/ü/y/1.avi", "/y/1.avi", *["3.jpg"] * (frames - 2))
    points = random.random((2 + frames, 49, 2)).astype(np.float32)
    index = replace(index_of(("F001", "T1", 2), ("F002", "ü", frames)), media=media, landmarks=points)
    # As it has been since the first folder: one that was begun goes on only with data of the same.
    arrays = (index.position, index.frame, index.labels, points)
    lines = [f"x {AUS.numbers} False"]
    for key, part, file in zip(index.keys, index.part, media, strict=True):
        lines.append(f"{key} {part} {Path(file).name}")
    plain = hashlib.sha256(b"".join(array.tobytes() for array in arrays) + "\n".join(lines).encode())
    assert fingerprint(index) == plain.hexdigest()[:16]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return str(write_video(tmp_path_factory.mktemp("video") / "v.avi", "mjpeg", 0, "yuvj420p"))


def seen(media, position):
    found = dict(pictures(media, np.array(position, np.int32)))
    assert sorted(found) == list(range(len(media)))
    return [
        found[row].reason if isinstance(found[row], Missing) else number_of(found[row])
        for row in range(len(media))
    ]


def test_frames_of_videos_come_to_their_rows(video, tmp_path):
    assert seen([video] * 4, [50, 3, 51, 50]) == [50, 3, 51, 50]
    assert seen([video] * 3, [FRAMES - 1, FRAMES, FRAMES + 7]) == [FRAMES - 1, "video_ended", "video_ended"]
    assert seen([str(tmp_path / "no.avi"), ""], [0, 0]) == ["missing_video"] * 2
    data = Path(video).read_bytes()
    (tmp_path / "cut.avi").write_bytes(data[: len(data) // 2])
    result = seen([str(tmp_path / "cut.avi")] * FRAMES, range(FRAMES))
    good = [number for number in result if number != "unreadable_video"]
    assert good == list(range(len(good)))
    assert 30 < len(good) < 80
    assert result[len(good) :] == ["unreadable_video"] * (FRAMES - len(good))
    assert set(REASONS) >= {"missing_video", "missing_picture", "video_ended", "unreadable_video"}


def test_a_video_shorter_than_its_labels(video, tmp_path):
    """Rows that the video lacks are listed, and every other row has its own frame."""
    index = index_of(("SN001", "left", 8))
    points = np.tile(align.transform([[10, 0, 32], [0, 10, 24]], face68()), (8, 1, 1)).astype(np.float32)
    points[:, 20, 1] += np.arange(8)  # a point of the brow, which moves no crop
    media = [video] * 8
    media[2] = ""
    index = replace(
        index,
        media=tuple(media),
        position=np.arange(FRAMES - 6, FRAMES + 2, dtype=np.int32),
        landmarks=points,
        labels=np.eye(8, 3, dtype=np.int8),
    )
    result = prepare(index, tmp_path / "out", PrepareSettings(size=32), processes=1)
    assert result.missing == {"missing_video": 1, "video_ended": 2}
    listed = (tmp_path / "out" / "missing.csv").read_text().splitlines()
    ended = [f"SN001/left/{k},video_ended,{video}" for k in (6, 7)]
    assert listed[1:] == ["SN001/left/2,missing_video,", *ended]
    data = load_prepared(tmp_path / "out", AUS)
    assert data.frame.tolist() == [0, 1, 3, 4, 5]
    assert (data.labels == index.labels[[0, 1, 3, 4, 5]]).all()
    moved = data.landmarks[:, 20, 1] - data.landmarks[0, 20, 1]
    assert moved / moved[1] == pytest.approx([0, 1, 3, 4, 5], abs=1e-3)
    # The face's points lie in the frame where the squares with its number are: each row has its own.
    for number, place in zip((125, 126, 128, 129, 130), map(data.names.place, range(len(data))), strict=True):
        image = cv2.imdecode(
            np.frombuffer(read_bytes(place.path, place.offset, place.length), np.uint8),
            cv2.IMREAD_COLOR_RGB,
        )
        exact = next(read_frame_range(Path(video), number, number + 1))
        assert np.abs(image.astype(int) - warp(exact, *stored_matrix(points[0], 32, 0.25))).mean() < 4


IMAGE = np.zeros((100, 100, 3), np.uint8)


def face(x: float, y: float, size: float) -> Face:
    points = face68() * size / 2 + (x, y)
    return Face(np.array([x - size / 2, y - size / 2, x + size / 2, y + size / 2]), points)


class Given:
    """An `AlignedFollower` that finds what it is given."""

    aligned_box = (0.1, 0.2, 0.9, 1.0)

    def __init__(self, *faces: Face) -> None:
        self.faces = faces

    def __call__(self, image):
        return self.faces

    detect_quickly = near = __call__

    def landmarks(self, image, box):
        x0, y0, x1, _ = box
        return face68() * (x1 - x0) / 2 + ((x0 + x1) / 2, y0 + (x1 - x0) / 2)


def finder(*faces: Face, source="auto", aligned=False, layout=IBUG68) -> FaceFinder:
    return FaceFinder(source, layout, lambda: Given(*faces), aligned)


def test_of_several_faces_the_nearest_or_the_largest():
    large, small = face(30, 50, 40), face(80, 50, 20)
    both = finder(large, small)
    assert centre(both.locate(IMAGE, None, None).landmarks)[0] == pytest.approx(30, abs=1)
    assert centre(both.locate(IMAGE, None, np.array([70.0, 50.0])).landmarks)[0] == pytest.approx(80, abs=1)


def test_given_landmarks_come_first_if_they_make_a_face():
    given = convert(face68(), IBUG68, IBUG49) * 15 + 50
    detects = finder(face(50, 50, 40), layout=IBUG49)
    here = detects.locate(IMAGE, given, None)
    assert isinstance(here, Located)
    assert here.found == "given"
    assert (here.landmarks == given).all()
    some = given.copy()
    some[20] = np.nan
    for bad in (None, some, given + 500, np.zeros((49, 2))):
        found = detects.locate(IMAGE, bad, None)
        assert found.found == "detected"
        assert found.landmarks.shape == (49, 2)
    only = finder(face(50, 50, 40), source="given", layout=IBUG49)
    assert only.locate(IMAGE, some, None) == Missing("no_landmarks")
    assert only.locate(IMAGE, given + 500, None) == Missing("bad_landmarks")
    always = finder(face(50, 50, 40), source="detect")
    assert always.locate(IMAGE, given, None).found == "detected"


def test_aligned_pictures_always_have_a_face():
    assert finder().locate(IMAGE, None, None) == Missing("no_face")
    prior = finder(aligned=True).locate(IMAGE, None, None)
    assert prior.found == "prior"
    assert np.ptp(prior.landmarks[:, 0]) == pytest.approx(0.85 * 80, rel=0.01)
    assert prior.landmarks[:, 0].mean() == pytest.approx(49.5, abs=1)
    plain = FaceFinder("auto", IBUG68, lambda: lambda image: (), True)  # does not know where its box lies
    assert plain.locate(IMAGE, None, None) == Missing("no_face")
    # A face much smaller than the picture is not the one that it was cut for.
    assert finder(face(20, 20, 20), aligned=True).locate(IMAGE, None, None).found == "prior"
    assert finder(face(50, 60, 70), aligned=True).locate(IMAGE, None, None).found == "detected"


def test_the_neighbour_is_followed(tmp_path):
    """Two people; the data set gives landmarks of the smaller one, in the middle of the sequence only."""
    image, points = drawn_frame(0)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    x, y = centre(points)
    both = Given(face(160, 40, 80), face(x + 4, y, 40))
    landmarks = np.full((3, 49, 2), np.nan, np.float32)
    landmarks[1] = points
    index = replace(index_of(("F001", "T1", 3)), media=(str(tmp_path / "a.png"),) * 3, landmarks=landmarks)
    for given, sides in ((landmarks, (60, 135, 60)), (np.full_like(landmarks, np.nan), (120, 120, 120))):
        out = tmp_path / f"out{sides[0]}"
        settings = PrepareSettings(size=256)
        prepare(replace(index, landmarks=given), out, settings, detector=lambda: both, processes=1)
        # No face is enlarged, so that the side tells whose it is.
        table = pd.read_parquet(out / "manifest.parquet")
        assert np.abs(table["size"].to_numpy() - sides).max() < 30
