"""The list of faults does not rot: each can still be put in, and the test that it turns red is there."""

import re

from mutate import SOURCE, TESTS, Fault, faults, readme_with_table

AULENS = SOURCE / "aulens"


def stands(fault: Fault) -> bool:
    path = AULENS / fault.file
    return path.is_file() and path.read_text("utf-8").count(fault.old) == 1


def has_test(fault: Fault) -> bool:
    path, *names = fault.test.split("::")
    text = (TESTS / path).read_text("utf-8") if (TESTS / path).is_file() else ""
    return bool(names) and all(re.search(rf"^ *(?:class|def) {name}\b", text, re.MULTILINE) for name in names)


def test_each_can_be_put_in_and_has_its_test() -> None:
    assert [one for one in faults() if not stands(one)] == []
    assert [one for one in faults() if one.old == one.new or "\n" in one.old + one.new] == []
    assert [one for one in faults() if not has_test(one)] == []


def test_every_room_has_one() -> None:
    rooms = {path.parent.name for path in AULENS.glob("*/__init__.py")}
    assert rooms - {one.file.partition("/")[0] for one in faults()} == set()


def test_the_readme_has_them_all() -> None:
    assert (TESTS / "README.md").read_text("utf-8") == readme_with_table()
