"""Results of runs: saved and read again, damage named, nothing half."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from study_cases import simulated

from aulens.errors import DatasetError, InputError
from aulens.study.results import RunResult


def test_what_is_read_is_what_was_saved(tmp_path: Path) -> None:
    result = replace(simulated(missing=0.1), commit="abc123", trained_on="disfa", selected_on_test=True)
    result.save(tmp_path / "a")
    again = RunResult.load(tmp_path / "a")
    for name, value in vars(result).items():
        found = getattr(again, name)
        if isinstance(value, np.ndarray):
            assert np.array_equal(found, value), name
            assert found.dtype.kind == value.dtype.kind, name
        else:
            assert found == value, name
    assert again.scores.dtype == np.float32
    assert not list((tmp_path / "a").glob(".*"))


def test_intensities_are_kept_where_there_are_any(tmp_path: Path) -> None:
    result = simulated()
    result.save(tmp_path / "without")
    assert RunResult.load(tmp_path / "without").predicted is None
    coded = np.where(result.labels == 1, np.float32(3.5), np.float32(np.nan))
    replace(result, coded=coded, predicted=coded / 2).save(tmp_path / "with")
    again = RunResult.load(tmp_path / "with")
    np.testing.assert_array_equal(again.coded, coded)
    np.testing.assert_array_equal(again.predicted, coded / 2)
    with pytest.raises(InputError, match="predicted of a result must be"):
        replace(result, predicted=coded[:3])


def test_no_result_before_the_last_file_is_there(tmp_path: Path) -> None:
    simulated(seed=1).save(tmp_path)
    second = simulated(seed=2)
    with pytest.raises(OSError, match="full"):
        FullDisk(**{field.name: getattr(second, field.name) for field in fields(second)}).save(tmp_path)
    with pytest.raises(DatasetError, match="is not finished"):
        RunResult.load(tmp_path)


class FullDisk(RunResult):
    """The disk takes the frames of it, but no more."""

    def to_dict(self) -> dict[str, object]:
        raise OSError("disk full")


def test_damage_is_named(tmp_path: Path) -> None:
    result = simulated()
    result.save(tmp_path)
    frames = (tmp_path / "result.parquet").read_bytes()
    (tmp_path / "result.parquet").write_bytes(frames[: len(frames) // 2])
    with pytest.raises(DatasetError, match=r"damaged result .* again"):
        RunResult.load(tmp_path)
    result.save(tmp_path)
    other = replace(result, **{name: getattr(result, name)[1:] for name in _ARRAYS})
    other.save(tmp_path / "other")
    (tmp_path / "result.parquet").write_bytes((tmp_path / "other" / "result.parquet").read_bytes())
    with pytest.raises(DatasetError, match=r"has \d+ frames, but result.json says"):
        RunResult.load(tmp_path)
    (tmp_path / "result.json").write_text('{"format": "other/9"}', encoding="utf-8")
    with pytest.raises(DatasetError, match=r"'other/9', expected 'aulens-result/1'"):
        RunResult.load(tmp_path)
    (tmp_path / "result.json").write_text("[]", encoding="utf-8")
    with pytest.raises(DatasetError, match="damaged"):
        RunResult.load(tmp_path)


_ARRAYS = ("subjects", "labels", "scores", "decisions", "uncalibrated")


def test_arrays_that_do_not_fit_are_refused() -> None:
    result = simulated()
    with pytest.raises(InputError, match="subjects of a result"):
        replace(result, subjects=result.subjects[1:])
    with pytest.raises(InputError, match=r"decisions of a result must be .* bool"):
        replace(result, decisions=result.decisions.astype(np.int8))
    with pytest.raises(InputError, match="9"):
        replace(result, labels=np.where(result.labels == 1, 9, result.labels).astype(np.int8))
    with pytest.raises(InputError, match="finite"):
        replace(result, scores=np.full_like(result.scores, np.nan))
