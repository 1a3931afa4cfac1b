"""Models: backbones, graph reasoning, both papers' networks, and the way to build, save and load them (needs
torch)."""

from aulens.models.base import AUModel
from aulens.models.builder import build, load_checkpoint, save_checkpoint
from aulens.models.config import JAA_VARIANTS, ROI_VARIANTS, VARIANTS, JAAConfig, ModelConfig, RoiConfig
from aulens.models.output import AUOutput

__all__ = [
    "JAA_VARIANTS",
    "ROI_VARIANTS",
    "VARIANTS",
    "AUModel",
    "AUOutput",
    "JAAConfig",
    "ModelConfig",
    "RoiConfig",
    "build",
    "load_checkpoint",
    "save_checkpoint",
]
