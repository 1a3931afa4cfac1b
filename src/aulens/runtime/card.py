"""The card of an exported model: the JSON beside the ONNX file that says what its numbers mean."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

from msgspec import Meta

from aulens.align import TEMPLATES
from aulens.aus import AUSet
from aulens.card_file import Card, Pair, card_beside, read_card_file
from aulens.checked import Probability, Side, Texts, one_of
from aulens.errors import ConfigError, ModelError
from aulens.landmarks import IBUG68, LAYOUTS, LandmarkLayout
from aulens.roi import RoiGrid
from aulens.runtime.intensity import Curve

FORMAT: Final = "aulens-model/1"
_SHIPPED: Final = Path(__file__).resolve().parents[1] / "weights" / "aulens-portraits.json"


@dataclass(frozen=True, kw_only=True)
class _Stated(Card):
    """What stands in the file as it is in the value; what has a default came with later versions."""

    variant: str
    backbone: str | None = None
    crop: Side
    map: Side
    roi_side: Side | None = None
    template: Annotated[str, one_of(TEMPLATES)]
    decoder: Annotated[str, one_of(("roi", "pooled", "direct"))]
    calibrated: bool = True  # only cards of runs that stopped early say otherwise
    selected_on_test: bool = False


@dataclass(frozen=True, kw_only=True)
class ModelCard(_Stated):
    """What a model is, how its outputs become probabilities, and what it was made from.

    Attributes beside those of `Card`:
        variant: which model of `aulens.models` it is.
        backbone: name of its backbone; None for a network that has none of its own.
        aus: its AUs, in the order of the maps' channels; `aus.intense` are those with a curve.
        crop: side of the aligned face that it takes, pixels.
        map: side of its maps, pixels.
        roi_side: side of a region on the map, pixels; None where there are no regions.
        template: name of the alignment template in `aulens.align.TEMPLATES`.
        layout: of the landmarks that the model finds, or if it finds none, was trained with.
        decoder: where a score comes from: "roi" (a map's mean in a region), "pooled" (its mean everywhere) or
            "direct" (the file's own logits).
        has_side_scores: whether scores tell the two sides of a face apart.
        platt: (A, 2): slope and offset per AU, probability = sigmoid(slope * score + offset).
        threshold: (A,): an AU counts as present from this probability on.
        calibrated: whether slopes, offsets and thresholds were fitted on validation subjects.
        selected_on_test: epoch and thresholds were chosen on test subjects: the results are too good.
        people: "train" and "val" → hashes of those who trained and who chose (`aulens.training.leakage`);
            None = not known.
        curves: (A,) from score to intensity, None for AUs without; () = none has one.
        intensity_fitted_on: what they were fitted on, in words.
    """

    aus: AUSet
    layout: LandmarkLayout
    has_side_scores: bool
    platt: tuple[tuple[float, float], ...]
    threshold: tuple[float, ...]
    people: Mapping[str, tuple[str, ...]] | None
    curves: tuple[Curve | None, ...]
    intensity_fitted_on: str

    @property
    def checksum(self) -> str:
        """Of all that a table depends on: the file, and how its scores become numbers and decisions."""
        decisive = (self.onnx_sha256, self.platt, self.threshold, self.curves)
        return hashlib.sha256(repr(decisive).encode()).hexdigest()

    @property
    def grid(self) -> RoiGrid | None:
        """How the regions lie on the maps from which scores are read; None where they are not read so."""
        if self.decoder != "roi" or self.roi_side is None:
            return None
        return RoiGrid(self.crop, self.map, self.roi_side)

    @property
    def attention(self) -> bool:
        """Whether the maps say where the model looked (0 to 1), not what it found there (-1 to 1)."""
        return self.decoder == "direct"


def find_card(model: str | Path | None = None, shipped: Path = _SHIPPED) -> Path:
    """Path of the card for a card, for an ONNX file, or for None: that of the shipped model.

    Raises:
        ModelError: there is no card, or `model` is neither; says what to do.
    """
    if model is not None:
        return card_beside(model)
    if not shipped.is_file():
        raise ModelError(
            "this installation of aulens carries no model weights; give the path of a model "
            "(Analyzer('model.onnx'), aulens detect --model model.onnx)"
        )
    return shipped


def read_card(path: str | Path) -> ModelCard:
    """Read and check a card.

    Raises:
        ModelError: the file is missing, not JSON, of another format, lacks an entry, or contradicts itself.
    """
    return read_card_file(Path(path), FORMAT, _Entries).card()


_Numbers = Annotated[tuple[int, ...], Meta(description="a list of AU numbers")]
_CURVE: Final = "scores and intensities: two lists of one length, ascending, and 0 to 5 never falling"
_Knots = Annotated[tuple[tuple[float, ...], tuple[float, ...]], Meta(description=_CURVE)]


@dataclass(frozen=True)
class _People:
    train: Texts
    val: Texts


@dataclass(frozen=True)
class _Intensity:
    curves: Mapping[str, _Knots]
    fitted_on: str


@dataclass(frozen=True, kw_only=True)
class _Entries(_Stated):
    """A card as it is written."""

    aus: _Numbers
    platt: Mapping[str, Pair]
    threshold: Mapping[str, Probability]
    layout: Annotated[str, one_of(LAYOUTS)] = IBUG68.name
    tells_sides: bool | None = None
    people: _People | None = None
    intensity: _Intensity | None = None

    def card(self) -> ModelCard:
        direct = self.decoder == "direct"
        for key in ("backbone", "roi_side"):
            if not direct and getattr(self, key) is None:
                raise ModelError(f"{self.path}: lacks the entry {key!r}")
        # One score for the whole face: also what cards of pooled models meant before they said so.
        if self.tells_sides and self.decoder != "roi":
            raise ModelError(
                f"{self.path}: 'tells_sides' must be false, for its decoder {self.decoder!r} has one score "
                f"per face, found {self.tells_sides}"
            )
        intensity = self.intensity or _Intensity({}, "")
        curves = {label: self._curve(label, knots) for label, knots in intensity.curves.items()}
        try:
            aus = AUSet(self.name, self.aus, tuple(n for n in self.aus if f"AU{n}" in curves))
        except ConfigError as error:
            raise ModelError(f"{self.path}: {error}") from error
        if strange := sorted(set(curves) - set(aus.labels)):
            raise ModelError(
                f"{self.path}: 'intensity.curves' must be of AUs that the card has, found {strange}"
            )
        for key in ("platt", "threshold"):
            if lacking := [label for label in aus.labels if label not in getattr(self, key)]:
                raise ModelError(f"{self.path}: {key!r} lacks {lacking[0]}, which its 'aus' has")
        people = self.people and MappingProxyType({"train": self.people.train, "val": self.people.val})
        same = {field.name: getattr(self, field.name) for field in fields(_Stated)}
        return ModelCard(
            **same
            | {
                "aus": aus,
                "roi_side": None if direct else self.roi_side,
                "layout": LAYOUTS[self.layout],
                "has_side_scores": self.decoder == "roi" if self.tells_sides is None else self.tells_sides,
                "platt": tuple(self.platt[label] for label in aus.labels),
                "threshold": tuple(self.threshold[label] for label in aus.labels),
                "people": people,
                "curves": tuple(curves.get(label) for label in aus.labels) if curves else (),
                "intensity_fitted_on": intensity.fitted_on,
            }
        )

    def _curve(self, label: str, knots: tuple[tuple[float, ...], tuple[float, ...]]) -> Curve:
        try:
            return Curve(*knots)
        except ValueError as error:
            key = f"intensity.curves.{label}"
            raise ModelError(f"{self.path}: {key!r} must be {_CURVE}, found {knots}") from error
