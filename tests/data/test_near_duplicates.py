"""Near-duplicates: found in other light, compression and mirrored; and refused in two splits."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from aulens.align import rotation_scale, transform
from aulens.aus import AUSet
from aulens.data.index import PICTURE, FrameIndex
from aulens.data.near_duplicates import FACE, WHOLE, Prints, find_near_duplicates, upright
from aulens.data.prepare import PrepareSettings, prepare
from aulens.errors import DatasetError
from synthetic_faces import face68

POINTS = transform(rotation_scale(0, 50.0, (0, 0), (79.5, 79.5)), face68())


def scenery(seed: int) -> np.ndarray:
    """A picture of soft spots, (160, 160, 3) uint8 RGB."""
    coarse = np.random.default_rng(seed).integers(0, 256, (10, 10, 3), np.uint8)
    return cv2.resize(coarse, (160, 160), interpolation=cv2.INTER_CUBIC)


def darker(image):
    return (255 * (image / 255) ** 1.6).astype(np.uint8)


def compressed(image):
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 25])[1], cv2.IMREAD_COLOR)


def halved(image):
    return cv2.resize(image, (80, 80), interpolation=cv2.INTER_AREA)


def mirrored(image):
    return image[:, ::-1].copy()


@pytest.mark.parametrize("change", [darker, compressed, halved, mirrored])
def test_the_same_picture_is_known_again(change):
    images = [scenery(seed) for seed in range(30)]
    again = Prints.of(change(image) for image in images[::-1])
    assert find_near_duplicates(Prints.of(images), again, WHOLE) == {(row, 29 - row) for row in range(30)}


def test_the_hash_is_that_of_a_discrete_cosine_transform():
    images = [scenery(seed) for seed in range(3)]
    for image, signs in zip(images, Prints.of(images).signs, strict=True):
        grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (32, 32), interpolation=cv2.INTER_AREA)
        waves = cv2.dct(grey.astype(np.float32))[:8, :8].ravel()[1:]
        assert (signs[1:] == np.where(waves > np.median(waves), 1, -1)).mean() > 0.98  # one is the median


def test_a_face_cut_out_differently_is_known_by_the_face_alone():
    image = scenery(1)
    cut, points = image[20:, :140], POINTS - (0, 20)
    assert not find_near_duplicates(Prints.of([image]), Prints.of([cut]), WHOLE)
    faces = [Prints.of([upright(*one)]) for one in ((image, POINTS), (cut, points))]
    assert find_near_duplicates(*faces, FACE) == {(0, 0)}


def test_blanks_are_like_nothing():
    blank = Prints.of([np.full((50, 40, 3), 7, np.uint8)] * 2)
    assert not find_near_duplicates(blank, blank, WHOLE)
    assert not find_near_duplicates(Prints.of([]), blank, WHOLE)


def index_of(folder, images, parts) -> FrameIndex:
    media = []
    for number, image in enumerate(images):
        media.append(str(folder / f"{number}.png"))
        cv2.imwrite(media[-1], image[..., ::-1])
    n = len(media)
    return FrameIndex(
        "own", AUSet("one", (12,)), tuple(media), np.full(n, PICTURE, np.int32),
        np.array([f"p{number}" for number in range(n)]), np.full(n, "s"), np.zeros(n, np.int64),
        np.ones((n, 1), np.int8), np.repeat(POINTS[None], n, 0).astype(np.float32), np.array(parts),
    )  # fmt: skip


def test_preparation_refuses_near_duplicates_in_two_splits(tmp_path):
    images = [scenery(0), scenery(1), scenery(2), darker(scenery(0)), scenery(3)]
    index = index_of(tmp_path, images, ["train", "val", "train", "test", "test"])
    said = r"1 pairs of pictures .* p0/s/0 \(train\) and p3/s/0 \(test\)\. Give both"
    for _ in range(2):  # the same command does not go on either
        with pytest.raises(DatasetError, match=said):
            prepare(index, tmp_path / "a", PrepareSettings(size=64), processes=1)
    same = replace(index, part=np.array(["train", "val", "train", "train", "test"]))
    assert prepare(same, tmp_path / "b", PrepareSettings(size=64), processes=1).stored == 5
    # Folds of whole subjects are the publishers' matter; the doctor looks for copies there.
    folds = replace(index, part=np.array(["1", "2", "1", "3", "3"]))
    assert prepare(folds, tmp_path / "c", PrepareSettings(size=64), processes=1).stored == 5


def test_the_face_of_a_picture_that_was_cut_otherwise_is_refused(tmp_path):
    shifted = np.zeros((160, 160, 3), np.uint8)
    shifted[:, 15:] = scenery(0)[:, :145]
    index = index_of(tmp_path, [scenery(0), shifted], ["train", "test"])
    moved = index.landmarks + np.array([[[0, 0]], [[15, 0]]], np.float32)
    with pytest.raises(DatasetError, match=r"p0/s/0 \(train\) and p1/s/0 \(test\)"):
        prepare(replace(index, landmarks=moved), tmp_path / "out", PrepareSettings(size=64), processes=1)
