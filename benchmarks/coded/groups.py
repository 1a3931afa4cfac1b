"""Whether a model does as well with everybody: by skin, by how people look, by turn and quality of pictures.

N pictures, A Action Units, R draws of persons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from finding_faces.pictures import Image
from numpy.typing import NDArray

from aulens.aus import MISSING
from aulens.faces.detector import Face
from aulens.metrics import Measure
from aulens.metrics.bootstrap import mean_of_defined, measured, subject_draws
from aulens.metrics.counts import ratio
from aulens.metrics.ranking import drawn_ranking
from aulens.pose import head_pose
from coded import measures
from coded.predictions import Faces, Predictions
from coded.rows import NONE, Row
from coded.subjects import Subject
from coded.truth import Coded, looks

Floats = NDArray[np.float64]

_LUMA = (0.299, 0.587, 0.114)
_THIRDS = ("darkest", "middle", "lightest")
_HALVES = ("worse half", "better half")
_TURNED = 15
_LOOKS = {
    "sex": {"female": "women", "male": "men"},
    "age": {"young": "young", "middle": "middle-aged", "old": "old"},
    "glasses": {"0": "no glasses", "1": "glasses"},
    "beard": {"0": "no beard", "1": "beard"},
}


def groups(coded: Coded, faces: Faces) -> Iterator[Row]:
    """ROC-AUC and false alarms by thirds of the cheeks' brightness, how people look, turn and quality.

    Args:
        coded: pictures of openpeople and others.
        faces: of them; who is not found is in no third.
    """
    sets = np.array(["openpeople" if name.startswith("openpeople/") else "others" for name in coded.names])
    seen = np.array([(_luma(*one), _turn(*one), _quality(one[1])) for one in faces.of(coded.names)])
    look = looks(coded.persons)
    kinds = [("skin", _parts(seen[:, 0], sets, _THIRDS), {name: name for name in _THIRDS})]
    kinds += [(kind, look[kind].to_numpy(np.str_), names) for kind, names in _LOOKS.items()]
    turned = np.where(np.isnan(seen[:, 1]), "", np.where(seen[:, 1] < _TURNED, "frontal", "turned"))
    kinds.append(
        (f"yaw (turned: {_TURNED} degrees or more)", turned, {"frontal": "frontal", "turned": "turned"})
    )
    kinds.append(
        ("quality as aulens tells it", _parts(seen[:, 2], sets, _HALVES), {name: name for name in _HALVES})
    )
    for kind, said, names in kinds:
        words = list(names.values())

        def ranks(
            subject: Subject, said: NDArray[np.str_] = said, names: Sequence[str] = tuple(names)
        ) -> str:
            return _text(gap_of(coded, subject.predict(coded), said, names, sets))

        def false(
            subject: Subject, said: NDArray[np.str_] = said, names: Sequence[str] = tuple(names)
        ) -> str:
            return _text(false_of(coded, subject.predict(coded), said, names))

        of = f"openpeople and portraits kept for test: {np.isin(said, list(names)).sum()} faces"
        order = f"{kind}: {', '.join(words)}; {words[-1]} less {words[0]}"
        yield Row(of, f"ROC-AUC by {order}", ranks)
        yield Row(of, f"AUs said and absent, per face, by {order}", false)


def _luma(image: Image, face: Face | None) -> float:
    """Median luma (0 to 255) of the cheeks: discs between jaw and nose, of a seventh of the eyes' width."""
    if face is None:
        return float("nan")
    points = face.landmarks
    radius = float(np.hypot(*(points[45] - points[36]))) / 7
    mask = np.zeros(image.shape[:2], np.uint8)
    for nose, jaw in ((31, 2), (35, 14)):
        centre = np.rint((points[nose] + points[jaw]) / 2).astype(int).tolist()
        cv2.circle(mask, centre, max(1, round(radius)), 1, -1)
    return float(np.median(image[mask > 0] @ np.array(_LUMA))) if mask.any() else float("nan")


def _turn(image: Image, face: Face | None) -> float:
    """How far the head is turned aside, degrees."""
    pose = None if face is None else head_pose(face.landmarks, image.shape[:2])
    return float("nan") if pose is None else abs(pose.yaw)


def _quality(face: Face | None) -> float:
    return float("nan") if face is None else face.quality


def _parts(values: Floats, sets: NDArray[np.str_], names: Sequence[str]) -> NDArray[np.str_]:
    """(N,) which of equally many parts by value, of each set by itself; "" where the value is NaN."""
    parts = np.full(len(values), "", "<U12")
    for one in np.unique(sets):
        members = np.flatnonzero((sets == one) & ~np.isnan(values))
        order = members[np.argsort(values[members], kind="stable")]
        for part, name in zip(np.array_split(order, len(names)), names, strict=True):
            parts[part] = name
    return parts


@dataclass(frozen=True)
class Gap:
    """A number of groups of people.

    Attributes:
        means: of each group.
        difference: the last group's less the first one's.
        cells: how many AUs are in it, of each set by itself.
    """

    means: tuple[float, ...]
    difference: Measure
    cells: int


def gap_of(
    coded: Coded,
    predictions: Predictions,
    groups: NDArray[np.str_],
    names: Sequence[str],
    sets: NDArray[np.str_],
) -> Gap:
    """Compare groups within each set of pictures, by the AUs that are `scored` in each group of it.

    So all are asked the same, and a group is not better because more of it is in an easier set.

    Args:
        coded: N pictures.
        predictions: of them.
        groups: (N,) the name of each picture's group; others than `names` take no part.
        names: of the groups.
        sets: (N,) the set that each picture is of.
    """
    labels, (who, draws) = coded.labels, subject_draws(coded.persons, measures.BOOTSTRAP, measures.SEED)
    results: list[list[Floats]] = [[] for _ in names]
    known = np.isfinite(predictions.scores).all(0)
    for one in np.unique(sets):
        parts = [(groups == name) & (sets == one) for name in names]
        able = np.logical_and.reduce([measures.scored(labels[part]) for part in parts]) & known
        for k in np.flatnonzero(able):
            for part, result in zip(parts, results, strict=True):
                rows = part & (labels[:, k] != MISSING)
                result.append(
                    drawn_ranking(labels[rows, k] == 1, predictions.scores[rows, k], who[rows], draws)[0]
                )
    if not results[0]:
        return Gap((), Measure(*(float("nan"),) * 3), 0)
    means = [mean_of_defined(np.stack(result, axis=1)) for result in results]
    return Gap(tuple(float(mean[0]) for mean in means), measured(means[-1] - means[0]), len(results[0]))


def false_of(coded: Coded, predictions: Predictions, groups: NDArray[np.str_], names: Sequence[str]) -> Gap:
    """How many AUs are said of a face on which they are absent; arguments as `gap_of`."""
    wrong = (predictions.said & (coded.labels == 0)).sum(1).astype(np.float64)
    who, draws = subject_draws(coded.persons, measures.BOOTSTRAP, measures.SEED)
    means = []
    for name in names:
        rows = (groups == name) & predictions.found
        sums, faces = (
            np.bincount(who[rows], each[rows], draws.shape[1]) for each in (wrong, np.ones_like(wrong))
        )
        means.append(ratio(draws @ sums, draws @ faces))
    return Gap(tuple(float(mean[0]) for mean in means), measured(means[-1] - means[0]), len(coded.aus))


def _text(found: Gap) -> str:
    if not found.cells:
        return NONE
    means, less = ", ".join(f"{mean:.3f}" for mean in found.means), found.difference
    return f"{means}; {less.value:+.3f} [{less.low:+.3f}, {less.high:+.3f}], {found.cells} AUs"
