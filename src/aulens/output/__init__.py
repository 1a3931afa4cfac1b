"""Results to files, the same for command line, page, Python and cluster.

A plan names all that is made, an executor does its jobs, writers write; each result has a receipt of what was
made, of what and with what.
"""

from typing import TYPE_CHECKING

from aulens import lazy

if TYPE_CHECKING:
    from aulens.output.engine import Executor, Here, Results, analyze_files
    from aulens.output.receipt import Receipt
    from aulens.output.settings import OutputSettings
    from aulens.output.video import analyze_video

__all__ = ["Executor", "Here", "OutputSettings", "Receipt", "Results", "analyze_files", "analyze_video"]

# A picture needs none of what a video's report does, such as pandas.
__getattr__ = lazy.names(
    __name__,
    {
        "aulens.output.engine": ("Executor", "Here", "Results", "analyze_files"),
        "aulens.output.receipt": ("Receipt",),
        "aulens.output.settings": ("OutputSettings",),
        "aulens.output.video": ("analyze_video",),
    },
)
