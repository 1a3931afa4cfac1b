"""Configurations of models: one class for each family, told apart by their variant."""

import numpy as np
import pytest

from aulens.aus import AFFWILD2
from aulens.errors import ConfigError
from aulens.models import JAA_VARIANTS, ROI_VARIANTS, JAAConfig, ModelConfig, RoiConfig, model_config

# The header of a checkpoint of aulens 0.1, as it was written before there was a second family.
BEFORE = {
    "alpha": 0.05, "aus": [1, 2, 12], "backbone": "mobilenetv2_100", "backbone_weights": "gone.pth",
    "background": 0.1, "channels": 96, "crop": 128, "eigen_head": "context", "eigenvectors": "aus",
    "roi_side": 5, "template": "face", "variant": "roi_gcn_supervised", "weighted": False,
}  # fmt: skip


def jaa(**settings: object) -> ModelConfig:
    return model_config({"variant": "jaa_net", "template": "face", **settings}, key="")


def test_headers_of_before_are_read() -> None:
    config = model_config(BEFORE)
    assert isinstance(config, RoiConfig)
    assert config.to_dict() == {**BEFORE, "graded": False}
    assert model_config({}) == RoiConfig()


@pytest.mark.parametrize("variant", [*ROI_VARIANTS, *JAA_VARIANTS])
def test_a_variant_finds_its_family_and_survives_a_dict(variant: str) -> None:
    config = model_config({"variant": variant, "template": "face", "aus": "disfa", "crop": 64})
    assert isinstance(config, JAAConfig if variant.startswith("jaa") else RoiConfig)
    again = model_config(config.to_dict())
    assert again.to_dict() == config.to_dict()
    assert again.au_set == config.au_set
    assert type(again) is type(config)


def test_defaults_are_paper_bs() -> None:
    config = jaa()
    assert isinstance(config, JAAConfig)
    assert config.au_set == AFFWILD2
    assert (config.weighted, config.crop, config.dice) == (True, 112, "paper")
    # Official JAA-Net: lambda_2, epsilon and the local losses weigh 1, the landmarks 0.5.
    weights = (config.dice_weight, config.dice_epsilon, config.local_weight, config.landmark_weight)
    assert weights == (1, 1, 1, 0.5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"variant": "jaa"}, "variant is 'jaa'; it must be one of pooled, .*, jaa_net, jaa_gcn"),
        ({"backbone": "hrnet_w18"}, "Unknown key 'backbone'. Known: aus, crop, dice,"),
        ({"crop": 100}, "'crop' must be a whole number, a multiple of 16 from 48 to 4096, found 100"),
        ({"crop": 32}, "'crop' must be .* from 48 to 4096, found 32"),
        ({"dice": "caffe"}, "'dice' must be one of paper, port, found 'caffe'"),
        ({"dice_epsilon": 0.0}, "'dice_epsilon' must be a number above 0 and finite, found 0.0"),
        ({"dice_weight": -1.0}, "'dice_weight' must be a number of 0 or more and finite, found -1.0"),
        ({"landmark_weight": float("nan")}, "'landmark_weight' must be .* found nan"),
        ({"local_weight": -0.1}, "'local_weight' must be .* found -0.1"),
        ({"graph_threshold": -0.1}, "'graph_threshold' must be a probability from 0 to 1, found -0.1"),
        ({"graph_threshold": 1.1}, "'graph_threshold' must be .* found 1.1"),
        (
            {"graph_normalisation": "column"},
            "'graph_normalisation' must be one of none, row, .* 'column'",
        ),
        ({"graph_nodes": "maps"}, "'graph_nodes' must be one of features, hidden, found 'maps'"),
        ({"graph_depth": 0}, "'graph_depth' must be a whole number of at least 1, found 0"),
        ({"graph_width": 0}, "'graph_width' must be .* found 0"),
        ({"aus": []}, "empty"),
        ({"aus": "bp5d"}, "bp5d"),
    ],
)
def test_settings_of_jaa_are_checked(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        jaa(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weighted": "False"}, r"'weighted' must be true or false, found 'False'"),
        ({"weighted": 1}, r"'weighted' must be true or false, found 1"),
        ({"crop": "112"}, r"'crop' must be a whole number.*, found '112'"),
        ({"crop": True}, r"'crop' must be a whole number.*, found True"),
        ({"crop": 112.0}, r"'crop' must be a whole number.*, found 112\.0"),
        ({"graph_width": 8.0}, r"'graph_width' must be a whole number.*, found 8\.0"),
        ({"graph_depth": True}, r"'graph_depth' must be a whole number.*, found True"),
        ({"aus": [1.0]}, r"'aus' must be a name or a list of whole numbers.*, found \[1\.0\]"),
        ({"aus": [True]}, r"'aus' must be .*, found \[True\]"),
        ({"aus": 12}, r"'aus' must be a name or a list.*, found 12"),
        ({"dice_weight": float("inf")}, r"'dice_weight' must be a number of 0 or more and finite, found inf"),
        ({"graph_threshold": float("nan")}, r"'graph_threshold' must be .*, found nan"),
        ({"dice_epsilon": "1"}, r"'dice_epsilon' must be a number above 0 and finite, found '1'"),
        ({"graph_matrix": 3}, r"'graph_matrix' must be text or left out, found 3"),
        ({"template": None}, r"'template' must be one of face.*, found None"),
        ({"variant": 3}, r"variant is 3; it must be one of"),
        (
            {"variant": "roi", "channels": 8.5},
            r"'channels' must be .* at least 1 or left out, found 8\.5",
        ),
        (
            {"variant": "roi", "eigenvectors": 2.0},
            r"'eigenvectors' must be 'aus' or a whole number, found 2\.0",
        ),
        ({"variant": "roi", "alpha": float("inf")}, r"'alpha' must be .*, found inf"),
    ],
)
def test_types_are_checked(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        jaa(**settings)


def test_whole_numbers_pass_for_numbers() -> None:
    config = JAAConfig(template="face", dice_weight=2, aus=np.array([2, 12]))
    assert (config.dice_weight, type(config.dice_weight)) == (2.0, float)
    assert config.aus == (2, 12)
    assert {type(number) for number in config.aus} == {int}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"variant": "roy"}, "'variant' must be one of pooled, heatmap, roi,.*, found 'roy'"),
        ({"template": "mask"}, "'template' must be .*, found 'mask'"),
        ({"eigen_head": "max"}, "'eigen_head' must be one of context, pooled.*, found 'max'"),
        ({"eigenvectors": "many"}, "'eigenvectors' must be .*, found 'many'"),
        ({"eigenvectors": 3}, "with 12 AUs needs at least 12"),
        ({"variant": "roi_gcn", "eigenvectors": 0}, "needs at least 1"),
        ({"aus": "bp5d"}, "bp5d"),
        ({"aus": (12, 12)}, "12"),
        ({"crop": 8}, "'crop' must be .*, found 8"),
        ({"roi_side": 6}, "must be odd"),
        ({"channels": 0}, "'channels' must be .* at least 1 or left out, found 0"),
        ({"alpha": -1.0}, "'alpha' must be a number of 0 or more and finite, found -1.0"),
    ],
)
def test_settings_of_paper_a_are_checked(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RoiConfig(**settings)  # type: ignore[arg-type]


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"Unknown key 'model\.croop'\. Did you mean 'crop'\?"):
        model_config({"croop": 3})
