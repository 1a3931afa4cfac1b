"""Training, calibration, evaluation and export (needs the ``train`` extra).

Names are loaded when first used, so that reading a configuration needs no torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
