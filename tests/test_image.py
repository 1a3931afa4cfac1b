"""Every kind of picture a folder may hold, and everything that only looks like one."""

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from aulens.errors import ConfigError, InputError
from aulens.image import encode_picture, read_image

# 3 wide, 2 high, every pixel known.
RGB = np.array(
    [[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[10, 20, 30], [255, 255, 255], [0, 0, 0]]], dtype=np.uint8
)
GREY = np.array([[0, 64, 128], [200, 254, 255]], dtype=np.uint8)


def saved(path: Path, picture: Image.Image, **options: object) -> Path:
    picture.save(path, **options)  # type: ignore[arg-type]
    return path


def test_rgb_comes_back_as_it_was(tmp_path: Path) -> None:
    image = read_image(saved(tmp_path / "a.png", Image.fromarray(RGB)))
    assert image.dtype == np.uint8
    assert image.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(image, RGB)


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    image = read_image(saved(tmp_path / "a.png", Image.fromarray(GREY)))
    np.testing.assert_array_equal(image, GREY[..., None].repeat(3, axis=2))


def test_black_and_white_of_one_bit(tmp_path: Path) -> None:
    image = read_image(saved(tmp_path / "a.png", Image.fromarray(GREY).point(lambda v: 255 * (v > 100), "1")))
    assert set(np.unique(image)) == {0, 255}


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_keep_their_brightness(tmp_path: Path, suffix: str) -> None:
    picture = Image.fromarray(GREY.astype(np.uint16) * 257)
    image = read_image(saved(tmp_path / f"a.{suffix}", picture))
    np.testing.assert_array_equal(image[..., 0], GREY)


def test_sixteen_bits_and_three_channels(tmp_path: Path) -> None:
    import cv2

    path = tmp_path / "a.png"
    assert cv2.imwrite(str(path), RGB[..., ::-1].astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(path), RGB)


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_floats_up_to_one_or_up_to_255(tmp_path: Path, white: float) -> None:
    picture = Image.fromarray((GREY / 255 * white).astype(np.float32))
    np.testing.assert_array_equal(read_image(saved(tmp_path / "a.tif", picture))[..., 0], GREY)


def test_transparent_becomes_white(tmp_path: Path) -> None:
    rgba = np.dstack([RGB, np.array([[255, 0, 128], [255, 255, 0]], dtype=np.uint8)])
    image = read_image(saved(tmp_path / "a.png", Image.fromarray(rgba)))
    assert image[0, 0].tolist() == [255, 0, 0]
    assert image[0, 1].tolist() == [255, 255, 255]
    assert image[0, 2].tolist() == [127, 127, 255]


def test_palette_with_and_without_transparency(tmp_path: Path) -> None:
    flat = Image.fromarray(RGB).quantize(6, dither=Image.Dither.NONE)
    np.testing.assert_array_equal(read_image(saved(tmp_path / "a.png", flat)), RGB)
    clear = saved(tmp_path / "b.png", flat, transparency=flat.getpixel((0, 0)))
    assert read_image(clear)[0, 0].tolist() == [255, 255, 255]


def test_cmyk_is_converted(tmp_path: Path) -> None:
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    image = read_image(saved(tmp_path / "a.jpg", red))
    assert image[8, 8, 0] > 200
    assert image[8, 8, 1:].max() < 60


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [(1, RGB), (3, RGB[::-1, ::-1]), (6, np.rot90(RGB, -1)), (8, np.rot90(RGB)), (2, RGB[:, ::-1])],
)
def test_exif_orientation_is_honoured(tmp_path: Path, orientation: int, turned: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(
        read_image(saved(tmp_path / "a.png", Image.fromarray(RGB), exif=exif)), turned
    )


def test_a_picture_with_odd_exif_is_still_read(tmp_path: Path) -> None:
    """Pillow raises a TypeError when it writes such an entry again: one picture stopped a whole folder."""
    exif = Image.Exif()
    exif[0x0112], exif[0x011A] = 6, 72.0
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (8, 4), "red"), exif=exif)
    data = path.read_bytes()
    assert data.count(b"\x01\x1a\x00\x05") == 1
    # A fraction said to be a text of one letter.
    path.write_bytes(data.replace(b"\x01\x1a\x00\x05", b"\x01\x1a\x00\x02"))
    assert read_image(path).shape == (8, 4, 3)


def test_whatever_a_reader_raises_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", (8, 4), "red"))
    for error in (struct.error("x"), TypeError("x"), NotImplementedError("x"), ZeroDivisionError("x")):
        with monkeypatch.context() as patch:
            patch.setattr("PIL.Image.Image.getexif", lambda self, error=error: (_ for _ in ()).throw(error))
            with pytest.raises(InputError, match=r"a\.png: the picture is damaged"):
                read_image(path)


def test_one_pixel(tmp_path: Path) -> None:
    assert read_image(saved(tmp_path / "a.png", Image.new("RGB", (1, 1), "red"))).tolist() == [[[255, 0, 0]]]


def test_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    path = tmp_path / "a.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert read_image(path)[0, 0].tolist() == [255, 0, 0]


def test_a_side_of_12000_pixels(tmp_path: Path) -> None:
    picture = Image.new("RGB", (12_000, 40), "white")
    ImageDraw.Draw(picture).point((11_999, 39), "red")
    image = read_image(saved(tmp_path / "a.png", picture))
    assert image.shape == (40, 12_000, 3)
    assert image[39, 11_999].tolist() == [255, 0, 0]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory from Linux's /proc")
def test_12000_by_12000_pixels_in_bounded_memory(tmp_path: Path) -> None:
    import subprocess
    import sys

    path = saved(tmp_path / "a.jpg", Image.new("RGB", (12_000, 12_000), (200, 200, 200)))
    code = (
        "import re, sys; from aulens.image import read_image; image = read_image(sys.argv[1]);"
        "assert image.shape == (12000, 12000, 3) and image[11999, 11999, 2] == 200;"
        # Not getrusage: a child inherits its peak from the process that forked it.
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1_250_000  # KiB; one more copy would be 1.6 million


def test_too_many_pixels_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("1", (500, 400)))
    with pytest.raises(InputError, match=r"500 x 400 pixels are more than the limit of 199,999"):
        read_image(path, max_pixels=199_999)


def test_pillows_own_limit_is_the_same_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.png", Image.new("1", (500, 400)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(InputError, match="make it smaller first"):
        read_image(path)


def test_errors_name_the_file_and_the_reason(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jpg"
    empty.touch()
    text = tmp_path / "text.jpg"
    text.write_text("this is not a picture")
    video = tmp_path / "film.mp4"
    video.write_bytes(b"\0\0\0\x20ftypisom" * 9)
    whole = saved(tmp_path / "whole.jpg", Image.effect_noise((200, 200), 50))
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    cut_png = tmp_path / "cut.png"
    Image.effect_noise((200, 200), 50).save(cut_png)
    cut_png.write_bytes(cut_png.read_bytes()[:3000])
    for path, reason in (
        (empty, r"empty \(0 bytes\)"),
        (text, "not a picture that can be read; JPEG"),
        (video, "video"),
        (cut, "damaged or cut short"),
        (cut_png, "damaged or cut short"),
        (tmp_path, "this is a folder"),
        (tmp_path / "gone.png", "there is no such file"),
    ):
        with pytest.raises(InputError, match=f"{path.name}.*{reason}"):
            read_image(path)


def test_reading_leaves_warnings_as_they_were(tmp_path: Path) -> None:
    before = list(warnings.filters)
    read_image(saved(tmp_path / "a.png", Image.fromarray(RGB)))
    assert list(warnings.filters) == before


def test_a_drawing_is_what_its_name_ends_in(tmp_path: Path) -> None:
    for name, most in (("a.png", 0), ("a.PNG", 0), ("a.jpg", 8), ("a.jpeg", 8)):
        grey = np.full((16, 24, 3), (90, 120, 150), np.uint8)
        (tmp_path / name).write_bytes(encode_picture(tmp_path / name, grey))
        away = read_image(tmp_path / name).astype(int) - grey
        assert np.abs(away).max() <= most
    with pytest.raises(ConfigError, match=r"sheet\.xyz.*\.png or \.jpg"):
        encode_picture(tmp_path / "sheet.xyz", RGB)
