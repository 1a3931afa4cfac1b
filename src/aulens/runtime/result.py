"""What aulens says about one face, and about one frame of a video."""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import Any, Self
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from aulens.align import invert, transform, warp_back
from aulens.aus import AUSet
from aulens.errors import InputError
from aulens.files import plain
from aulens.pose import HeadPose
from aulens.runtime.doubt import caution, doubt


@dataclass(frozen=True, eq=False)
class FaceResult:
    """The Action Units of one face.

    `left` and `right` are the person's own sides: `left` is on the right of an ordinary photo. AUs in the
    middle of the face (lips) have no sides; both carry the same number. Some models have no scores per
    side: then both are NaN for every AU, and `sides` gives None.

    Attributes:
        face_id: 0 for the largest face of a picture, 1 for the next, and so on; in a video the same for a
            person through the clip, numbered as they first appear.
        box: (4,) float64, x0, y0, x1, y1 in pixels of the picture; may reach over its border.
        landmarks: (K, 2) float64, (x, y) in pixels of the picture.
        confidence: the face detector's score.
        probability: AU label to calibrated probability in [0, 1]: that of its stronger side, if any.
        occurrence: AU label to present (True) or absent, by the model's threshold for that AU.
        left: AU label to probability on the subject's left, or NaN.
        right: AU label to probability on the subject's right, or NaN.
        threshold: AU label to the probability from which on the AU counts as present.
        evidence: AU label to (H, W) float32 map in pixels of the picture, made when asked for; see `Evidence`
            for what its numbers say.
        matrix: (2, 3) float64, picture to aligned crop.
        quality: 0 to 1, how far its AUs can be trusted, as the detector says; NaN: it does not.
        hidden: parts of the face that can't be seen, of `aulens.runtime.doubt.PARTS`; (): none, or the
            detector does not say.
        look: which of the detector's searches found it, one of `aulens.faces.detector.LOOKS`; "" the first.
        pose: how the head is turned and how far away it is; None: its landmarks (such as five) give none.
        intensity: AU label to intensity, 0 (absent) over 1 (FACS's A, a trace) to 5 (E, maximal): the larger
            of its sides'; only AUs for which the model's card has a curve.
        left_intensity: the same on the subject's left, or NaN.
        right_intensity: the same on the subject's right, or NaN.
    """

    face_id: int
    box: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    confidence: float
    probability: Mapping[str, float]
    occurrence: Mapping[str, bool]
    left: Mapping[str, float]
    right: Mapping[str, float]
    threshold: Mapping[str, float]
    evidence: "Evidence"
    matrix: NDArray[np.float64]
    quality: float = math.nan
    hidden: tuple[str, ...] = ()
    look: str = ""
    pose: HeadPose | None = None
    intensity: Mapping[str, float] = field(default_factory=dict)
    left_intensity: Mapping[str, float] = field(default_factory=dict)
    right_intensity: Mapping[str, float] = field(default_factory=dict)

    @property
    def present(self) -> tuple[str, ...]:
        """Labels of the AUs that are present, in the model's order."""
        return tuple(label for label, is_present in self.occurrence.items() if is_present)

    @property
    def doubt(self) -> str:
        """Why it is seen too badly for its AUs to say much, see `aulens.runtime.doubt`; "" if it is not."""
        pitch, yaw = (math.nan, math.nan) if self.pose is None else self.pose.angles[:2]
        return doubt(self.quality, yaw, pitch, float(self.box[3] - self.box[1]), self.hidden)

    @property
    def caution(self) -> str:
        """What a reader is to know of it if it is doubtful, or parts are hidden, in sentences; else ""."""
        return caution(self.doubt, self.hidden, tuple(self.probability))

    @property
    def has_side_scores(self) -> bool:
        """Whether the model scores the two sides of a face each."""
        return not any(map(math.isnan, self.right.values()))

    def sides(self, label: str) -> tuple[bool, bool] | None:
        """Whether an AU is present on the subject's (right, left), by the same threshold; None: unknown."""
        if not self.has_side_scores:
            return None
        threshold = self.threshold[label]
        return self.right[label] >= threshold, self.left[label] >= threshold

    def to_dict(self) -> dict[str, Any]:
        """All but the evidence as JSON takes it, by the attributes' names; None for NaN."""
        values = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "evidence"}
        values["pose"] = None if self.pose is None else asdict(self.pose)
        return {name: plain(value) for name, value in values.items()}

    def _repr_html_(self) -> str:
        """In a notebook: a table of the AUs with their evidence."""
        return _shown("face_html", self)


class Faces(tuple[FaceResult, ...]):
    """The faces of one picture: a tuple, which a notebook shows as the picture with what was seen in it.

    It keeps no picture in memory. To be shown, a file is read again, and an array is taken if it still
    exists; else the faces are shown without it.
    """

    _image: "Path | ref[NDArray[np.uint8]] | None"
    _mirrored: bool

    def __new__(
        cls,
        faces: Iterable[FaceResult] = (),
        image: str | Path | NDArray[np.uint8] | None = None,
        mirrored: bool = False,
    ) -> Self:
        """The faces of a picture: its path, or (H, W, 3) uint8 RGB; None if there is nothing to show."""
        self = super().__new__(cls, faces)
        self._mirrored = mirrored
        if isinstance(image, str | Path):
            self._image = Path(image).absolute()
        else:
            self._image = None if image is None else ref(image)
        return self

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[FaceResult, ...], Path | None, bool]]:
        image = self._image if isinstance(self._image, Path) else None
        return type(self), (tuple(self), image, self._mirrored)

    def _repr_html_(self) -> str:
        """In a notebook: the picture with its faces."""
        return _shown("faces_html", self, self._picture())

    def _picture(self) -> NDArray[np.uint8] | None:
        from aulens.image import read_image, unmirrored

        found: NDArray[np.uint8] | None = None
        if isinstance(self._image, Path):
            with suppress(InputError):
                found = read_image(self._image)
        elif self._image is not None:
            found = self._image()
        if found is None:
            return None
        found = unmirrored(found) if self._mirrored else found
        # Another picture may have taken its place.
        return found if all(face.evidence.shape == found.shape[:2] for face in self) else None


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What aulens says about one frame of a video.

    Attributes:
        index: number of the frame in its source, from 0; frames that were left out are counted.
        time: seconds from the start of the clip by the container's time stamps; NaN where it has none.
        image: (H, W, 3) uint8 RGB, upright: the frame itself.
        faces: one result per face, ascending by `face_id`, which stays with a person through the clip.
        lost: ids of people who were seen before and not in this frame, ascending.
        picture: the name of the picture that is the frame, in a sequence of pictures; else None.
    """

    index: int
    time: float
    image: NDArray[np.uint8]
    faces: tuple[FaceResult, ...]
    lost: tuple[int, ...] = ()
    picture: str | None = None

    def _repr_html_(self) -> str:
        """In a notebook: the frame with what was seen in it."""
        return _shown("frame_html", self)


def _shown(how: str, *what: object) -> str:
    """What a notebook shows. Drawing stands above results, so it is called by name, and loaded then."""
    return str(getattr(import_module("aulens.show.notebook"), how)(*what))


class Evidence(Mapping[str, NDArray[np.float32]]):
    """The AU maps of one face; looking one up lays it over the picture.

    What a map says depends on the model. Most draw what they found: positive where something speaks for the
    AU, negative where it speaks against. With `attention`, a map says where the model looked for the AU, 0
    (not at all) to 1, whether it found it or not. Outside the face, maps are 0.

    Args:
        aus: the AUs of the maps.
        maps: (A, h, w) float32, over the whole aligned crop.
        matrix: (2, 3), picture to aligned crop.
        crop: side of the crop, pixels.
        shape: (H, W) of the picture.
        attention: whether maps say where the model looked, not what it found.
    """

    def __init__(
        self,
        aus: AUSet,
        maps: NDArray[np.float32],
        matrix: NDArray[np.float64],
        crop: int,
        shape: tuple[int, int],
        attention: bool = False,
    ) -> None:
        self._channel = {label: i for i, label in enumerate(aus.labels)}
        self._matrix = matrix
        self.maps = maps
        self.crop = crop
        self.shape = shape
        self.attention = attention

    def __getitem__(self, label: str) -> NDArray[np.float32]:
        return self.over(label, self._matrix, self.shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._channel)

    def __len__(self) -> int:
        return len(self._channel)

    def raw(self, label: str) -> NDArray[np.float32]:
        """The map (h, w) float32 of one AU as the model made it, over the aligned crop."""
        return np.asarray(self.maps[self._channel[label]])

    def over(self, label: str, matrix: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float32]:
        """The map of one AU over another picture: (H, W) = `shape`, `matrix` (2, 3) from it to the crop."""
        return np.asarray(warp_back(self.raw(label)[None], matrix, self.crop, shape)[0])

    def outline(self) -> NDArray[np.float64]:
        """The corners (4, 2) of the aligned crop in the picture, (x, y) pixels, going round."""
        low, high = -0.5, self.crop - 0.5
        return transform(invert(self._matrix), [(low, low), (high, low), (high, high), (low, high)])
