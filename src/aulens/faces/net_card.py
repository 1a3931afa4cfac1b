"""The cards of the networks that find faces and tell people: the JSON beside the ONNX file that says what."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from aulens.align import FIVE_POINTS
from aulens.errors import ModelError
from aulens.landmarks import IBUG68, LandmarkLayout
from aulens.runtime.entries import Entries

DETECTOR_FORMAT: Final = "aulens-detector/1"
LANDMARKS_FORMAT: Final = "aulens-landmarks/1"
PEOPLE_FORMAT: Final = "aulens-people/1"
_WEIGHTS: Final = Path(__file__).resolve().parents[1] / "weights"
_SHIPPED: Final = MappingProxyType(
    {DETECTOR_FORMAT: "faces.json", LANDMARKS_FORMAT: "landmarks.json", PEOPLE_FORMAT: "people.json"}
)


@dataclass(frozen=True)
class NetCard:
    """What every card says.

    Attributes:
        path: the JSON file.
        name: the network's name.
        onnx_sha256: digest of the ONNX file that belongs to this card.
        licence: of the weights.
        trained_on: the data that it learned from.
        not_validated_on: what nobody has checked.
        statement: in plain words, what to expect of it.
        results: numbers on held-out data.
        created: when it was exported.
        aulens_version: by which version.
    """

    path: Path
    name: str
    onnx_sha256: str
    licence: str
    trained_on: str
    not_validated_on: str
    statement: str
    results: Mapping[str, Any]
    created: str
    aulens_version: str

    @property
    def onnx(self) -> Path:
        """The file that belongs to this card: the same name, ending in .onnx."""
        return self.path.with_suffix(".onnx")


@dataclass(frozen=True)
class BoxCard(NetCard):
    """That of a detector.

    Attributes:
        platt: slope and offset: confidence = sigmoid(slope * score + offset).
        threshold: the confidence from which a face is reported unless another is asked for.
    """

    platt: tuple[float, float]
    threshold: float


@dataclass(frozen=True)
class LandmarkCard(NetCard):
    """That of a network that finds landmarks.

    Attributes:
        size: side of the crop that it takes, pixels.
        template: where the five points (`aulens.align.FIVE_POINTS`) lie in the crop, shares of its side.
        layout: of its landmarks.
    """

    size: int
    template: tuple[tuple[float, float], ...]
    layout: LandmarkLayout


@dataclass(frozen=True)
class PersonCard(NetCard):
    """That of a network that tells people apart.

    Attributes:
        size: side of the crop that it takes, pixels.
        template: where the five points lie in the crop, shares of its side.
        same: distance below which two faces are one person's.
    """

    size: int
    template: tuple[tuple[float, float], ...]
    same: float


def read_box_card(model: str | Path | None = None) -> BoxCard:
    """The card of a detector.

    Args:
        model: card (.json) or .onnx with the card beside it; None for the one that aulens carries.

    Raises:
        ModelError: a file is missing, not JSON, of another format, or lacks an entry; says which.
    """
    path = _find(model, DETECTOR_FORMAT)
    entries = Entries.read(path, DETECTOR_FORMAT)
    slope, offset = entries.pair("platt", entries.get("platt"))
    if slope <= 0:
        raise entries.wrong("platt", "[slope, offset] with a slope above 0", [slope, offset])
    threshold = entries.share("threshold", entries.get("threshold"))
    return BoxCard(**_common(path, entries), platt=(slope, offset), threshold=threshold)


def read_landmark_card(model: str | Path | None = None) -> LandmarkCard:
    """The card of a network that finds landmarks; arguments and errors as in `read_box_card`."""
    path = _find(model, LANDMARKS_FORMAT)
    entries = Entries.read(path, LANDMARKS_FORMAT)
    entries.choice("layout", (IBUG68.name,))
    return LandmarkCard(
        **_common(path, entries), size=entries.count("size"), template=_template(entries), layout=IBUG68
    )


def read_person_card(model: str | Path | None = None) -> PersonCard:
    """The card of a network that tells people apart; arguments and errors as in `read_box_card`."""
    path = _find(model, PEOPLE_FORMAT)
    entries = Entries.read(path, PEOPLE_FORMAT)
    same, _ = entries.pair("same", [entries.get("same"), 0.0])
    if not 0 < same < 2:
        raise entries.wrong("same", "a distance of two vectors of length 1, between 0 and 2", same)
    return PersonCard(
        **_common(path, entries), size=entries.count("size"), template=_template(entries), same=same
    )


def is_landmark_card(model: str | Path) -> bool:
    """Whether a card (.json), or the one beside an .onnx, is that of a network for landmarks."""
    try:
        Entries.read(Path(model).with_suffix(".json"), LANDMARKS_FORMAT)
    except ModelError:
        return False
    return True


def _find(model: str | Path | None, format: str) -> Path:
    if model is None:
        path = _WEIGHTS / _SHIPPED[format]
        if not path.is_file():
            raise ModelError(
                f"this installation of aulens carries no {path.name}: give the path of a network "
                "(aulens.NetDetector), or take another detector (aulens detect --detector dlib)"
            )
        return path
    path = Path(model)
    if path.suffix.lower() not in {".json", ".onnx"}:
        raise ModelError(
            f"{path}: a network is given by its card (.json) or its .onnx file with the card beside it"
        )
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file of a network")
    card = path.with_suffix(".json")
    if not card.is_file():
        raise ModelError(
            f"{path}: its card {card.name} is not beside it; copy both files, or export them anew"
        )
    return card


def _common(path: Path, entries: Entries) -> dict[str, Any]:
    """What every card says, as arguments of `NetCard`."""
    texts = ("name", "licence", "trained_on", "not_validated_on", "statement", "created", "aulens_version")
    return {
        "path": path,
        "onnx_sha256": entries.digest("onnx_sha256"),
        "results": MappingProxyType(entries.table("results")),
        **{key: entries.text(key) for key in texts},
    }


def _template(entries: Entries) -> tuple[tuple[float, float], ...]:
    value = entries.get("template")
    expected = f"{FIVE_POINTS} places [x, y], each a share of the crop from 0 to 1, not all the same"
    if not isinstance(value, list) or len(value) != FIVE_POINTS:
        raise entries.wrong("template", expected, value)
    if not all(isinstance(place, list) and len(place) == 2 for place in value):
        raise entries.wrong("template", expected, value)
    places = tuple(
        (entries.share("template", place[0]), entries.share("template", place[1])) for place in value
    )
    if len(set(places)) == 1:
        raise entries.wrong("template", expected, value)
    return places
