"""What earlier runs made below a folder; it is no input of another run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aulens.inputs import walk
from aulens.named import first_bytes
from aulens.output.checkpoint import is_begun
from aulens.output.plan import PICTURES_RECEIPT
from aulens.output.receipt import CLIP, PICTURES, files_of

_RECEIPTS: Final = tuple(f'"{format}"'.encode() for format in (CLIP, PICTURES))


@dataclass(frozen=True)
class PreviousOutputs:
    """What earlier runs made.

    Attributes:
        paths: files, receipts among them, and folders with all in them.
        tables: of videos.
    """

    paths: tuple[Path, ...]
    tables: tuple[Path, ...]


def previous_outputs(top: Path) -> PreviousOutputs:
    """What earlier runs made in a folder and below it.

    That is what receipts name, and unfinished videos. A file that no receipt names is somebody's own.
    """
    paths: list[Path] = []
    tables: list[Path] = []
    for folder, folders, files in walk(top):
        begun = [name for name in folders if is_begun(folder / name)]
        paths += [folder / name for name in begun]
        folders[:] = [name for name in folders if name not in begun]
        for name in files:
            begin = first_bytes(folder / name, 64) if name.endswith(".json") else b""
            if any(mark in begin for mark in _RECEIPTS):
                made = files_of(folder / name)
                paths += [folder / name, *made.values()]
                tables += [made["table"]] if "table" in made and name != PICTURES_RECEIPT else []
    return PreviousOutputs(tuple(paths), tuple(sorted(path for path in tables if path.is_file())))
