"""Run folders that no training made."""

from pathlib import Path

import numpy as np
import torch

from aulens.checked import checked
from aulens.files import write_json
from aulens.models import build, model_config, save_checkpoint
from aulens.training.calibration import fit
from aulens.training.config import TrainConfig, to_toml
from aulens.training.run_folder import RunFolder
from synthetic_faces import PAINTED


def make_run(root: Path, out: Path, variant: str = "roi", *, calibrated: bool = True, **data: object) -> Path:
    """A run folder of an untrained model: what evaluation and export read, without the training."""
    settings = {
        "variant": variant,
        "backbone": "hrnet_lane8",
        "aus": list(PAINTED.numbers),
        "crop": 64,
        "roi_side": 3,
    }
    torch.manual_seed(5)
    model = build(model_config(settings)).eval()
    with torch.no_grad():  # batch statistics and scales that a fold must get right
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2)
                module.weight.uniform_(0.5, 1.5)
    out.mkdir()
    run = RunFolder(out)
    raw = {"name": "made", "model": settings, "data": {"roots": [str(root)], **data}}
    run.config.write_text(to_toml(checked(TrainConfig, raw)), encoding="utf-8")
    save_checkpoint(run.best, model, model_config(settings))
    if calibrated:
        random = np.random.default_rng(0)
        labels = random.integers(0, 2, (60, 3)).astype(np.int8)
        scores = 0.3 * labels + random.normal(0, 0.3, (60, 3))
        write_json(run.calibration, fit(PAINTED, labels, scores, np.arange(60).astype(str)).to_dict())
    return out
