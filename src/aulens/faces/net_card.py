"""The cards of the networks that find faces and tell people: the JSON beside the ONNX file that says what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Final, TypeVar

from msgspec import Meta

from aulens.align import FIVE_POINTS
from aulens.card_file import Card, card_beside, read_card_file, read_entries
from aulens.checked import Finite, Positive, Probability, Side, one_of
from aulens.errors import ModelError
from aulens.landmarks import IBUG68

WEIGHTS: Final = Path(__file__).resolve().parents[1] / "weights"
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


class NetCard(Card):
    """That of a network of a kind: the format of its file, and the name of the one that aulens carries."""

    format: ClassVar[str]
    shipped: ClassVar[str]


AnyNet = TypeVar("AnyNet", bound=NetCard)


@dataclass(frozen=True, kw_only=True)
class BoxCard(NetCard):
    """That of a detector.

    Attributes beside those of `Card`:
        platt: slope and offset: confidence = sigmoid(slope * score + offset).
        threshold: the confidence from which a face is reported unless another is asked for.
    """

    format = "aulens-detector/1"
    shipped = "faces.json"
    platt: Slope
    threshold: Probability


@dataclass(frozen=True, kw_only=True)
class CropCard(NetCard):
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

    format = "aulens-landmarks/1"
    shipped = "landmarks.json"
    layout: Annotated[str, one_of((IBUG68.name,))]


@dataclass(frozen=True, kw_only=True)
class PersonCard(CropCard):
    """That of a network that tells people apart.

    Attributes beside those of `CropCard`:
        same: distance below which two faces are one person's.
    """

    format = "aulens-people/1"
    shipped = "people.json"
    same: Distance


def read_net_card(kind: type[AnyNet], model: str | Path | None = None, weights: Path = WEIGHTS) -> AnyNet:
    """The card of one of these networks.

    Args:
        kind: which: `BoxCard`, `LandmarkCard`, `PersonCard`.
        model: card (.json) or .onnx with the card beside it; None for the one that aulens carries.
        weights: the folder of those that aulens carries.

    Raises:
        ModelError: a file is missing, not JSON, of another format, or lacks an entry; says which.
    """
    path = weights / kind.shipped if model is None else card_beside(model)
    if not path.is_file():
        raise ModelError(
            f"this installation of aulens carries no {path.name}: give the path of a network "
            "(aulens.NetDetector), or take another detector (aulens detect --detector dlib)"
        )
    return read_card_file(path, kind.format, kind)


def is_landmark_card(model: str | Path) -> bool:
    """Whether a card (.json), or the one beside an .onnx, is that of a network for landmarks."""
    try:
        read_entries(Path(model).with_suffix(".json"), LandmarkCard.format)
    except ModelError:
        return False
    return True
