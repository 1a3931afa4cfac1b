"""docs/design.md draws the layers as import-linter holds them."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_layers_on_the_page_are_those_that_are_held() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    held = [sorted(layer.split(" | ")) for layer in layers if layer != "__main__"]
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    block = text.partition("## Layers")[2].split("```")[1].strip().replace("cli · commands", "cli\ncommands")
    cells = (re.split(r" {2,}", line) for line in block.splitlines())
    assert [sorted(cell for cell in line if " " not in cell) for line in cells] == held
