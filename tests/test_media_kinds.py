"""What a file is, its content says: names promise, and are told where they do not keep it."""

import io
import os
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from aulens.errors import InputError
from aulens.formats import MEANT_SUFFIXES, VIDEO_FORMATS
from aulens.image import read_image
from aulens.inputs import media_at, media_kind
from aulens.video import open_video
from patch_people import SIZE, patch_frame

pillow_heif.register_heif_opener()  # writes what aulens reads with another library
COUNT = 12
FRAME = patch_frame({"red": (30, 30)})


def names(paths: Iterable[Path], top: Path) -> list[str]:
    return [path.relative_to(top).as_posix() for path in paths]


def write_clip(
    path: Path, format: str, codec: str, pixels: str = "yuv420p", size: tuple[int, int] = SIZE
) -> Path:
    with av.open(str(path), "w", format=format) as container:
        stream = container.add_stream(codec, rate=25, width=size[0], height=size[1])
        stream.pix_fmt = pixels
        frame = np.asarray(Image.fromarray(FRAME).resize(size))
        for _ in range(COUNT):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("IMG_1.HEIC", "HEIF"), ("IMG_2.avif", "AVIF"), ("Download.jfif", "JPEG"), ("DSC_4.MPO", "MPO"),
        ("a.jpg", "HEIF"), ("a.heic", "JPEG"), ("a.mp4", "WEBP"), ("a.txt", "PNG"), ("noending", "JPEG"),
        ("scan.dat", "TIFF"), ("a.b.c", "BMP"), ("a.jp2", "JPEG2000"), ("a.qoi", "QOI"), ("a.sgi", "SGI"),
        ("a.ppm", "PPM"), ("a.tga", "TGA"), ("a.pcx", "PCX"),
    ],
)  # fmt: skip
def test_pictures_by_any_name(name: str, format: str, tmp_path: Path) -> None:
    """A01: of five photographs of a telephone's folder one was read, and the others never named."""
    Image.fromarray(FRAME).save(tmp_path / name, format=format)
    found = media_at(tmp_path)
    assert names(found.pictures, tmp_path) == [name]
    assert (found.clips, found.others) == ((), {})
    near = np.abs(read_image(tmp_path / name).astype(int) - FRAME)
    assert near.mean() < 4


@pytest.mark.parametrize("format", ["HEIF", "AVIF"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_pictures_of_telephones_are_turned_once(turn: int, format: str, tmp_path: Path) -> None:
    """HEIC tells it in a box of its own and in its EXIF, which then says nothing more."""
    exif = Image.Exif()
    exif[0x0112] = turn
    stored = Image.fromarray(FRAME)
    stored.save(tmp_path / "a.jpg", exif=exif, quality=95)
    stored.info["exif"] = exif.tobytes()
    stored.save(tmp_path / "b.jpg", format=format, quality=95, **({"exif": exif} if format == "AVIF" else {}))
    upright, found = (read_image(tmp_path / name).astype(int) for name in ("a.jpg", "b.jpg"))
    assert found.shape == upright.shape
    assert np.abs(found - upright).mean() < 4


@pytest.mark.parametrize(
    ("name", "format", "codec", "more"),
    [
        ("00000.MTS", "mpegts", "libx264", {}),
        ("MOV001.MOD", "mpeg", "mpeg2video", {}),
        ("tape.TS", "mpegts", "mpeg2video", {}),
        ("VTS_01_1.VOB", "vob", "mpeg2video", {}),
        ("tape.DV", "dv", "dvvideo", {"size": (720, 576)}),
        ("phone.3GP", "3gp", "mpeg4", {}),
        ("noending", "mp4", "libx264", {}),
        ("a.jpg", "mp4", "libx264", {}),
        ("notes.txt", "matroska", "libx264", {}),
        ("a.bin", "h264", "libx264", {}),
        ("a.mjpeg", "mjpeg", "mjpeg", {"pixels": "yuvj420p"}),
        ("a.y4m", "yuv4mpegpipe", "wrapped_avframe", {}),
        ("a.wmv", "asf", "wmv2", {}),
        ("a.mxf", "mxf", "mpeg2video", {"size": (720, 576)}),
        ("a.DAT", "mpeg", "mpeg1video", {}),
        ("a.ivf", "ivf", "libvpx", {}),
    ],
)
def test_videos_by_any_name(name: str, format: str, codec: str, more: dict[str, Any], tmp_path: Path) -> None:
    path = write_clip(tmp_path / name, format, codec, **more)
    found = media_at(tmp_path)
    assert names(found.clips, tmp_path) == [name]
    assert (found.pictures, found.others) == ((), {})
    assert len(list(open_video(path).frames())) == COUNT


def test_formats_are_those_that_this_ffmpeg_knows() -> None:
    assert set(VIDEO_FORMATS) <= set(av.formats_available)


def write_burst(path: Path) -> None:
    heif = pillow_heif.from_pillow(Image.fromarray(FRAME))
    heif.add_from_pillow(Image.fromarray(FRAME[::-1]))
    heif.save(path, quality=100)


def write_stack(path: Path) -> None:
    Image.fromarray(FRAME).save(path, save_all=True, append_images=[Image.fromarray(FRAME[::-1])])


@pytest.mark.parametrize(
    ("name", "write", "times"),
    [
        ("a.tif", write_stack, [None, None]), ("a.heic", write_burst, [None, None]),
        ("a.avif", write_stack, [0.0, 0.1]), ("a.gif", write_stack, [0.0, 0.1]),
        ("a.webp", write_stack, [0.0, 0.1]), ("a.png", write_stack, [0.0, 0.1]),
    ],
)  # fmt: skip
def test_each_page_is_a_frame(
    name: str, write: Callable[[Path], None], times: list[float | None], tmp_path: Path
) -> None:
    write(tmp_path / name)
    assert media_kind(tmp_path / name) == "clip"
    media = open_video(tmp_path / name)
    frames = list(media.frames())
    assert [frame.index for frame in frames] == [0, 1]
    if times[0] is None:
        assert all(np.isnan(frame.time) for frame in frames)
    else:
        assert frames[0].time == 0
        assert frames[1].time > 0
    for frame, expected in zip(frames, (FRAME, FRAME[::-1]), strict=True):
        assert np.abs(frame.image.astype(int) - expected).mean() < 6
    assert media.problem is None


def test_a_reduced_copy_in_a_tiff_is_no_page(tmp_path: Path) -> None:
    small = Image.fromarray(FRAME).resize((20, 12))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    Image.fromarray(FRAME).save(tmp_path / "a.tif", save_all=True, append_images=[small])
    with Image.open(tmp_path / "a.tif") as picture:
        assert picture.n_frames == 2
    assert media_kind(tmp_path / "a.tif") == "picture"


def test_what_has_nothing_to_do_with_us_is_counted(tmp_path: Path) -> None:
    for name, data in (
        ("notes.txt", b"a"), ("data.csv", b"a,b\n"), ("Thumbs.db", b"\xd0\xcf\x11\xe0" + bytes(600)),
        ("README", b"# a"), ("a.xlsx", b"PK\3\4" + bytes(99)), ("code.ts", b"let a = 1;\n"), ("empty", b""),
        ("weights.onnx", np.random.default_rng(0).bytes(50_000)), (".DS_Store", bytes(99)),
        ("figure.svg", b"<svg/>"), ("GOPR0001.LRV", b"\0\0\0\x20ftypmp42"), ("GOPR0001.THM", b"\xff\xd8\xff"),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(data)
    os.mkfifo(tmp_path / "pipe.json")
    found = media_at(tmp_path)
    assert (found.pictures, found.clips, found.failed) == ((), (), {})
    assert found.others == {
        ".txt": 1, ".csv": 1, ".db": 1, "": 2, ".xlsx": 1, ".ts": 1, ".onnx": 1, ".svg": 1, ".lrv": 1,
        ".thm": 1, ".json": 1,
    }  # fmt: skip


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"


EXR = b"v/1\x01\x02\0\0\0channels\0chlist\0" + bytes(300)


def tiff_of_doubles() -> bytes:
    """As MATLAB and NumPy write what was measured; Pillow reads none."""
    file = io.BytesIO()
    Image.new("F", (8, 8)).save(file, "TIFF")
    bits = b"\x02\x01\x03\0\x01\0\0\0"
    assert bits + b"\x20" in file.getvalue()
    return file.getvalue().replace(bits + b"\x20", bits + b"\x40")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("holiday.jpg", POSTSCRIPT, "PostScript, which is a program and is never run"),
        ("holiday.eps.png", POSTSCRIPT, "PostScript"),
        ("holiday.mp4", POSTSCRIPT, "PostScript"),
        ("a.jpg", b"%PDF-1.7\n", "a PDF"),
        ("cut.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0", "not a picture that can be read|damaged"),
        ("a.png", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        ("a.jpeg", b"<!DOCTYPE html><html>404", "a web page"),
        ("a.webp", b"PK\3\4" + bytes(99), "an archive"),
        ("a.mp4", b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "a playlist"),
        ("a.mkv", b"ffconcat version 1.0\nfile '/etc/passwd'\n", "a playlist"),
        ("a.mpd", b"<?xml version='1.0'?><MPD/>", None),
        ("a.mov", b"\0\0\0\x20ftypqt  " + bytes(400), "index without which it can't be read is missing"),
        ("a.avi", np.random.default_rng(0).bytes(9000), "damaged, or of an unknown kind"),
        ("empty.mov", b"", r"empty \(0 bytes\)"),
        ("a.CR2", b"II*\0\x10\0\0\0CR\2\0" + bytes(300), r"raw picture \(CR2\)"),
        ("a.NEF", bytes(300), r"raw picture \(NEF\)"),
        ("a.cr3", b"\0\0\0\x18ftypcrx " + bytes(99), r"raw picture \(CR3\)"),
        ("a.jxl", b"\xff\x0a" + bytes(99), "JPEG XL"),
        ("depth.exr", EXR, "an OpenEXR picture, which is not read: save it as PNG or TIFF of 16 bits"),
        ("depth.png", EXR, "an OpenEXR picture"),
        (
            "heat.tiff",
            tiff_of_doubles(),
            r"\(floats of 64 or .*: save it with 8 or 16 bits",
        ),
        ("cut.tif", tiff_of_doubles()[:40], "a TIFF that is damaged"),
        ("study.lnk", b"L\0\0\0\x01\x14\2\0" + bytes(60), "a shortcut of Windows"),
        (".IMG_1.HEIC.icloud", b"bplist00" + bytes(60), "it is in iCloud"),
        ("noending", b"\0\0\0\x20ftypisom" + bytes(400), "index without which"),
    ],
)
def test_what_was_meant_is_named(name: str, data: bytes, said: str | None, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    found = media_at(tmp_path)
    assert len(found.pictures) + len(found.clips) == (said is not None)
    for path, read in ((path, read_image) for path in found.pictures):
        with pytest.raises(InputError, match=rf"{name}: .*{said}"):
            read(path)
    for path in found.clips:
        with pytest.raises(InputError, match=rf"{name}: .*{said}"):
            open_video(path)


@pytest.mark.parametrize("name", ["holiday.jpg", "holiday.eps", "holiday.mp4", "holiday"])
def test_nothing_starts_another_program(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow would run Ghostscript, if there is one: here is one that would be seen."""
    ran = tmp_path / "ran"
    program = tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    path = tmp_path / "in" / name
    path.parent.mkdir()
    path.write_bytes(POSTSCRIPT)
    with suppress(OSError), Image.open(path) as picture:  # as anybody would
        picture.load()
    assert ran.exists()
    ran.unlink()
    media_at(path.parent)
    for read in (media_kind, read_image, open_video):
        with pytest.raises(InputError):
            read(path)
    assert not ran.exists()


def test_a_picture_by_the_name_of_a_video_is_said(tmp_path: Path) -> None:
    Image.fromarray(FRAME).save(tmp_path / "a.mp4", format="PNG")
    with pytest.raises(InputError, match="this is a picture, not a video"):
        open_video(tmp_path / "a.mp4")
    write_clip(tmp_path / "b.jpg", "mp4", "libx264")
    with pytest.raises(InputError, match="not a picture that can be read"):
        read_image(tmp_path / "b.jpg")


def test_a_raw_picture_that_looks_like_a_tiff_gives_no_preview(tmp_path: Path) -> None:
    preview = Image.fromarray(FRAME)
    preview.save(tmp_path / "a.NEF", format="TIFF")
    preview.save(tmp_path / "b.tif", tiffinfo={50706: b"\1\4\0\0"})
    preview.save(tmp_path / "c.tif", tiffinfo={271: "NIKON CORPORATION", 254: 1, 330: 8})
    for name in ("a.NEF", "b.tif", "c.tif"):
        with pytest.raises(InputError, match="a camera's raw picture"):
            read_image(tmp_path / name)


def irregular(folder: Path) -> dict[str, str]:
    os.mkfifo(folder / "pipe.mp4")
    os.mkfifo(folder / "pipe.jpg")
    here = os.getcwd()
    os.chdir(folder)  # names of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("socket.avi")
    finally:
        os.chdir(here)
    for name, target in (
        ("device.jpg", "/dev/zero"), ("gone.mp4", "nowhere.mp4"), ("P01", "disk/P01"),
        ("loop.png", "loop.png"), ("there.jpg", "back.jpg"), ("back.jpg", "there.jpg"),
    ):  # fmt: skip
        (folder / name).symlink_to(target)
    return {
        "pipe.mp4": "a named pipe", "pipe.jpg": "a named pipe", "socket.avi": "a socket",
        "device.jpg": "a device", "gone.mp4": "a link to nowhere.mp4, which is not there",
        "P01": "a link to disk/P01, which is not there", "loop.png": "leads back to itself",
        "there.jpg": "leads back to itself", "back.jpg": "leads back to itself",
    }  # fmt: skip


def test_what_is_no_file_is_said_and_never_opened(tmp_path: Path) -> None:
    said = irregular(tmp_path)
    begin = time.monotonic()
    found = media_at(tmp_path)
    assert sorted(names([*found.pictures, *found.clips], tmp_path)) == sorted(said)
    for name, why in said.items():
        for read in (media_kind, read_image, open_video):
            with pytest.raises(InputError, match=rf"{name}: .*{why}"):
                read(tmp_path / name)
    assert time.monotonic() - begin < 60  # it would wait for ever


def test_links_are_followed_and_cycles_end(tmp_path: Path) -> None:
    """A04: folders of participants that were links were left out, silently."""
    disk, study = tmp_path / "disk", tmp_path / "study"
    for name in ("P01", "P02"):
        (disk / name).mkdir(parents=True)
        Image.fromarray(FRAME).save(disk / name / "a.png")
    study.mkdir()
    (study / "P01").symlink_to("../disk/P01")
    (study / "P02").symlink_to(disk / "P02", target_is_directory=True)
    (study / "again").symlink_to("P01")
    (study / "one.png").symlink_to("../disk/P01/a.png")
    (study / "self").symlink_to(".")
    (disk / "P01" / "up").symlink_to("../../study")
    found = media_at(study)
    assert names(found.pictures, study) == ["P01/a.png", "P02/a.png", "one.png"]
    assert (found.clips, found.failed, found.others) == ((), {}, {})
    assert names(media_at(study, skip=[disk / "P02"]).pictures, study) == ["P01/a.png", "one.png"]


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="may look into all folders")
def test_a_folder_that_is_closed_is_named(tmp_path: Path) -> None:
    (tmp_path / "P01").mkdir(mode=0)
    assert list(media_at(tmp_path).failed) == [tmp_path / "P01"]


def test_endings() -> None:
    assert all(ending == ending.lower() and ending.startswith(".") for ending in MEANT_SUFFIXES)
    assert not MEANT_SUFFIXES & {".txt", ".csv", ".json", ".wav", ".mp3", ".html", ".svg", ".pdf"}
