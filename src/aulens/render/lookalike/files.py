"""Writing the files of the layouts: each appears whole or not at all, with the same bytes every time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.files import atomic_write
from aulens.image import encode_jpeg

_JPEG_QUALITY: Final = 93
# A v7.3 file is HDF5 after a block of 512 bytes that begins with this text, the version and "IM".
_V73_TEXT: Final = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created by aulens HDF5 schema 1.00 ."
_V5_TEXT: Final = b"MATLAB 5.0 MAT-file, Platform: GLNXA64, Created by aulens"
_V5_TEXT_LENGTH: Final = 116


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
