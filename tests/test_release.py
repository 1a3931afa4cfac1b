"""What is published: versions that agree, papers that are named, a workflow that does what .ci/run does."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))


def test_the_version_is_the_same_everywhere() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased, newest, *_ = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert unreleased == "Unreleased"
    version = PROJECT["project"]["version"]
    assert (newest, CITATION["version"], CITATION["preferred-citation"]["version"]) == (version,) * 3


def test_a_citation_names_both_papers_and_what_they_stand_on() -> None:
    references = CITATION["references"]
    first = {(reference["authors"][0]["family-names"], reference["year"]) for reference in references}
    assert first == {("Zhang", 2020), ("Shao", 2021), ("Zhang", 2021)}
    pages = " ".join((ROOT / "docs" / f"paper_{paper}.md").read_text(encoding="utf-8") for paper in "ab")
    words = " ".join(pages.split())
    assert [reference["title"] for reference in references if reference["title"] not in words] == [
        "JAA-Net: Joint Facial Action Unit Detection and Face Alignment via Adaptive Attention"
    ]


def steps(job: str) -> list[str]:
    return [step["run"] for step in WORKFLOW["jobs"][job]["steps"] if "run" in step]


def test_the_workflow_does_what_ci_run_does() -> None:
    job = WORKFLOW["jobs"]["all"]
    assert steps("all") == ["bash .ci/run"]
    assert not job.get("continue-on-error")
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.13"]  # the ends of what pyproject.toml admits


def test_each_target_that_is_run_is_one_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    ran = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    said = "\n".join([ran, *(step for job in WORKFLOW["jobs"] for step in steps(job))])
    targets = set(re.findall(r"^make (\w+)", said, re.MULTILINE))
    assert {"demo", "test", "docs", "check", "wheels"} <= targets
    assert {target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_actions_are_pinned_by_their_major_version() -> None:
    used = [step["uses"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "uses" in step]
    assert used
    assert [action for action in used if not re.fullmatch(r"actions/[\w-]+@v\d+", action)] == []


@pytest.fixture
def smoke(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(ROOT / "release")
    monkeypatch.delitem(sys.modules, "smoke", raising=False)
    import smoke

    yield smoke
    del sys.modules["smoke"]


def test_each_extra_has_a_smoke_test(smoke: Any) -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    assert {*smoke.SMOKES} == {"core", *extras} - {"dev", "docs"}
    needs = {extra: " ".join(extras[extra]) for extra in extras}
    bring = {extra for extra, line in needs.items() if re.search(r"\btorch>|\banny>|\baulens\[train\]", line)}
    assert bring - {"dev"} == smoke.TORCH


def test_pythons_that_are_promised_are_those_that_are_tried() -> None:
    text = (ROOT / "release" / "check.py").read_text(encoding="utf-8")
    (tried,) = re.findall(r"^PYTHONS: Final = (\(.*\))$", text, re.MULTILINE)
    promised = [
        line.rpartition(" ")[2]
        for line in PROJECT["project"]["classifiers"]
        if re.search(r":: 3\.\d+$", line)
    ]
    assert re.findall(r"3\.\d+", tried) == promised
    assert PROJECT["project"]["requires-python"] == f">={promised[0]}"
