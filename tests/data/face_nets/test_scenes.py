"""Scenes whose discs lie where they are told to, and who is asked for."""

from functools import partial

import numpy as np

from aulens import align
from aulens.align import five_points
from aulens.data.face_nets import scenes
from aulens.data.face_nets.camera import Taken
from aulens.data.face_nets.covers import cover
from aulens.data.face_nets.cutouts import Spot, draw_background, draw_spot
from aulens.data.face_nets.pasted import Placed
from aulens.data.face_nets.scenes import SMALLEST, draw_scene
from aulens.landmarks import face_box, mirror
from made_cutouts import PARTNER, as_it_is, centre_of, nothing

BLACK = [np.zeros((300, 320, 3), np.uint8)]


def moved(cutout, five: np.ndarray) -> tuple[np.ndarray, bool]:
    """The 68 points (of the person as seen) to which five of them belong, and whether that is mirrored."""
    width = cutout.levels[0].shape[1]
    ways = [cutout.landmarks, mirror(cutout.landmarks, width)]
    placed = [align.transform(align.similarity(five_points(way), five), way) for way in ways]
    off = [float(np.abs(five_points(way) - five).max()) for way in placed]
    return placed[int(np.argmin(off))], bool(off[1] < off[0])


def test_discs_boxes_and_sides_are_as_told(faces):
    plain = partial(draw_scene, faces_p=(0, 1, 0, 0, 0, 0, 0), take=as_it_is, cover=nothing)
    checked, mirrored = 0, 0
    for seed in range(45):
        drawn = [plain(lambda _, f=f: f, BLACK, 128, np.random.default_rng(seed)) for f in faces]
        first, blank = drawn[0], drawn[5]
        for scene in drawn[1:]:
            assert np.array_equal(scene.boxes, first.boxes)  # what is seen moves no coordinate
        if len(first.boxes) != 1:
            continue
        five = first.points[0].astype(np.float64) - 0.5
        points, flipped = moved(faces[0], five)
        np.testing.assert_allclose(five_points(points), five, atol=1e-3)
        np.testing.assert_allclose(first.boxes[0], face_box(points) + 0.5, atol=2e-3)
        side = float(np.sqrt(np.prod(first.boxes[0][2:] - first.boxes[0][:2])))
        reach = 0.25 * side + 3
        if side < 24 or five.min() < reach or five.max() > 127 - reach:
            continue
        lights = [np.abs(s.image[..., 0].astype(int) - blank.image[..., 0]) for s in drawn[:5]]
        found = np.stack([centre_of(light) for light in lights])
        expected = found[list(PARTNER)] if flipped else found
        np.testing.assert_allclose(expected, five, atol=0.1)
        checked, mirrored = checked + 1, mirrored + flipped
    assert checked > 5
    assert 0.2 < mirrored / checked < 0.8


def test_whoever_is_asked_for_can_be_seen(faces):
    """White faces on black, under black covers and decoys: none that is asked for is black."""

    def black(image, points, kind, random):
        hides = cover(image.copy(), points, kind, random)
        image[hides > 0.5] = 0
        return hides

    crowd = partial(draw_scene, faces_p=(0, 0, 0, 0, 0, 0.5, 0.5), take=as_it_is, cover=black)
    white = type(faces[0])(
        tuple(np.full_like(level, 255) for level in faces[0].levels),
        faces[0].landmarks, faces[0].visible, faces[0].yaw, "white",
    )  # fmt: skip
    asked, left_out = 0, 0
    for seed in range(30):
        scene = crowd(lambda _: white, BLACK, 128, np.random.default_rng(seed))
        for five, box, wanted in zip(scene.points, scene.boxes, scene.asked, strict=True):
            points, _ = moved(white, five.astype(np.float64) - 0.5)
            inside = points[(points > 0).all(1) & (points < 127).all(1)]
            x, y = np.rint(inside).astype(int).T
            light = (scene.image[y, x, 0] > 40).mean() if len(x) else 0.0
            if wanted:
                assert light > 0.25, (seed, box)
                asked += 1
            left_out += not wanted and light < 0.25
    assert asked > 30
    assert left_out > 2


def test_small_and_hidden_faces_are_not_asked_for(faces):
    def told(height: float, x: float, hidden: float, blur: float = 0.0) -> list[bool]:
        box = face_box(faces[0].landmarks)
        corner, shift = (box[0], box[1]), (x - 0.5 - box[0], -0.5 - box[1])  # pixel i covers [i, i + 1)
        matrix = align.rotation_scale(0, height / (box[3] - box[1]), corner, shift)
        placed = Placed(align.transform(matrix, faces[0].landmarks), np.full(68, hidden, np.float32))
        taken = Taken(np.zeros((128, 128, 3), np.uint8), 1.0, blur, 0.0)
        return scenes._scene(taken, [placed], 128).asked.tolist()

    box = face_box(faces[0].landmarks)
    width = float((box[2] - box[0]) / (box[3] - box[1]))  # of a face one pixel high
    least = SMALLEST / np.sqrt(width)
    assert told(least * 1.01, 10, 0) == [True]
    assert told(least * 0.99, 10, 0) == [False]
    assert told(20, 10, 0, blur=0.5) == [True]
    assert told(20, 10, 0, blur=2.5) == [False]
    assert told(60, 10, 0, blur=2.5) == [True]
    assert told(60, 10, 0.59) == [True]
    assert told(60, 10, 0.61) == [False]
    assert told(60, -0.59 * 60 * width, 0) == [True]
    assert told(60, -0.61 * 60 * width, 0) == [False]
    assert told(60, -0.3 * 60 * width, 0.5) == [False]
    assert told(60, -0.96 * 60 * width, 0) == []  # as good as outside


def test_same_randomness_same_scene(faces):
    one, other = (draw_scene(lambda _: faces[0], BLACK, 96, np.random.default_rng(2)) for _ in range(2))
    assert np.array_equal(one.image, other.image)
    assert np.array_equal(one.boxes, other.boxes)
    assert one.boxes.dtype == one.points.dtype == np.float32
    assert one.boxes.shape[1:] == (4,)
    assert one.points.shape[1:] == (5, 2)


def test_scenes_without_faces_have_empty_arrays(faces):
    spots = [Spot(0, 0, 160, 150, 120)]
    drawn = [
        draw_scene(lambda _: faces[0], BLACK, 64, np.random.default_rng(s), spots=spots) for s in range(30)
    ]
    nobody = [scene for scene in drawn if not len(scene.boxes)]
    assert len(nobody) > 5
    assert {(s.boxes.shape, s.points.shape, s.asked.shape) for s in nobody} == {((0, 4), (0, 5, 2), (0,))}


def test_a_spot_is_in_the_scene_about_as_large_as_it_was_seen():
    for quarters in range(4):
        picture = np.zeros((300, 400, 3), np.uint8)
        turned = np.rot90(picture, quarters)
        x, y = 90, 160
        turned[y - 6 : y + 7, x - 6 : x + 7] = 255  # a view: it is drawn into the picture itself
        inside, areas = 0, []
        for seed in range(24):
            scene = draw_spot(
                [picture], Spot(0, quarters, x, y, 128), 64, np.random.default_rng([quarters, seed])
            )
            bright = scene[..., 0] > 60
            inside += bool(bright.any())
            areas.append(bright.sum())
        assert inside >= 20
        assert 0.4 < np.median(areas) / (13 / 2) ** 2 < 2.5


def test_backgrounds_fill_the_scene():
    white = [np.full((90, 130, 3), 255, np.uint8), np.full((700, 500, 3), 255, np.uint8)]
    for seed in range(20):
        assert draw_background(white, 96, np.random.default_rng(seed)).min() == 255
