"""A video to files: table, events, drawn video and report, written as they come, kept through a kill."""

from typing import TYPE_CHECKING

from aulens import lazy

if TYPE_CHECKING:
    from aulens.output.receipt import Receipt
    from aulens.output.settings import OutputSettings
    from aulens.output.video import analyze_video

__all__ = ["OutputSettings", "Receipt", "analyze_video"]

# A picture needs none of it, and a video's report needs pandas.
__getattr__ = lazy.names(
    __name__,
    {
        "aulens.output.video": ("analyze_video",),
        "aulens.output.receipt": ("Receipt",),
        "aulens.output.settings": ("OutputSettings",),
    },
)
