"""DISFA's videos: which labelled frames they show, and why the others are lost."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

from aulens.data.index import LostVideo, Problem
from aulens.errors import DatasetError

SHORT: Final = {"SN010": 4844}
"""A subject whose labels are known to be one line short of the others' 4,845."""


def video_frames(
    subject: str, n: int, videos: dict[str, Path], right: Collection[str], problems: list[Problem]
) -> tuple[list[str], LostVideo | None]:
    """The video for each of n labelled frames, "" beyond its end; and why frames are lost.

    Args:
        subject: "SN001".
        n: its labelled frames.
        videos: subject → the left camera's video.
        right: subjects whose right camera's video is there.
        problems: gets what is wrong.
    """
    path = videos.get(subject)
    if path is None:
        if videos:
            seen = "; the right camera's is there, the protocols use the left" if subject in right else ""
            message = f"there is no LeftVideo{subject}_comp.avi{seen}."
            problems.append(Problem("warning", "missing_video", subject, message, n))
        return [""] * n, LostVideo("", "missing_video")
    from aulens.data.frames import count_frames

    try:
        count = count_frames(path)
    except DatasetError as error:
        problems.append(Problem("error", "unreadable_video", path.name, f"{error}", n))
        return [""] * n, LostVideo(str(path), "unreadable_video")
    if count != n:
        known = subject in SHORT and n == SHORT[subject] and count == n + 1
        message = (
            f"the video has {count} frames, the labels {n} lines; they are matched from the first, "
            f"the last {abs(count - n)} {'frames have no label' if count > n else 'labels have no picture'}."
        )
        level: Final = "note" if known else "warning"
        problems.append(Problem(level, "label_length", path.name, message, abs(count - n)))
    lost = LostVideo(str(path), "video_ended") if count < n else None
    return [str(path) if t < count else "" for t in range(n)], lost
