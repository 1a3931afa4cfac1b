"""Videos of every kind: turned, mirrored, stretched, huge, animated; and what is none."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from made_videos import cut, number_of, numbered, steady, write_clip, write_sound, zeroed
from PIL import Image

from aulens.errors import InputError
from aulens.formats import VIDEO_SUFFIXES
from aulens.video import Frame, open_video
from aulens.video.container import opened
from aulens.video.to_rgb import ToRGB


def numbers(frames: list[Frame]) -> list[int]:
    return [number_of(frame.image) for frame in frames]


@pytest.mark.parametrize(
    ("matrix", "turn", "rotation"),
    [
        # x runs along (a, b), y along (c, d): rows of the matrix that telephones write.
        ((1, 0, 0, 0, 1, 0, 0, 0, 1), lambda i: i, 0),
        ((0, 1, 0, -1, 0, 0, 0, 0, 1), lambda i: np.rot90(i, -1), 90),
        ((-1, 0, 0, 0, -1, 0, 0, 0, 1), lambda i: np.rot90(i, 2), 180),
        ((0, -1, 0, 1, 0, 0, 0, 0, 1), lambda i: np.rot90(i, 1), 270),
        ((-1, 0, 0, 0, 1, 0, 0, 0, 1), lambda i: i[:, ::-1], 0),
        ((1, 0, 0, 0, -1, 0, 0, 0, 1), lambda i: i[::-1], 0),
        ((0, 1, 0, 1, 0, 0, 0, 0, 1), lambda i: i.transpose(1, 0, 2), 90),
        ((0, -1, 0, -1, 0, 0, 0, 0, 1), lambda i: i[::-1, ::-1].transpose(1, 0, 2), 270),
    ],
)
def test_turned_and_mirrored_videos_stand_upright(tmp_path, matrix, turn, rotation):
    path = write_clip(tmp_path / "turned.mp4", steady(3, 25), "mpeg4", between=0, matrix=matrix)
    media = open_video(path)
    frames = list(media.frames())
    wanted = turn(numbered(2))
    assert frames[2].image.shape == wanted.shape == (media.info.height, media.info.width, 3)
    assert np.abs(frames[2].image.astype(int) - wanted).mean() < 6
    assert media.info.rotation == rotation
    mirrored = np.linalg.det(np.reshape(matrix, (3, 3))) < 0
    if not mirrored and int(cv2.__version__.split(".")[0]) >= 5:  # it knows no mirrors, and 4 turns nothing
        _, theirs = cv2.VideoCapture(str(path)).read()
        assert np.abs(frames[0].image.astype(int) - theirs[..., ::-1]).mean() < 3


def test_each_frame_stands_upright_by_its_own_matrix(tmp_path):
    to_rgb = ToRGB()
    for name, matrix, shape in (
        ("lying.mp4", (1, 0, 0, 0, 1, 0, 0, 0, 1), (48, 64, 3)),
        ("turned.mp4", (0, 1, 0, -1, 0, 0, 0, 0, 1), (64, 48, 3)),
    ):
        path = write_clip(tmp_path / name, steady(1, 25), "mpeg4", between=0, matrix=matrix)
        with opened(path) as (container, stream):
            assert to_rgb(next(container.decode(stream))).shape == shape


def test_oblong_pixels_become_square(tmp_path):
    path = write_clip(tmp_path / "dv.mp4", steady(3, 25), size=(72, 48), ratio=Fraction(64, 45))
    media = open_video(path)
    assert (media.info.width, media.info.height) == (102, 48)
    frame = next(iter(media.frames(skip=2)))
    assert frame.image.shape == (48, 102, 3)
    assert number_of(frame.image) == 2


def test_four_thousand_pixels(tmp_path):
    path = write_clip(tmp_path / "large.mp4", steady(3, 25), "mpeg4", size=(3840, 2160), between=0)
    media = open_video(path)
    assert (media.info.width, media.info.height) == (3840, 2160)
    assert numbers(list(media.frames())) == [0, 1, 2]


@pytest.mark.parametrize("name", ["eight.gif", "eight.webp", "eight.apng"])
def test_eight_frame_animations(tmp_path, name):
    lasts = [100, 50, 200, 40, 40, 70, 90, 110]
    pictures = [Image.fromarray(numbered(number)) for number in range(8)]
    options = {"lossless": True} if name.endswith("webp") else {}
    pictures[0].save(
        tmp_path / name, format="PNG" if name.endswith("apng") else None, save_all=True,
        append_images=pictures[1:], duration=lasts, loop=0, **options,
    )  # fmt: skip
    media = open_video(tmp_path / name)
    frames = list(media.frames())
    assert numbers(frames) == [frame.index for frame in frames] == list(range(8))
    times = [sum(lasts[:number]) / 1000 for number in range(8)]
    assert [frame.time for frame in frames] == times
    part = list(media.frames(start=0.15, stop=0.5, frame_step=2))
    assert [(frame.index, frame.time) for frame in part] == [(2, 0.15), (4, 0.39)]
    assert numbers(part) == [2, 4]
    assert list(media.frames(start=9.0)) == []
    assert media.problem is None


def test_pictures_of_no_duration_are_shown_a_tenth_of_a_second(tmp_path):
    pictures = [Image.fromarray(numbered(number)) for number in range(3)]
    pictures[0].save(tmp_path / "a.webp", save_all=True, append_images=pictures[1:], duration=[0, 70, 0])
    assert [frame.time for frame in open_video(tmp_path / "a.webp").frames()] == [0, 0.1, 0.17]


@pytest.mark.parametrize("name", ["clear.gif", "clear.webp"])
def test_what_is_transparent_is_white(tmp_path, name):
    pictures = []
    for right in (30, 33):
        clear = np.zeros((48, 64, 4), np.uint8)
        clear[10:30, 10:right] = clear[0, 0] = clear[47, 63] = (10, 200, 10, 255)
        pictures.append(Image.fromarray(clear))
    options = {"lossless": True} if name.endswith("webp") else {}
    pictures[0].save(
        tmp_path / name, save_all=True, append_images=pictures[1:], duration=100, disposal=2, **options
    )
    for frame in open_video(tmp_path / name).frames():
        assert frame.image[40, 50].tolist() == [255, 255, 255]
        assert np.abs(frame.image[20, 20].astype(int) - (10, 200, 10)).max() < 8


def test_of_several_streams_the_default_is_read(tmp_path):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        streams = [
            container.add_stream("libx264", rate=25, width=64, height=48, pix_fmt="yuv420p") for _ in "ab"
        ]
        streams[0].disposition = 0
        streams[1].disposition = 1
        for stream, first in zip(streams, (100, 0), strict=True):
            for number in range(5):
                image = av.VideoFrame.from_ndarray(numbered(first + number), format="rgb24")
                container.mux(stream.encode(image))
            container.mux(stream.encode(None))
    assert numbers(list(open_video(path).frames())) == [0, 1, 2, 3, 4]


def test_a_cover_is_no_video(tmp_path):
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        cover = container.add_stream("mjpeg", rate=1, width=64, height=48, pix_fmt="yuvj420p")
        cover.disposition = 0x400  # attached picture
        track = container.add_stream("aac", rate=44_100)
        track.layout = "mono"
        container.mux(cover.encode(av.VideoFrame.from_ndarray(numbered(1), format="rgb24")))
        container.mux(cover.encode(None))
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 44_100
        container.mux(track.encode(sound))
        container.mux(track.encode(None))
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1
    with pytest.raises(InputError, match="sound but no video"):
        open_video(path)


# No videos


@pytest.fixture(scope="module")
def not_videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("not")
    (root / "folder.mp4").mkdir()
    (root / "empty.mp4").touch()
    (root / "text.mp4").write_text("This is a text. " * 50)
    (root / "letters.txt").write_text("This is a text. " * 50)
    (root / "list.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n")
    write_sound(root / "sound.m4a")
    write_sound(root / "sound.mp4")
    write_sound(root / "sound.wav", "pcm_s16le")
    Image.fromarray(numbered(1)).save(root / "picture.png")
    Image.fromarray(numbered(1)).save(root / "picture.jpg")
    Image.fromarray(numbered(1)).save(root / "picture.webp")
    (root / "half.webp").write_bytes((root / "picture.webp").read_bytes()[:60])
    whole = write_clip(root / "whole.mp4", steady(50, 25))
    cut(whole, root / "unfinished.mp4", 0.6)
    blank = write_clip(root / "blank.avi", steady(4, 25), "mjpeg", between=0)
    zeroed(blank, root / "blank.avi", range(4))
    head = write_clip(root / "head.avi", steady(4, 25), "mjpeg", between=0)
    data = head.read_bytes()
    head.write_bytes(data[: data.index(b"movi") + 4])
    return root


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.mp4", "there is no such video"),
        ("folder.mp4", "this is a folder"),
        ("empty.mp4", r"the file is empty \(0 bytes\)"),
        ("text.mp4", "damaged, or of an unknown kind .* begins with b'This is a te'"),
        ("letters.txt", "not a video"),
        ("list.mp4", "this is a playlist: what it names is not opened"),
        ("sound.m4a", "holds sound but no video"),
        ("sound.mp4", "holds sound but no video"),
        ("sound.wav", "holds sound but no video"),
        ("picture.png", "this is a picture, not a video"),
        ("picture.jpg", "this is a picture, not a video"),
        ("picture.webp", "this is a picture, not a video"),
        ("half.webp", "the animation is damaged"),
        ("unfinished.mp4", "the index without which it can't be read is missing"),
        ("blank.avi", "no picture that can be decoded"),
        ("head.avi", "no picture that can be decoded|no video stream|unknown kind"),
    ],
)
def test_what_is_no_video_gets_one_sentence(not_videos, name, message):
    with pytest.raises(InputError, match=message) as caught:
        open_video(not_videos / name)
    assert str(caught.value).startswith(f"{not_videos / name}: ")
    assert "\n" not in str(caught.value)


def test_a_stream_that_no_decoder_knows(tmp_path):
    path = write_clip(tmp_path / "a.mp4", steady(3, 25))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"none"))
    with pytest.raises(InputError, match=r"a\.mp4: the video is of a kind that can't be decoded here$"):
        open_video(path)


def test_odd_names(tmp_path, monkeypatch):
    path = write_clip(tmp_path / "a.mp4", steady(3, 25))
    for name in ("http:b.mp4", "file %d äß 人.mp4", "-x.mp4", "no_suffix"):
        (tmp_path / name).write_bytes(path.read_bytes())
        monkeypatch.chdir(tmp_path)
        assert numbers(list(open_video(name).frames())) == [0, 1, 2]


def test_a_reader_that_is_left_early_closes_the_file(tmp_path):
    media = open_video(write_clip(tmp_path / "a.mp4", steady(20, 25)))
    before = len(os.listdir("/proc/self/fd")) if Path("/proc").is_dir() else 0
    frames = media.frames()
    next(frames)
    frames.close()
    after = len(os.listdir("/proc/self/fd")) if Path("/proc").is_dir() else 0
    assert before == after


def test_names_that_can_not_be_looked_up(tmp_path):
    with pytest.raises(InputError, match=r"\.mp4: the file can't be read \(File name too long\)"):
        open_video(tmp_path / f"{'a' * 300}.mp4")


@pytest.mark.parametrize("name", ["a.mp4", "oblong.mp4", "a.webp"])
def test_frames_larger_than_pictures_may_be_are_refused(tmp_path, name):
    path = tmp_path / name
    if name == "a.webp":
        pictures = [Image.fromarray(numbered(number)) for number in range(3)]
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=70)
    else:
        write_clip(path, steady(3, 25), ratio=Fraction(2) if name == "oblong.mp4" else None)
    width = 128 if name == "oblong.mp4" else 64
    assert open_video(path, max_pixels=width * 48).info.width == width
    message = rf"{name}: {width} x 48 pixels are more than the limit of [\d,]+; make it smaller first"
    with pytest.raises(InputError, match=message):
        open_video(path, max_pixels=width * 48 - 1)


def test_frames_that_grow_too_large_midway_are_lost(tmp_path):
    small = write_clip(tmp_path / "a.ts", steady(20, 25))
    large = write_clip(tmp_path / "b.ts", steady(20, 25), size=(128, 96))
    small.write_bytes(small.read_bytes() + large.read_bytes())
    assert len(list(open_video(small).frames())) == 40
    media = open_video(small, max_pixels=64 * 48)
    assert len(list(media.frames())) == 20
    assert "20 frames could not be decoded" in str(media.problem)


def test_suffixes():
    assert {".mp4", ".avi", ".mkv", ".mov", ".webm", ".mpg", ".gif"} <= VIDEO_SUFFIXES
    assert {".m2v", ".h264", ".mjpeg", ".divx", ".f4v", ".mxf", ".dv", ".3g2"} <= VIDEO_SUFFIXES
