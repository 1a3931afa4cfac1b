"""A torch data set over :class:`~aulens.data.samples.Samples`: read, align, augment, one warp."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypedDict

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from aulens import align
from aulens.data.augment import Geometry, crop_landmarks, draw, jitter
from aulens.data.photometric import Photometric, change
from aulens.data.samples import Samples
from aulens.data.shards import read_rgb, stored_picture
from aulens.errors import DatasetError

NO_GEOMETRY: Final = Geometry()
NO_PHOTOMETRIC: Final = Photometric()

Key = tuple[int, int]
"""(epoch, index into the samples)."""


class Batch(TypedDict):
    """B samples. image (B, 3, H, W) uint8 RGB; landmarks (B, K, 2) float32 crop pixels;
    side_labels (B, A, 2) int8; side_intensities (B, A, 2) float32, 0 to 5, NaN where not coded;
    index (B,) int64 into the samples."""

    image: Tensor
    landmarks: Tensor
    side_labels: Tensor
    side_intensities: Tensor
    index: Tensor


@dataclass(frozen=True)
class Crop:
    """How a face is cut out: side of the square crop in pixels, and where its eyes and mouth go."""

    size: int
    template: align.Template = align.FACE


@dataclass(frozen=True)
class FaceDataset(Dataset[Batch]):
    """Read, align and augment single samples.

    A sample is a pure function of (seed, epoch, index): the number of workers, a restart, or the order
    of reading never change it.
    """

    samples: Samples
    crop: Crop
    geometry: Geometry = NO_GEOMETRY
    photometric: Photometric = NO_PHOTOMETRIC
    seed: int = 0
    true_landmarks: bool = False
    """Give the true landmarks instead of those that imitate a detector's: for models that learn to find them.
    The crop follows the imitated ones either way."""

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: Key) -> Batch:
        """Return one sample without a batch axis; ``key`` is (epoch, index)."""
        epoch, index = key
        image, points, flipped = self._draw(epoch, index)
        sides, given = self.samples.side_labels[index], self.samples.intensities
        intensities = np.full(sides.shape, np.nan, np.float32) if given is None else given[index]
        turn = np.s_[:, ::-1] if flipped else np.s_[:]
        return {
            "image": torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))),
            "landmarks": torch.from_numpy(points.astype(np.float32)),
            "side_labels": torch.from_numpy(sides[turn].copy()),
            "side_intensities": torch.from_numpy(intensities[turn].copy()),
            "index": torch.tensor(index),
        }

    def read(self, epoch: int, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.int8]]:
        """Return the crop (H, W, 3) uint8 RGB, landmarks (K, 2) in crop pixels, side labels (A, 2)."""
        crop, points, flipped = self._draw(epoch, index)
        sides = self.samples.side_labels[index]
        return crop, points, sides[:, ::-1] if flipped else sides

    def _draw(self, epoch: int, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float64], bool]:
        """Crop and landmarks as `read`, and whether they are mirrored, so that sides change places."""
        random = np.random.default_rng((self.seed, epoch, index))
        place, path = self.samples.paths.place(index), self.samples.paths[index]
        image = read_rgb(path) if place is None else stored_picture(place, path)
        # The model meets detected landmarks only, so crop and ROIs both follow the imprecise ones.
        true = self.samples.landmarks[index].astype(np.float64)
        points = jitter(true, self.geometry, random)
        size = self.crop.size
        matrix, flipped = draw(points, size, self.crop.template, self.geometry, random)
        crop = align.warp(image, matrix, size)
        points = crop_landmarks(points, matrix, size, flipped)
        crop = change(crop, points, self.photometric, random)
        if self.true_landmarks:
            points = crop_landmarks(true, matrix, size, flipped)
        return crop, points, flipped

    def plain(self) -> FaceDataset:
        """Return the same data without any augmentation."""
        return replace(self, geometry=NO_GEOMETRY, photometric=NO_PHOTOMETRIC)


class BatchOrder(Sampler[list[Key]]):
    """The batches of one epoch for one process.

    The order is a permutation drawn from (seed, epoch). A global batch is shared among ``world``
    processes; batches before ``start`` are skipped without being read, so that a run can go on in the
    middle of an epoch. An incomplete last batch is left out.
    """

    def __init__(
        self, n: int, batch: int, *, seed: int, epoch: int, rank: int = 0, world: int = 1, start: int = 0
    ):
        if batch % world:
            raise DatasetError(f"A batch of {batch} cannot be shared among {world} processes evenly.")
        if n < batch:
            raise DatasetError(
                f"{n} training samples do not fill one batch of {batch}; use a smaller train.batch."
            )
        self.epoch, self.rank, self.world, self.start = epoch, rank, world, start
        self.order = (
            np.random.default_rng((seed, epoch, n)).permutation(n)[: n - n % batch].reshape(-1, batch)
        )

    def __len__(self) -> int:
        return len(self.order) - self.start

    def __iter__(self) -> Iterator[list[Key]]:
        for row in self.order[self.start :]:
            yield [(self.epoch, int(index)) for index in row[self.rank :: self.world]]


class FixedOrder(Sampler[list[Key]]):
    """All samples once, in order, in batches; every ``world``-th sample from ``rank`` on."""

    def __init__(self, n: int, batch: int, *, rank: int = 0, world: int = 1):
        self.order = range(rank, n, world)
        self.batch = batch

    def __len__(self) -> int:
        return -(-len(self.order) // self.batch)

    def __iter__(self) -> Iterator[list[Key]]:
        for first in range(0, len(self.order), self.batch):
            yield [(0, index) for index in self.order[first : first + self.batch]]


def make_loader(
    dataset: FaceDataset, order: Sampler[list[Key]], workers: int, *, pin: bool = False
) -> DataLoader[Batch]:
    """Join a data set and an order; ``workers`` processes read ahead, 0 reads in this one."""
    return DataLoader(
        dataset,
        batch_sampler=order,
        num_workers=workers,
        pin_memory=pin,
        worker_init_fn=_start_worker,
        prefetch_factor=4 if workers else None,
    )


def _start_worker(_: int) -> None:
    # A worker is one thread of work; OpenCV's own pool would fight the training for the cores.
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
