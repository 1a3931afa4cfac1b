"""Look-alikes: renders in the layouts in which BP4D, DISFA and Aff-Wild2 are delivered."""

from aulens.render.lookalike.config import LAYOUTS, LookalikeConfig
from aulens.render.lookalike.write import write_lookalike

__all__ = ["LAYOUTS", "LookalikeConfig", "write_lookalike"]
