"""What frames show: depths, ranges, matrices, high dynamic range, woven fields."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from aulens.errors import InputError
from aulens.video import open_video
from aulens.video.to_rgb import ToRGB, deinterlaced

SHARES = np.linspace(0, 1, 64)[None] * np.linspace(0.2, 1, 48)[:, None]
GREY8 = np.rint(255 * SHARES).astype(np.uint8)[..., None]


def frame_of(planes: list[NDArray[Any]], kind: str, **attributes: int) -> Any:
    """A decoded frame with these values, and what a decoder says of them."""
    height, width = planes[0].shape[:2]
    frame: Any = av.VideoFrame(width, height, kind)
    for plane, values in zip(frame.planes, planes, strict=True):
        padded = np.zeros((plane.height, plane.line_size // values.dtype.itemsize), values.dtype)
        padded[:, : values[0].size] = values.reshape(len(values), -1)
        plane.update(padded.tobytes())
    for name, value in attributes.items():
        setattr(frame, name, value)
    return frame


def yuv(luma: float, cb: float, cr: float, *, bits: int, full: bool, **attributes: int) -> Any:
    """A frame of one colour, of luma 0 to 1 and chroma -0.5 to 0.5."""
    scale = 2 ** (bits - 8)
    low, reach, chroma = (0, 2**bits - 1, 2**bits - 1) if full else (16 * scale, 219 * scale, 224 * scale)
    kind = np.uint8 if bits == 8 else np.uint16
    values = [low + luma * reach, 128 * scale + cb * chroma, 128 * scale + cr * chroma]
    planes = [np.full((48, 64) if i == 0 else (24, 32), round(value), kind) for i, value in enumerate(values)]
    name = "yuv420p" if bits == 8 else f"yuv420p{bits}le"
    return frame_of(planes, name, color_range=2 if full else 1, **attributes)


# Kr and Kb of ITU-R BT.709, BT.601 and BT.2020, by the numbers of ITU-T H.273.
MATRICES = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_range_and_matrix_are_the_stream_s_own(matrix: int, full: bool, bits: int) -> None:
    red, blue = MATRICES[matrix]
    rgb = np.array([0.8, 0.5, 0.3])
    luma = float(np.dot(rgb, [red, 1 - red - blue, blue]))
    cb, cr = (rgb[2] - luma) / (2 - 2 * blue), (rgb[0] - luma) / (2 - 2 * red)
    image = ToRGB()(yuv(luma, cb, cr, bits=bits, full=full, colorspace=matrix))
    assert image[20, 30] == pytest.approx(255 * rgb, abs=3)


# ITU-R BT.2408: a white object is at 58 % of PQ and 75 % of HLG, a grey card of 18 % at 38 % of both; BT.709
# shows 18 % of the light at 41 %.
LEVELS = {16: {0.0: 0.0, 0.38: 0.41, 0.58: 1.0, 0.9: 1.0}, 18: {0.0: 0.0, 0.38: 0.41, 0.75: 1.0, 0.95: 1.0}}


@pytest.mark.slow  # FFmpeg takes two seconds to begin
@pytest.mark.parametrize(("transfer", "primaries"), [(16, 9), (18, 2)])
def test_high_dynamic_range_has_the_published_levels(transfer: int, primaries: int) -> None:
    levels = LEVELS[transfer]
    luma = np.repeat([[round(64 + 876 * level) for level in levels]], 16, axis=1).repeat(48, axis=0)
    grey = np.full((24, 32), 512, np.uint16)
    frame = frame_of(
        [luma.astype(np.uint16), grey, grey], "yuv420p10le", color_range=1, colorspace=9, color_trc=transfer,
        color_primaries=primaries,
    )  # fmt: skip
    shown = ToRGB()(frame)[20, 8::16].mean(axis=1) / 255
    assert shown == pytest.approx(list(levels.values()), abs=0.03)


def test_numbers_that_no_standard_knows_are_passed_over() -> None:
    frame = yuv(0.5, 0, 0, bits=10, full=False, colorspace=9, color_trc=3, color_primaries=9)
    assert ToRGB()(frame).mean() / 255 == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["gray16le", "rgb48le", "gray16be"])
def test_depths_that_are_kept_in_sixteen_bits(bits: int, kind: str) -> None:
    values = np.rint(SHARES * (2**bits - 1)).astype(">u2" if kind.endswith("be") else "<u2")
    planes = [np.repeat(values[..., None], 3, axis=2)] if kind == "rgb48le" else [values]
    image = ToRGB()(frame_of(planes, kind))
    assert image.shape == (48, 64, 3)
    assert np.abs(image.astype(int) - GREY8).max() <= 1


@pytest.mark.parametrize(("kind", "bits"), [("gray10le", 10), ("gray12le", 12), ("gray", 8)])
def test_depths_that_have_a_name_of_their_own(kind: str, bits: int) -> None:
    values = np.rint(SHARES * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)
    assert np.abs(ToRGB()(frame_of([values], kind)).astype(int) - GREY8).max() <= 1


def test_a_thermal_video_of_sixteen_bits(tmp_path: Path) -> None:
    """As of cameras that store hundredths of a kelvin: 20 to 37 degrees are a few grey levels of 65,536."""
    path = tmp_path / "warm.mkv"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("ffv1", rate=9, width=64, height=48, pix_fmt="gray16le")
        for number in range(3):
            values = np.rint(29_315 + SHARES * 1700).astype(np.uint16)
            frame: Any = av.VideoFrame.from_ndarray(values, format="gray16le")
            frame.pts, frame.time_base = number, Fraction(1, 9)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    for frame in open_video(path).frames():
        assert np.abs(frame.image.astype(int) - GREY8).max() <= 9


# Woven fields


def square(left: float) -> NDArray[np.uint8]:
    """(96, 128, 3): a brighter square on a slope of grey, at rest but for its place."""
    image = np.repeat(np.linspace(40, 90, 96)[:, None, None], 128, axis=1).repeat(3, axis=2)
    image[30:70, round(left) : round(left) + 40] = 150
    return image.astype(np.uint8)


def woven(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = first.copy()
    image[1::2] = second[1::2]
    return image


def test_combs_go_and_what_is_at_rest_stays() -> None:
    combed = woven(square(30), square(42))
    plain = deinterlaced(combed)
    before = np.abs(combed.astype(int) - square(30)).mean()
    assert np.abs(plain.astype(int) - square(30)).mean() < before / 20
    noise = np.random.default_rng(3).integers(0, 8, (97, 64, 3)).astype(np.uint8)
    for still in (square(30), noise, noise[:2], noise[:1]):
        np.testing.assert_array_equal(deinterlaced(still), still)


def test_a_combed_line_becomes_the_mean_of_those_beside_it() -> None:
    lines = np.array([0, 200, 40, 200, 80, 200], np.uint8)
    image = np.repeat(np.repeat(lines[:, None, None], 8, axis=1), 3, axis=2)
    assert deinterlaced(image)[:, 4, 0].tolist() == [0, 20, 40, 60, 80, 80]  # below the last there is none


def test_an_interlaced_video_is_about_as_ffmpeg_s_bwdif_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "woven.mkv"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(
            "mpeg2video", rate=25, width=128, height=96, pix_fmt="yuv422p",
            options={"flags": "+ildct+ilme", "q:v": "2", "qmax": "3"},
        )  # fmt: skip
        for number in range(10):
            frame: Any = av.VideoFrame.from_ndarray(
                woven(square(5 + 6 * number), square(8 + 6 * number)), format="rgb24"
            ).reformat(format="yuv422p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    ours = [frame.image for frame in open_video(path).frames()]
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        graph = av.filter.Graph()
        nodes = [
            graph.add_buffer(template=stream),
            graph.add("bwdif", "mode=send_frame:parity=tff:deint=all"),
        ]
        nodes.append(graph.add("buffersink"))
        graph.link_nodes(*nodes).configure()
        frames = list(container.decode(stream))
        assert frames[3].interlaced_frame
        theirs = []
        for frame in [*frames, None]:
            graph.push(frame)
            while True:
                try:
                    theirs.append(graph.pull().to_ndarray(format="rgb24"))
                except (av.error.BlockingIOError, av.error.EOFError):
                    break
    truth = [square(5 + 6 * number).astype(int) for number in range(10)]
    combed = [frame.to_ndarray(format="rgb24") for frame in frames]
    for number in range(2, 8):
        error, bwdif, left = (np.abs(made[number] - truth[number]).mean() for made in (ours, theirs, combed))
        assert error < 0.6 * left
        assert error < 2 * bwdif + 0.5


@pytest.mark.parametrize("numbers", [(20, 80, 20), (200, 255, 255), (3, 2, 2), (9, 80, 9), (8, 19, 23)])
def test_numbers_of_colour_that_no_standard_knows_are_passed_over(numbers: tuple[int, int, int]) -> None:
    """As of a damaged header: FFmpeg converts nothing then."""
    frame: Any = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 100, np.uint8), format="rgb24")
    frame = frame.reformat(format="yuv420p")
    frame.colorspace, frame.color_trc, frame.color_primaries = numbers
    assert ToRGB()(frame).mean() == pytest.approx(100, abs=2)


def test_colours_that_can_not_be_converted_are_said(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25, width=64, height=48, pix_fmt="yuv444p")
        stream.codec_context.colorspace = 8
        frame: Any = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
        container.mux(stream.encode(frame.reformat(format="yuv444p")))
        container.mux(stream.encode(None))
    with pytest.raises(
        InputError, match=r"a\.mp4: its colours are coded as YCgCo, which is not read: encode it"
    ):
        open_video(tmp_path / "a.mp4")
