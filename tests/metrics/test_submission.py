"""Submission files: exact text, round trip, and each fault named with file, line and what to do."""

from pathlib import Path

import numpy as np
import pytest

from aulens.aus import AFFWILD2, MISSING, AUSet
from aulens.errors import DatasetError, InputError
from aulens.metrics import (
    read_image_decisions,
    read_video_decisions,
    write_image_decisions,
    write_video_decisions,
)

TWO = AUSet("two", (1, 26))
HEADER = "AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26"
"""The header of the challenges' own files."""


def decisions(frames: int, seed: int = 0, aus: int = 12) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (frames, aus)).astype(np.int8)


class TestVideos:
    def test_exact_text(self, tmp_path: Path) -> None:
        rows = np.zeros((2, 12), bool)
        rows[1, [0, 11]] = True
        (path,) = write_video_decisions(tmp_path / "new", {"6-30-1920x1080_left": rows})
        assert path == tmp_path / "new" / "6-30-1920x1080_left.txt"
        assert path.read_bytes() == f"{HEADER}\n0{',0' * 11}\n1{',0' * 10},1\n".encode()

    def test_round_trip(self, tmp_path: Path) -> None:
        videos = {"b": decisions(5), "a": decisions(0), "c.d": decisions(3, 1)}
        write_video_decisions(tmp_path, videos)
        found = read_video_decisions(tmp_path, frames={"a": 0, "b": 5, "c.d": 3})
        assert list(found) == ["a", "b", "c.d"]
        for video, rows in found.items():
            np.testing.assert_array_equal(rows, videos[video])
            assert rows.dtype == np.int8
            assert rows.shape[1] == 12

    def test_spaces_line_ends_and_a_byte_order_mark_are_read(self, tmp_path: Path) -> None:
        (tmp_path / "v.txt").write_bytes("\ufeffAU1, AU26\r\n1, 0\r\n\r\n".encode())
        assert read_video_decisions(tmp_path, TWO)["v"].tolist() == [[1, 0]]

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("1,0\n0,1\n", r"v\.txt, line 1: the header must be 'AU1,AU26', got '1,0'; name all AUs"),
            ("AU26,AU1\n0,1\n", r"line 1: the header must be 'AU1,AU26', got 'AU26,AU1'"),
            ("", r"line 1: the header must be 'AU1,AU26', got ''"),
            ("AU1,AU26\n0,1\n0\n", r"v\.txt, line 3 has 1 values, but the header names 2; write AU1,AU26"),
            ("AU1,AU26\n0,1,1\n", r"line 2 has 3 values"),
            ("AU1,AU26\n0,2\n", r"v\.txt, line 2: AU26 must be 0 or 1, got '2'; apply the threshold"),
            ("AU1,AU26\n0,1\n0.4,1\n", r"line 3: AU1 must be 0 or 1, got '0\.4'; apply the threshold"),
            ("AU1,AU26\n-1,-1\n", r"line 2: AU1 must be 0 or 1, got '-1'; -1 is for label files"),
            ("AU1,AU26\n0,\n", r"line 2: AU26 must be 0 or 1, got ''"),
            ("AU1,AU26\n0,1\n\n0,1\n", r"v\.txt, line 3 is empty; remove it, or decide the frame"),
        ],
    )
    def test_faults_are_named(self, tmp_path: Path, text: str, complaint: str) -> None:
        (tmp_path / "v.txt").write_text(text)
        with pytest.raises(DatasetError, match=complaint):
            read_video_decisions(tmp_path, TWO)

    def test_frames_and_videos_are_counted(self, tmp_path: Path) -> None:
        write_video_decisions(tmp_path, {"a": decisions(5), "b": decisions(3)})
        with pytest.raises(
            DatasetError, match=r"b\.txt decides 3 frames, but the video has 4; write one line"
        ):
            read_video_decisions(tmp_path, frames={"a": 5, "b": 4})
        with pytest.raises(DatasetError, match="lacks 1 of 3 videos, the first is c; decide every video"):
            read_video_decisions(tmp_path, frames={"a": 5, "b": 3, "c": 1})
        with pytest.raises(DatasetError, match="has 1 videos that were not asked for, the first is b"):
            read_video_decisions(tmp_path, frames={"a": 5})

    def test_no_file_or_no_text(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match=r"nowhere holds no \.txt file; give the folder"):
            read_video_decisions(tmp_path / "nowhere")
        (tmp_path / "v.txt").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(DatasetError, match=r"v\.txt cannot be read as text"):
            read_video_decisions(tmp_path)

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "a/b",
            "..",
            "../a",
            "/a",
            " a",
            "a\\b",
            "C:a",
            "a\0",
            "a\nb",
            "a\x85b",
            "\ud800",
            7,
            None,
            b"a",
        ],
    )
    def test_names_that_are_none(self, tmp_path: Path, name: object) -> None:
        with pytest.raises(InputError, match="is no name of a video"):
            write_video_decisions(tmp_path, {"fine": decisions(1), name: decisions(1)})  # type: ignore[dict-item]
        assert not list(tmp_path.iterdir())

    def test_decisions_that_are_none(self, tmp_path: Path) -> None:
        for values, complaint in (
            (
                [[0.2, 0.9]],
                r"video 'v': decisions must be 0 or 1, got also \[0\.2, 0\.9\]; apply the threshold",
            ),
            ([[1, MISSING]], "frames without a face need a decision too"),
            ([[1, 0, 1]], "video 'v': decisions of 3 AUs, but 'two' has 2"),
            ([1, 0], r"decisions must be \(N, A\)"),
        ):
            with pytest.raises(InputError, match=complaint):
                write_video_decisions(tmp_path, {"v": values}, TWO)


class TestImages:
    def test_exact_text(self, tmp_path: Path) -> None:
        path = tmp_path / "predictions.txt"
        write_image_decisions(path, ["v/00001.jpg"], decisions(1) * 0)
        assert path.read_bytes() == f"image_location,{HEADER}\nv/00001.jpg{',0' * 12}\n".encode()

    def test_round_trip(self, tmp_path: Path) -> None:
        path, images, rows = tmp_path / "p.txt", ("v/00002.jpg", "v/00001.jpg", "w/00001.jpg"), decisions(3)
        write_image_decisions(path, images, rows, AFFWILD2)
        found, read = read_image_decisions(path, images=sorted(images))
        assert found == images
        np.testing.assert_array_equal(read, rows)

    def test_nobody(self, tmp_path: Path) -> None:
        write_image_decisions(tmp_path / "p.txt", [], decisions(0))
        images, rows = read_image_decisions(tmp_path / "p.txt")
        assert images == ()
        assert rows.shape == (0, 12)

    def test_the_shorter_header_is_read_too(self, tmp_path: Path) -> None:
        (tmp_path / "p.txt").write_text("image,AU1,AU26\nv/1.jpg,1,0\n")
        assert read_image_decisions(tmp_path / "p.txt", TWO)[1].tolist() == [[1, 0]]

    @pytest.mark.parametrize(
        ("lines", "complaint"),
        [
            (
                "v/1.jpg,0,1\nv/2.jpg,0,1\nv/1.jpg,1,1",
                r"p\.txt, line 4: image v/1\.jpg was decided in line 2",
            ),
            (
                "v/1.jpg,",
                r"p\.txt, line 2 has 2 values, but the header names 3; write image_location,AU1,AU26",
            ),
            ("v/1.jpg,0,yes", r"p\.txt, line 2: AU26 must be 0 or 1, got 'yes'"),
            (",0,1", r"line 2 names no image; begin it with VIDEO/00001\.jpg"),
        ],
    )
    def test_faults_are_named(self, tmp_path: Path, lines: str, complaint: str) -> None:
        (tmp_path / "p.txt").write_text(f"image_location,AU1,AU26\n{lines}\n")
        with pytest.raises(DatasetError, match=complaint):
            read_image_decisions(tmp_path / "p.txt", TWO)

    def test_wrong_header(self, tmp_path: Path) -> None:
        (tmp_path / "p.txt").write_text("AU1,AU26\n0,1\n")
        with pytest.raises(DatasetError, match=r"must be 'image_location,AU1,AU26', got 'AU1,AU26'"):
            read_image_decisions(tmp_path / "p.txt", TWO)

    def test_images_are_compared_with_those_asked_for(self, tmp_path: Path) -> None:
        path = tmp_path / "p.txt"
        write_image_decisions(path, ["v/1.jpg", "v/2.jpg"], decisions(2))
        with pytest.raises(DatasetError, match=r"lacks 1 of 3 images, the first is v/3\.jpg"):
            read_image_decisions(path, images=["v/1.jpg", "v/2.jpg", "v/3.jpg"])
        with pytest.raises(DatasetError, match=r"1 images that were not asked for, the first is v/2\.jpg"):
            read_image_decisions(path, images=["v/1.jpg"])

    def test_bad_input_writes_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "p.txt"
        for images, complaint in (
            (["v/1.jpg", "v/1.jpg"], "is given twice; decide each image once"),
            (["v/1.jpg", "v,1.jpg"], "cannot name an image"),
            (["v/1.jpg", ""], "cannot name an image"),
            (["v/1.jpg", "v/2\0.jpg"], "cannot name an image"),
            (["v/1.jpg", "\ud800"], "cannot name an image"),
            (["v/1.jpg", Path("v/2.jpg")], "cannot name an image; give a text"),
            (["v/1.jpg", 2], "cannot name an image"),
            (["v/1.jpg"], "1 images but decisions for 2"),
        ):
            with pytest.raises(InputError, match=complaint):
                write_image_decisions(path, images, decisions(2))
        assert not path.exists()
