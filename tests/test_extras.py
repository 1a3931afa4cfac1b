"""What is loaded when it is needed, and the sentence where an extra brings it and is missing."""

import subprocess
import sys
from pathlib import Path

import pytest

import aulens.models
import aulens.output
import aulens.video
from aulens import extras
from aulens.errors import ConfigError
from aulens.output import OutputSettings
from aulens.show.figure import style
from aulens.tables import read_table
from command_line import aulens as command
from patch_people import write_people

pytestmark = pytest.mark.usefixtures("people_by_colour", "patches_for_faces")


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch):
    """Take a library away."""
    return lambda name: monkeypatch.setitem(sys.modules, name, None)


def test_packages_have_the_names_that_they_promise() -> None:
    for package in (aulens.models, aulens.output, aulens.video):
        assert all(getattr(package, name) is not None for name in package.__all__)
        with pytest.raises(AttributeError, match="nonsense"):
            package.nonsense  # noqa: B018


def test_a_library_that_is_broken_is_not_called_missing(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "half_there.py").write_text("import no_such_thing")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_thing"):
        extras.library("half_there", "parquet", "Tables")
    with pytest.raises(ConfigError, match=r"Tables need no_such, which is not .*'aulens\[parquet\]'"):
        extras.library("no_such.part", "parquet", "Tables")
    assert not extras.is_installed("no_such")


def test_parquet_is_refused_before_any_work(without, model: Path, tmp_path: Path) -> None:
    without("pyarrow")
    picture = tmp_path / "gone.png"
    done = command("detect", picture, "--model", model, "-f", "parquet", "--out", tmp_path / "out")
    assert done.code == 2
    assert str(done.error) == (
        "Parquet tables need pyarrow, which is not installed: pip install 'aulens[parquet]'"
    )
    assert not (tmp_path / "out").exists()
    with pytest.raises(ConfigError, match="Parquet tables need pyarrow"):
        OutputSettings("parquet")
    with pytest.raises(ConfigError, match="Parquet tables need pyarrow"):
        read_table(tmp_path / "a.parquet")


def test_a_page_needs_no_matplotlib_and_says_that_there_are_no_figures(
    without, model: Path, tmp_path: Path
) -> None:
    without("matplotlib")
    video, out = write_people(tmp_path / "talk.mp4", 10), tmp_path / "out"
    done = command("report", video, "--out", out, "--model", model)
    assert done.code == 0
    assert "no figures for print: they need matplotlib" in " ".join(done.err.split())
    assert (out / "talk.html").is_file()
    assert not (out / "talk.figures").exists()
    again = command("report", out / "talk.csv", "--out", tmp_path / "pages", "--model", model)
    assert again.code == 0
    assert "pip install 'aulens[figures]'" in again.err
    assert [path.name for path in (tmp_path / "pages").iterdir()] == ["talk.html"]
    with pytest.raises(ConfigError, match=r"need matplotlib.*'aulens\[figures\]'"), style():
        pass


def test_the_command_line_loads_no_library_that_a_picture_does_not_need() -> None:
    code = (
        "import sys, aulens.cli;"
        "heavy = {'pandas', 'av', 'matplotlib', 'pyarrow', 'dlib', 'onnxruntime', 'torch', 'scipy'};"
        "assert heavy.isdisjoint(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
