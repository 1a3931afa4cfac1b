"""The cards of the networks that find faces and tell people: the JSON beside the ONNX file that says what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

from msgspec import Meta

from aulens.align import FIVE_POINTS
from aulens.card_file import AnyCard, Card, card_beside, read_card_file, read_entries
from aulens.checked import Finite, Positive, Probability, Side, one_of
from aulens.errors import ModelError
from aulens.landmarks import IBUG68

DETECTOR_FORMAT: Final = "aulens-detector/1"
LANDMARKS_FORMAT: Final = "aulens-landmarks/1"
PEOPLE_FORMAT: Final = "aulens-people/1"
WEIGHTS: Final = Path(__file__).resolve().parents[1] / "weights"
_SHIPPED: Final = MappingProxyType(
    {DETECTOR_FORMAT: "faces.json", LANDMARKS_FORMAT: "landmarks.json", PEOPLE_FORMAT: "people.json"}
)
_PLACES: Final = f"{FIVE_POINTS} places [x, y], each a share of the crop from 0 to 1, not all the same"

Slope = Annotated[
    tuple[Positive, Finite], Meta(description="two numbers [slope, offset] with a slope above 0")
]
Places = Annotated[
    tuple[tuple[Probability, Probability], ...],
    Meta(min_length=FIVE_POINTS, max_length=FIVE_POINTS, description=_PLACES),
]
Distance = Annotated[
    float, Meta(gt=0, lt=2, description="a distance of two vectors of length 1, between 0 and 2")
]


@dataclass(frozen=True, kw_only=True)
class BoxCard(Card):
    """That of a detector.

    Attributes beside those of `Card`:
        platt: slope and offset: confidence = sigmoid(slope * score + offset).
        threshold: the confidence from which a face is reported unless another is asked for.
    """

    platt: Slope
    threshold: Probability


@dataclass(frozen=True, kw_only=True)
class CropCard(Card):
    """That of a network that takes a crop of one face.

    Attributes beside those of `Card`:
        size: side of the crop that it takes, pixels.
        template: where the five points (`aulens.align.FIVE_POINTS`) lie in the crop, shares of its side.
    """

    size: Side
    template: Places

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.template)) == 1:
            raise ModelError(f"'template' must be {_PLACES}, found {list(self.template)}")


@dataclass(frozen=True, kw_only=True)
class LandmarkCard(CropCard):
    """That of a network that finds landmarks.

    Attributes beside those of `CropCard`:
        layout: name of the layout of its landmarks.
    """

    layout: Annotated[str, one_of((IBUG68.name,))]


@dataclass(frozen=True, kw_only=True)
class PersonCard(CropCard):
    """That of a network that tells people apart.

    Attributes beside those of `CropCard`:
        same: distance below which two faces are one person's.
    """

    same: Distance


def read_box_card(model: str | Path | None = None, weights: Path = WEIGHTS) -> BoxCard:
    """The card of a detector.

    Args:
        model: card (.json) or .onnx with the card beside it; None for the one that aulens carries.
        weights: the folder of those that aulens carries.

    Raises:
        ModelError: a file is missing, not JSON, of another format, or lacks an entry; says which.
    """
    return _read(model, DETECTOR_FORMAT, BoxCard, weights)


def read_landmark_card(model: str | Path | None = None) -> LandmarkCard:
    """The card of a network that finds landmarks; arguments and errors as in `read_box_card`."""
    return _read(model, LANDMARKS_FORMAT, LandmarkCard, WEIGHTS)


def read_person_card(model: str | Path | None = None) -> PersonCard:
    """The card of a network that tells people apart; arguments and errors as in `read_box_card`."""
    return _read(model, PEOPLE_FORMAT, PersonCard, WEIGHTS)


def is_landmark_card(model: str | Path) -> bool:
    """Whether a card (.json), or the one beside an .onnx, is that of a network for landmarks."""
    try:
        read_entries(Path(model).with_suffix(".json"), LANDMARKS_FORMAT)
    except ModelError:
        return False
    return True


def _read(model: str | Path | None, format: str, kind: type[AnyCard], weights: Path) -> AnyCard:
    path = weights / _SHIPPED[format] if model is None else card_beside(model)
    if not path.is_file():
        raise ModelError(
            f"this installation of aulens carries no {path.name}: give the path of a network "
            "(aulens.NetDetector), or take another detector (aulens detect --detector dlib)"
        )
    return read_card_file(path, format, kind)
