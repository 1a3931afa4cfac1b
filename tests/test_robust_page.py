"""Each line of docs/robust.md names the tests that hold it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_each_line_is_held_by_a_test() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py"))
    tests = set(re.findall(r"^def (test_\w+)\(", code, re.MULTILINE))
    lines = (ROOT / "docs" / "robust.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith(("| kind", "| ---"))]
    assert len(rows) > 20
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row.rpartition(" | ")[2])
        assert named, row
        assert set(named) <= tests, row
