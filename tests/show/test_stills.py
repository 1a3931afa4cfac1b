"""Stills: few enough, spread, with the apexes and their evidence, also after a run that was stopped."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest
from frames import AUS, THRESHOLD, frame

from aulens.aus import AUSet
from aulens.errors import ConfigError, InputError
from aulens.runtime.result import FrameResult
from aulens.show.evidence import as_heat
from aulens.show.stills import INDEX, Stills, StillsIndex, read_stills

pytestmark = pytest.mark.slow


def scene(count: int, rate: float | None = 25.0) -> list[FrameResult]:
    """Two people whose AUs come and go; the second is away for a while."""
    found = []
    for k in range(count):
        people = {0: {"AU12": wave(k, 50), "AU6": wave(k, 333)}}
        if not count // 3 <= k < count // 2:
            people[1] = {"AU25": wave(k, 71), "AU1": wave(k, 90)}
        found.append(frame(k, people, rate=rate, lost=() if 1 in people else (1,)))
    return found


def wave(k: int, period: int) -> float:
    """Up and down, each time to another height; absent half of the time."""
    height = 0.6 + 0.35 * np.sin(k // period * 1.7)
    return round(float(max(0.0, np.sin(2 * np.pi * k / period)) * height), 4)


def keep(folder: Path, frames: Iterable[FrameResult], limit: int = 40, resume: bool = False) -> StillsIndex:
    with Stills(folder, AUS, limit=limit, resume=resume) as stills:
        for result in frames:
            stills.add(result)
    return read_stills(folder)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture(scope="module")
def frames() -> list[FrameResult]:
    return scene(450)


def peaks(frames: list[FrameResult], face_id: int, label: str) -> set[int]:
    """By another way: the strongest frame of each run with the AU present; gaps of 4 frames are none."""
    runs: list[list[tuple[float, int]]] = []
    last = -100
    for result in frames:
        for face in result.faces:
            if face.face_id == face_id and face.probability[label] >= THRESHOLD:
                if result.index - last > 5:
                    runs.append([])
                runs[-1].append((-face.probability[label], result.index))
                last = result.index
    return {min(run)[1] for run in runs}


def test_a_short_clip_has_a_still_for_each_frame(tmp_path: Path) -> None:
    index = keep(tmp_path / "s", scene(8))
    assert [still.frame for still in index.stills] == list(range(8))
    assert [still.time for still in index.stills] == [k / 25 for k in range(8)]
    assert index.labels == AUS.labels


@pytest.mark.parametrize("rate", [25.0, None])
def test_stills_are_few_and_spread_over_the_clip(tmp_path: Path, rate: float | None) -> None:
    frames = scene(1500, rate)
    index = keep(tmp_path / "s", frames, limit=40)
    assert len(index.stills) <= 40
    at = np.array([still.frame for still in index.stills])
    assert at.min() == 0
    # Half of the limit, and at least a quarter, are even: no hole is longer than 1/10 of the clip.
    assert np.diff([*at, 1500]).max() <= 150
    held = {name for still in index.stills for name in still.files}
    assert names(tmp_path / "s") == held | {INDEX}


def test_apexes_are_the_strongest_frames_of_events(tmp_path: Path, frames: list[FrameResult]) -> None:
    index = keep(tmp_path / "s", frames, limit=400)
    for face_id, label in ((0, "AU12"), (0, "AU6"), (1, "AU25"), (1, "AU1")):
        found = {a.frame for a in index.apexes if (a.face_id, a.label) == (face_id, label)}
        assert found == peaks(frames, face_id, label)
        assert found <= {still.frame for still in index.stills}


def test_of_too_many_apexes_each_au_keeps_its_strongest(tmp_path: Path) -> None:
    frames = scene(1600)
    index = keep(tmp_path / "s", frames, limit=24)
    for face_id, label in ((0, "AU12"), (0, "AU6"), (1, "AU25"), (1, "AU1")):
        own = [face.probability[label] for r in frames for face in r.faces if face.face_id == face_id]
        kept = [a.probability for a in index.apexes if (a.face_id, a.label) == (face_id, label)]
        assert max(kept) == max(own)
    assert len({apex.frame for apex in index.apexes}) <= 12


@pytest.fixture(scope="module")
def whole(frames: list[FrameResult], tmp_path_factory: pytest.TempPathFactory) -> StillsIndex:
    """Of a run that nothing stopped."""
    return keep(tmp_path_factory.mktemp("whole") / "s", frames, limit=30)


@pytest.mark.parametrize("stop", [1, pytest.param(130), 333])
def test_a_run_that_was_stopped_and_resumed_keeps_the_same(
    tmp_path: Path, frames: list[FrameResult], whole: StillsIndex, stop: int
) -> None:
    stills = Stills(tmp_path / "cut", AUS, limit=30)
    for result in frames[:stop]:
        stills.add(result)
    stills.save()
    saved = tmp_path / "saved"
    shutil.copytree(tmp_path / "cut", saved)
    for result in frames[stop : stop + 40]:  # these are lost with the process
        stills.add(result)
    (saved / "000099999.jpg").write_bytes(b"half a file")
    (saved / "notes.txt").write_text("not ours")

    resumed = Stills(saved, AUS, limit=30, resume=True)
    assert resumed.last == stop - 1
    assert "000099999.jpg" not in names(saved)
    with resumed:
        for result in frames[max(0, stop - 20) :]:  # frames that were seen before are passed over
            resumed.add(result)
    again = read_stills(saved)
    assert (again.stills, again.apexes) == (whole.stills, whole.apexes)
    assert names(saved) - {"notes.txt"} == names(whole.folder)
    for name in names(whole.folder):
        assert (saved / name).read_bytes() == (whole.folder / name).read_bytes()


def test_what_is_on_disk_is_whole_at_any_time(tmp_path: Path, frames: list[FrameResult]) -> None:
    stills = Stills(tmp_path / "s", AUS, limit=10)
    for result in frames:
        stills.add(result)
        if result.index in (300, 444):
            index = read_stills(tmp_path / "s")  # raises if a file is missing
            assert len(names(tmp_path / "s")) <= 1 + 3 * (10 + 4)
            assert len(index.stills) <= 10 + 4  # and one per event that goes on


def test_an_error_leaves_events_open_and_a_new_run_begins_anew(tmp_path: Path) -> None:
    frames = scene(150)

    def broken() -> Iterable[FrameResult]:
        yield from frames[:60]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        keep(tmp_path / "s", broken())
    assert keep(tmp_path / "s", frames[60:], resume=True) == _at(keep(tmp_path / "t", frames), tmp_path / "s")
    anew = keep(tmp_path / "s", frames[:10])
    assert [still.frame for still in anew.stills] == list(range(10))


def test_the_index_is_as_earlier_versions_wrote_it(tmp_path: Path) -> None:
    """Whichever version a run was stopped in, another goes on: one event is over, one goes on."""
    still = """{"frame": 9, "time": 0.36, "name": "000000009.jpg", "width": 160, "height": 120, "faces": [
        {"face_id": 3, "box": [20.5, 40.5, 60.5, 80.5], "points": [24, 56, 24, 61],
        "probability": {"AU12": 0.625}, "right": null, "left": null,
        "name": "000000009.3.png", "map": [16, 16], "place": [2.9081, 0.0, 0.0, 2.9081, 17.2, 38.1]}]}"""
    first = """{"frame": 1, "time": null, "name": "000000001.jpg", "width": 9, "height": 8, "faces": []}"""
    index = f"""{{"format": "aulens-stills/1", "labels": ["AU1", "AU6", "AU12", "AU25"], "attention": false,
        "last": 9, "step": 0.02, "even": [[2, 1], [18, 9]], "apexes": [[1, 0, "AU12", 0.7]],
        "runs": [[9, 3, "AU12", 0.625, 0.36]], "stills": [{first}, {still}]}}"""
    (tmp_path / INDEX).write_text(index)
    for name in ("000000001.jpg", "000000009.jpg", "000000009.3.png"):
        (tmp_path / name).touch()
    stills = Stills(tmp_path, AUS, limit=10, resume=True)
    stills.save()
    assert json.loads((tmp_path / INDEX).read_text()) == json.loads(index)
    stills.close()
    assert [apex.probability for apex in read_stills(tmp_path).apexes] == [0.7, 0.625]


def _at(index: StillsIndex, folder: Path) -> StillsIndex:
    return StillsIndex(folder, index.labels, index.stills, index.apexes)


def test_a_still_has_picture_faces_and_evidence_in_its_own_pixels(tmp_path: Path) -> None:
    result = frame(3, {0: {"AU12": 0.9}, 7: {"AU1": 0.6}}, shape=(240, 320))
    with Stills(tmp_path / "s", AUS, side=160) as stills:
        stills.add(result)
    (still,) = read_stills(tmp_path / "s").stills
    picture = cv2.imread(str(tmp_path / "s" / still.name))
    assert picture.shape == (120, 160, 3) == (still.height, still.width, 3)
    assert [face.face_id for face in still.faces] == [0, 7]
    for face, source in zip(still.faces, result.faces, strict=True):
        np.testing.assert_allclose(face.box, (source.box + 0.5) / 2, atol=0.1)
        assert face.probability == source.probability
        assert face.right == source.right
        # A point of the map, by the place, is where the crop's own matrix says.
        a, b, c, d, e, f = face.place
        width, height = face.map
        for x, y in ((0, 0), (width, 0), (3, 11)):
            in_still = np.array([a * x + c * y + e, b * x + d * y + f])
            in_picture = in_still * 2 - 0.5
            in_crop = source.matrix[:, :2] @ in_picture + source.matrix[:, 2]
            np.testing.assert_allclose((in_crop + 0.5) * width / 64, (x, y), atol=0.01)
        grey = cv2.imread(str(tmp_path / "s" / str(face.name)), cv2.IMREAD_GRAYSCALE)
        maps = (grey.reshape(len(AUS), height, width).astype(float) - 128) / 120
        for number, label in enumerate(AUS.labels):
            shown = as_heat(source.evidence.raw(label), source, label)
            np.testing.assert_allclose(maps[number], shown, atol=0.5 / 15 + 1e-6)


def test_of_a_crowd_the_largest_faces_have_evidence_and_whoever_is_at_an_apex(tmp_path: Path) -> None:
    people = {k: {"AU12": 0.9 if k == 9 else 0.0} for k in range(10)}
    result = frame(0, people, shape=(120, 700))
    for k, face in enumerate(result.faces):
        face.box[2:] += 10 - k  # the first are the largest
    with Stills(tmp_path / "s", AUS) as stills:
        stills.add(result)
    (still,) = read_stills(tmp_path / "s").stills
    assert [face.face_id for face in still.faces if face.name] == [0, 1, 2, 3, 4, 5, 9]
    assert len(still.faces) == 10


def test_wrong_use_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least 4"):
        Stills(tmp_path / "s", AUS, limit=3)
    with pytest.raises(InputError, match="there are no stills here"):
        read_stills(tmp_path)
    keep(tmp_path / "s", scene(5))
    with pytest.raises(InputError, match="stills of other AUs"):
        Stills(tmp_path / "s", AUSet("two", (1, 2)), resume=True)
    path = tmp_path / "s" / INDEX
    good = path.read_text()
    for text, message in (
        ("{", "damaged, not JSON"),
        ("[]", "not an index of stills"),
        (good.replace('"map"', '"mop"'), "damaged"),
        (good.replace("000000002.jpg", "../../etc.jpg"), "is missing"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            read_stills(tmp_path / "s")
    path.write_text(good)
    (tmp_path / "s" / "000000002.jpg").unlink()
    with pytest.raises(InputError, match=r"000000002\.jpg: this still is missing"):
        read_stills(tmp_path / "s")
    assert json.loads(good)["last"] == 4
