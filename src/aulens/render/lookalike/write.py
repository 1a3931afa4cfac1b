"""Writing a look-alike: a sequence at a time, on several processes, resumable."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from aulens.data.protocols import PROTOCOLS
from aulens.data.registry import LOOKALIKE
from aulens.errors import ConfigError
from aulens.render.dataset import Progress, Rows, Worker, begun, do_all
from aulens.render.expression import Muscles
from aulens.render.generate import load_rig
from aulens.render.lookalike.config import LookalikeConfig, cast
from aulens.render.lookalike.film import Studio
from aulens.render.lookalike.layouts import WRITERS, write_text
from aulens.render.lookalike.plan import plan

FORMAT: Final = "aulens-lookalike/1"


def write_lookalike(
    out: str | Path,
    config: LookalikeConfig,
    processes: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Render faces in the layout in which a data set is delivered; the same call goes on after a kill.

    Args:
        out: folder, made if missing. A folder begun with other settings is refused.
        config: what to write.
        processes: how many at once; all cores by default. The files are the same for any number.
        progress: called with (frames done, frames in all); what it raises ends the work.

    Returns:
        `out`, the root to give to an adapter. Its lookalike.json says what it is, "complete" at the end.

    Raises:
        ConfigError: `out` is a file, holds something else, or a look-alike made with other settings.
        DatasetError: the rig's files are missing, or a process died.
    """
    root = Path(out)
    note = begun(root, LOOKALIKE, _settings(config), ("format", "what", "complete"))
    if note is None:
        if root.is_dir() and any(root.iterdir()):
            raise ConfigError(f"{root} holds other files: a look-alike needs a new or empty folder")
        _note(root, config, complete=False)
    parts = root / ".takes"
    if not (note and note.get("complete")):
        counts = [take.frames for take in cast(config)]
        do_all(
            parts, counts, _writer, (root, config), doing="rendering", processes=processes, progress=progress
        )
        _note(root, config, complete=True)
    shutil.rmtree(parts, ignore_errors=True)
    return root


def _writer(root: Path, config: LookalikeConfig) -> Worker:
    takes = cast(config)
    studio = Studio(config, Muscles.of(load_rig(config.rig, config.assets)), plan(config, takes))

    def write(number: int) -> Rows:
        WRITERS[config.layout](root, takes[number], studio)
        return []

    return write


def _settings(config: LookalikeConfig) -> dict[str, Any]:
    given = {key: value for key, value in asdict(config).items() if key != "assets"}
    return {**given, "tasks": config.sequences, "size": config.height}


def _note(root: Path, config: LookalikeConfig, *, complete: bool) -> None:
    title = PROTOCOLS[config.layout].title
    what = f"Rendered faces in the layout of {title}, made by aulens: not {title}, and no photos."
    note = {"format": FORMAT, "what": what, **_settings(config), "complete": complete}
    write_text(root / LOOKALIKE, [json.dumps(note, indent=1)])
