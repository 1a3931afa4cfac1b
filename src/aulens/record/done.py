"""What was made of one video, and how: NAME.json, beside the table."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

_FORMAT: Final = "aulens-clip/1"


@dataclass(frozen=True)
class Recorded:
    """What was made of one video.

    Attributes:
        source: path of the video, as it was given.
        identity: the video, the model and the settings, by which a later run knows that this is done.
        frames: analyzed.
        with_face: frames in which at least one face was seen.
        people: who were told apart.
        rows: of the table.
        problem: where the video ended early and why, or None.
        files: what was written, by what it is ("table", "events", "overlay", "report"), names in the folder.
        versions: of aulens and of the packages that a result depends on.
    """

    source: str
    identity: Mapping[str, Any]
    frames: int
    with_face: int
    people: int
    rows: int
    problem: str | None
    files: Mapping[str, str]
    versions: Mapping[str, str]


def write_done(path: Path, done: Recorded) -> None:
    """Write it as JSON, in one step."""
    fresh = path.with_name(f"{path.name}.new")
    text = json.dumps({"format": _FORMAT, **asdict(done)}, indent=1, ensure_ascii=False) + "\n"
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def read_done(path: Path, identity: Mapping[str, Any]) -> Recorded | None:
    """What an earlier run made of the same video with the same settings and all of whose files are there."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if found.pop("format", None) != _FORMAT or found["identity"] != json.loads(json.dumps(identity)):
        return None
    done = Recorded(**found)
    return done if all((path.parent / name).exists() for name in done.files.values()) else None
