"""Frames of videos, animations, folders of pictures and cameras in; videos out."""

from aulens.video.media import Frame, Media, VideoInfo
from aulens.video.reader import VIDEO_SUFFIXES, open_video
from aulens.video.writer import VideoWriter

__all__ = ["VIDEO_SUFFIXES", "Frame", "Media", "VideoInfo", "VideoWriter", "open_video"]
