"""The data dictionary tells of every column, and the docs tell the same."""

from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path

import pandas as pd
import pytest

from aulens.aus import NAMES, RENDERS, AUSet
from aulens.errors import ConfigError
from aulens.tables.baseline import Baseline, above
from aulens.tables.dictionary import FILE_NAME, Column, describe, event_columns, write_dictionary
from aulens.tables.events import events
from aulens.tables.schema import AU_ENDS, EVENT_TYPES, MORE_ENDS, PICTURE, columns, dtype, face_columns
from aulens.tables.smooth import smooth
from made_tables import clip, random_table

DOCS = Path(__file__).parents[2] / "docs" / "tables.md"
TYPES = {"text": "str", "whole number": "Int64", "number": "float64", "true or false": "bool"}


def test_every_column_of_a_table_is_described() -> None:
    for name in columns(RENDERS):
        column = describe(name)
        assert column.name == name
        assert column.meaning
        assert TYPES[column.type] == dtype(name)
    for name in smooth(clip([0.5]), thresholds=0.5).columns:
        describe(name)


def test_an_aus_columns_name_it() -> None:
    assert "AU12 (Lip Corner Puller)" in describe("AU12_left_p").meaning
    assert "the person's own left" in describe("AU12_left_p").meaning
    assert describe("time").unit == "s"
    assert describe("box_w").unit == "pixels"
    assert describe("AU12_p").range == "0 to 1"


@pytest.mark.parametrize("name", ["AU12", "AU12_x", "AU3_p", "AU012_p", "smile", "AU12_p "])
def test_what_is_no_column_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="no column of a table of faces"):
        describe(name)


def test_events_are_described_in_their_order() -> None:
    described = event_columns()
    assert [column.name for column in described] == list(EVENT_TYPES)
    assert [TYPES[column.type] for column in described] == list(EVENT_TYPES.values())


def test_ranges_hold() -> None:
    """What says it is from 0 to 1 is, and what is never empty never is."""
    table = smooth(random_table(0), thresholds=0.5)
    found = {column.name: column for column in map(describe, table.columns)}
    found_events = events(table)
    for frame, described in ((table, found), (found_events, {c.name: c for c in event_columns()})):
        for name, column in described.items():
            if not column.empty:
                assert frame[name].notna().all(), name
            if column.range in {"0 to 1", "0 or 1"}:
                assert frame[name].dropna().between(0, 1).all(), name


def test_the_file_has_a_line_per_column(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    write_dictionary(path, RENDERS)
    back = pd.read_csv(path, keep_default_na=False)
    assert list(back.columns) == ["name", "meaning", "unit", "range", "type", "empty"]
    names = columns(RENDERS, named=True)
    assert tuple(back["name"][: len(names)]) == names
    assert back.iloc[0].tolist() == list(astuple(describe("file")))


def test_the_dictionary_has_whatever_a_run_may_write(tmp_path: Path) -> None:
    """Raw, smoothed, above, events in one: it does not matter which run into a folder was the last."""
    write_dictionary(tmp_path / FILE_NAME, AUSet("one", (12,)))
    names = pd.read_csv(tmp_path / FILE_NAME)["name"].tolist()
    assert len(names) == len(set(names))
    table = smooth(clip([0.5]), thresholds=0.5)
    assert set(names) == {*above(table, Baseline(min_frames=1).of(table)).columns, PICTURE, *EVENT_TYPES}
    write_dictionary(tmp_path / FILE_NAME, AUSet("one", (12,), intense=(12,)))
    more = pd.read_csv(tmp_path / FILE_NAME).set_index("name")
    assert set(more.index) - set(names) == {"AU12_i", "AU12_left_i", "AU12_right_i", "AU12_smooth_i"}
    assert more.loc["AU12_i", "unit"] == "FACS intensity"


def markdown(described: Iterable[Column]) -> str:
    """A data dictionary as a table in Markdown; of any AU, what is said of AU12."""
    heads = [field.name for field in fields(Column)]
    lines = [heads, ["---"] * len(heads)]
    lines += [[f"`{column.name}`", *astuple(column)[1:]] for column in described]
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"
    return table.replace("AU12_", "AU*_").replace(f"AU12 ({NAMES['AU12']})", "the AU")


def test_the_docs_say_the_same() -> None:
    docs = DOCS.read_text(encoding="utf-8")
    ends = [f"AU12_{end}" for end in AU_ENDS + MORE_ENDS]
    assert markdown(map(describe, (*face_columns(named=True), *ends))) in docs
    assert markdown(event_columns()) in docs
