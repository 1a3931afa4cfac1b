"""How far a run is, by what its workers keep in the shared folder."""

import json
from collections.abc import Iterable
from pathlib import Path

from aulens.output.checkpoint import CHECKPOINT


def frames_kept(out: Path, name: str) -> int:
    """Frames of a video in work that are safe in OUT/NAME.part; 0 if there is nothing."""
    try:
        return int(
            json.loads((out / f"{name}.part" / CHECKPOINT).read_text(encoding="utf-8"))["counts"]["frames"]
        )
    except (OSError, ValueError, KeyError):
        return 0


def frames_so_far(out: Path, names: Iterable[str]) -> int:
    """Frames of several videos in work that are safe; it grows in steps."""
    return sum(frames_kept(out, name) for name in names)
