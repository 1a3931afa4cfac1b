from pathlib import Path

import pytest

from aulens.errors import ConfigError
from aulens.training.config import TrainConfig, config_from_dict, load_config, to_toml

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "c.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[train]\nepoch = 3", r"'train\.epoch'.*Did you mean 'epochs'"),
        ("[optimizer]\nlr = 1", "'optimizer'.*Did you mean 'optimiser'"),
        ("zebra = 1", "'zebra'.*Known: augment"),
        ("[train]\nepochs = 'three'", r"train\.epochs must be of type int, got 'three'"),
        ("[train]\nepochs = true", r"train\.epochs must be of type int, got True"),
        ("[train]\nepochs = 0", "at least 1"),
        ("[optimiser]\nlr = 0", r"optimiser\.lr must be above 0"),
        ("[optimiser]\nschedule = 'stairs'", "constant, step, cosine, one_cycle; got 'stairs'"),
        ("[optimiser]\nname = 'adagrad'", "adam, adamw, sgd; got 'adagrad'"),
        ("[optimiser]\nmomentum = 1.0", r"optimiser\.momentum must be in \[0, 1\)"),
        ("[optimiser]\nmomentum = 0.0", r"above 0 with optimiser\.nesterov"),
        ("[train]\nprecision = '16-mixed'", "32-true, bf16-mixed"),
        ("[augment]\nflip = 1.5", r"augment\.flip is out of range"),
        ("[augment]\nrotation = -3", r"augment\.rotation is out of range"),
        ("[data]\nroots = 'here'", "list of strings"),
        ("train = 3", r"\[train\] must be a section"),
        ("[train]\nema = 1.0", r"train\.ema"),
        ("[train\n", "not valid TOML"),
    ],
)
def test_a_bad_config_says_what_is_wrong(tmp_path: Path, text: str, message: str):
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path, text))


def test_a_missing_file(tmp_path: Path):
    with pytest.raises(ConfigError, match="Cannot read"):
        load_config(tmp_path / "none.toml")


def test_settings_and_data_win_over_the_file(tmp_path: Path):
    path = write(tmp_path, "name = 'a'\n[data]\nroots = ['x']\n[train]\nepochs = 3")
    settings = [
        "train.epochs=5",
        "optimiser.lr=1e-3",
        "model.backbone=hrnet_w18",
        "model.aus=[1, 2]",
        "name=b",
    ]
    config = load_config(path, data=[Path("y"), Path("z")], settings=settings)
    assert config.train.epochs == 5
    assert config.optimiser.lr == 1e-3
    assert config.model["backbone"] == "hrnet_w18"
    assert config.model["aus"] == [1, 2]
    assert config.data.roots == ("y", "z")
    assert config.name == "b"


@pytest.mark.parametrize("setting", ["train.epochs", "=3", "name.x=3", "seed=-1"])
def test_a_bad_setting_is_refused(tmp_path: Path, setting: str):
    with pytest.raises(ConfigError):
        load_config(write(tmp_path, "name = 'a'"), settings=[setting])


def test_a_config_survives_toml_and_dict(tmp_path: Path):
    config = config_from_dict(
        {
            "name": 'q"ß\\',
            "model": {"aus": [1, 2], "backbone": "x"},
            "data": {"roots": ["a b", "c"]},
            "train": {"ema": 0.5},
        }
    )
    assert load_config(write(tmp_path, to_toml(config))) == config
    assert config_from_dict(config.to_dict()) == config
    assert load_config(write(tmp_path, "")) == TrainConfig()


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda p: p.stem)
def test_shipped_configs_are_valid_and_open_with_their_command(path: Path):
    from aulens.training.setup import model_config

    settings = model_config(load_config(path))
    assert settings.crop % 16 == 0
    head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert any("aulens train" in line or "python benchmarks/" in line for line in head)
    assert any("Time" in line for line in head)
    assert any("xpect" in line for line in head)


def test_unknown_model_settings_are_refused():
    from aulens.training.setup import model_config

    with pytest.raises(ConfigError, match=r"'model\.backbones'.*'backbone'"):
        model_config(config_from_dict({"model": {"backbones": "x"}}))
