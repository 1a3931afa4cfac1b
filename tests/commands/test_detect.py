"""`aulens detect` as a user calls it: what is on standard output, what is not, and the exit code."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from aulens.errors import ConfigError, ModelError
from command_line import aulens
from people import astronaut, crowd, noise

pytestmark = pytest.mark.usefixtures("one_scanner", "one_detector")


def test_csv_on_standard_output_and_failures_on_standard_error(folder: Path, model: Path) -> None:
    done = aulens("detect", folder, "--model", model, "--format", "csv")
    assert done.code == 1
    table = pd.read_csv(io.StringIO(done.out))
    assert list(table.columns[:18]) == [
        "file", "frame", "time", "face_id", "success", "confidence", "box_x", "box_y", "box_w", "box_h",
        "quality", "hidden", "look", "pose_pitch", "pose_yaw", "pose_roll", "pose_distance",
        "AU1_p",
    ]  # fmt: skip
    assert table["success"].tolist() == [1, 0]
    assert table["AU12_p"].isna().tolist() == [False, True]
    assert table["AU12_p"][0] == max(table["AU12_left_p"][0], table["AU12_right_p"][0])
    assert "c.jpg: the file is empty (0 bytes)" in done.err
    assert "1 face in 1 picture, 1 picture without a face, 1 failed" in done.err


def test_json_lines(folder: Path, model: Path) -> None:
    done = aulens("detect", folder / "a.png", folder / "b.png", "--model", model, "-f", "jsonl")
    assert done.code == 0
    first, second = (json.loads(line) for line in done.out.splitlines())
    assert first["success"] == 1
    assert first["AU12_c"] in (0, 1)
    assert second == dict.fromkeys(first) | {"file": str(folder / "b.png"), "success": 0}


def test_parquet_to_a_pipe_and_to_a_folder(folder: Path, model: Path, tmp_path: Path) -> None:
    done = aulens("detect", folder / "a.png", "--model", model, "-f", "parquet")
    assert done.code == 0
    piped = pd.read_parquet(io.BytesIO(done.bytes))
    out = tmp_path / "out"
    done = aulens("detect", folder / "a.png", "--model", model, "-f", "parquet", "--out", out)
    assert done.out == ""
    pd.testing.assert_frame_equal(pd.read_parquet(out / "results.parquet"), piped)


def test_the_table_names_what_is_present(folder: Path, model: Path) -> None:
    done = aulens("detect", folder / "a.png", folder / "b.png", "--model", model)
    assert done.code == 0
    assert "AU12" in done.out
    assert "Lip Corner Puller" in done.out
    assert "AU1 " not in done.out
    assert "no face" in done.out


def test_out_and_overlay_write_everything(folder: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "results" / "deep"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    done = aulens("detect", folder, "--model", model, "--out", out, "--overlay")
    assert done.code == 1
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*")) == [
        "columns.csv", "index.html", "pictures/a.face0.jpg", "pictures/a.jpg", "pictures/b.jpg",
        "results.csv", "results.json",
    ]  # fmt: skip
    assert len(pd.read_csv(out / "results.csv")) == 2
    html = (out / "index.html").read_text()
    assert html.endswith("</html>\n")
    assert "c.jpg: the file is empty" in html
    assert str(out / "index.html") in done.err.replace("\n", "")
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet", "pyfeat"])
def test_an_earlier_table_stays_where_nothing_can_be_read(
    format: str, folder: Path, model: Path, tmp_path: Path
) -> None:
    aulens("detect", folder / "a.png", "--model", model, "--out", tmp_path / "out", "-f", format)
    before = tables(tmp_path / "out")
    done = aulens("detect", folder / "c.jpg", "--model", model, "--out", tmp_path / "out", "-f", format)
    assert done.code == 1
    assert tables(tmp_path / "out") == before


def tables(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir() if path.suffix != ".json"}


def test_pictures_of_one_name_do_not_overwrite_each_other(folder: Path, model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(folder / "b.png", other / "b.png")
    aulens("detect", folder / "b.png", other, "--model", model, "--out", tmp_path / "out", "--overlay")
    assert sorted(path.name for path in (tmp_path / "out" / "pictures").iterdir()) == ["b-2.jpg", "b.jpg"]


def test_a_second_run_does_not_take_its_own_pictures(folder: Path, model: Path) -> None:
    for _ in range(2):
        done = aulens("detect", folder, "--model", model, "--out", folder / "out", "--overlay")
        assert "1 face in 1 picture, 1 picture without a face, 1 failed" in done.err


@pytest.mark.parametrize("name", ["index.html", "results.csv"])
def test_an_input_by_the_name_of_a_result_is_kept(folder: Path, model: Path, name: str) -> None:
    path = folder / name
    path.write_text("mine")
    done = aulens("detect", path, "--model", model, "--out", folder, "--overlay")
    assert done.code == 2
    assert "would be overwritten" in str(done.error)
    assert path.read_text() == "mine"


def test_an_input_is_never_overwritten(folder: Path, model: Path) -> None:
    pictures = folder / "pictures"
    pictures.mkdir()
    kept = pictures / "a.jpg"
    Image.fromarray(astronaut()).save(kept)
    before = kept.read_bytes()
    done = aulens("detect", kept, "--model", model, "--out", folder, "--overlay")
    assert done.code == 2
    assert isinstance(done.error, ConfigError)
    assert "lies where the drawings go" in str(done.error)
    assert kept.read_bytes() == before


def test_one_bad_file_among_fifty(model: Path, tmp_path: Path) -> None:
    for i in range(50):
        Image.fromarray(noise(40, 40)).save(tmp_path / f"{i:03}.png")
    (tmp_path / "042.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    done = aulens("detect", tmp_path, "--model", model, "-f", "csv")
    assert done.code == 1
    assert len(pd.read_csv(io.StringIO(done.out))) == 49
    failures = [line for line in done.err.splitlines() if line.startswith("aulens:")]
    assert len(failures) == 1
    assert "042.png: " in failures[0]


def test_every_face_of_a_crowd_has_a_row(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "crowd.png"
    Image.fromarray(crowd(4, 5)).save(path)
    done = aulens("detect", path, "--model", model, "-f", "csv")
    table = pd.read_csv(io.StringIO(done.out))
    assert table["face_id"].tolist() == list(range(20))
    area = table["box_w"] * table["box_h"]
    assert (area.diff().dropna() < 30).all()  # cells are rounded to 0.1 pixels


def test_the_same_face_in_every_kind_of_file(model: Path, tmp_path: Path) -> None:
    """Alpha, palette, CMYK, 16 bits, an EXIF turn: the same face, at nearly the same place."""
    picture = Image.fromarray(astronaut()[:256, 96:352])
    turned = Image.Exif()
    turned[0x0112] = 6
    picture.convert("RGBA").save(tmp_path / "alpha.png")
    picture.quantize(256).save(tmp_path / "palette.png")
    picture.convert("CMYK").save(tmp_path / "cmyk.jpg")
    picture.convert("L").save(tmp_path / "grey.png")
    grey = np.asarray(picture.convert("L"))
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    picture.rotate(90, expand=True).save(tmp_path / "turned.jpg", exif=turned, quality=95)
    done = aulens("detect", tmp_path, "--model", model, "-f", "csv")
    assert done.code == 0
    table = pd.read_csv(io.StringIO(done.out))
    assert len(table) == 6
    boxes = table[["box_x", "box_y", "box_w", "box_h"]].to_numpy()
    assert np.ptp(boxes, axis=0).max() < 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["detect"], "give pictures, videos or folders"),
        (["detect", "a.png", "--format", "xml"], "xml"),
        (["detect", "a.png", "--threads", "0"], "threads"),
        (["detect", "a.png", "--overlay"], "--out DIR"),
        (["detect", "a.png", "--detector", "mediapipe"], "needs --detector-model"),
        (["detect", "a.png", "--detector", "mediapipe", "--upscale", "2"], "no use for --upscale"),
        (["detect", "a.png", "--model", "gone.onnx"], "there is no such model file"),
        (["detect", "a.png", "--landmarks", "gone.onnx"], "there is no such model file"),
        (
            ["detect", "a.png", "--detector", "dlib", "--landmarks", "a.json", "--detector-model", "b.dat"],
            "has no use here",
        ),
        (["detect", "a.png", "--backend", "abacus"], "unknown backend"),
        (["nonsense"], "No such command"),
    ],
)
def test_wrong_use_is_code_2_and_says_why(arguments: list[str], message: str, model: Path) -> None:
    if "--backend" in arguments or "--landmarks" in arguments:
        arguments = [*arguments, "--model", str(model)]
    done = aulens(*arguments)
    assert done.code == 2
    assert message in done.err + str(done.error)
    assert done.out == ""


def test_a_missing_file_and_an_empty_folder_are_named(model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = aulens("detect", tmp_path / "gone.png", tmp_path / "empty", "--model", model, "-f", "csv")
    assert done.code == 1
    assert "gone.png: there is no such file" in done.err
    assert "empty: no pictures or videos in this folder" in done.err


def test_a_file_in_place_of_the_folder(folder: Path, model: Path) -> None:
    done = aulens("detect", folder / "b.png", "--model", model, "--out", folder / "a.png")
    assert done.code == 2
    assert "is a file; give a folder" in str(done.error)


def test_main_turns_an_error_into_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    import aulens.cli as cli

    def broken() -> None:
        raise ModelError("model.onnx: cut short")

    with pytest.raises(SystemExit) as exit_:
        cli.main(broken)
    assert exit_.value.code == 2
    assert capsys.readouterr().err == "aulens: model.onnx: cut short\n"


def test_help_and_version() -> None:
    done = aulens("--help")
    assert done.code == 0
    for command in ("detect", "render", "train", "evaluate", "export"):
        assert command in done.out
        assert aulens(command, "--help").code == 0
    assert aulens("--version").out.startswith("aulens ")


def test_doubtful_faces_are_counted_and_left_out_where_that_is_asked_for(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "dark.png"
    Image.fromarray((astronaut() * 0.05).astype(np.uint8)).save(path)
    limited = ("--min-quality", 0.5)
    for out in ((), ("--out", tmp_path / "out")):
        plain = aulens("detect", path, "--model", model, "-f", "csv", *out)
        assert "1 of 1 faces is doubtful (quality below 0.5): 1 dark or blurred" in plain.err
        done = aulens("detect", path, "--model", model, "-f", "csv", *out, *limited)
        assert "1 of 1 rows with a face are left out (of a quality below 0.5)" in done.err
        assert "doubtful (quality" not in done.err
        within = aulens("detect", path, "--model", model, "-f", "csv", *out, "--min-quality", 0.01)
        assert "1 of 1 faces is doubtful (quality below 0.5): 1 dark or blurred" in within.err
        before, after = (pd.read_csv(io.StringIO(one.out)) for one in (plain, done))
        assert (before["success"][0], after["success"][0]) == (1, 0)
        assert before["AU12_p"].notna().all()
        assert after[[name for name in after if name.startswith("AU")]].isna().all(axis=None)
        about = ["face_id", "box_x", "quality", "pose_yaw"]
        pd.testing.assert_frame_equal(before[about], after[about])
    table = aulens("detect", path, "--model", model, *limited)
    assert "left out" in table.out


def test_pictures_with_other_limits_are_not_taken_for_done(model: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "a.png", tmp_path / "out"
    Image.fromarray(astronaut()).save(path)
    for least, success in ((0.1, 1), (1.0, 0)):
        aulens("detect", path, "--model", model, "--out", out, "--min-quality", least, "--resume")
        assert pd.read_csv(out / "results.csv")["success"].tolist() == [success]
        assert json.loads((out / "results.json").read_text())["identity"]["min_quality"] == least
