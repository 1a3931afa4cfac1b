"""Frames of videos, animations, folders of pictures and cameras in; videos out."""

from aulens.video.media import Frame, Media, VideoInfo
from aulens.video.reader import VIDEO_SUFFIXES, open_video
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
