"""A web page on this computer: drop in a picture or a video, see its Action Units, take the files away.

Gradio (the extra `app`) is imported in `page` and `server` only.
"""

from aulens.app.settings import AppSettings

__all__ = ["AppSettings"]
