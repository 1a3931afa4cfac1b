"""What stored values mean: depths, floats, kinds of colour, high dynamic range; what takes too much room."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, features

from aulens.errors import InputError
from aulens.image import read_image
from aulens.pixels import to_eight_bits

# Shares of white from black to white, never the same twice in a row.
SHARES = np.linspace(0, 1, 64)[None] * np.linspace(0.2, 1, 48)[:, None]
COLOURS = np.dstack([SHARES, SHARES[::-1], SHARES[:, ::-1]])
GREY8 = np.rint(255 * SHARES).astype(np.uint8)
RGB8 = np.rint(255 * COLOURS).astype(np.uint8)


def off(image: np.ndarray, wanted: np.ndarray) -> int:
    return int(np.abs(image.astype(int) - wanted).max())


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("ending", ["png", "tif", "pgm", "jp2"])
def test_grey_of_any_depth_in_sixteen_bits(tmp_path: Path, bits: int, ending: str) -> None:
    path = tmp_path / f"grey.{ending}"
    Image.fromarray(np.rint(SHARES * (2**bits - 1)).astype(np.uint16)).save(path)
    assert off(read_image(path), GREY8[..., None]) <= (2 if ending == "jp2" else 1)


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("ending", ["png", "tif", "ppm", "jp2"])
def test_colours_of_any_depth_in_sixteen_bits(tmp_path: Path, bits: int, ending: str) -> None:
    path = tmp_path / f"colours.{ending}"
    assert cv2.imwrite(str(path), np.rint(COLOURS[..., ::-1] * (2**bits - 1)).astype(np.uint16))
    assert off(read_image(path), RGB8) <= (6 if ending == "jp2" else 1)


def test_colours_and_transparency_of_twelve_bits(tmp_path: Path) -> None:
    alpha = np.where(np.arange(64) < 32, 0.0, 1.0)[None].repeat(48, 0)
    stored = np.rint(np.dstack([COLOURS[..., ::-1], alpha]) * 4095).astype(np.uint16)
    assert cv2.imwrite(str(tmp_path / "a.png"), stored)
    image = read_image(tmp_path / "a.png")
    assert (image[:, :32] == 255).all()
    assert off(image[:, 32:], RGB8[:, 32:]) <= 1


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [
        (20, 37, np.float32),  # degrees Celsius
        (29_315, 31_015, np.uint16),  # hundredths of a kelvin
        (-1, 1, np.float32),
        (0, 0.01, np.float32),  # linear light, in the dark
        (0, 30, np.uint16),
        (-2000, 2000, np.int32),
        (0, 4_000_000_000, np.uint32),
        (0, 100_000, np.float32),
    ],
)
def test_other_numbers_are_stretched_by_those_that_occur(
    tmp_path: Path, low: float, high: float, kind: type
) -> None:
    values = (low + SHARES * (high - low)).astype(kind)
    path = tmp_path / "a.tif"
    Image.fromarray(values.view(np.int32) if kind == np.uint32 else values).save(path)
    if kind == np.uint32:  # which Pillow reads, but does not write: its mark of a sign
        sign = b"\x53\x01\x03\0\x01\0\0\0"
        assert path.read_bytes().count(sign + b"\2") == 1
        path.write_bytes(path.read_bytes().replace(sign + b"\2", sign + b"\1"))
    steps = 30 if high == 30 else 255  # of whole numbers
    assert off(read_image(path), GREY8[..., None]) <= 255 / steps + 8  # a thousandth is cut at both ends


def test_dead_and_hot_pixels_and_no_numbers_change_nothing_else() -> None:
    values = (20 + SHARES * 17).astype(np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    values[5, 5] = 1e30
    assert off(to_eight_bits(values)[1:, 8:], GREY8[1:, 8:]) <= 8
    twelve = np.rint(SHARES * 4095).astype(np.uint16)
    twelve[5, 5] = 65_535
    assert off(to_eight_bits(twelve)[1:, 8:], GREY8[1:, 8:]) <= 8


@pytest.mark.parametrize("value", [0, 7, 300, 65_535])
def test_a_picture_of_one_value_is_of_one_brightness(value: int) -> None:
    assert len(np.unique(to_eight_bits(np.full((9, 9), value, np.uint16)))) == 1
    assert to_eight_bits(np.full((3, 3), np.nan, np.float32)).max() == 0


def test_lab_cmyk_and_the_rest_of_the_colours(tmp_path: Path) -> None:
    picture = Image.fromarray(RGB8)
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    in_lab = ImageCms.profileToProfile(picture, srgb, lab, outputMode="LAB")
    assert in_lab is not None
    kinds = {
        "lab.tif": in_lab, "cmyk.tif": picture.convert("CMYK"), "la.png": picture.convert("LA"),
        "one.tif": picture.convert("1"), "palette.gif": picture.quantize(64),
    }  # fmt: skip
    for name, kind in kinds.items():
        kind.save(tmp_path / name)
        image = read_image(tmp_path / name)
        if name == "one.tif":
            assert set(np.unique(image)) == {0, 255}
            continue
        wanted = np.asarray(picture.convert("L").convert("RGB") if name == "la.png" else picture)
        assert np.abs(image.astype(int) - wanted).mean() < (8 if name == "palette.gif" else 2), name


def test_a_colour_that_is_told_to_be_transparent_is_white(tmp_path: Path) -> None:
    Image.fromarray(RGB8).save(tmp_path / "a.png", transparency=tuple(RGB8[3, 5].tolist()))
    image = read_image(tmp_path / "a.png")
    assert image[3, 5].tolist() == [255, 255, 255]
    assert image[40, 50].tolist() == RGB8[40, 50].tolist()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations_are_those_of_pillow(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(RGB8).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as picture:
        np.testing.assert_array_equal(
            read_image(tmp_path / "a.png"), np.asarray(ImageOps.exif_transpose(picture))
        )


# ITU-R BT.2408: a white object is at 58 % of PQ and 75 % of HLG, a grey card of 18 % at 38 % of both; BT.709
# shows 18 % of the light at 41 %.
LEVELS = {
    (16, 0.58): 1.0,
    (16, 0.38): 0.41,
    (18, 0.75): 1.0,
    (18, 0.38): 0.41,
    (16, 0.0): 0.0,
    (18, 0.0): 0.0,
}


def with_coding(source: Path, target: Path, transfer: int, depth: int = 8) -> Path:
    """A copy of a PNG that says its colours are those of BT.2020 with a transfer function."""
    data = source.read_bytes()
    chunk = b"cICP" + bytes([9, transfer, 0, 1])
    chunk = struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    target.write_bytes(data[:33] + chunk + data[33:])
    return target


@pytest.mark.slow  # FFmpeg takes two seconds to begin with each curve
@pytest.mark.parametrize(("transfer", "share"), LEVELS)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_pictures_of_high_dynamic_range_have_the_published_levels(
    tmp_path: Path, transfer: int, share: float, kind: type
) -> None:
    grey = np.full((8, 8, 3), round(share * np.iinfo(kind).max), kind)
    assert cv2.imwrite(str(tmp_path / "plain.png"), grey)
    image = read_image(with_coding(tmp_path / "plain.png", tmp_path / "hdr.png", transfer))
    assert image.mean() / 255 == pytest.approx(LEVELS[transfer, share], abs=0.03)
    assert read_image(tmp_path / "plain.png").mean() / 255 == pytest.approx(share if share else 0, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("colour", [(0.6, 0.4, 0.3), (0.2, 0.5, 0.3), (0.1, 0.2, 0.5), (1, 0, 0)])
def test_colours_of_high_dynamic_range_are_those_of_usual_screens(
    tmp_path: Path, colour: tuple[float, float, float]
) -> None:
    """BT.709's light in the primaries of BT.2020 (ITU-R BT.2087), as PQ (ITU-R BT.2100) of 203 cd/m2."""
    light = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]) @ colour
    power = (203 / 10_000 * light) ** (2610 / 16_384)
    coded = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    stored = np.rint(np.tile(coded, (8, 8, 1))[..., ::-1] * 65_535).astype(np.uint16)
    assert cv2.imwrite(str(tmp_path / "plain.png"), stored)
    image = read_image(with_coding(tmp_path / "plain.png", tmp_path / "hdr.png", 16))
    shown = [1.099 * share**0.45 - 0.099 if share > 0.018 else 4.5 * share for share in colour]  # BT.709
    assert image[4, 4] / 255 == pytest.approx(shown, abs=0.1)


@pytest.mark.slow
@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_an_avif_of_high_dynamic_range(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (round(0.58 * 255),) * 3).save(tmp_path / "a.avif", quality=100)
    data = (tmp_path / "a.avif").read_bytes()
    place = data.index(b"colrnclx") + 8
    (tmp_path / "pq.avif").write_bytes(data[:place] + bytes([0, 9, 0, 16]) + data[place + 4 :])
    assert read_image(tmp_path / "a.avif").mean() == pytest.approx(0.58 * 255, abs=3)
    assert read_image(tmp_path / "pq.avif").mean() == pytest.approx(255, abs=5)


@pytest.mark.parametrize(
    ("depth", "colour", "side", "refused"),
    [
        (8, 2, 12_200, False),
        (8, 6, 12_200, False),
        (16, 0, 10_900, False),
        (16, 0, 12_200, True),
        (16, 6, 9_000, True),
    ],
)
def test_what_would_take_too_much_memory_is_refused_before_it_is_decoded(
    tmp_path: Path, depth: int, colour: int, side: int, refused: bool
) -> None:
    """PNGs that consist of their headers: reading one on fails at once, if it is begun."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
        + struct.pack(">I", 4) + b"IDAT" + b"\0" * 8
    )  # fmt: skip
    with pytest.raises(
        InputError, match="more than the limit of 1.1 GB" if refused else "damaged or cut short"
    ):
        read_image(path)
