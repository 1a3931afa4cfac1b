"""Models: backbones, graph reasoning, paper A's network, and the way to build, save and load them (needs
torch)."""

from aulens.models.base import AUModel
from aulens.models.builder import VARIANTS, ModelConfig, build, load_checkpoint, save_checkpoint
from aulens.models.output import AUOutput

__all__ = [
    "VARIANTS",
    "AUModel",
    "AUOutput",
    "ModelConfig",
    "build",
    "load_checkpoint",
    "save_checkpoint",
]
