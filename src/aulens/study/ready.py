"""From a data set as delivered to one that a study can train on: examined, then prepared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aulens.checked import checked
from aulens.data.index import FrameIndex
from aulens.data.prepare import PrepareSettings, prepare
from aulens.data.prepared import ABOUT, read_about
from aulens.data.registry import DATASETS, open_dataset
from aulens.doctor import examine
from aulens.errors import ConfigError, DatasetError
from aulens.faces.default import MakeDetector, default_detector
from aulens.files import write_json


def make_ready(
    dataset: str,
    delivered: Path | None,
    prepared: Path | None,
    out: Path,
    settings: Mapping[str, Any],
    *,
    reader: str = "",
    lists: Path | None = None,
    despite_doctor: bool = False,
    detector: MakeDetector = default_detector,
    say: Callable[[str], None] = lambda text: None,
) -> Path | None:
    """Examine and prepare a data set, unless that is done.

    Args:
        dataset: its name; "" = none is wanted.
        delivered: its folder, or the file of a manifest; None if it is prepared. What was prepared of it
            before must be of the same frames, labels and lists, with the same settings.
        prepared: a folder of `aulens prepare`; None if it is delivered.
        out: where it is prepared; the doctor's findings go beside, OUT-doctor.json.
        settings: of `PrepareSettings`, that are not its defaults.
        reader: the name in `aulens.data.registry` that reads it; "" = its own.
        lists: JAA-Net's list files, to which the frames are narrowed.
        despite_doctor: go on though the data can't give the published protocol.
        detector: makes what finds faces where landmarks are to be detected.
        say: called with a line about each step.

    Returns:
        The prepared folder; None if none is wanted.

    Raises:
        ConfigError: it is not said where the data set is, it is another one, a setting is unknown, or it was
            prepared before with other settings or of other data.
        DatasetError: the doctor found errors, or the data can't be read.
    """
    if not dataset:
        if delivered or prepared:
            raise ConfigError("The study tests on its own data set, but a folder of another was given.")
        return None
    wanted = checked(PrepareSettings, settings, key="prepare")
    if prepared or (delivered is None and (out / ABOUT).is_file()):
        folder = prepared or out
        about = read_about(folder)
        for key, value in settings.items():
            if about.get(key) != value:
                raise ConfigError(
                    f"{folder} was prepared with {key} = {about.get(key)!r}, but [prepare] of the study says "
                    f"{value!r}. Prepare the data anew, in another folder, or change [prepare]."
                )
        return folder
    if delivered is None:
        raise ConfigError(
            f"Where is {dataset}? Give its folder: as delivered (--root, --tested-root) or "
            "prepared (--data, --tests)."
        )
    index = _open(dataset, reader or dataset, delivered, lists)
    if not (out / ABOUT).is_file():
        _ask_doctor(index, delivered, out, detector, despite_doctor, say)
    # Of a folder that is finished, this makes sure that it is of these very data.
    result = prepare(index, out, wanted, detector=detector)
    rate = f", {result.rate:.0f} frames/s" if result.done else " before"
    say(f"{dataset}: {result.stored:,} of {result.frames:,} faces prepared{rate}; see {result.root}.")
    return out


def _open(dataset: str, reader: str, delivered: Path, lists: Path | None) -> FrameIndex:
    if reader.lower() not in DATASETS:
        raise ConfigError(
            f"No data set is called {reader!r}; there are {', '.join(DATASETS.names())}. For a table of your "
            'own write reader = "manifest" in the study (for the tested data set: tested_reader).'
        )
    index = open_dataset(reader, delivered, lists=lists)
    if index.dataset != dataset:
        raise ConfigError(
            f"The study is of {dataset}, but {delivered} holds {index.dataset}. Give the other folder, or "
            f'write dataset = "{index.dataset}" and reader = "{reader}" in the study (for the '
            "tested data set: tested and tested_reader)."
        )
    return index


def _ask_doctor(
    index: FrameIndex,
    delivered: Path,
    out: Path,
    detector: MakeDetector,
    despite: bool,
    say: Callable[[str], None],
) -> None:
    # A look-alike need not hold all of the published subjects.
    diagnosis = examine(index, whole=not index.renders, detector=detector)
    record = out.with_name(f"{out.name}-doctor.json")
    record.parent.mkdir(parents=True, exist_ok=True)
    write_json(record, diagnosis.to_dict())
    found = ", ".join(f"{n} {level}{'s' * (n != 1)}" for level, n in diagnosis.counts.items())
    say(f"{index.dataset}: {len(index):,} coded frames; the doctor found {found} ({record}).")
    for finding in (finding for finding in diagnosis.findings if finding.level == "error"):
        say(f"  {finding.where}: {finding.message}")
    if not diagnosis.ok and not despite:
        raise DatasetError(
            f"{delivered} can't give the published protocol of {index.dataset}: see {record} or aulens "
            "doctor. Mend the data, or go on with --despite-doctor."
        )
