"""`aulens evaluate --evidence` on painted faces, whose AUs are discs at the regions' centres."""

import json

import numpy as np
import pandas as pd
import pytest

from aulens.errors import ConfigError, DatasetError
from aulens.evidence.faithfulness import MEASURES, Faithfulness, faithfulness
from aulens.render.displacement import GRID, save_fields
from aulens.roi import centres
from command_line import aulens
from made_runs import make_run
from synthetic_faces import PAINTED, write_faces

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def painted(tmp_path_factory):
    """Painted faces with fields that say so: what moved is a disc where the AU is."""
    root = write_faces(tmp_path_factory.mktemp("painted"), subjects=20, each=4, size=80)
    table = pd.read_parquet(root / "manifest.parquet")
    y, x = (np.indices((GRID, GRID)) + 0.5) * 80 / GRID - 0.5
    for index, row in table.iterrows():
        points = np.array([[row[f"x_{k}"], row[f"y_{k}"]] for k in range(68)])
        fields = {}
        for au, spots in zip(PAINTED, centres(points, PAINTED), strict=True):
            sides = [s for s, name in enumerate(("right", "left")) if row[f"AU{au}_{name}"] > 0]
            if sides:
                fields[au] = sum(
                    np.exp(-((x - spots[s][0]) ** 2 + (y - spots[s][1]) ** 2) / 18) for s in sides
                ).astype(np.float32)
        save_fields(root, int(index), fields)
    return root


@pytest.fixture(scope="module")
def run(painted, tmp_path_factory):
    return make_run(painted, tmp_path_factory.mktemp("run") / "run", "roi_gcn_supervised")


@pytest.fixture(scope="module")
def found(run, painted, tmp_path_factory):
    out = tmp_path_factory.mktemp("evidence")
    return faithfulness(run, [painted], out=out, limit=10, progress=False), out


def test_knowing_the_regions_alone_points_right(found):
    report, _ = found
    assert report.value("region alone", "region").value == 1
    # Of an AU on one side, the other centre is as near.
    assert report.value("region alone", "moved").value > 0.5
    assert report.value("region alone", "overlap").value > 0.4
    assert report.value("random", "overlap").value < 0.3


def test_the_files_hold_what_was_measured(found):
    report, out = found
    cases = pd.read_csv(out / "evidence.csv")
    assert len(cases) == len(report.cases)
    assert set(cases["au"]) <= set(PAINTED.labels)
    assert cases.loc[cases["method"] == "own", list(MEASURES)].notna().all().all()
    told = json.loads((out / "evidence.json").read_text())
    assert list(told["methods"]) == list(report.methods)
    assert told["methods"]["own"]["overlap"]["value"] == pytest.approx(report.value("own", "overlap").value)
    # A score is the same by whichever method it is looked at; found AUs lie above their thresholds.
    assert (cases.groupby(["file", "au"])["score"].nunique() == 1).all()
    assert "| region alone | 1.000" in (out / "evidence.md").read_text()


def test_draws_are_of_the_same_people_whatever_was_found_in_them(found):
    report, _ = found
    cases = report.cases[report.cases["method"] == "random"]
    alone = cases["subject"].iloc[0]
    part = Faithfulness(report.name, cases[cases["subject"] == alone], report.people, 0.0, 0.0)
    drawn = part.draws("random", "region", 200)
    assert drawn.shape == report.draws("random", "region", 200).shape == (201,)
    # Draws that leave out the only one who shows something say nothing, about (1 - 1/n)^n of them.
    share = (1 - 1 / len(report.people)) ** len(report.people)
    assert np.isnan(drawn).mean() == pytest.approx(share, abs=0.12)


def test_wrong_questions_are_answered_in_a_sentence(run, painted):
    with pytest.raises(
        ConfigError, match="No method 'magic' for this model; it has own, regions first"
    ):
        faithfulness(run, [painted], methods=["magic"], limit=2, progress=False)


def test_without_fields_movement_is_not_known(faces, tmp_path):
    run = make_run(faces, tmp_path / "run")
    try:
        report = faithfulness(run, [faces], limit=4, methods=["own"], progress=False)
    except DatasetError as error:  # an untrained model may find nothing
        assert "no evidence" in str(error)  # noqa: PT017
        return
    assert report.cases["overlap"].isna().all()
    assert "overlap" not in report.to_markdown()


def test_the_command_measures_it_beside_the_rest(run, painted, tmp_path):
    done = aulens("evaluate", run, "--data", painted, "--out", tmp_path, "--evidence", "--bootstrap", 0)
    assert done.code == 0, done.err
    assert "# Evidence of made" in done.out
    assert {"evidence.csv", "evidence.json", "evidence.md", "report.json"} <= {
        p.name for p in tmp_path.iterdir()
    }


def test_evidence_on_other_data_is_no_part_of_a_run(run, painted):
    before = set(run.rglob("*"))
    done = aulens("evaluate", run, "--data", painted, "--evidence", "--bootstrap", 0)
    assert done.code == 0, done.err
    assert "# Evidence of made" in done.out
    assert set(run.rglob("*")) == before
