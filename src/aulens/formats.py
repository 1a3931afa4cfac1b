"""Formats of pictures and videos: which are opened at all, and what names of files promise."""

import struct
import warnings
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from aulens.errors import InputError
from aulens.named import first_bytes, regular_file

# Pillow's, without those that start other programs (EPS runs Ghostscript) or only pretend to read.
_PICTURES: Final = (
    "AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "PSD", "QOI", "SGI", "SUN", "TIFF", "WEBP",
)  # fmt: skip
_UNMARKED: Final = {".pcx": "PCX", ".tga": "TGA"}
"""Formats that begin with nothing of their own: known by the name's ending."""
_HEIF: Final = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
_AVIF: Final = frozenset({b"avif", b"avis"})
_PAGED: Final = frozenset({"AVIF", "GIF", "HEIF", "PNG", "TIFF", "WEBP"})
"""Formats with pages that are pictures of their own; PSD has layers, for MPO see `further_pictures`."""
_TIFF: Final = frozenset({b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"})
_SUBFILE: Final = 254
_DNG: Final = 50706
_CR3: Final = b"ftypcrx "

# FFmpeg's with video, and sound, to be named as such: no lists of other files, addresses, devices, text.
VIDEO_FORMATS: Final = (
    "aac", "aiff", "apng", "asf", "av1", "avi", "avs", "avs2", "avs3", "bink", "cavsvideo", "cdxl",
    "cine", "dhav", "dirac", "dnxhd", "dv", "evc", "film_cpk", "flac", "flic", "flv", "gif", "gxf",
    "h261", "h263", "h264", "hevc", "ifv", "ingenient", "ivf", "ivr", "kux", "lxf", "m4v", "matroska",
    "mjpeg", "mjpeg_2000", "mov", "mp3", "mp4", "mpeg", "mpegts", "mpegvideo", "mxf", "nsv", "nut",
    "nuv", "obu", "ogg", "pmp", "pva", "rm", "ser", "smjpeg", "smk", "swf", "ty", "vc1", "vc1test",
    "vivo", "vvc", "wav", "webm", "wtv", "xmv", "yuv4mpegpipe",
)  # fmt: skip

PICTURE_SUFFIXES: Final = frozenset(
    {".avif", ".avifs", ".bmp", ".dib", ".gif", ".heic", ".heics", ".heif", ".heifs", ".hif", ".insp",
     ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".jpx", ".mpo", ".pbm", ".pcx", ".pgm", ".png",
     ".pnm", ".ppm", ".psd", ".qoi", ".ras", ".sgi", ".tga", ".tif", ".tiff", ".webp"}
)  # fmt: skip
"""How names of pictures end: what has such a name and is none was meant as one."""
VIDEO_SUFFIXES: Final = frozenset(
    {".264", ".265", ".360", ".3g2", ".3gp", ".3gpp", ".amv", ".apng", ".asf", ".avi", ".cine", ".dav",
     ".divx", ".dv", ".f4v", ".flv", ".gif", ".h264", ".h265", ".hevc", ".insv", ".ivf", ".lrv", ".m1v",
     ".m2t", ".m2ts", ".m2v", ".m4v", ".mjpeg", ".mjpg", ".mk3d", ".mkv", ".mod", ".mov", ".mp4",
     ".mpe", ".mpeg", ".mpg", ".mpv", ".mts", ".mxf", ".nut", ".ogm", ".ogv", ".qt", ".rm", ".rmvb",
     ".tod", ".ts", ".vob", ".vro", ".webm", ".wmv", ".wtv", ".xvid", ".y4m"}
)  # fmt: skip
"""How names of videos end; a GIF may be a picture as well."""
RAW_SUFFIXES: Final = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".k25",
     ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl",
     ".sr2", ".srf", ".srw", ".x3f"}
)  # fmt: skip
_UNREAD_SUFFIXES: Final = frozenset(
    {".braw", ".crm", ".exr", ".icloud", ".jxl", ".lnk", ".mlv", ".psb", ".r3d", ".xcf"}
)
MEANT_SUFFIXES: Final = PICTURE_SUFFIXES | VIDEO_SUFFIXES | RAW_SUFFIXES | _UNREAD_SUFFIXES
"""Who gives a file such a name means a picture or a video."""

_KNOWN: Final = (
    (b"%!ps", "PostScript, which is a program and is never run: save it as PNG"),
    (b"%pdf", "a PDF: save its pictures as PNG or JPEG"),
    (b"version https://git-lfs", "a placeholder of Git LFS: fetch the file itself (git lfs pull)"),
    (b"l\0\0\0\x01\x14\x02\0", "a shortcut of Windows, which is not followed: give what it leads to"),
    (b"book\0\0\0\0mark\0", "an alias of macOS, which is not followed: give what it leads to"),
    (b"\xff\x0a", "a JPEG XL picture, which is not read: save it as JPEG or PNG"),
    (b"\0\0\0\x0cjxl ", "a JPEG XL picture, which is not read: save it as JPEG or PNG"),
    (b"v/1\x01", "an OpenEXR picture, which is not read: save it as PNG or TIFF of 16 bits"),
    (b"pk\x03\x04", "an archive (zip): unpack it first"),
    (b"#extm3u", "a playlist: what it names is not opened, give the videos themselves"),
    (b"ffconcat", "a playlist: what it names is not opened, give the videos themselves"),
    (b"<!doctype html", "a web page, perhaps in place of a download that failed"),
    (b"<html", "a web page, perhaps in place of a download that failed"),
)  # fmt: skip
"""What files that are no pictures begin with, in lower case, and what to say of them."""
BOXES: Final = (b"ftyp", b"mdat", b"moov", b"wide")
"""Parts with which MP4 and MOV begin, behind their length."""
MJPEG_SUFFIXES: Final = frozenset({".mjpeg", ".mjpg"})
"""Pictures after each other in one file: how it begins says only what the first is."""
_TABLES: Final = frozenset({".csv", ".jsonl", ".parquet", ".tsv"})

DAMAGE: Final = (
    OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, ArithmeticError, NotImplementedError,
    RuntimeError, MemoryError, struct.error, Image.DecompressionBombError,
)  # fmt: skip
"""What Pillow's readers raise on damaged files, and on those that claim far too many pixels."""


def open_picture(path: Path) -> Image.Image:
    """Open a picture without decoding it; of another kind than the list has, it is none.

    Raises:
        UnidentifiedImageError: no picture.
        InputError: a camera's raw picture, of which only a small preview could be read.
        OSError: it can't be read; and what else of `DAMAGE`.
    """
    ending = path.suffix.lower()
    formats = (*_PICTURES, _UNMARKED[ending]) if ending in _UNMARKED else _PICTURES
    with warnings.catch_warnings():
        # Pillow's limit of size, which is checked by who reads, and its harmless complaints about metadata.
        warnings.simplefilter("ignore")
        try:
            picture = Image.open(path, formats=formats)
        except UnidentifiedImageError:
            if not _is_heif(path):
                raise
            from pi_heif import HeifImageFile  # loaded for who has some

            heif: Image.Image = HeifImageFile(str(path))
            return heif
    if _is_raw(picture, ending):
        picture.close()
        raise InputError(f"{path}: {_raw_text(path)}")
    return picture


def no_picture(path: Path) -> str:
    """What to say of a file that is no picture of a kind that is opened."""
    if (known := known_kind(path)) is not None:
        return known
    if first_bytes(path, 4) in _TIFF:
        return (
            "a TIFF that is damaged, or of a kind that is not read (floats of 64 or 16 bits, colours as "
            "floats): save it with 8 or 16 bits, or grey as floats of 32 bits"
        )
    ending = path.suffix.lower()
    if ending in VIDEO_SUFFIXES:
        return "this looks like a video, not a picture: Analyzer.video reads it"
    if ending in _TABLES:
        return "this looks like a table, not a picture; `aulens report` makes a page of a video's table"
    return "not a picture that can be read; JPEG, PNG, TIFF, HEIC, AVIF, WebP, GIF, BMP can, and videos"


def known_kind(path: Path) -> str | None:
    """What to say of a file that is neither picture nor video, of kinds that come often; None of others."""
    start, ending = first_bytes(path), path.suffix.lower()
    if (known := next((what for mark, what in _KNOWN if start.lower().startswith(mark)), None)) is not None:
        return f"this is {known}"
    if ending == ".icloud":
        return "it is in iCloud and not on this computer: download it first"
    return _raw_text(path) if ending in RAW_SUFFIXES or start[4:12] == _CR3 else None


def _raw_text(path: Path) -> str:
    kind = path.suffix.removeprefix(".").upper()
    return f"this is a camera's raw picture ({kind}), which is not read: save it as JPEG or TIFF first"


def pages(picture: Image.Image) -> list[int]:
    """The numbers of a file's pages that are pictures of their own, without reduced copies of others."""
    count = int(getattr(picture, "n_frames", 1))
    if count < 2 or picture.format not in _PAGED:
        return [0]
    if picture.format != "TIFF":
        return list(range(count))
    whole = []
    for number in range(count):
        picture.seek(number)
        if not int(picture.tag_v2.get(_SUBFILE, 0)) & 1:  # type: ignore[attr-defined]
            whole.append(number)
    picture.seek(0)
    return whole or [0]


def further_pictures(path: Path) -> int:
    """How many pictures of the size of the first a file holds that are not read (those of a 3-D camera).

    Smaller ones, which telephones add, are previews and maps of brightness. 0 where the file is damaged.
    """
    try:
        regular_file(path)
        with open_picture(path) as picture:
            if picture.format != "MPO":
                return 0
            size, same = picture.size, 0
            for number in range(1, int(getattr(picture, "n_frames", 1))):
                picture.seek(number)
                same += picture.size == size
            return same
    except DAMAGE:
        return 0


def may_be_paged(path: Path) -> bool:
    """Whether a file is of a kind whose pages FFmpeg does not read: WebP, AVIF, HEIC, TIFF."""
    start = first_bytes(path)
    webp = start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    avif = start[4:8] == b"ftyp" and start[8:12] in _AVIF | _HEIF
    return webp or avif or start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def _is_heif(path: Path) -> bool:
    start = first_bytes(path)
    return start[4:8] == b"ftyp" and start[8:12] in _HEIF


def _is_raw(picture: Image.Image, ending: str) -> bool:
    if picture.format != "TIFF":
        return False
    if ending in RAW_SUFFIXES or _DNG in picture.tag_v2:  # type: ignore[attr-defined]
        return True
    make = str(picture.tag_v2.get(271, "")).upper()  # type: ignore[attr-defined]
    reduced = int(picture.tag_v2.get(_SUBFILE, 0)) & 1  # type: ignore[attr-defined]
    return bool(make and reduced and 330 in picture.tag_v2)  # type: ignore[attr-defined]
