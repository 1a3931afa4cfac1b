"""Build aulens and try it as those will meet it who install it from a package index.

    make wheels                                           # all of it: hours and 15 GB on a slow line
    python release/check.py --extra core app --python 3.13

The wheel is built out of the sdist, both are held against what git knows, and the wheel is installed with
each extra alone, for each Python, in an environment that goes away once its smoke test (`release/smoke.py`)
has run. A program of a user is held against the wheel's types, and the oldest releases that pyproject.toml
admits are resolved. What could not be run is said, and is a failure: exit code 1.
Needs git, and the packages build, twine, uv and mypy beside the Python that runs it, and the package index.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
TOOLS: Final = Path(sys.executable).parent
PYTHONS: Final = ("3.11", "3.12", "3.13")
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: Final = ("core", *sorted({*PROJECT["project"]["optional-dependencies"]} - {"dev", "docs"}))
NOT_FOR: Final = {("mediapipe", "3.13")}
"""Where an extra has no wheels, which pyproject.toml says too."""

NO_WHEELS: Final = ("face-recognition-models", "grad-cam")
"""Python and data alone, which come as sdists; nothing else may need to be built."""
WHEELS_ONLY: Final = ("--only-binary", ":all:", *(f"--no-binary={name}" for name in NO_WHEELS))

NEEDED: Final = (
    "aulens/py.typed",
    "aulens/__init__.pyi",
    "aulens/weights/aulens-portraits.onnx",
    "aulens/weights/aulens-portraits.json",
    "aulens/tables/columns.toml",
    "aulens/pose/mean_face.csv",
    "aulens/show/print.mplstyle",
    "aulens/show/pages/report.html",
    "aulens/app/pages/panels.html",
    "aulens/study/published/a1.toml",
    "aulens/data/portraits/codes.csv.xz",
)
"""Some of what is no Python, by name: what .gitignore hides it hides from git's list too."""

MAX_BYTES: Final = 20_000_000
"""Of either file; the networks are 12 MB of it."""


class ReleaseError(Exception):
    """What is wrong with the release; the rest is tried all the same."""


def run(*command: object, cwd: Path = ROOT, seconds: float = 3600) -> str:
    """What a command says; ReleaseError with the end of it if it fails."""
    # No path to the tree, no settings of the user: only what the environment holds.
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "MYPY"))}
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, cwd=cwd, env=clean, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8", timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ReleaseError(f"{' '.join(words)}: not done after {seconds:.0f} s") from error
    if done.returncode:
        raise ReleaseError(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout[-2000:]}")
    return done.stdout


def build(dist: Path) -> tuple[Path, Path]:
    """The wheel and the sdist of which it was built."""
    for old in dist.glob("aulens-*"):
        old.unlink()
    run(sys.executable, "-m", "build", "--installer", "uv", "--outdir", dist)
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)
    return wheel, sdist


def tracked(*folders: str) -> set[str]:
    return {*run("git", "ls-files", "--", *folders).split("\n")} - {""}


def contents(wheel: Path, sdist: Path) -> str:
    """All that git knows is in both and nothing else, in the wheel the package alone; or ReleaseError."""
    with zipfile.ZipFile(wheel) as file:
        inside = {name for name in file.namelist() if ".dist-info/" not in name}
        licences = {name.partition("/licenses/")[2] for name in file.namelist() if "/licenses/" in name}
    due = {name.removeprefix("src/") for name in tracked("src/aulens")}
    wrong = {f"the wheel has {name}" for name in inside - due}
    wrong |= {f"the wheel lacks {name}" for name in (due | {*NEEDED}) - inside}
    wrong |= {
        f"the wheel lacks the licence {name}" for name in {*PROJECT["project"]["license-files"]} - licences
    }
    with tarfile.open(sdist) as file:
        source = {member.name.partition("/")[2] for member in file if member.isfile()}
    wrong |= {f"the sdist has {name}" for name in source - tracked() - {"PKG-INFO"}}
    wrong |= {f"the sdist lacks {name}" for name in tracked() - source}
    sizes = {path: path.stat().st_size for path in (wheel, sdist)}
    wrong |= {f"{path.name} has {size:,} bytes" for path, size in sizes.items() if size > MAX_BYTES}
    if wrong:
        raise ReleaseError("\n".join(sorted(wrong)))
    return (
        f"{wheel.name} {sizes[wheel] / 1e6:.1f} MB, {len(inside)} files; "
        f"{sdist.name} {sizes[sdist] / 1e6:.1f} MB, {len(source)} files"
    )


def requirement(wheel: Path, extra: str) -> str:
    return str(wheel) if extra == "core" else f"{wheel}[{extra}]"


def of(extra: str) -> list[str]:
    """The options that name an extra."""
    return [] if extra == "core" else ["--extra", extra]


def bytes_in(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))


class Environment:
    """An environment that lasts for a `with`."""

    def __init__(self, python: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="aulens-release-"))
        self.python = self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self._of = python

    def __enter__(self) -> "Environment":
        run(
            TOOLS / "uv",
            "venv",
            "--quiet",
            "--allow-existing",
            "--no-python-downloads",
            "--python",
            self._of,
            self.folder,
        )
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def install(self, *what: str) -> None:
        run(TOOLS / "uv", "pip", "install", "--quiet", "--python", self.python, *what)


def smoke(wheel: Path, extra: str, python: str, oldest: bool) -> str:
    """Install it and try it; what was seen, its size and time."""
    begun = time.monotonic()
    with Environment(python) as made, tempfile.TemporaryDirectory(prefix="aulens-smoke-") as work:
        if oldest:  # what the wheel asks for counts as indirect, and comes in its newest release
            made.install("-r", "pyproject.toml", *of(extra), "--resolution", "lowest-direct", *WHEELS_ONLY)
        made.install(requirement(wheel, extra), *WHEELS_ONLY)
        run(TOOLS / "uv", "pip", "check", "--python", made.python)
        size = bytes_in(made.folder)
        seen = run(
            made.python,
            "-I",
            ROOT / "release" / "smoke.py",
            extra,
            ROOT / "examples" / "pictures",
            cwd=Path(work),
        )
    return f"{size / 1e6:5.0f} MB {time.monotonic() - begun:4.0f} s  {seen.strip().splitlines()[-1]}"


def types(wheel: Path, python: str) -> str:
    """`mypy --strict` of a program of a user: the two lines of it that are wrong, and no other."""
    program = ROOT / "release" / "user.py"
    lines = program.read_text(encoding="utf-8").splitlines()
    due = [number for number, line in enumerate(lines, 1) if "# wrong:" in line]
    with Environment(python) as made, tempfile.TemporaryDirectory(prefix="aulens-types-") as work:
        made.install(str(wheel), "pandas-stubs")
        shutil.copy(program, Path(work) / "user.py")
        try:
            run(
                sys.executable,
                "-m",
                "mypy",
                "--strict",
                "--python-executable",
                made.python,
                "user.py",
                cwd=Path(work),
            )
            said = ""
        except ReleaseError as failed:
            said = str(failed)
    found = [
        int(line.split(":")[1])
        for line in said.splitlines()
        if line.startswith("user.py:") and "error" in line
    ]
    if found != due:
        raise ReleaseError(f"mypy finds something wrong on the lines {found}, and {due} are\n{said}")
    return f"mypy --strict finds the {len(due)} lines that are wrong, of {len(lines)}"


def resolved(extra: str, python: str) -> str:
    """The oldest releases that pyproject.toml admits go together: they resolve to wheels."""
    said = run(
        TOOLS / "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate",
        "--resolution", "lowest-direct", *WHEELS_ONLY, "--no-python-downloads",
        "--python-version", python, *of(extra), "pyproject.toml",
    )  # fmt: skip
    return f"{len(said.splitlines())} packages"


def attempts(
    wheel: Path, extras: list[str], pythons: list[str], oldest: bool
) -> Iterator[tuple[str, str, str]]:
    """Each check: what, what it said, what was wrong."""
    todo: list[tuple[str, Callable[[], str]]] = []
    if "core" in extras:
        todo += [(f"types, Python {python}", partial(types, wheel, python)) for python in pythons]
    for extra, python in product(extras, pythons):
        if (extra, python) not in NOT_FOR:
            todo.append((f"oldest {extra}, Python {python}", partial(resolved, extra, python)))
            todo.append((f"{extra}, Python {python}", partial(smoke, wheel, extra, python, oldest)))
    for what, check in todo:
        try:
            yield what, check(), ""
        except ReleaseError as failed:
            yield what, "", str(failed)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="where the two files are made")
    parser.add_argument(
        "--extra", nargs="*", choices=EXTRAS, default=list(EXTRAS), help="none: build and look"
    )
    parser.add_argument("--python", nargs="+", default=list(PYTHONS), help="versions")
    parser.add_argument(
        "--oldest", action="store_true", help="install the oldest admitted releases, not the newest"
    )
    given = parser.parse_args()
    try:
        wheel, sdist = build(given.dist)
        print(contents(wheel, sdist), flush=True)
    except ReleaseError as failed:
        sys.exit(str(failed))
    wrong = 0
    for what, said, fault in attempts(wheel, given.extra, given.python, given.oldest):
        print(f"{'FAILED' if fault else 'ok    '} {what:28} {fault or said}", flush=True)
        wrong += bool(fault)
    sys.exit(f"{wrong} of it failed" if wrong else 0)


if __name__ == "__main__":
    main()
