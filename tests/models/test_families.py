"""The registry of families: what a configuration or a card asks of one is known without torch."""

import subprocess
import sys

import pytest

from aulens.errors import ConfigError
from aulens.models.family import MODELS, Family, au_family, find
from aulens.training.config import TrainConfig


def test_no_family_loads_torch() -> None:
    code = (
        "import sys\n"
        "from aulens.models.family import MODELS\n"
        "from aulens.training.config import TrainConfig\n"
        "for name in MODELS.own:\n"
        "    MODELS[name].papers(name)\n"
        "    TrainConfig(model={'variant': name}).two_stages\n"
        "assert 'torch' not in sys.modules and 'lightning' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_face_networks_find_no_action_units() -> None:
    names = [name for name in MODELS.own if TrainConfig(model={"variant": name}).for_faces]
    assert names == ["face_net", "landmark_net", "person_net"]
    for name in names:
        with pytest.raises(ConfigError, match=f"variant is '{name}'; it must be one of pooled"):
            au_family(name)
    assert type(find("roy")) is type(find(None)) is Family
    assert not TrainConfig(model={"variant": "roy"}).for_faces


@pytest.mark.parametrize(
    ("variant", "decoder", "decision_threshold"),
    [("roi_gcn", "roi", 0.0), ("heatmap", "roi", 0.5), ("pooled", "pooled", 0.0), ("jaa_gcn", "direct", 0.0)],
)
def test_how_an_exported_file_is_read(variant: str, decoder: str, decision_threshold: float) -> None:
    family = au_family(variant)
    assert (family.decoder(variant), family.decision_threshold(variant)) == (decoder, decision_threshold)
