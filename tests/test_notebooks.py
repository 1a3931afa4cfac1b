"""The notebooks of examples/ run from the first cell to the last, and keep no output."""

import os
import re
import shutil
import sys
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
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_keeps_no_output(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [cell for cell in cells if cell.outputs or cell.execution_count] == []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of examples/notebooks, beside what it calls."""
    monkeypatch.setenv("PYTHONPATH", str(Path(aulens.__file__).parents[1]))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return Path(shutil.copytree(ROOT / "examples", tmp_path / "examples")) / "notebooks"


def executed(path: Path) -> list[str]:
    """Run it as Jupyter does; what each cell of code shows, as text."""
    notebook = read(path)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}}).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        "".join(out.get("text") or out["data"].get("text/html", "") for out in cell.outputs) for cell in cells
    ]


@pytest.mark.slow
def test_a_study_ends_in_a_table_for_a_mixed_model(folder: Path) -> None:
    executed(folder / "study.ipynb")
    study = pd.read_csv(folder / "study.csv")
    page = (ROOT / "docs" / "r.md").read_text(encoding="utf-8")
    told = re.findall(
        r"`(\w+)`", "".join(re.findall(r"(?m)^\| (`.*?) \|", page.split("## A mixed model")[1]))
    )
    assert told == list(study.columns)
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
    block = re.findall(r"(?ms)^```r\n(.*?)^```", R.read_text(encoding="utf-8"))[0]
    rows = {*re.findall(r"\brows\$(\w+)", block), *re.findall(r"\b(success|pose_\w+|quality|AU\w+)\b", block)}
    assert {"success", "pose_yaw", "quality", "file", "AU12_smooth_c", "AU12_i"} <= rows
    for name in rows - {"AU12", "participant", "condition"}:
        assert describe(name).name == name
    assert "subset(events, au ==" in block
    assert "duration ~ file" in block
    assert {"au", "duration", "file"} <= {column.name for column in event_columns()}
