"""By what a later run knows that a video, and what was made of it, is the same."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import aulens
from aulens.analysis.analyzer import Analyzer
from aulens.errors import InputError
from aulens.faces.detector import described
from aulens.named import as_text
from aulens.output.settings import OutputSettings
from aulens.video.media import VideoInfo
from aulens.video.sequence import pictures_of

VIDEO: Final = ("video", "bytes", "modified")
"""What a video is known by, wherever it lies."""
_OF_PICTURES: Final = ("format", "mirrored", "max_yaw", "max_pitch", "min_quality")
"""Settings on which pictures depend."""
IF_SET: Final = ("times", "max_yaw", "max_pitch", "min_quality", "baseline", "mirrored")
"""Settings that are stored only if they are set: what earlier versions made goes on without."""

_STORED_AS: Final = {"frame_step": "every", "min_frames": "least"}
"""What receipts and parts call settings, of a baseline too, that had these names in earlier versions."""


def identity_of(info: VideoInfo, analyzer: Analyzer, settings: OutputSettings) -> dict[str, Any]:
    """All that must be the same for a run to go on, JSON-able: the video, the software, the settings."""
    return _stored(
        {
            **video_of(info.path),
            "frames": info.frames,
            "rate": None if info.rate is None else str(info.rate),
            "times": info.times,
            **asdict(settings, dict_factory=_as_stored),
        },
        analyzer,
    )


def identity_of_pictures(digest: str, analyzer: Analyzer, settings: OutputSettings) -> dict[str, Any]:
    """All that must be the same for a run of pictures, known by their digest, to be done, or to go on."""
    chosen = {name: getattr(settings, name) for name in _OF_PICTURES}
    return _stored({"pictures": digest, "overlay": settings.draws_pictures, **chosen}, analyzer)


def _as_stored(settings: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {_STORED_AS.get(name, name): value for name, value in settings}


def _stored(identity: Mapping[str, Any], analyzer: Analyzer) -> dict[str, Any]:
    stored = {
        "aulens": aulens.__version__,
        "model": analyzer.card.checksum,
        "detector": described(analyzer.detector),
    } | {name: value for name, value in identity.items() if name not in IF_SET or value not in (None, False)}
    return dict(json.loads(json.dumps(stored)))


def video_of(path: str | Path) -> dict[str, Any]:
    """`VIDEO` of a file; of a folder or pattern of pictures, of all of them. None where nothing is there."""
    path = Path(path)
    size: int | None = None
    modified: int | str | None = None
    with suppress(InputError, OSError):
        if path.is_file():
            size, modified = path.stat().st_size, path.stat().st_mtime_ns
        else:
            size, modified = _of_all(pictures_of(path))
    return {"video": as_text(path.name), "bytes": size, "modified": modified}


def differs(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """In what two identities differ, and what to do."""
    both = {name: (before.get(name), now.get(name)) for name in (*now, *IF_SET)}
    changes = ", ".join(
        f"{name} was {old!r} and is {new!r}" for name, (old, new) in both.items() if old != new
    )
    return f"{changes}. Give the same again, or leave out --resume to make all anew"


def _of_all(pictures: Iterable[Path]) -> tuple[int, str]:
    """Bytes of all, and a digest of their names, sizes and times of change."""
    size, digest = 0, hashlib.sha256()
    for picture in pictures:
        about = picture.stat()
        size += about.st_size
        digest.update(os.fsencode(f"{picture.name}\0{about.st_size}\0{about.st_mtime_ns}\0"))
    return size, digest.hexdigest()[:16]
