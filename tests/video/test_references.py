"""Files that name other files or addresses: nothing that they name is opened."""

import socket
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from made_videos import steady, write_clip

from aulens.errors import InputError
from aulens.image import read_image
from aulens.inputs import is_clip
from aulens.video import open_video

# What FFmpeg or Pillow know, or once knew, to take from elsewhere; {} is what they name.
LISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n",
    "hls of parts": "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-MAP:URI=\"{}\"\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n",
    "hls with a key": "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"{}\"\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n",
    "hls of playlists": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{}\n",
    "concat": "ffconcat version 1.0\nfile '{}'\n",
    "concat of options": "ffconcat version 1.0\nfile '{}'\noption safe 0\n",
    "dash": '<?xml version="1.0"?><MPD type="static"><Period><AdaptationSet mimeType="video/mp4">'
    '<Representation id="1" bandwidth="1"><BaseURL>{}</BaseURL></Representation></AdaptationSet>'
    "</Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    "a=control:{}\n",
    "asx": '<asx version="3.0"><entry><ref href="{}"/></entry></asx>',
    "smooth": '<SmoothStreamingMedia><StreamIndex Url="{}"/></SmoothStreamingMedia>',
    "imf": '<?xml version="1.0"?><CompositionPlaylist><ContentTitle>{}</ContentTitle></CompositionPlaylist>',
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{}" width="9" height="9"/></svg>',
    "xml entity": '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "{}">]><svg>&b;</svg>',
    "mvg": "push graphic-context\nimage over 0,0 0,0 '{}'\npop graphic-context\n",
    "url": "[InternetShortcut]\nURL={}\n",
    "ram": "{}\n",
    "pls": "[playlist]\nFile1={}\nNumberOfEntries=1\n",
    "vapoursynth": "import vapoursynth\nvapoursynth.core.std.BlankClip().set_output()\nopen('{}')\n",
    "avisynth": 'DirectShowSource("{}")\n',
    "postscript": "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n({}) run\nshowpage\n",
}  # fmt: skip


@pytest.fixture
def listener() -> Iterator[tuple[str, list[object]]]:
    """An address of this machine, and who came to it."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                came.append(caller.recv(99))
                caller.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/a.mp4", came
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("ending", [".mp4", ".jpg", ".m3u8", ""])
def test_nothing_that_a_file_names_is_opened(
    kind: str, ending: str, tmp_path: Path, listener: tuple[str, list[object]]
) -> None:
    """What it names is a video that could be shown: it is not; nor does anybody come to the address."""
    address, came = listener
    good = write_clip(tmp_path / "good.mp4", steady(6, Fraction(25)))
    list(open_video(good).frames())
    for named in (
        "good.mp4",
        str(good),
        good.as_uri(),
        f"concat:{good}",
        f"subfile,,start,0,end,0,,:{good}",
        address,
    ):
        path = tmp_path / f"list{ending}"
        path.write_text(LISTS[kind].format(*[named] * 2))
        for read in (open_video, read_image):
            with pytest.raises(InputError, match="list"):
                read(path)
        assert not is_clip(path) or ending in (".mp4", ".m3u8")
    assert came == []


@pytest.mark.parametrize(
    "name", ["http://127.0.0.1:{}/a.mp4", "concat:good.mp4|good.mp4", "lavfi:testsrc", "pipe:0"]
)
def test_a_name_is_never_an_address_or_a_command(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listener: tuple[str, list[object]]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "good.mp4", steady(6, Fraction(25)))
    address, came = listener
    port = address.split(":")[2].partition("/")[0]
    for read in (open_video, read_image):
        with pytest.raises(InputError, match="no such"):
            read(name.format(port))
    assert came == []


def test_a_movie_whose_pictures_lie_elsewhere_is_not_shown(tmp_path: Path) -> None:
    """QuickTime's data references: the very bytes, said to lie in another file."""
    good = write_clip(tmp_path / "good.mp4", steady(6, Fraction(25)))
    data = good.read_bytes()
    here = data.index(b"dref") - 4
    entry = b"url " + b"\x00\x00\x00\x01"
    assert entry in data[here:]
    target = f"file://{good}".encode() + b"\0"
    spoiled = data.replace(entry, b"url " + bytes(4) + target, 1)
    # Sizes of the boxes around it grow by the name.
    for box in (b"url ", b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        at = spoiled.rindex(box, 0, spoiled.index(target)) - 4
        size = int.from_bytes(spoiled[at : at + 4], "big") + len(target)
        spoiled = spoiled[:at] + size.to_bytes(4, "big") + spoiled[at + 4 :]
    path = tmp_path / "elsewhere.mp4"
    path.write_bytes(spoiled[: spoiled.index(b"mdat") - 4] + spoiled[spoiled.index(b"moov") - 4 :])
    with pytest.raises(InputError, match=r"elsewhere\.mp4"):
        list(open_video(path).frames())
