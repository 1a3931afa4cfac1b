"""Videos: each frame wears its number, so that a frame that is not the one asked for is seen."""

from pathlib import Path

import av
import cv2
import numpy as np
import pillow_heif
import pytest
from numbered_videos import FRAMES, number_of, numbered, write_video
from PIL import Image

from aulens.data.frames import count_frames, read_frame_range, read_picture
from aulens.errors import DatasetError

# File, codec, frames between others that they are told from, format of pixels.
# Time stamps of the two last tell nothing: one has them in the file's order, the other's change with a jump.
VIDEOS = [
    ("a.avi", "mjpeg", 0, "yuvj420p"),
    ("b.avi", "mpeg4", 0, "yuv420p"),
    ("c.avi", "mpeg4", 2, "yuv420p"),
    ("d.mp4", "libx264", 2, "yuv420p"),
    ("e.avi", "libx264", 2, "yuv420p"),
    ("f.mpg", "mpeg2video", 2, "yuv420p"),
]


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("videos")
    return {video[0]: write_video(root / video[0], *video[1:]) for video in VIDEOS}


@pytest.mark.parametrize("name", [video[0] for video in VIDEOS])
def test_frames_are_counted_and_come_by_number(videos, name):
    path = videos[name]
    assert count_frames(path) == FRAMES
    ranges = [(0, 3), (7, 8), (12, 12), (60, 75), (96, 97), (120, FRAMES), (128, 200), (FRAMES, 140)]
    for start, stop in ranges:
        shown = [number_of(image) for image in read_frame_range(path, start, stop)]
        assert shown == list(range(start, min(stop, FRAMES))), (start, stop)
    image = next(read_frame_range(path, 0, 1))
    assert image.shape == (48, 64, 3)
    assert image.dtype == np.uint8


def test_red_is_red(tmp_path):
    with av.open(str(tmp_path / "red.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=25, width=64, height=48, pix_fmt="yuvj420p")
        red = np.full((48, 64, 3), (220, 30, 60), np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(red, format="rgb24")))
        container.mux(stream.encode())
    (image,) = read_frame_range(tmp_path / "red.avi", 0, 5)
    assert np.abs(image.mean((0, 1)) - (220, 30, 60)).max() < 4


def test_a_header_that_lies_is_not_believed(videos, tmp_path):
    data = bytearray(videos["b.avi"].read_bytes())
    for start, field in ((data.index(b"avih") + 8, 16), (data.index(b"strh") + 8, 32)):
        data[start + field : start + field + 4] = (500).to_bytes(4, "little")
    path = tmp_path / "lies.avi"
    path.write_bytes(data)
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 500
    assert count_frames(path) == FRAMES


def test_a_video_cut_short_is_counted_as_far_as_it_goes(videos, tmp_path):
    data = videos["a.avi"].read_bytes()
    path = tmp_path / "cut.avi"
    path.write_bytes(data[: len(data) * 7 // 10])
    shown = []
    with pytest.raises(DatasetError, match=r"cut\.avi: the video is damaged"):
        shown += [number_of(image) for image in _collecting(path, shown)]
    assert 70 < len(shown) < 100
    assert shown == list(range(len(shown)))
    assert count_frames(path) == len(shown)


def test_a_damaged_last_frame_is_not_counted(videos, tmp_path):
    with av.open(str(videos["a.avi"])) as container:
        place, length = max((packet.pos, packet.size) for packet in container.demux(video=0) if packet.size)
    data = bytearray(videos["a.avi"].read_bytes())
    data[place + 8 : place + 8 + length] = bytes(length)
    (tmp_path / "damaged.avi").write_bytes(data)
    assert count_frames(tmp_path / "damaged.avi") == FRAMES - 1


def _collecting(path, shown):
    for image in read_frame_range(path, 0, 500):
        shown.append(number_of(image))
    return []


@pytest.mark.parametrize(("degrees"), [90, 180, 270])
def test_videos_stored_lying_are_turned_upright(tmp_path, degrees):
    path = write_video(tmp_path / "turned.mp4", "mpeg4", 0, "yuv420p", 3, turned=degrees)
    ours = next(read_frame_range(path, 0, 1))
    wanted = np.rot90(numbered(0), degrees // 90)
    assert ours.shape == wanted.shape
    assert np.abs(ours.astype(int) - wanted).mean() < 6


def test_what_is_no_video_is_said(tmp_path, videos):
    with pytest.raises(DatasetError, match="no such video"):
        count_frames(tmp_path / "none.avi")
    (tmp_path / "text.avi").write_text("not a video")
    (tmp_path / "empty.avi").touch()
    for name, said in (
        ("text.avi", "the video is damaged, or of an unknown kind"),
        ("empty.avi", "the file is empty"),
    ):
        with pytest.raises(DatasetError, match=rf"{name}: {said}"):
            count_frames(tmp_path / name)
        with pytest.raises(DatasetError, match=name):
            list(read_frame_range(tmp_path / name, 0, 1))
    with pytest.raises(DatasetError, match="no range"):
        list(read_frame_range(videos["a.avi"], 5, 4))


def test_pictures(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), numbered(77))
    assert number_of(read_picture(tmp_path / "a.png")) == 77
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(DatasetError, match=r"b\.jpg"):
        read_picture(str(tmp_path / "b.jpg"))


@pytest.mark.parametrize("format", ["HEIF", "AVIF", "TIFF"])
def test_a_picture_of_a_data_set_is_known_by_its_content(tmp_path, format):
    pillow_heif.register_heif_opener()  # writes what aulens reads with another library
    picture = np.full((40, 60, 3), (200, 90, 40), np.uint8)
    Image.fromarray(picture).save(tmp_path / "1.jpg", format=format)
    assert np.abs(read_picture(tmp_path / "1.jpg").astype(int) - picture).max() < 6
    (tmp_path / "1.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0")
    with pytest.raises(DatasetError, match=r"1\.jpg: this is PostScript"):
        read_picture(tmp_path / "1.jpg")
