"""Each line of docs/robust.md is held by tests, which robust.toml names."""

import re
import tomllib
from pathlib import Path

TESTS = Path(__file__).parent


def test_each_line_is_held_by_a_test() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in TESTS.glob("**/test_*.py"))
    tests = set(re.findall(r"^def (test_\w+)\(", code, re.MULTILINE))
    page = (TESTS.parent / "docs" / "robust.md").read_text(encoding="utf-8")
    lines = re.findall(r"(?m)^\| (?!what is brought|---)(.+?) \|", page)
    held = {
        line: named
        for heading in tomllib.loads((TESTS / "robust.toml").read_text(encoding="utf-8")).values()
        for line, named in heading.items()
    }
    assert len(lines) > 20
    assert lines == list(held)
    assert [name for named in held.values() for name in named if name not in tests] == []
    assert all(held.values())
