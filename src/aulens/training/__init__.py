"""Training, calibration, evaluation and export (needs the ``train`` extra).

Names are loaded when first used, so that reading a configuration needs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from aulens.training.config import TrainConfig, load_config

if TYPE_CHECKING:
    from aulens.training.engine import TrainResult
    from aulens.training.evaluation import Evaluation, evaluate
    from aulens.training.exporter import ExportedModel, export
    from aulens.training.stages import train

_HOMES = {
    "train": "stages",
    "TrainResult": "engine",
    "evaluate": "evaluation",
    "Evaluation": "evaluation",
    "export": "exporter",
    "ExportedModel": "exporter",
}

__all__ = [
    "Evaluation",
    "ExportedModel",
    "TrainConfig",
    "TrainResult",
    "evaluate",
    "export",
    "load_config",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    return getattr(home, name)
