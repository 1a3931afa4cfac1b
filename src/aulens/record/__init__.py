"""A video to files: table, events, drawn video and report, written as they come, kept through a kill."""

from typing import TYPE_CHECKING

from aulens import lazy

if TYPE_CHECKING:
    from aulens.record.clip import record_clip
    from aulens.record.done import Recorded
    from aulens.record.settings import RecordSettings

__all__ = ["RecordSettings", "Recorded", "record_clip"]

# A picture needs none of it, and a video's report needs pandas.
__getattr__ = lazy.names(
    __name__,
    {
        "aulens.record.clip": ("record_clip",),
        "aulens.record.done": ("Recorded",),
        "aulens.record.settings": ("RecordSettings",),
    },
)
