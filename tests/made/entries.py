"""Entries of the registries for tests: some in place of aulens' own, and those of an installed package."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from aulens.data import registry as datasets
from aulens.data.registry import DatasetEntry
from aulens.faces import registry


def replace_detector(monkeypatch: pytest.MonkeyPatch, name: str, entry: str) -> None:
    """Let commands take `entry`, "module:object", where they are asked for a detector of aulens' own."""
    detectors = replace(registry.DETECTORS, own={**registry.DETECTORS.own, name: entry})
    monkeypatch.setattr(registry, "DETECTORS", detectors)


def replace_dataset(monkeypatch: pytest.MonkeyPatch, name: str, entry: DatasetEntry) -> None:
    """Let commands read `entry` where they are asked for a data set of aulens' own."""
    module = f"dataset_of_a_test_{name}"
    monkeypatch.setitem(sys.modules, module, SimpleNamespace(ENTRY=entry))
    own = {**datasets.DATASETS.own, name: f"{module}:ENTRY"}
    monkeypatch.setattr(datasets, "DATASETS", replace(datasets.DATASETS, own=own))


def install(monkeypatch: pytest.MonkeyPatch, site: Path, module: str, points: Mapping[str, str]) -> None:
    """Let a module of the tests be that of an installed package, here and in processes begun from here.

    Args:
        monkeypatch: takes it away again.
        site: a folder for what an installer writes of a package.
        module: its name.
        points: group of entry points → "name = module:object".
    """
    about = site / f"{module}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    lines = (f"[{group}]\n{point}\n" for group, point in points.items())
    (about / "entry_points.txt").write_text("".join(lines))
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(os.path.abspath, sys.path)))
