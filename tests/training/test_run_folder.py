"""What a run folder keeps of the machine that the run was done on."""

from pathlib import Path

import pytest

from aulens.training.run_folder import provenance


def test_versions_are_those_that_python_would_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for place, name, version in (
        ("first", "torch", "1.0"),
        ("second", "torch", "2.0"),
        ("second", "opencv_python.headless", "3.0"),  # "-", "_" and "." are the same in names
    ):
        folder = tmp_path / place / f"{name.replace('.', '_')}-{version}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    monkeypatch.setattr("sys.path", [str(tmp_path / "first"), str(tmp_path / "second")])
    versions = provenance()["versions"]
    assert versions["torch"] == "1.0"
    assert versions["opencv-python-headless"] == "3.0"
    assert versions["pandas"] is None
