"""The notebooks of examples/ run from the first cell to the last, and keep no output."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

import aulens
from aulens.tables.dictionary import describe, event_columns

ROOT = Path(__file__).parents[1]
R = ROOT / "docs" / "r.md"
R_BLOCKS = re.findall(r"(?ms)^```r\n(.*?)^```", R.read_text(encoding="utf-8"))
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_keeps_no_output(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [cell for cell in cells if cell.outputs or cell.execution_count] == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of examples/notebooks, beside what it calls."""
    place = tmp_path_factory.mktemp("notebooks")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("PYTHONPATH", str(Path(aulens.__file__).parents[1]))
        monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(place / "jupyter"))
        monkeypatch.setenv("IPYTHONDIR", str(place / "ipython"))
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        yield Path(shutil.copytree(ROOT / "examples", place / "examples")) / "notebooks"


def executed(path: Path) -> list[str]:
    """Run it as Jupyter does; what each cell of code shows, as text."""
    notebook = read(path)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}}).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        "".join(out.get("text") or out["data"].get("text/html", "") for out in cell.outputs) for cell in cells
    ]


@pytest.fixture(scope="module")
def studied(folder: Path) -> Path:
    """The folder after the notebook about a study."""
    executed(folder / "study.ipynb")
    return folder


@pytest.mark.slow
def test_a_study_ends_in_a_table_for_a_mixed_model(studied: Path) -> None:
    study = pd.read_csv(studied / "study.csv")
    table = R.read_text(encoding="utf-8").split("## A mixed model")[1]
    named = re.findall(r"`(\w+)`", "".join(re.findall(r"(?m)^\| (`.*?) \|", table)))
    assert named == list(study.columns)
    assert study["participant"].nunique() == 4
    assert (study["smiling"] <= study["counted"]).all()
    assert (study["counted"] <= study["frames"]).all()
    assert not study.duplicated(["participant", "condition", "second"]).any()
    sums = study.groupby(["participant", "condition"])[["smiling", "counted"]].sum()
    share = (sums["smiling"] / sums["counted"]).unstack()
    assert (share["funny"] > share["sad"] + 0.2).all()  # what the films show


@pytest.mark.slow
def test_own_pictures_become_a_network_that_is_tested_and_used(folder: Path) -> None:
    shown = executed(folder / "own_pictures.ipynb")
    assert "64 pictures of 4 people" in shown[-3]
    assert {path.name for path in (folder / "models").iterdir()} == {"own.json", "own.onnx"}
    assert "<img" in shown[-2]
    assert "AU12" in shown[-1]


def test_the_columns_of_r_are_there() -> None:
    """Of the first block: rows are described, but for two that it makes; events too."""
    block = R_BLOCKS[0]
    rows = {*re.findall(r"\brows\$(\w+)", block), *re.findall(r"\b(success|AU\w+)\b", block)}
    assert {"success", "file", "AU12_smooth_c", "AU12_i"} <= rows
    for name in rows - {"AU12", "participant", "condition"}:
        assert describe(name).name == name
    assert "subset(events, au ==" in block
    assert {"au", "file"} <= {column.name for column in event_columns()}


def run_r(code: str, folder: Path) -> None:
    """Run R code; skips, with a sentence, where R or a package that the code loads is not installed."""
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed (no Rscript on the PATH), so docs/r.md was not run")
    for package in re.findall(r"library\((\w+)\)", code):
        if subprocess.run(["Rscript", "-e", f"packageVersion('{package}')"], capture_output=True).returncode:
            pytest.skip(f"R's package {package} is not installed, so a block of docs/r.md was not run")
    (folder / "block.R").write_text(code, encoding="utf-8")
    done = subprocess.run(["Rscript", "block.R"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_r_counts_as_pandas_does(studied: Path) -> None:
    run_r(
        R_BLOCKS[0] + 'write.csv(shares, "shares.csv")\nwrite.csv(table(smiles$file), "smiles.csv")', studied
    )
    paths = sorted((studied / "results").glob("*.events.csv"))
    tables = [path.with_name(path.name.replace(".events.", ".")) for path in paths]
    read = ["file", "success", "AU12_smooth_c", "AU12_i"]
    rows = pd.concat(pd.read_csv(path, usecols=read) for path in tables)
    rows = rows[rows["success"] == 1]
    places = rows["file"].map(Path)
    rows["participant"] = places.map(lambda path: path.parent.name)
    rows["condition"] = places.map(lambda path: path.stem)
    by, measured = ["participant", "condition"], ["AU12_smooth_c", "AU12_i"]
    expected = rows.groupby(by)[measured].mean()
    shares = pd.read_csv(studied / "shares.csv").set_index(by)[measured]
    pd.testing.assert_frame_equal(shares.sort_index(), expected.sort_index())
    events = pd.concat(map(pd.read_csv, paths))
    smiles = events[events["au"] == "AU12"]["file"].value_counts()
    assert dict(pd.read_csv(studied / "smiles.csv")[["Var1", "Freq"]].to_numpy()) == smiles.to_dict()


@pytest.mark.slow
def test_mixed_models_find_what_the_films_show(studied: Path) -> None:
    run_r(R_BLOCKS[1] + "stopifnot(fixef(often)[2] < 0, fixef(strong)[2] < -0.5)", studied)
