"""A video to files: table, events, drawn video and report, written as they come, kept through a kill."""

from aulens.record.clip import record_clip
from aulens.record.done import Recorded
from aulens.record.settings import RecordSettings

__all__ = ["RecordSettings", "Recorded", "record_clip"]
