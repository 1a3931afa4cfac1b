"""Puts each fault of faults.toml into a copy of src, and runs its test, which must turn red.

python tests/mutate.py [WORD...]    only the faults whose file, description or test holds one of the words
python tests/mutate.py --readme     writes their table into tests/README.md

Exit code 1 if a fault survives: then its test is too weak, or asks for something else.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent
SOURCE = TESTS.parent / "src"
README = TESTS / "README.md"
HEAD = "| Fault | Where | Turns red |\n| --- | --- | --- |\n"


@dataclass(frozen=True)
class Fault:
    """One line of the source that is wrong.

    Attributes:
        what: is wrong then.
        file: below src/aulens.
        old: text within a line, which stands there once.
        new: what it becomes.
        test: a node id below tests.
    """

    what: str
    file: str
    old: str
    new: str
    test: str


def faults() -> list[Fault]:
    return [Fault(**one) for one in tomllib.loads((TESTS / "faults.toml").read_text("utf-8"))["fault"]]


def readme_with_table() -> str:
    before, head, after = README.read_text("utf-8").partition(HEAD)
    rows = (f"| {one.what} | `{one.file}` | `{one.test}` |\n" for one in faults())
    return before + head + "".join(rows) + re.sub(r"\A(?:\|.*\n)*", "", after)


def run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Bytecode of the copy would be taken for that of the next fault's file where both are of one second.
    own = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=TESTS.parent, env=own, capture_output=True, text=True, check=False)


def tested(copy: Path, *nodes: str) -> subprocess.CompletedProcess[str]:
    options = ("-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider")
    return run(copy, *options, *(f"tests/{node}" for node in nodes))


def tried(chosen: Sequence[Fault], copy: Path) -> list[Fault]:
    """Those that survive."""
    survived = []
    for fault in chosen:
        file, began = copy / "aulens" / fault.file, time.monotonic()
        file.write_text(file.read_text("utf-8").replace(fault.old, fault.new), "utf-8")
        code = tested(copy, fault.test).returncode
        shutil.copy2(SOURCE / "aulens" / fault.file, file)
        said = {0: "GREEN", 1: "red"}.get(code, f"pytest ends with {code}")
        took = f"{time.monotonic() - began:5.1f} s"
        print(f"{said:6} {took}  {fault.file}: {fault.what}  {fault.test}", flush=True)
        survived += [fault] if code != 1 else []
    return survived


def main(words: Sequence[str]) -> int:
    if strange := [word for word in words if word.startswith("-") and word != "--readme"]:
        print(__doc__)
        return 0 if strange[0] in ("-h", "--help") else 2
    if list(words) == ["--readme"]:
        README.write_text(readme_with_table(), "utf-8")
        return 0
    chosen = [one for one in faults() if not words or any(word in str(one) for word in words)]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "src"
        shutil.copytree(SOURCE, copy)
        if run(copy, "-c", f"import aulens; assert aulens.__file__.startswith({str(copy)!r})").returncode:
            sys.exit(f"tests run with another aulens than that in {copy}")
        before = tested(copy, *dict.fromkeys(one.test for one in chosen))
        if before.returncode:
            sys.exit(f"{before.stdout[-3000:]}{before.stderr[-3000:]}\ntests are red without any fault")
        survived = tried(chosen, copy)
    print(f"{len(chosen) - len(survived)} of {len(chosen)} faults turn their test red")
    return 1 if survived or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
