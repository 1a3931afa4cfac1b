"""What is chosen by its name: aulens' own and what packages add, each loaded when it is asked for."""

import sys
from fractions import Fraction
from pathlib import Path

import pytest

from aulens.errors import ConfigError
from aulens.registry import Registry
from entries import install

HALF = Fraction(1, 2)
OWN = Registry("share", "tests.shares", Fraction, {"half": f"{__name__}:HALF"})


def test_own_entries_need_no_look_at_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "importlib.metadata", None)
    assert OWN["half"] is HALF
    assert "half" in OWN


def test_packages_add_entries_but_take_no_name_of_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        monkeypatch, tmp_path, "shares", {"tests.shares": "zero = fractions:_RATIONAL_FORMAT\nhalf = no:one"}
    )
    assert OWN.names() == ("half", "zero")
    assert OWN["half"] is HALF
    with pytest.raises(
        ConfigError, match=r"'zero' is no Fraction but a Pattern; mend the entry point in tests.sh"
    ):
        OWN["zero"]


@pytest.mark.parametrize(
    ("value", "said"),
    [("no_such_module:X", "No module named 'no_such_module'"), ("fractions:GONE", "has no attribute 'GONE'")],
)
def test_what_can_not_be_loaded_is_said(
    value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, tmp_path, "shares", {"tests.shares": f"third = {value}"})
    with pytest.raises(ConfigError, match=rf"The share 'third' \({value}\) can't be loaded: .*{said}"):
        OWN["third"]


@pytest.mark.parametrize("raised", ["RuntimeError('no licence')", "SystemExit(3)"])
def test_a_package_that_raises_when_it_is_imported_is_named(
    raised: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "raising_share.py").write_text(f"raise {raised}\n")
    install(monkeypatch, tmp_path, "shares", {"tests.shares": "third = raising_share:X"})
    with pytest.raises(ConfigError) as told:
        OWN["third"]
    assert str(told.value) == (
        f"The share 'third' (raising_share:X) can't be loaded: {raised}. Mend or remove its package."
    )


def test_two_packages_that_add_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, tmp_path / "1", "one", {"tests.shares": f"third = {__name__}:HALF"})
    install(monkeypatch, tmp_path / "2", "two", {"tests.shares": f"third = {__name__}:HALF"})
    assert OWN["third"] is HALF  # the same object: no matter whose
    install(monkeypatch, tmp_path / "3", "three", {"tests.shares": "third = fractions:Fraction"})
    with pytest.raises(
        ConfigError, match=r"Several packages add a share called 'third' \(.*fractions:Fraction"
    ):
        OWN["third"]


def test_no_such_name() -> None:
    with pytest.raises(ConfigError, match=r"^No share is called 'Half'; there are half\.$"):
        OWN["Half"]
