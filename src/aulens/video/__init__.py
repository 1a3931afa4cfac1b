"""Frames of videos, animations, folders of pictures and cameras in; videos out."""

import lazy_loader

# A picture needs none of it, and PyAV takes longer to load than a picture to analyze.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
