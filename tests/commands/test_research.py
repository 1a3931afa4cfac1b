"""`render`, `train`, `evaluate`, `export`: options become arguments; a missing extra is said."""

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from aulens.cli import app
from aulens.commands.research import extras
from aulens.errors import ConfigError


@dataclass
class Calls:
    """Stand-ins for the library's functions, which note what they were called with."""

    seen: dict[str, tuple[tuple[Any, ...], dict[str, Any]]]

    def stand_in(self, name: str, answer: Any) -> Any:
        def function(*positional: Any, **named: Any) -> Any:
            self.seen[name] = positional, named
            return answer

        return function


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    noted = Calls({})
    report = SimpleNamespace(to_dict=lambda: {"f1": 0.7}, to_markdown=lambda: "| F1 |")
    training = ModuleType("aulens.training")
    for name, answer in {
        "load_config": "the config",
        "train": SimpleNamespace(
            epochs=3, seconds=9.0, best_epoch=2, metric="macro_roc_auc", value=0.9, run=Path("run")
        ),
        "evaluate": report,
        "export": SimpleNamespace(
            onnx=Path("m.onnx"), card=Path("m.json"), max_difference=1e-5, bytes=2_000_000
        ),
    }.items():
        setattr(training, name, noted.stand_in(name, answer))
    monkeypatch.setitem(sys.modules, "aulens.training", training)
    return noted


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def test_train(calls: Calls) -> None:
    done = run(
        "train", "--config", "a.toml", "-o", "run", "-d", "x", "-d", "y", "--set", "train.epochs=3",
        "--resume", "--backbone-weights", "w.pth",
    )  # fmt: skip
    assert done.exit_code == 0
    assert calls.seen["load_config"] == (
        (Path("a.toml"),),
        {"data": [Path("x"), Path("y")], "settings": ["train.epochs=3", 'model.backbone_weights="w.pth"']},
    )
    assert calls.seen["train"] == (("the config", Path("run")), {"resume": True})
    assert done.stdout == ""
    assert "best is epoch 2 with macro_roc_auc 0.9000" in done.stderr


def test_train_from_checkpoints(calls: Calls) -> None:
    run("train", "--config", "a.toml", "-o", "run", "--start", "1", "--stage1", 'odd "name"/run')
    assert calls.seen["load_config"][1]["settings"] == [
        'train.start="1"',
        'stage2.start="odd \\"name\\"/run"',
    ]


def test_evaluate(calls: Calls) -> None:
    assert run("evaluate", "run", "--split", "val").stdout == "| F1 |\n"
    positional, named = calls.seen["evaluate"]
    assert positional == (Path("run"), ())
    assert named == {
        "split": "val", "tests": (), "fold": None, "subjects": "*", "out": None, "threads": None,
        "bootstrap": 1000,
    }  # fmt: skip
    run("evaluate", "run", "--fold", "2", "--tests", "disfa")
    assert (calls.seen["evaluate"][1]["fold"], calls.seen["evaluate"][1]["tests"]) == (2, [Path("disfa")])
    run("evaluate", "run", "--subjects", "bp4d/F*")
    assert calls.seen["evaluate"][1]["subjects"] == "bp4d/F*"
    assert '"f1": 0.7' in run("evaluate", "run", "-f", "json").stdout


def test_export(calls: Calls) -> None:
    done = run("export", "run", "-o", "models", "--name", "mine")
    positional, named = calls.seen["export"]
    assert positional == (Path("run"), Path("models"), "mine")
    assert named["allow_uncalibrated"] is False
    assert "m.onnx (2.0 MB) and m.json" in done.stderr.replace("\n", " ")


@pytest.mark.parametrize(
    ("package", "extra", "arguments"),
    [
        ("torch", "train", ["train", "--config", "a.toml", "-o", "run"]),
        ("scipy", "train", ["train", "--config", "a.toml", "-o", "run"]),
        ("pytorch_grad_cam", "evidence", ["evaluate", "run"]),
        ("lightning", "train", ["evaluate", "run"]),
        ("onnx", "train", ["export", "run", "-o", "models"]),
    ],
)
def test_a_missing_extra_is_said(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, package: str, extra: str, arguments: list[str]
) -> None:
    def missing(*positional: Any, **named: Any) -> Any:
        raise ModuleNotFoundError(f"No module named '{package}.nn'", name=f"{package}.nn")

    monkeypatch.setattr(sys.modules["aulens.training"], arguments[0], missing)
    with pytest.raises(ConfigError, match=rf"needs {package}: pip install 'aulens\[{extra}\]'"):
        run(*arguments)


def test_rendering_without_its_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in sys.modules if name.startswith("aulens.render")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(ConfigError, match=r"pip install 'aulens\[render\]'"):
        run("render", "--out", str(tmp_path), "--n", "1")


def test_what_several_extras_bring_is_told_by_the_command_s_own() -> None:
    with pytest.raises(ConfigError, match=r"needs scipy: pip install 'aulens\[render\]'"), extras("render"):
        raise ModuleNotFoundError("No module named 'scipy'", name="scipy")


def test_our_own_missing_module_is_not_blamed_on_an_extra(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*positional: Any, **named: Any) -> Any:
        raise ModuleNotFoundError("No module named 'aulens.gone'", name="aulens.gone")

    monkeypatch.setattr(sys.modules["aulens.training"], "train", missing)
    with pytest.raises(ModuleNotFoundError):
        run("train", "--config", "a.toml", "-o", "run")


def test_render_refuses_what_was_given_only() -> None:
    with pytest.raises(ConfigError, match=r"leave out --n$"):
        run("render", "--out", "x", "--layout", "bp4d", "--n", "3")


@pytest.mark.parametrize("command", [["render", "--out", "new"], ["doctor", "bp4d", "nowhere"]])
def test_a_sheet_that_cannot_be_written_is_refused_before_the_work(
    command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"can't draw x\.webp: use a name that ends in \.png or \.jpg"):
        run(*command, "--contact-sheet", "x.webp")
    assert not list(tmp_path.iterdir())


def test_render_draws_as_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import aulens.render.generate as module

    told: list[module.RenderConfig] = []
    monkeypatch.setattr(module, "generate", lambda out, config, *rest: told.append(config) or tmp_path)
    for options in ([], ["--n", "3", "--seed", "7", "--wide", "--per-subject", "4", "--size", "64"]):
        run("render", "--out", str(tmp_path / "out"), *options)
    usual, wide = told
    assert usual == module.RenderConfig(1000)
    assert wide == module.RenderConfig(3, 7, size=64, per_subject=4, wide=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--codes", "c.csv", "--neutral"], "give --portraits too, or leave out --codes and --neutral"),
        (["--portraits", "p", "--wide"], "--wide, --joint and --per-subject are for renders"),
        (["--portraits", "p", "--per-subject", "3"], "--n is spread evenly"),
        (["--portraits", "nowhere"], "nowhere does not exist"),
        (["--layout", "bp4d", "--portraits", "p"], "leave out --portraits"),
        (["--layout", "bp4d", "--codes", "c.csv"], "leave out --codes"),
        (["--frames", "9"], "give --layout too, or leave out --frames"),
    ],
)
def test_render_refuses_options_that_do_not_go_with_portraits(
    options: list[str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        run("render", "--out", str(tmp_path / "out"), *options)
    assert not (tmp_path / "out").exists()
