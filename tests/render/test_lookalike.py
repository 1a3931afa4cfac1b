"""Look-alikes: what is written is what the adapters read, and it is the same however it was made."""

import json
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
from scipy.io import loadmat
from typer.testing import CliRunner

import aulens.render.lookalike as lookalike_module
from aulens.aus import MISSING, PRESENT_STRENGTH
from aulens.cli import app
from aulens.data.protocols import BP4D_PROTOCOL, DISFA_PROTOCOL, PROTOCOLS
from aulens.data.registry import open_dataset
from aulens.errors import ConfigError
from aulens.render.expression import EXCLUSIVE
from aulens.render.lookalike import LookalikeConfig, write_lookalike
from aulens.render.lookalike.config import cast
from aulens.render.lookalike.film import Studio, perform
from aulens.render.lookalike.layouts import intensity_code, write_bp4d, write_cells, write_disfa, write_matrix
from aulens.render.lookalike.plan import Moments, base_rates, plan
from aulens.render.scene import Picture

FRAMES = 8


def planned(layout, subjects, frames=24):
    config = LookalikeConfig(layout, subjects, frames=frames)
    takes = cast(config)
    return takes, plan(config, takes)


def folder(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def write_all(writer, root, muscles, config, grey):
    takes = cast(config)
    for take in takes:
        writer(root, take, Studio(config, muscles, plan(config, takes), grey))


# Who and when


@pytest.mark.parametrize("protocol", [BP4D_PROTOCOL, DISFA_PROTOCOL])
def test_subjects_are_published_ones_spread_over_the_parts(protocol):
    everybody = sum(map(len, protocol.parts.values()))
    for count in (3, 6, everybody):
        takes = cast(LookalikeConfig(protocol.name, count))
        subjects = {take.subject: take.part for take in takes}
        assert len(subjects) == count == len({take.person for take in takes})
        assert all(protocol.part_of(subject) == part for subject, part in subjects.items())
        of_part = [list(subjects.values()).count(part) for part in protocol.parts]
        assert max(of_part) - min(of_part) <= 1


def test_more_subjects_leave_the_first_as_they_are():
    (few, plans), (many, more) = planned("bp4d", 3), planned("bp4d", 7)
    assert few == many[: len(few)]
    for one, other in zip(plans, more, strict=False):
        assert np.array_equal(one.shown, other.shown)
        assert np.array_equal(one.starts, other.starts)


@pytest.mark.parametrize(
    "layout", ["bp4d", *(pytest.param(layout, marks=pytest.mark.slow) for layout in ("disfa", "affwild2"))]
)
def test_base_rates_are_kept_in_every_part(layout):
    takes, plans = planned(layout, 24, frames=60)
    rates = np.array(list(base_rates(layout).values()))
    for part in {take.part for take in takes}:
        shown = np.concatenate(
            [
                np.repeat(moments.shown, np.diff([*moments.starts, take.frames]), axis=0)
                for take, moments in zip(takes, plans, strict=True)
                if take.part == part
            ]
        )
        assert abs(shown.mean(0) - rates).max() < 0.05
        aus = plans[0].aus
        for a, b in EXCLUSIVE:
            if a in aus and b in aus:
                assert not (shown[:, aus.index(a)] & shown[:, aus.index(b)]).any()


@pytest.mark.parametrize("layout", ["bp4d", "disfa", "affwild2"])
def test_a_small_one_shows_every_scored_au_in_every_part(layout):
    """Else no F1 could be told there; AU9 of DISFA is due in one moment of twenty."""
    takes, plans = planned(layout, 6)
    scored = len(PROTOCOLS[layout].aus)
    for part in {take.part for take in takes}:
        shown = [m.shown for take, m in zip(takes, plans, strict=True) if take.part == part]
        assert np.concatenate(shown).any(0)[:scored].all()


def test_published_weights_give_the_rates():
    """1 / weight is the rate up to a factor: the least weight is the most frequent AU."""
    rates = base_rates("bp4d")
    weights = np.array(list(BP4D_PROTOCOL.class_weights.values())).mean(0)
    scored = np.array([rates[au] for au in BP4D_PROTOCOL.aus])
    assert np.array_equal(np.argsort(-scored), np.argsort(weights))
    assert scored.mean() == pytest.approx(0.34)


def test_muscles_take_time():
    """AU12 from frame 10 on: it rises over frames, its code changes once, and the head moves slowly."""
    moments = Moments((12, 6), np.array([0, 10]), np.array([[False, True], [True, True]]))
    done = perform(moments, 40, np.random.default_rng(1))
    smile = np.array([max(action.get(12, (0, 0))) for action in done.actions])
    assert (smile[:10] == 0).all()
    assert smile[20:].min() >= PRESENT_STRENGTH
    assert 0 < np.diff(smile).max() < 0.2
    assert np.abs(np.diff(smile >= PRESENT_STRENGTH)).sum() == 1
    assert np.abs(np.diff(done.pose, axis=0)).max() < 3


# Files


def test_matlab_files_are_as_matlab_writes_them(tmp_path):
    points = np.arange(98.0).reshape(49, 2)
    write_cells(tmp_path / "F001_T1.mat", "pred", [points, None, points + 1])
    raw = (tmp_path / "F001_T1.mat").read_bytes()
    assert raw.startswith(b"MATLAB 7.3 MAT-file")
    assert raw[124:128] == b"\x00\x02IM"
    with h5py.File(tmp_path / "F001_T1.mat") as file:
        # As the published readers of these files look them up.
        entry = file[file["fit/pred"][2][0]]
        assert np.array_equal(np.array(entry).reshape(2, 49), (points + 1).T)
        assert file[file["fit/pred"][1][0]].attrs["MATLAB_empty"] == 1
    write_matrix(tmp_path / "pts.mat", "pts", points)
    assert np.array_equal(loadmat(tmp_path / "pts.mat")["pts"], points)
    again = (tmp_path / "pts.mat").read_bytes()
    write_matrix(tmp_path / "pts.mat", "pts", points)
    assert (tmp_path / "pts.mat").read_bytes() == again
    assert b"Created on" not in again


def test_intensity_codes():
    codes = [intensity_code(v) for v in (0.0, 0.09, 0.1, 0.199, 0.2, 0.39, 0.41, 0.61, 0.81, 1.0)]
    assert codes == [0, 0, 1, 1, 2, 2, 3, 4, 5, 5]


# What adapters read. Pictures are grey here: the renderer has its own tests, and takes its time.


class Grey:
    """A renderer that draws nothing but notes where it would have."""

    def __init__(self):
        self.drawn = []

    def __call__(self, muscles, person, action, shot, size):
        rng = np.random.default_rng(len(self.drawn))
        points = rng.uniform(0.3 * size, 0.7 * size, (68, 2)).astype(np.float32)
        face = muscles.rig.neutral + muscles.move(action)
        image = np.full((size, size, 3), 40 + 2 * (len(self.drawn) % 80), np.uint8)
        self.drawn.append((action, points, size))
        return Picture(image, points, face)


@pytest.fixture
def grey():
    return Grey()


def strongest(action, au):
    return max(action.get(au, (0.0, 0.0)))


def test_bp4d_reads_back(grey, muscles, tmp_path):
    write_all(write_bp4d, tmp_path, muscles, LookalikeConfig("bp4d", 3, frames=FRAMES, size=96), grey)
    index = open_dataset("bp4d", tmp_path)
    assert len(index) == 3 * 2 * FRAMES
    assert {p.level for p in index.problems} == {"note"}
    assert {p.code for p in index.problems} == {"not_coded", "missing_landmarks"}
    assert all(index.media)
    widths = {len(Path(path).stem) for path in index.media}
    assert {4, 5} < widths
    # Rows in the order in which they were drawn: the subjects of the cast are not sorted.
    order = [(take.subject, take.name) for take in cast(LookalikeConfig("bp4d", 3, frames=FRAMES))]
    where = {(subject, name): rows for subject, name, rows in index.sequences()}
    drawn = iter(grey.drawn)
    for key in order:
        for i in where[key]:
            action, points, size = next(drawn)
            expected = [strongest(action, au) >= PRESENT_STRENGTH for au in index.aus]
            coded = index.labels[i] != MISSING
            assert coded.sum() >= 11
            assert np.array_equal(index.labels[i][coded], np.array(expected)[coded])
            if np.isfinite(index.landmarks[i]).all():
                left = (size - 72) / 2
                assert np.allclose(index.landmarks[i][0], points[17] - (left, 0), atol=1e-4)
        next(drawn)  # the picture that nobody coded
    assert 0 < (index.labels == MISSING).sum() < 10
    assert 0 < np.isnan(index.landmarks[:, 0, 0]).sum() < 6
    assert cv2.imread(index.media[0]).shape == (96, 72, 3)


def test_disfa_reads_back(grey, muscles, tmp_path):
    write_all(write_disfa, tmp_path, muscles, LookalikeConfig("disfa", 3, frames=FRAMES, size=96), grey)
    index = open_dataset("disfa", tmp_path)
    assert len(index) == 3 * FRAMES - 1  # SN010 is a frame short
    assert {p.level for p in index.problems} <= {"note"}
    assert set(index.subject) == {"SN010", "SN031", "SN003"}
    named = sorted(p.name for p in (tmp_path / "Landmark_Points" / "SN031" / "tmp_frame_lm").iterdir())
    assert named == [f"l0{t:04d}_lm.mat" for t in range(1, FRAMES + 1) if t != FRAMES // 2 + 1]
    drawn = iter(grey.drawn)
    for take in cast(LookalikeConfig("disfa", 3, frames=FRAMES)):
        for i in np.flatnonzero(index.subject == take.subject):
            action, points, _ = next(drawn)
            for au in (1, 2, 4, 6, 9, 12, 26):
                assert index.labels[i, index.aus.index(au)] == (strongest(action, au) >= PRESENT_STRENGTH)
            if np.isfinite(index.landmarks[i]).all():
                assert np.allclose(index.landmarks[i][0], points[0] - (0, (128 - 96) / 2), atol=1e-4)
            else:
                assert (take.subject, index.position[i]) == ("SN031", FRAMES // 2)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["bp4d", "disfa", "affwild2"])
def test_any_number_of_processes_and_a_kill_give_the_same(layout, tmp_path):
    config = LookalikeConfig(layout, 3, frames=6, size=64)

    def stop(done, total):
        if 6 <= done < total:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        write_lookalike(tmp_path / "a", config, processes=1, progress=stop)
    note = json.loads((tmp_path / "a" / "lookalike.json").read_text())
    assert note["complete"] is False
    assert "not" in note["what"]
    write_lookalike(tmp_path / "a", config, processes=1)
    write_lookalike(tmp_path / "b", config, processes=2)
    files = folder(tmp_path / "a")
    assert files == folder(tmp_path / "b")
    assert not [name for name in files if "part" in name or ".takes" in name]
    assert json.loads(files["lookalike.json"])["complete"] is True
    (tmp_path / "a" / ".takes").mkdir()  # a kill at the very end
    write_lookalike(tmp_path / "a", config)
    assert not (tmp_path / "a" / ".takes").exists()
    with pytest.raises(ConfigError, match="begun with"):
        write_lookalike(tmp_path / "a", LookalikeConfig(layout, 3, frames=7, size=64))

    index = open_dataset(layout, tmp_path / "a")
    assert {p.level for p in index.problems} == {"note"}
    assert set(index.part) == ({"train", "validation"} if layout == "affwild2" else {"1", "2", "3"})


@pytest.mark.slow
def test_affwild2_has_two_persons_missing_pictures_and_rows(tmp_path):
    write_lookalike(tmp_path, LookalikeConfig("affwild2", 2, frames=12))
    index = open_dataset("affwild2", tmp_path)
    assert index.aligned
    pair = [name for name in set(index.sequence) if name.endswith(("_left", "_right"))]
    assert len(pair) == 2
    assert len(set(index.subject)) == 2
    assert {p.code for p in index.problems} == {"not_coded", "missing_picture"}
    assert 0 < index.media.count("") < len(index) / 2
    assert cv2.imread(next(filter(None, index.media))).shape == (112, 112, 3)


# Refusals and the command


def test_bad_settings_are_named(tmp_path):
    with pytest.raises(ConfigError, match="no layout 'ck'"):
        LookalikeConfig("ck")
    with pytest.raises(ConfigError, match="1 to 27 subjects, got 28"):
        LookalikeConfig("disfa", 28)
    with pytest.raises(ConfigError, match="1 to 1 sequences"):
        LookalikeConfig("disfa", tasks=2)
    with pytest.raises(ConfigError, match="'frames' must be a whole number of at least 4, found 3"):
        LookalikeConfig("bp4d", frames=3)
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(ConfigError, match="holds other files"):
        write_lookalike(tmp_path, LookalikeConfig("bp4d"))
    assert [p.name for p in tmp_path.iterdir()] == ["photo.jpg"]


def test_command(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(
        lookalike_module, "write_lookalike", lambda out, config, *_: seen.append(config) or out
    )
    out = str(tmp_path / "x")
    done = CliRunner().invoke(
        app, ["render", "--layout", "disfa", "--subjects", "3", "--frames", "9", "--size", "96", "-o", out]
    )
    assert done.exit_code == 0
    assert seen == [LookalikeConfig("disfa", 3, frames=9, size=96)]
    for wrong in (["--layout", "bp4d", "--n", "5"], ["--frames", "9"]):
        with pytest.raises(ConfigError, match="--layout"):
            CliRunner().invoke(app, ["render", *wrong, "-o", out], catch_exceptions=False)
