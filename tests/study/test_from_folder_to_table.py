"""From look-alike folders of all three data sets to the papers' tables: one command each, as a user does."""

from pathlib import Path

import pandas as pd
import pytest

from command_line import aulens

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SMALL = {
    "bp4d": ["train.epochs=1", "model.backbone=hrnet_lane8", "train.batch=8", "model.crop=64"],
    "disfa": ["train.epochs=1", "model.backbone=hrnet_lane8", "train.batch=8", "model.crop=64"],
    "affwild2": ["train.epochs=1", "stage2.epochs=1", "train.batch=4", "model.crop=48"],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layout", "size", "variants", "columns"),
    [
        ("bp4d", ["--tasks", 1, "--frames", 8], 4, ["JPML", "SRERL", "heatmap", "roi_gcn_supervised"]),
        ("disfa", ["--frames", 8], 2, ["DRML", "LP", "roi_gcn_supervised", "weighted"]),
        ("affwild2", ["--frames", 8], 2, ["Baseline", "jaa_net", "jaa_gcn", "0.674"]),
    ],
)
def test_one_command_gives_the_table(layout: str, size: list, variants: int, columns: list, tmp_path: Path):
    root, out = tmp_path / layout, tmp_path / "study"
    made = aulens("render", "--layout", layout, "--subjects", 6, *size, "--out", root, "--processes", 1)
    assert made.code == 0, made.err
    settings = [word for setting in SMALL[layout] for word in ("--set", setting)]
    study = CONFIGS / "studies" / f"lookalike_{layout}.toml"
    command = ["study", "run", study, "--root", root, "--out", out, "--threads", 1, *settings]
    done = aulens(*command)
    assert done.code == 0, done.err
    for text in (*columns, "can't be compared"):
        assert text in " ".join(done.out.split()), text
    # Each table is there in every format, without training again.
    for format, mark in (("markdown", "| --- |"), ("latex", "\\toprule"), ("csv", "low,high")):
        shown = aulens("study", "table", out, "--format", format)
        assert shown.code == 0
        assert mark in shown.out
    rows = pd.read_csv(out / "rows.csv")
    # One seed, of the delivered split or of three folds.
    assert len(rows) == variants * (1 if layout == "affwild2" else 3)
    assert not rows["selected_on_test"].any()
    assert (rows.groupby(["fold", "seed"], dropna=False)["frames"].nunique() == 1).all()
    before = {path: path.stat().st_mtime_ns for path in out.glob("runs/**/last.pt")}
    again = aulens(*command)
    assert again.code == 0
    assert again.out == done.out
    assert {path: path.stat().st_mtime_ns for path in out.glob("runs/**/last.pt")} == before
