from pathlib import Path

import pytest

from aulens.checked import checked
from aulens.errors import ConfigError
from aulens.models import model_config
from aulens.training.config import TrainConfig, load_config, to_toml
from aulens.training.face_nets.networks import build_network
from aulens.training.schedule import rate
from aulens.training.stages import second_stage

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
        (
            "[train]\nepochs = 'three'",
            r"c\.toml: 'train\.epochs' must be a whole number of .* 'three'",
        ),
        ("[train]\nepochs = true", r"'train\.epochs' must be a whole number of at least 1, found True"),
        ("[train]\nepochs = 0", "at least 1, found 0"),
        ("[optimiser]\nlr = 0", r"'optimiser\.lr' must be a number above 0 and finite, found 0"),
        ("[optimiser]\nschedule = 'stairs'", "constant, step, cosine, one_cycle, found 'stairs'"),
        ("[optimiser]\nname = 'adagrad'", "adam, adamw, sgd, found 'adagrad'"),
        ("[optimiser]\nmomentum = 1.0", r"'optimiser\.momentum' must be a number in \[0, 1\), found 1"),
        ("[optimiser]\nmomentum = nan", r"'optimiser\.momentum' must be a number in \[0, 1\), found nan"),
        ("[optimiser]\nname = 'sgd'\nmomentum = 0.0", r"momentum is 0\.0, but optimiser\.nesterov needs"),
        ("[optimiser]\nlr = inf", r"'optimiser\.lr' must be a number above 0 and finite, found inf"),
        ("[optimiser]\nlr = nan", r"'optimiser\.lr' must be a number above 0 and finite, found nan"),
        ("[optimiser]\ngamma = 0.0", r"'optimiser\.gamma' must be a number above 0 and finite, found 0\.0"),
        ("[optimiser]\ngamma = inf", r"'optimiser\.gamma' must be a number above 0 and finite, found inf"),
        (
            "[optimiser]\nweight_decay = -1e-4",
            r"'optimiser\.weight_decay' must be .* 0 or more and finite, found -0",
        ),
        ("[optimiser]\nwarmup_epochs = -1", r"'optimiser\.warmup_epochs' must be a number of 0 or more"),
        (
            "[optimiser]\nclip_norm = nan",
            r"'optimiser\.clip_norm' must be .* finite, found nan",
        ),
        ("[augment]\nrotation = inf", r"'augment\.rotation' must be .* finite, found inf"),
        ("[train]\nprecision = '16-mixed'", "32-true, bf16-mixed"),
        ("[augment]\nflip = 1.5", r"'augment\.flip' must be a probability from 0 to 1, found 1\.5"),
        (
            "[augment]\nrotation = -3",
            r"'augment\.rotation' must be a number of 0 or more .* -3",
        ),
        ("[data]\nroots = 'here'", r"'data\.roots' must be a list of texts, found 'here'"),
        ("[data]\nlimit = -3", r"'data\.limit' must be a whole number of 0 or more, found -3"),
        ("train = 3", "'train' must be a table, found 3"),
        ("[train]\nema = 1.0", r"'train\.ema' must be a number in \[0, 1\), found 1"),
        ("[train\n", "not valid TOML"),
        ("", "is empty"),
    ],
)
def test_a_bad_config_says_what_is_wrong(tmp_path: Path, text: str, message: str):
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path, text))


def test_momentum_is_of_sgd_only():
    assert checked(TrainConfig, {"optimiser": {"name": "adam", "momentum": 0.0}}).optimiser.momentum == 0


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


def test_a_fault_of_a_setting_is_not_put_on_the_file(tmp_path: Path):
    with pytest.raises(
        ConfigError, match=r"^'train\.epochs' must be a whole number of at least 1, found 'abc'"
    ):
        load_config(write(tmp_path, "name = 'a'"), settings=["train.epochs=abc"])


def test_a_config_survives_toml_and_dict(tmp_path: Path):
    config = checked(
        TrainConfig,
        {
            "name": 'q"ß\\',
            "model": {"aus": [1, 2], "backbone": "x"},
            "data": {"roots": ["a b", "c"]},
            "train": {"ema": 0.5, "start": "a b.safetensors"},
        },
    )
    assert load_config(write(tmp_path, to_toml(config))) == config
    assert checked(TrainConfig, config.to_dict()) == config
    assert load_config(write(tmp_path, "# all as by default\n")) == TrainConfig()
    two = checked(TrainConfig, {"model": {"variant": "jaa_gcn"}, "stage2": {"lr": 0.5}})
    assert load_config(write(tmp_path, to_toml(two))) == checked(TrainConfig, two.to_dict()) == two


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda p: p.stem)
def test_shipped_configs_are_valid_and_open_with_their_command(path: Path):
    config = load_config(path)
    if config.for_faces:
        assert build_network(config)[1].eval()
        assert path.read_text().splitlines()[1].startswith("#   aulens train --config")
        return
    settings = model_config(config.model)
    assert settings.crop % 16 == 0
    head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert any("aulens train" in line or "python benchmarks/" in line for line in head)
    assert any("Time" in line for line in head)
    assert any("xpect" in line for line in head)


def test_paper_b_is_the_papers():
    """Section 3.2, and what the official JAA-Net code adds: batches of 16, crops of 176 out of 200."""
    config = load_config(CONFIGS / "paper_b_affwild2.toml")
    settings = model_config(config.model)
    assert (settings.variant, settings.au_set.name, settings.crop) == ("jaa_gcn", "affwild2", 112)
    assert settings.weighted
    assert (config.train.epochs, config.train.batch) == (4, 16)
    second = second_stage(config)
    assert second.train.epochs == 3
    for optimiser in (config.optimiser, second.optimiser):
        chosen = (optimiser.name, optimiser.momentum, optimiser.nesterov, optimiser.weight_decay)
        assert chosen == ("sgd", 0.9, True, 5e-4)
        assert [rate(epoch, 1, 4, optimiser) for epoch in range(4)] == pytest.approx([0.01] * 2 + [0.003] * 2)
    on = {name: value for name, value in config.to_dict()["augment"].items() if value}
    assert on == {"flip": 0.5, "shift": pytest.approx(12 / 176, abs=1e-4)}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"stage2": {"epochs": 2}}, r"\[stage2\] is for networks .* jaa_gcn is; model\.variant is None"),
        ({"model": {"variant": "jaa_net"}, "stage2": {}}, r"model\.variant is 'jaa_net'"),
        ({"model": {"variant": "jaa_gcn"}, "stage2": {"epoch": 2}}, r"'stage2\.epoch'.*'epochs'"),
        (
            {"model": {"variant": "jaa_gcn"}, "stage2": {"epochs": 0}},
            r"'stage2\.epochs' must be .* at least 1",
        ),
        (
            {"model": {"variant": "jaa_gcn"}, "stage2": {"lr": -1.0}},
            r"'stage2\.lr' must be a number above 0 .* left out",
        ),
        (
            {"model": {"variant": "jaa_gcn"}, "stage2": {"weight_decay": float("nan")}},
            r"'stage2\.weight_decay' must be a number of 0 or more and finite or left out, found nan",
        ),
        (
            {"model": {"variant": "jaa_gcn"}, "stage2": {"gamma": 0.0}},
            r"'stage2\.gamma' must be a number above 0",
        ),
        (
            {"model": {"variant": "jaa_gcn"}, "stage2": {"start": "a"}, "train": {"start": "b"}},
            "no use. Give one of them",
        ),
        (
            {"model": {"variant": "jaa_gcn"}, "stage2": {"start": 3}},
            r"'stage2\.start' must be text or left out, found 3",
        ),
    ],
)
def test_a_second_stage_is_checked(raw: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        checked(TrainConfig, raw)


def test_unknown_model_settings_are_refused():
    with pytest.raises(ConfigError, match=r"'model\.backbones'.*'backbone'"):
        model_config(checked(TrainConfig, {"model": {"backbones": "x"}}).model)
