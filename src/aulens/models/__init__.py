"""Models: backbones, graph reasoning, both papers' networks, and the way to build, save and load them.

Names are loaded when first used: the networks need torch, their configurations and families do not.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
