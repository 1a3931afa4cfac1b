"""Tables that are small on disk and huge in memory, or far apart in time."""

from pathlib import Path

import numpy as np
import pytest

from aulens.errors import InputError
from aulens.tables import read_table
from aulens.tables.clip import read_clip
from aulens.tables.ranges import MAX_COLUMNS
from aulens.tables.shares import shares
from made_tables import clip


def test_more_columns_than_any_table_has_are_refused_at_once(tmp_path: Path) -> None:
    names = ["file", "frame", "time", "face_id", "success", *(f"AU{i}_p" for i in range(MAX_COLUMNS))]
    (tmp_path / "wide.csv").write_text(
        f"{','.join(names)}\n{','.join('0' for _ in names)}\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match="20,005 columns, more than the limit of 20,000"):
        read_table(tmp_path / "wide.csv")


@pytest.mark.slow
def test_a_hundred_million_rows_are_refused_by_what_the_file_says_of_itself(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    table = pyarrow.table({f"x{i}": pyarrow.nulls(10**6) for i in range(4)})
    with parquet.ParquetWriter(tmp_path / "a.parquet", table.schema) as writer:
        for _ in range(100):
            writer.write_table(table)
    assert (tmp_path / "a.parquet").stat().st_size < 1_000_000
    with pytest.raises(InputError, match="100,000,000 rows of 4 columns are more than the limit"):
        read_table(tmp_path / "a.parquet")


@pytest.mark.parametrize("gap", [1e4, 9.4608e8, 1e12])
def test_shares_of_a_clip_with_a_gap_are_those_of_its_blocks(gap: float) -> None:
    """Blocks of 20 s with nothing in them cost and change nothing; nobody is seen just before the gap."""
    rng = np.random.default_rng(5)
    share = rng.random(3000)
    share[1499] = np.nan
    times = np.arange(3000) / 5
    found = [
        shares(
            read_clip(clip(share, times=times + np.where(np.arange(3000) < 1500, 0, late)), ["AU12"]).tracks[
                0
            ]
        )
        for late in (100.0, gap)
    ]
    assert found[0].blocks == found[1].blocks == 30
    np.testing.assert_allclose(found[0].value, found[1].value, rtol=1e-3)
    np.testing.assert_allclose(found[0].low, found[1].low, rtol=1e-3)
