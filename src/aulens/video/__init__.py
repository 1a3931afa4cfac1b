"""Frames of videos, animations, folders of pictures and cameras in; videos out."""

from typing import TYPE_CHECKING

from aulens import lazy

if TYPE_CHECKING:
    from aulens.video.media import VIDEO_SUFFIXES, Frame, Media, VideoInfo
    from aulens.video.reader import open_video
    from aulens.video.sequence import open_sequence
    from aulens.video.webcam import open_webcam
    from aulens.video.writer import VideoWriter

__all__ = [
    "VIDEO_SUFFIXES",
    "Frame",
    "Media",
    "VideoInfo",
    "VideoWriter",
    "open_sequence",
    "open_video",
    "open_webcam",
]

# A picture needs none of it, and PyAV takes longer to load than a picture to analyze.
__getattr__ = lazy.names(
    __name__,
    {
        "aulens.video.media": ("VIDEO_SUFFIXES", "Frame", "Media", "VideoInfo"),
        "aulens.video.reader": ("open_video",),
        "aulens.video.sequence": ("open_sequence",),
        "aulens.video.webcam": ("open_webcam",),
        "aulens.video.writer": ("VideoWriter",),
    },
)
