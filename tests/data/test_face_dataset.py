from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from aulens.align import FACE, anchors, flip_matrix, similarity, transform
from aulens.data.augment import Geometry, crop_landmarks, draw, jitter
from aulens.data.dataset import BatchOrder, Crop, FaceDataset, FixedOrder, make_loader
from aulens.data.photometric import Photometric
from aulens.data.renders import load_renders
from aulens.data.samples import Samples
from aulens.data.shards import StoredImages
from aulens.errors import DatasetError
from aulens.roi import centres
from synthetic_faces import PAINTED

STRONG = Photometric(0.8, 0.2, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
WIDE = Geometry(20, 0.1, 0.05, 0.5, 0.03, 3, 0.02)


@pytest.fixture(scope="module")
def samples(faces: Path) -> Samples:
    return load_renders([faces], PAINTED)


def test_a_sample_has_the_promised_shapes(samples: Samples):
    item = FaceDataset(samples, Crop(64), WIDE, STRONG)[(0, 3)]
    assert item["image"].shape == (3, 64, 64)
    assert item["image"].dtype == torch.uint8
    assert item["landmarks"].shape == (68, 2)
    assert item["landmarks"].dtype == torch.float32
    assert item["side_labels"].shape == (3, 2)
    assert item["side_labels"].dtype == torch.int8
    assert item["side_intensities"].shape == (3, 2)
    assert item["side_intensities"].dtype == torch.float32


def test_a_sample_read_twice_is_identical_and_leaves_the_data_alone(samples: Samples):
    before = samples.landmarks.copy(), samples.side_labels.copy()
    dataset = FaceDataset(samples, Crop(64), WIDE, STRONG, seed=4)
    first, second = dataset.read(2, 7), dataset.read(2, 7)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(samples.landmarks, before[0])
    np.testing.assert_array_equal(samples.side_labels, before[1])


def test_a_sample_changes_with_seed_epoch_and_index(samples: Samples):
    dataset = FaceDataset(samples, Crop(64), WIDE, STRONG, seed=4)
    other = FaceDataset(samples, Crop(64), WIDE, STRONG, seed=5)
    image = dataset.read(2, 7)[0]
    for changed in (dataset.read(3, 7)[0], dataset.read(2, 8)[0], other.read(2, 7)[0]):
        assert (changed != image).any()


@pytest.mark.slow
def test_workers_do_not_change_the_batches(samples: Samples):
    dataset = FaceDataset(samples, Crop(48), WIDE, STRONG, seed=1)

    def batches(workers: int) -> list:
        order = BatchOrder(len(dataset), 16, seed=1, epoch=2)
        return list(make_loader(dataset, order, workers))

    for alone, helped in zip(batches(0), batches(2), strict=True):
        for name, values in alone.items():
            assert torch.equal(values, helped[name])


def test_plain_crop_puts_the_anchors_where_the_template_says(samples: Samples):
    _, points, _ = FaceDataset(samples, Crop(64)).read(0, 0)
    # A frontal face that is not exactly the template's shape: least squares, so near, not equal.
    np.testing.assert_allclose(anchors(points), FACE.points(64), atol=4)
    expected = transform(FACE.matrix(samples.landmarks[0], 64), samples.landmarks[0])
    np.testing.assert_allclose(points, expected, atol=1e-6)


def test_flip_swaps_sides_and_renames_landmarks(samples: Samples):
    plain = FaceDataset(samples, Crop(64))
    mirrored = FaceDataset(samples, Crop(64), Geometry(flip=1.0))
    index = int(np.flatnonzero(samples.side_labels[:, 1, 0] != samples.side_labels[:, 1, 1])[0])
    image, points, sides = plain.read(0, index)
    image_flipped, points_flipped, sides_flipped = mirrored.read(0, index)
    np.testing.assert_array_equal(sides_flipped, sides[:, ::-1])
    assert np.abs(image_flipped[:, ::-1].astype(int) - image.astype(int)).max() <= 2
    # Still the subject's right eye first: at the image's left.
    assert points_flipped[36:42, 0].mean() < points_flipped[42:48, 0].mean()
    np.testing.assert_allclose(points_flipped[36], [63 - points[45, 0], points[45, 1]], atol=1e-9)


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_intensities_change_sides_with_the_labels(samples: Samples, flip: float):
    dataset = FaceDataset(samples, Crop(64), Geometry(flip=flip))
    for index in range(20):
        item = dataset[(0, index)]
        given = samples.intensities[index][:, ::-1] if flip else samples.intensities[index]
        np.testing.assert_array_equal(item["side_intensities"], given)
        np.testing.assert_array_equal(item["side_labels"], given >= 1)
    bare = FaceDataset(replace(samples, intensities=None), Crop(64))
    assert torch.isnan(bare[(0, 0)]["side_intensities"]).all()


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_labels_landmarks_and_pixels_agree_under_augmentation(samples: Samples, flip: float):
    # AU2, 12 and 15 are painted red, green, blue: the paint must lie at the labelled side's centre.
    dataset = FaceDataset(samples, Crop(96), Geometry(rotation=20, scale=0.1, shift=0.05, flip=flip), seed=2)
    for index in range(30):
        image, points, sides = dataset.read(0, index)
        for au, spots in enumerate(centres(points, PAINTED)):
            for side in range(2):
                x, y = np.rint(spots[side]).astype(int)
                patch = image[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(0)
                if samples.side_labels[index, [1, 2]].any() and au == 1 and sides[2, side]:
                    continue  # AU15 is painted over AU12
                painted = patch[au] > 170 and np.delete(patch, au).max() < 90
                assert painted == bool(sides[au, side]), (index, au, side, patch)


def test_crop_landmarks_follow_a_detectors_errors(samples: Samples):
    points = samples.landmarks[0].astype(np.float64)
    random = np.random.default_rng(0)
    moved = np.stack([jitter(points, Geometry(landmark_noise=0.02), random) for _ in range(300)])
    eyes = np.hypot(*(anchors(points)[1] - anchors(points)[0]))
    assert moved.std(0).mean() == pytest.approx(0.02 * eyes, rel=0.05)
    assert (jitter(points, Geometry(), random) == points).all()


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_true_landmarks_lie_where_the_face_lies(samples: Samples, flip: float):
    """What a network learns to find: not the imitated detector's errors, by which the crop was made."""
    noisy = Geometry(10, 0.1, 0.05, flip, landmark_shift=0.05, landmark_rotation=3, landmark_noise=0.05)
    given, exact = (FaceDataset(samples, Crop(96), noisy, seed=2, true_landmarks=t) for t in (False, True))
    for index in range(5):
        image, imprecise, sides = given.read(0, index)
        image_exact, points, sides_exact = exact.read(0, index)
        np.testing.assert_array_equal(image, image_exact)
        np.testing.assert_array_equal(sides, sides_exact)
        # A crop moves, turns, mirrors and scales: carried back, the true ones are the labels' to a rounding.
        true = samples.landmarks[index].astype(np.float64)
        seen = crop_landmarks(true, flip_matrix(96), 96, True) if flip else true
        carried = transform(similarity(seen, points), seen)
        np.testing.assert_allclose(carried, points, atol=1e-6)
        assert np.abs(transform(similarity(seen, imprecise), seen) - imprecise).max() > 1
        assert np.abs(points - imprecise).mean() > 0.5
        for au, spots in enumerate(centres(points, PAINTED)):
            for side in np.flatnonzero(sides[au] == 1):
                x, y = np.rint(spots[side]).astype(int)
                patch = image[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(0)
                if au != 1 or not sides[2].any():  # AU15 is painted over AU12
                    assert patch[au] > 170, (index, au, side, patch)


def test_draw_and_crop_landmarks_invert_each_other(samples: Samples):
    points = samples.landmarks[0].astype(np.float64)
    matrix, flipped = draw(points, 64, FACE, Geometry(rotation=30, flip=1.0), np.random.default_rng(1))
    assert flipped
    assert np.linalg.det(matrix[:, :2]) < 0  # a mirror
    assert crop_landmarks(points, matrix, 64, flipped)[0, 0] < 32  # the jaw's right end, at the image's left


def test_a_bad_picture_is_named(samples: Samples, tmp_path: Path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(Path(samples.paths[0]).read_bytes()[:40])
    one = samples.take([0])
    spoilt = replace(one, paths=StoredImages.of([str(broken)]))
    with pytest.raises(DatasetError, match=r"broken\.jpg"):
        FaceDataset(spoilt, Crop(64))[(0, 0)]


def test_order_is_a_permutation_that_can_be_entered_anywhere():
    whole = list(BatchOrder(103, 10, seed=3, epoch=1))
    assert len(whole) == 10
    indices = [index for batch in whole for _, index in batch]
    assert len(set(indices)) == 100
    assert list(BatchOrder(103, 10, seed=3, epoch=1, start=6)) == whole[6:]
    assert list(BatchOrder(103, 10, seed=3, epoch=2)) != whole


def test_processes_share_each_batch():
    whole = list(BatchOrder(64, 8, seed=0, epoch=0))
    parts = [list(BatchOrder(64, 8, seed=0, epoch=0, rank=r, world=2)) for r in range(2)]
    for batch, first, second in zip(whole, *parts, strict=True):
        assert sorted(batch) == sorted(first + second)
    with pytest.raises(DatasetError, match="shared among 3"):
        BatchOrder(64, 8, seed=0, epoch=0, world=3)
    with pytest.raises(DatasetError, match=r"smaller train\.batch"):
        BatchOrder(5, 8, seed=0, epoch=0)


def test_fixed_order_reads_each_sample_once():
    parts = [list(FixedOrder(11, 4, rank=r, world=2)) for r in range(2)]
    assert sorted(index for part in parts for batch in part for _, index in batch) == list(range(11))
    assert [len(FixedOrder(11, 4, rank=r, world=2)) for r in range(2)] == [2, 2]
