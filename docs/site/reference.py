"""Pages that are made when the site is: README, changelog, notebooks, all commands and all public names."""

import json
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


written(
    "index.md", "---\nhide: [navigation, toc]\n---\n\n" + (_ROOT / "README.md").read_text(encoding="utf-8")
)
for source in ("CONTRIBUTING", "CHANGELOG", "SECURITY"):
    written(f"{source.lower()}.md", (_ROOT / f"{source}.md").read_text(encoding="utf-8"))

for notebook in sorted((_ROOT / "examples" / "notebooks").glob("*.ipynb")):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    forms = {"code": "```python\n{}\n```", "markdown": "{}"}
    title, *rest = [forms[cell["cell_type"]].format("".join(cell["source"])) for cell in cells]
    title += f"\n\n*The notebook `{notebook.relative_to(_ROOT).as_posix()}`, without what its cells show.*"
    written(f"{notebook.stem}.md", "\n\n".join([title, *rest]) + "\n")

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
