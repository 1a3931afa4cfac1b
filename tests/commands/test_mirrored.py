"""Mirrored pictures and videos: with --mirrored all is as others see the person; without it sides change."""

from __future__ import annotations

import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import aulens
from aulens.app.source import probe
from aulens.app.work import picture_work
from aulens.image import read_image
from aulens.output import Here, OutputSettings, analyze_files
from aulens.tables import read_table
from command_line import aulens as called
from people import astronaut

PICTURE = Path(__file__).parents[2] / "examples" / "pictures" / "one_sided_smile.jpg"


@pytest.fixture(scope="module")
def analyzer() -> aulens.Analyzer:
    return aulens.Analyzer()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture as others see the person, and the same as a front camera keeps it; both as videos, too."""
    folder = tmp_path_factory.mktemp("mirrored")
    image = read_image(PICTURE)
    for name, pixels in (("seen", image), ("selfie", image[:, ::-1])):
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{name}.png", compress_level=1)
        write_still(folder / f"{name}.mkv", np.ascontiguousarray(pixels))
    return folder


def write_still(path: Path, image: NDArray[np.uint8]) -> None:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(
            "ffv1", rate=5, width=image.shape[1], height=image.shape[0], pix_fmt="bgr0"
        )
        for number in range(3):
            frame: Any = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="bgr0")
            frame.pts, frame.time_base = number, Fraction(1, 5)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_a_mirrored_picture_is_that_which_others_see(analyzer: aulens.Analyzer, folder: Path) -> None:
    (seen,) = analyzer(folder / "seen.png")
    turned = analyzer(folder / "selfie.png", mirrored=True)
    (face,) = turned
    assert (face.left, face.right) == (seen.left, seen.right)
    assert face.pose is not None
    assert seen.pose is not None
    assert face.pose.yaw == seen.pose.yaw
    np.testing.assert_array_equal(face.landmarks, seen.landmarks)
    (plain,) = analyzer(folder / "selfie.png")
    # A smile on one side is on the other in a mirror: this is what the option is for.
    one, other = seen.left["AU12"] - seen.right["AU12"], plain.left["AU12"] - plain.right["AU12"]
    assert abs(one) > 0.1
    assert one * other < 0
    # A notebook draws on the picture that was analyzed, also of results that were sent elsewhere.
    for result in (turned, pickle.loads(pickle.dumps(turned))):
        np.testing.assert_array_equal(result._picture(), read_image(folder / "seen.png"))


def test_frames_of_a_mirrored_video_are_turned(analyzer: aulens.Analyzer, folder: Path) -> None:
    seen, turned = (
        list(analyzer.video(folder / name, mirrored=name == "selfie.mkv"))
        for name in ("seen.mkv", "selfie.mkv")
    )
    for one, other in zip(seen, turned, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        assert [face.left for face in one.faces] == [face.left for face in other.faces]
        assert one.time == other.time
    table = analyzer.table([folder / "selfie.png", folder / "selfie.mkv"], mirrored=True)
    wanted = analyzer.table([folder / "seen.png", folder / "seen.mkv"])
    assert table.drop(columns="file").equals(wanted.drop(columns="file"))


@pytest.mark.slow
def test_detect_and_report_take_the_option_and_the_receipt_knows_it(folder: Path, tmp_path: Path) -> None:
    for name, options in (("seen", ()), ("selfie", ("--mirrored",))):
        inputs = [folder / f"{name}.png", folder / f"{name}.mkv"]
        assert called("detect", *inputs, "--out", tmp_path / name, "--report", *options).code == 0
        streamed = called("detect", *inputs[:1], "-f", "csv", *options)
        (tmp_path / f"{name}.csv").write_bytes(streamed.bytes)
    for one, other in (
        ("seen/results.csv", "selfie/results.csv"), ("seen/seen.csv", "selfie/selfie.csv"),
        ("seen.csv", "selfie.csv"),
    ):  # fmt: skip
        seen, selfie = (read_table(tmp_path / path).drop(columns="file") for path in (one, other))
        assert seen.equals(selfie)
    again = [folder / "selfie.png", folder / "selfie.mkv"]
    resumed = called("detect", *again, "--out", tmp_path / "selfie", "--report", "--resume")
    assert resumed.code != 0
    assert "mirrored was True and is None" in resumed.err + str(resumed.error)
    done = called("detect", *again, "--out", tmp_path / "selfie", "--report", "--resume", "--mirrored")
    assert done.code == 0
    refused = called("report", tmp_path / "selfie" / "selfie.csv", "--out", tmp_path / "p", "--mirrored")
    assert "--mirrored is for videos" in str(refused.error)


def test_what_was_not_mirrored_goes_on_with_earlier_receipts(
    analyzer: aulens.Analyzer, tmp_path: Path
) -> None:
    Image.fromarray(astronaut()).save(tmp_path / "a.png", compress_level=1)
    analyze_files([tmp_path / "a.png"], tmp_path / "out", OutputSettings(), executor=Here(analyzer))
    assert "mirrored" not in (tmp_path / "out" / "results.json").read_text(encoding="utf-8")


def test_the_page_turns_a_mirrored_picture_and_says_what_sides_are(
    analyzer: aulens.Analyzer, folder: Path, tmp_path: Path
) -> None:
    class Ticket:
        def report(self, *what: object) -> None: ...
        def check(self) -> None: ...

    (tmp_path / "made").mkdir()
    made: Any = picture_work(analyzer, probe(folder / "selfie.png", "selfie.png", mirrored=True))(
        tmp_path / "made", Ticket()  # type: ignore[arg-type]
    )  # fmt: skip
    (seen,) = analyzer(folder / "seen.png")
    assert made.faces[0].left == seen.left
    assert "--mirrored" in (tmp_path / "made" / "index.html").read_text(encoding="utf-8")
    assert "mirrored=True" in seen._repr_html_()
