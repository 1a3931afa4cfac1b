"""Pages that are made when the site is: of the README, the changelog, all commands and all public names."""

import subprocess
import sys
from pathlib import Path

import mkdocs_gen_files

import aulens

_ROOT = Path(__file__).parents[2]


def written(name: str, text: str) -> None:
    """A page of the site."""
    with mkdocs_gen_files.open(name, "w") as page:
        page.write(text)


for source, page in (("README", "index"), ("CONTRIBUTING", "contributing"), ("CHANGELOG", "changelog")):
    written(f"{page}.md", (_ROOT / f"{source}.md").read_text(encoding="utf-8"))

typer = [sys.executable, "-m", "typer", "aulens.cli", "utils", "docs", "--name", "aulens"]
commands = subprocess.run(typer, capture_output=True, text=True, encoding="utf-8", check=True).stdout
written("reference/commands.md", commands.replace("# `aulens`", "# Commands", 1))

names = [name for name in sorted(aulens.__all__) if callable(getattr(aulens, name))]
written(
    "reference/python.md",
    "# Python, name by name\n\n"
    + "\n".join(f"::: {getattr(aulens, name).__module__}.{name}\n" for name in names)
    + "\n## Errors\n\n::: aulens.errors\n    options: {show_root_heading: false, heading_level: 3}\n",
)
