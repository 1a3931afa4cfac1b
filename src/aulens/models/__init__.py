"""Models: backbones, graph reasoning, both papers' networks, and the way to build, save and load them.

Names are loaded when first used: the networks need torch, their configurations and families do not.
"""

from typing import TYPE_CHECKING

from aulens import lazy

if TYPE_CHECKING:
    from aulens.models.base import AUModel
    from aulens.models.builder import build, load_checkpoint, save_checkpoint
    from aulens.models.config import JAA_VARIANTS, ROI_VARIANTS, JAAConfig, ModelConfig, RoiConfig
    from aulens.models.family import MODELS, AUFamily
    from aulens.models.output import AUOutput

__all__ = [
    "JAA_VARIANTS",
    "MODELS",
    "ROI_VARIANTS",
    "AUFamily",
    "AUModel",
    "AUOutput",
    "JAAConfig",
    "ModelConfig",
    "RoiConfig",
    "build",
    "load_checkpoint",
    "save_checkpoint",
]

__getattr__ = lazy.names(
    __name__,
    {
        "aulens.models.base": ("AUModel",),
        "aulens.models.builder": ("build", "load_checkpoint", "save_checkpoint"),
        "aulens.models.config": ("JAA_VARIANTS", "ROI_VARIANTS", "JAAConfig", "ModelConfig", "RoiConfig"),
        "aulens.models.family": ("MODELS", "AUFamily"),
        "aulens.models.output": ("AUOutput",),
    },
)
