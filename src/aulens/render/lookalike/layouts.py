"""The layouts, a take at a time; each file appears whole or not at all, with the same bytes every time.

BP4D: F001/T1/0001.jpg, AUCoding/AU_OCC/F001_T1.csv, 2DFeatures/F001_T1.mat. DISFA: left camera's videos, a
file of intensities per AU, 66 landmarks per frame. Aff-Wild2: cropped_aligned/VIDEO/00001.jpg and
annotations/AU_Set/Train_Set/VIDEO.txt.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import AFFWILD2, AUS, BP4D, PRESENT_STRENGTH
from aulens.data.protocols import DISFA_PROTOCOL
from aulens.files import atomic_write
from aulens.image import encode_jpeg
from aulens.landmarks import IBUG49, IBUG66, IBUG68, LandmarkLayout, convert
from aulens.render.lookalike.config import Take
from aulens.render.lookalike.film import Frame, Framing, Studio, level_crop
from aulens.render.lookalike.plan import base_rates

_BP4D: Final = Framing(aspect=0.75)
_DISFA: Final = Framing(aspect=4 / 3)
_AFFWILD2: Final = Framing(aspect=1.0, span=26.0, drop=2.0)

# Zeros before the number of a picture of BP4D, by take: as many digits, 1 = none.
_DIGITS: Final = (4, 1, 4, 5, 4, 3)
# What DISFA codes. Landmark files of the one subject count from 1 and are named otherwise; one of them lacks.
_CODED: Final = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
_OTHERWISE: Final = "SN031"
_SETS: Final = {"train": "Train_Set", "validation": "Validation_Set"}

_JPEG_QUALITY: Final = 93
# A v7.3 file is HDF5 after a block of 512 bytes that begins with this text, the version and "IM".
_V73_TEXT: Final = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created by aulens HDF5 schema 1.00 ."
_V5_TEXT: Final = b"MATLAB 5.0 MAT-file, Platform: GLNXA64, Created by aulens"
_V5_TEXT_LENGTH: Final = 116


def write_bp4d(root: Path, take: Take, studio: Studio) -> None:
    """Write one sequence: pictures, the 49 landmarks of each, at last the labels.

    A few more pictures than `take.frames` follow that are coded 9 throughout. Every third sequence has one
    AU that is 9 for a while, every second one a frame without landmarks.
    """
    rng = np.random.default_rng(studio.config.stream(5, take.number))
    more = 1 + take.frames // 20
    total = take.frames + more
    digits = _DIGITS[take.number % len(_DIGITS)]
    # Numbers without padding differ from padded ones below 1000 only.
    first = int(rng.integers(1, 1 + max(1, (900 if digits in (1, 3) else 2400) - total)))
    numbers = range(first, first + total)
    cells: list[NDArray[np.float64] | None] = [None] * (first - 1)
    shown = []
    for number, frame in zip(numbers, studio.film(take, total, _BP4D), strict=True):
        write_jpeg(root / take.subject / take.name / f"{number:0{digits}d}.jpg", frame.image)
        cells.append(_matlab(frame, IBUG49))
        shown.append(frame.seen)
    if take.number % 2 == 0:
        for t in rng.choice(take.frames, 1 + take.frames // 50, replace=False):
            cells[first - 1 + int(t)] = None
    write_cells(root / "2DFeatures" / f"{take.subject}_{take.name}.mat", "pred", cells)

    coded = set(base_rates(studio.config.layout))
    columns = [au for au in AUS if au in coded or au not in BP4D]
    codes = np.full((total, len(columns)), 9)
    for t, seen in enumerate(shown[: take.frames]):
        for axis, au in enumerate(columns):
            if au in coded:
                codes[t, axis] = seen[au] >= PRESENT_STRENGTH
    if take.number % 3 == 1:
        length = max(1, take.frames // 6)
        start = int(rng.integers(0, take.frames - length + 1))
        codes[start : start + length, columns.index(int(rng.choice(BP4D.numbers)))] = 9
    rows = [",".join(map(str, (number, *row))) for number, row in zip(numbers, codes.tolist(), strict=True)]
    header = ",".join(map(str, (0, *columns)))
    write_text(root / "AUCoding" / "AU_OCC" / f"{take.subject}_{take.name}.csv", [header, *rows])


def intensity_code(intensity: float) -> int:
    """0 to 5 of an intensity 0..1: present (2 or more) from PRESENT_STRENGTH on, 1 = a trace."""
    if intensity < PRESENT_STRENGTH:
        return int(intensity >= PRESENT_STRENGTH / 2)
    return min(5, 2 + int((intensity - PRESENT_STRENGTH) / (1 - PRESENT_STRENGTH) * 4))


def write_disfa(root: Path, take: Take, studio: Studio) -> None:
    """Write one subject: video, landmarks, at last the labels."""
    seen: list[Frame] = []

    def images() -> Iterator[NDArray[np.uint8]]:
        for frame in studio.film(take, take.frames, _DISFA):
            seen.append(frame)
            yield frame.image

    rate = round(DISFA_PROTOCOL.frame_rate or 20)
    write_video(root / "Videos_LeftCamera" / f"LeftVideo{take.subject}_comp.avi", images(), rate)
    for t, frame in enumerate(seen):
        name = f"{take.subject}_{t:04d}_lm.mat"
        if take.subject == _OTHERWISE:
            if t == take.frames // 2:
                continue
            name = f"l0{t + 1:04d}_lm.mat"
        folder = root / "Landmark_Points" / take.subject / "tmp_frame_lm"
        write_matrix(folder / name, "pts", _matlab(frame, IBUG66))
    for au in _CODED:
        lines = [f"{t + 1},{intensity_code(frame.seen[au])}" for t, frame in enumerate(seen)]
        write_text(root / "ActionUnit_Labels" / take.subject / f"{take.subject}_au{au}.txt", lines)


def write_affwild2(root: Path, take: Take, studio: Studio) -> None:
    """Write one person of one video: level crops, then the labels.

    A stretch of the frames is not annotated (-1 throughout), one row lacks one AU, for a stretch no face was
    found (no picture), and the labels go on for one row after the last picture.
    """
    rng = np.random.default_rng(studio.config.stream(5, take.number))
    stretch = 1 + take.frames // 20
    frames = list(studio.film(take, take.frames, _AFFWILD2))
    rows = np.array([[frame.seen[au] >= PRESENT_STRENGTH for au in AFFWILD2] for frame in frames]).astype(int)
    at = int(rng.integers(0, take.frames - stretch + 1))
    rows[at : at + stretch] = -1
    rows[int(rng.integers(take.frames)), int(rng.integers(len(AFFWILD2)))] = -1
    lost = int(rng.integers(0, take.frames - stretch + 1))
    for t, frame in enumerate(frames):
        if not lost <= t < lost + stretch:
            crop = level_crop(frame, studio.config.height)
            write_jpeg(root / "cropped_aligned" / take.name / f"{t + 1:05d}.jpg", crop.image)
    lines = [",".join(map(str, row)) for row in [*rows.tolist(), rows[-1].tolist()]]
    folder = root / "annotations" / "AU_Set" / _SETS[take.part]
    write_text(folder / f"{take.name}.txt", [",".join(AFFWILD2.labels), *lines])


def _matlab(frame: Frame, layout: LandmarkLayout) -> NDArray[np.float64]:
    """The landmarks in a layout; MATLAB counts pixels from 1."""
    return convert(frame.landmarks, IBUG68, layout).astype(np.float64) + 1


@contextmanager
def _making(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not to disk at once: of a hundred thousand frames that would take longer than drawing them.
    with atomic_write(path, to_disk=False) as part:
        yield part


def _write_bytes(path: Path, data: bytes) -> None:
    with _making(path) as part:
        part.write_bytes(data)


def write_text(path: Path, lines: Iterable[str]) -> None:
    """Write lines of text."""
    text = "".join(f"{line}\n" for line in lines)
    _write_bytes(path, text.encode())


def write_jpeg(path: Path, image: NDArray[np.uint8]) -> None:
    """Write an RGB picture (H, W, 3)."""
    _write_bytes(path, encode_jpeg(image, _JPEG_QUALITY))


def write_cells(path: Path, field: str, cells: Sequence[NDArray[np.float64] | None]) -> None:
    """Write a struct array `fit` with one field as MATLAB's version 7.3 does: HDF5, a reference per entry.

    Args:
        path: the file.
        field: its name.
        cells: the matrix of each entry as MATLAB shows it, (K, 2); None = empty.
    """
    import h5py

    with _making(path) as part:
        with h5py.File(part, "w", userblock_size=512, libver=("earliest", "v108")) as file:
            fit = file.create_group("fit")
            fit.attrs["MATLAB_class"] = np.bytes_("struct")
            store = file.create_group("#refs#")
            # Of an empty matrix the dimensions are kept; one serves all entries.
            empty = store.create_dataset("empty", data=np.zeros(2, np.uint64))
            empty.attrs["MATLAB_class"] = np.bytes_("double")
            empty.attrs["MATLAB_empty"] = np.uint8(1)
            references = np.full((len(cells), 1), empty.ref, dtype=h5py.ref_dtype)
            for i, cell in enumerate(cells):
                if cell is not None:
                    # MATLAB's columns become HDF5's rows.
                    entry = store.create_dataset(f"c{i}", data=np.ascontiguousarray(cell.T, np.float64))
                    entry.attrs["MATLAB_class"] = np.bytes_("double")
                    references[i, 0] = entry.ref
            fit.create_dataset(field, data=references, dtype=h5py.ref_dtype)
        with part.open("r+b") as raw:
            raw.write(_V73_TEXT.ljust(_V5_TEXT_LENGTH) + bytes(8) + b"\x00\x02IM")


def write_matrix(path: Path, name: str, matrix: NDArray[np.float64]) -> None:
    """Write one matrix as MATLAB's version 5 does."""
    from scipy.io import savemat

    buffer = io.BytesIO()
    savemat(buffer, {name: matrix})
    # scipy writes the time into the header, which would make each file another.
    data = _V5_TEXT.ljust(_V5_TEXT_LENGTH) + buffer.getvalue()[_V5_TEXT_LENGTH:]
    _write_bytes(path, data)


def write_video(path: Path, frames: Iterable[NDArray[np.uint8]], rate: int) -> None:
    """Write RGB frames (H, W, 3), H and W even, as an AVI with MPEG-4 video."""
    import av

    with _making(path) as part, av.open(str(part), "w", format="avi") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        stream.codec_context.qmin = stream.codec_context.qmax = 3
        for t, image in enumerate(frames):
            if t == 0:
                stream.height, stream.width = image.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))


WRITERS: Final[Mapping[str, Callable[[Path, Take, Studio], None]]] = MappingProxyType(
    {"bp4d": write_bp4d, "disfa": write_disfa, "affwild2": write_affwild2}
)
"""Layout → what writes a take of it."""
