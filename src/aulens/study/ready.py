"""From a data set as delivered to one that a study can train on: examined, then prepared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aulens.data.prepare import PrepareSettings, prepare
from aulens.data.prepared import ABOUT
from aulens.data.sources import open_dataset
from aulens.data.whole import write_json
from aulens.doctor import examine
from aulens.errors import ConfigError, DatasetError
from aulens.training.config import refuse_unknown


def make_ready(
    dataset: str,
    delivered: Path | None,
    prepared: Path | None,
    out: Path,
    settings: Mapping[str, Any],
    *,
    lists: Path | None = None,
    despite_doctor: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Path | None:
    """Examine and prepare a data set, unless that is done.

    Args:
        dataset: its name; "" = none is wanted.
        delivered: its folder, or the file of a manifest; None if it is prepared.
        prepared: a folder of `aulens prepare`; None if it is delivered.
        out: where it is prepared; what the doctor says goes beside, OUT-doctor.json.
        settings: of `PrepareSettings`, that are not its defaults.
        lists: JAA-Net's list files, to which the frames are narrowed.
        despite_doctor: go on though the data can't give the published protocol.
        say: told what happens, in a line.

    Returns:
        The prepared folder; None if none is wanted.

    Raises:
        ConfigError: it is not said where the data set is, or a setting is unknown.
        DatasetError: the doctor found errors, or the data can't be read.
    """
    if not dataset:
        if delivered or prepared:
            raise ConfigError("The study tests on its own data set, but a folder of another was given.")
        return None
    if prepared or (out / ABOUT).is_file():
        return prepared or out
    if delivered is None:
        raise ConfigError(f"Where is {dataset}? Give its folder, as delivered or prepared.")
    refuse_unknown(settings, set(PrepareSettings.__dataclass_fields__), "prepare")
    index = open_dataset(dataset, delivered, lists=lists)
    # A look-alike need not hold all of the published subjects.
    diagnosis = examine(index, whole=not index.renders)
    record = out.with_name(f"{out.name}-doctor.json")
    record.parent.mkdir(parents=True, exist_ok=True)
    write_json(record, diagnosis.to_dict())
    found = ", ".join(f"{number} {level}s" for level, number in diagnosis.counts.items())
    say(f"{dataset}: {len(index):,} coded frames; the doctor found {found} ({record}).")
    for finding in (finding for finding in diagnosis.findings if finding.level == "error"):
        say(f"  {finding.where}: {finding.message}")
    if not diagnosis.ok and not despite_doctor:
        raise DatasetError(
            f"{delivered} can't give the published protocol of {dataset}: see {record} or aulens doctor "
            f"{dataset} {delivered}. Mend the data, or go on with --despite-doctor."
        )
    result = prepare(index, out, PrepareSettings(**settings))
    say(
        f"{dataset}: {result.stored:,} of {result.frames:,} faces prepared, {result.rate:.0f} frames/s; "
        f"see {result.root}."
    )
    return out
