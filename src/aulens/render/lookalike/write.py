"""Writing a look-alike: a sequence at a time, on several processes, resumable."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import cv2

from aulens.data.protocols import PROTOCOLS
from aulens.data.registry import LOOKALIKE
from aulens.errors import ConfigError
from aulens.processes import in_processes
from aulens.render.expression import Muscles
from aulens.render.generate import load_rig
from aulens.render.lookalike import affwild2, bp4d, disfa
from aulens.render.lookalike.cast import Take, cast
from aulens.render.lookalike.config import LookalikeConfig
from aulens.render.lookalike.files import write_text
from aulens.render.lookalike.film import Studio
from aulens.render.lookalike.plan import plan

FORMAT: Final = "aulens-lookalike/1"

_WRITERS: Final[Mapping[str, Callable[[Path, Take, Studio], None]]] = {
    "bp4d": bp4d.write_take,
    "disfa": disfa.write_take,
    "affwild2": affwild2.write_take,
}

_worker: tuple[Path, Studio, list[Take]] | None = None


def write_lookalike(
    out: str | Path,
    config: LookalikeConfig,
    processes: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Render faces in the layout in which a data set is delivered; the same call goes on after a kill.

    Args:
        out: folder, made if missing. A folder begun with other settings is refused.
        config: what to write.
        processes: how many at once; all cores by default. The files are the same for any number. 1 = this
            process, which spares a small look-alike the start of another.
        progress: called with (frames done, frames in all); what it raises ends the work.

    Returns:
        `out`, the root to give to an adapter. Its lookalike.json says what it is, "complete" at the end.

    Raises:
        ConfigError: `out` is a file, holds something else, or a look-alike made with other settings.
        DatasetError: the rig's files are missing, or a process died.
    """
    root = Path(out)
    if _claim(root, config):
        return root
    load_rig(config.rig, config.assets)  # fail here, in plain sight, rather than in a worker
    takes = cast(config)
    total = sum(take.frames for take in takes)
    todo = [take.number for take in takes if not _mark(root, take).exists()]
    done = total - sum(takes[number].frames for number in todo)
    if progress:
        progress(done, total)
    with closing(_write_takes(root, config, todo, processes)) as finished:
        for frames in finished:
            done += frames
            if progress:
                progress(done, total)
    _note(root, config, complete=True)
    for take in takes:
        _mark(root, take).unlink()
    (root / ".takes").rmdir()
    return root


def _write_takes(
    root: Path, config: LookalikeConfig, todo: list[int], processes: int | None
) -> Generator[int, None, None]:
    """Write takes by number; yields the frames of each that is done."""
    if processes == 1:
        studio = _studio(config)
        for number in todo:
            yield _write_take(root, cast(config)[number], studio)
    else:
        settings = (str(root), config)
        pool = in_processes(todo, _work, processes, doing="rendering", start=_start, settings=settings)
        yield from (count for _, count in pool)


def _studio(config: LookalikeConfig) -> Studio:
    muscles = Muscles.of(load_rig(config.rig, config.assets))
    return Studio(config, muscles, plan(config, cast(config)))


def _start(root: str, config: LookalikeConfig) -> None:
    # A process of the pool keeps its rig: as in `generate`, this needs a module variable.
    global _worker
    cv2.setNumThreads(0)
    _worker = Path(root), _studio(config), cast(config)


def _work(number: int) -> int:
    assert _worker is not None
    root, studio, takes = _worker
    return _write_take(root, takes[number], studio)


def _write_take(root: Path, take: Take, studio: Studio) -> int:
    """Write one take and note that it is finished; returns its number of frames."""
    _WRITERS[studio.config.layout](root, take, studio)
    write_text(_mark(root, take), [])
    return take.frames


def _mark(root: Path, take: Take) -> Path:
    """The file that says that a take is finished."""
    return root / ".takes" / f"{take.number:05d}"


def _settings(config: LookalikeConfig) -> dict[str, Any]:
    given = {key: value for key, value in asdict(config).items() if key != "assets"}
    return {**given, "tasks": config.sequences, "size": config.height}


def _note(root: Path, config: LookalikeConfig, *, complete: bool) -> None:
    title = PROTOCOLS[config.layout].title
    what = f"Rendered faces in the layout of {title}, made by aulens: not {title}, and no photos."
    note = {"format": FORMAT, "what": what, **_settings(config), "complete": complete}
    write_text(root / LOOKALIKE, [json.dumps(note, indent=1)])


def _claim(root: Path, config: LookalikeConfig) -> bool:
    """Note in the folder what is written; True if it is complete already."""
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{root} is a file; give a folder to render into")
    file = root / LOOKALIKE
    if not file.exists():
        if root.is_dir() and any(root.iterdir()):
            raise ConfigError(f"{root} holds other files: a look-alike needs a new or empty folder")
        _note(root, config, complete=False)
        return False
    try:
        begun = json.loads(file.read_text())
    except json.JSONDecodeError as error:
        raise ConfigError(f"{file} is damaged ({error}): give another --out, or delete it") from error
    wanted = _settings(config)
    seen = {key: begun.get(key) for key in wanted}
    if seen != wanted:
        raise ConfigError(
            f"{root} was begun with {seen}, now asked for {wanted}: give another --out, or delete it"
        )
    return bool(begun.get("complete"))
