"""The Python examples of README and docs run as printed, each by itself, beside files as they name them."""

import ast
import builtins
import fnmatch
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pandas as pd
import pytest
from typer.main import get_command

import aulens
from aulens.cli import app
from delivered import occurrence, picture
from face_clips import SMILE, write_face
from video.made_videos import steady

NAN = float("nan")
ROOT = Path(__file__).parents[1]
ANALYSIS = ROOT / "docs" / "analysis.md"

LEFT_OUT = {"open_webcam(": "needs a camera", "aulens.cluster": "starts Ray: see tests/cluster"}
"""What an example must have in it not to be run here, and why."""


PAGES = (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))


@dataclass(frozen=True)
class Example:
    """A block of Python of a page; `name` is that of the page and the block's number on it."""

    name: str
    code: str

    @property
    def left_out(self) -> str | None:
        return next((why for word, why in LEFT_OUT.items() if word in self.code), None)


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of a page that are in a language; "" is none, as a terminal's."""
    found = re.findall(r"(?ms)^( *)```(\w*)\n(.*?)^\1```$", page.read_text(encoding="utf-8"))
    return [dedent(text) for _, called, text in found if called == language]


def examples(page: Path) -> list[Example]:
    return [Example(f"{page.stem}-{number}", code) for number, code in enumerate(blocks(page, "python"), 1)]


def commands(page: Path) -> list[str]:
    """The calls of aulens in a page's blocks."""
    lines = [line for block in blocks(page, "") for line in block.replace("\\\n", " ").splitlines()]
    calls = [call.strip() for line in lines for call in re.findall(r"(?<![^ ])aulens [^>;&#]*", line)]
    return [call for call in calls if "…" not in call]


EXAMPLES = [example for page in PAGES for example in examples(page)]
each = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


def run(*command: object, folder: Path) -> subprocess.CompletedProcess[str]:
    here = os.environ | {"PYTHONPATH": str(Path(aulens.__file__).parents[1])}
    return subprocess.run(
        [sys.executable, *map(str, command)], cwd=folder, env=here, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the examples name: pictures, videos, and the results of the command on the page about them."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "interviews").mkdir()
    write_face(folder / "talk.mp4", [start + time for start in (0, 60) for time in steady(6, 25)])
    interview = write_face(folder / "interview.mp4", steady(12, 25))
    for place in ("interviews/talk.mp4", "interviews/interview.mp4"):
        shutil.copy(interview, folder / place)
    for place in ("photo.jpg", "interviews/photo.jpg"):
        shutil.copy(SMILE, folder / place)
    occurrence(folder / "BP4D" / "AU_OCC" / "F001_T1.csv", {2440: {6: 1, 12: 1}, 2441: {}})
    picture(folder / "BP4D" / "F001" / "T1" / "2440.jpg")
    write_codes(folder / "codes.csv", "interviews/talk.mp4", dict.fromkeys(range(12), (1, 1)))
    done = run("-m", *shlex.split(commands(ANALYSIS)[0]), folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


def write_codes(path: Path, file: str, codes: dict[int, tuple[object, object]]) -> None:
    rows = [f"{file},{frame},0,{au6},{au12}\n" for frame, (au6, au12) in codes.items()]
    path.write_text("file,frame,face_id,AU6,AU12\n" + "".join(rows))


@each
def test_an_example_says_where_its_names_come_from(example: Example) -> None:
    tree = ast.parse(example.code)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    known = {alias.asname or alias.name.split(".")[0] for node in imports for alias in node.names}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    known |= {name.id for name in names if isinstance(name.ctx, ast.Store)} | set(dir(builtins))
    known |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    known |= {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    assert {name.id for name in names if isinstance(name.ctx, ast.Load)} <= known
    for node in imports:
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("aulens"):
            module = importlib.import_module(str(node.module))
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.stem)
def test_its_commands_and_their_options_are_there(page: Path) -> None:
    program: Any = get_command(app)
    for call in commands(page):
        _, *words = shlex.split(call)
        command = program
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        command.make_context("aulens", words)  # takes the words apart, and runs nothing


@pytest.mark.slow
@each
def test_an_example_runs_as_printed(example: Example, files: Path, tmp_path: Path) -> None:
    if example.left_out is not None:
        pytest.skip(example.left_out)
    folder = Path(shutil.copytree(files, tmp_path / "files"))
    (folder / "example.py").write_text(example.code, encoding="utf-8")
    done = run("example.py", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert bool(done.stdout) == ("print(" in example.code)


@pytest.mark.slow
def test_the_page_names_every_file_of_the_folder(files: Path) -> None:
    patterns = re.findall(r"(?m)^\| `([^`]+)`(?:, `[^`]+`)* \|", ANALYSIS.read_text(encoding="utf-8"))
    results = files / "results"
    paths = [path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()]
    made = {re.sub(r"^(talk|interview)\b", "NAME", path) for path in paths}
    told = {pattern: fnmatch.filter(made, pattern) for pattern in patterns}
    assert {path for some in told.values() for path in some} == made
    assert [pattern for pattern, some in told.items() if not some] == ["NAME.part"]  # of a stopped run


def write_rows(path: Path, file: str, rows: list[tuple[object, ...]]) -> None:
    """A table of a video: frame, face_id, success, AU6_c, AU12_c."""
    lines = [",".join(["" if cell is None else str(cell) for cell in (file, *row)]) for row in rows]
    path.write_text("\n".join(["file,frame,face_id,success,AU6_c,AU12_c", *lines]) + "\n")


def answers(number: int) -> dict[str, Any]:
    """What an example of the page leaves, run here."""
    known: dict[str, Any] = {}
    exec(examples(ANALYSIS)[number].code, known)
    return known


def test_smiles_are_those_counted_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (results := tmp_path / "results").mkdir()
    # Nobody, then two people; the first is lost once. Nobody in "empty"; no smile in "sad".
    talk = [
        (0, None, 0, None, None),
        (1, 0, 1, 0, 1),
        (1, 1, 1, 0, 0),
        (2, 0, 0, None, None),
        (2, 1, 1, 0, 1),
    ]
    talk += [(3, 0, 1, 1, 1), (3, 1, 1, 0, 0), (4, 0, 1, 0, 0), (4, 1, 1, 0, 0)]
    write_rows(results / "talk.csv", "a/talk.mp4", talk)
    write_rows(results / "sad.csv", "a/sad.mp4", [(0, 0, 1, 1, 0), (1, 0, 1, 1, 0)])
    write_rows(results / "empty.csv", "a/empty.mp4", [(0, None, 0, None, None)])
    heads = "file,face_id,au,onset,duration\n"
    smiles = (
        "a/talk.mp4,0,AU12,1,0.5\na/talk.mp4,0,AU12,3,0.75\na/talk.mp4,0,AU6,3,4\na/talk.mp4,1,AU12,2,2\n"
    )
    (results / "talk.events.csv").write_text(heads + smiles)
    (results / "sad.events.csv").write_text(heads + "a/sad.mp4,0,AU6,0,2\n")
    (results / "empty.events.csv").write_text(heads)
    for name in ("columns.csv", "results.csv"):
        (results / name).write_text("name,meaning\nfile,other\n")
    answers(0)
    got = pd.read_csv("smiles.csv").set_index(["file", "face_id"])
    assert got.to_dict("index") == {
        ("a/sad.mp4", 0): {
            "frames": 2,
            "smiling": 0.0,
            "smiles": 0,
            "mean_length": pytest.approx(NAN, nan_ok=True),
        },
        ("a/talk.mp4", 0): {"frames": 3, "smiling": pytest.approx(2 / 3), "smiles": 2, "mean_length": 0.625},
        ("a/talk.mp4", 1): {"frames": 4, "smiling": 0.25, "smiles": 1, "mean_length": 2.0},
    }


def test_agreement_with_own_codes_is_that_counted_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    rows = [(frame, 0, 1, 0, int(frame < 3)) for frame in range(5)] + [
        (5, 0, 0, None, None),
        (6, None, 0, None, None),
    ]
    write_rows(tmp_path / "results" / "talk.csv", "talk.mp4", rows)
    # AU12: frames 1 and 2 agree, 0 is seen in vain, 3 is missed, 4 was not coded, 5 has no face. F1 = 4 / 6.
    codes = {0: (0, 0), 1: (0, 1), 2: (0, 1), 3: ("", 1), 4: (0, ""), 5: (0, 1)}
    write_codes(tmp_path / "codes.csv", "talk.mp4", codes)
    answers(1)
    assert capsys.readouterr().out.splitlines() == [
        "1 of 6 coded frames have no face in the table",
        "AU6 4 frames, coded present in 0 F1 nan",
        "AU12 4 frames, coded present in 3 F1 0.67",
    ]
