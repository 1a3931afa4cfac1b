"""The card of an exported model: the JSON beside the ONNX file that says what its numbers mean."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from aulens.align import TEMPLATES
from aulens.aus import AUSet
from aulens.errors import ConfigError, ModelError
from aulens.landmarks import IBUG68, LAYOUTS, LandmarkLayout
from aulens.runtime.entries import Entries, check_sha256
from aulens.runtime.intensity import Curve

FORMAT: Final = "aulens-model/1"
DECODERS: Final = ("roi", "pooled", "direct")
_SHIPPED: Final = Path(__file__).resolve().parents[1] / "weights" / "aulens-portraits.json"


@dataclass(frozen=True)
class ModelCard:
    """What a model is, how its outputs become probabilities, and what it was made from.

    Attributes:
        path: the JSON file.
        name: the model's name.
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
        tells_sides: whether scores tell the two sides of a face apart.
        platt: (A, 2): slope and offset per AU, probability = sigmoid(slope * score + offset).
        threshold: (A,): an AU counts as present from this probability on.
        calibrated: whether slopes, offsets and thresholds were fitted on validation subjects.
        onnx_sha256: digest of the ONNX file that belongs to this card.
        licence: of the weights.
        trained_on: the data that it learned from.
        not_validated_on: what nobody has checked.
        statement: in plain words, what to expect of it.
        results: numbers on held-out data, as exported.
        created: when it was exported.
        aulens_version: by which version.
        selected_on_test: epoch and thresholds were chosen on test subjects: the results are too good.
        people: "train" and "val" → stand-ins of those who trained and who chose (`aulens.training.seen`);
            None = not known.
        curves: (A,) from score to intensity, None for AUs without; () = none has one.
        intensity_fitted_on: what they were fitted on, in words.
    """

    path: Path
    name: str
    variant: str
    backbone: str | None
    aus: AUSet
    crop: int
    map: int
    roi_side: int | None
    template: str
    layout: LandmarkLayout
    decoder: str
    tells_sides: bool
    platt: tuple[tuple[float, float], ...]
    threshold: tuple[float, ...]
    calibrated: bool
    onnx_sha256: str
    licence: str
    trained_on: str
    not_validated_on: str
    statement: str
    results: Mapping[str, Any]
    created: str
    aulens_version: str
    selected_on_test: bool = False
    people: Mapping[str, tuple[str, ...]] | None = None
    curves: tuple[Curve | None, ...] = ()
    intensity_fitted_on: str = ""

    @property
    def onnx(self) -> Path:
        """The model file that belongs to this card: the same name, ending in .onnx."""
        return self.path.with_suffix(".onnx")

    @property
    def checksum(self) -> str:
        """Of all that a table depends on: the file, and how its scores become numbers and decisions."""
        told = (self.onnx_sha256, self.platt, self.threshold, self.curves)
        return hashlib.sha256(repr(told).encode()).hexdigest()

    @property
    def attention(self) -> bool:
        """Whether the maps say where the model looked (0 to 1), not what it found there (-1 to 1)."""
        return self.decoder == "direct"


def find_card(model: str | Path | None = None) -> Path:
    """Path of the card for a card, for an ONNX file, or for None: the shipped model.

    Raises:
        ModelError: there is no card, or `model` is neither; says what to do.
    """
    if model is None:
        if not _SHIPPED.is_file():
            raise ModelError(
                "this installation of aulens carries no model weights; give the path of a model "
                "(Analyzer('model.onnx'), aulens detect --model model.onnx)"
            )
        return _SHIPPED
    path = Path(model)
    if path.suffix.lower() not in {".json", ".onnx"}:
        raise ModelError(
            f"{path}: a model is given by its card (.json) or its .onnx file with the card beside it"
        )
    if not path.is_file():
        raise ModelError(f"{path}: there is no such model file")
    card = path.with_suffix(".json")
    if not card.is_file():
        raise ModelError(
            f"{path}: its card {card.name} is not beside it, and without it nobody knows which AUs the model "
            "finds; `aulens export` writes both files"
        )
    return card


def read_card(path: str | Path) -> ModelCard:
    """Read and check a card.

    Raises:
        ModelError: the file is missing, not JSON, of another format, lacks an entry, or contradicts itself.
    """
    return _Entries.read(Path(path), FORMAT).card()


def check_digest(card: ModelCard) -> None:
    """Make sure that the ONNX file is the one the card speaks of.

    Raises:
        ModelError: the digests differ.
    """
    check_sha256(card.onnx, card.onnx.read_bytes(), card.path, card.onnx_sha256)


class _Entries(Entries):
    """Those of a model of Action Units."""

    def card(self) -> ModelCard:
        curves, fitted_on = self._intensity()
        aus = self._aus(curves)
        if strange := sorted(set(curves) - set(aus.labels)):
            raise self.wrong("intensity.curves", "of AUs that the card has", strange)
        platt = tuple(self.pair(f"platt.{label}", self._of_au("platt", label)) for label in aus.labels)
        threshold = tuple(
            self.share(f"threshold.{label}", self._of_au("threshold", label)) for label in aus.labels
        )
        decoder = self.choice("decoder", DECODERS)
        direct = decoder == "direct"
        return ModelCard(
            path=self._path,
            name=self.text("name"),
            variant=self.text("variant"),
            backbone=None if direct and "backbone" not in self._entries else self.text("backbone"),
            aus=aus,
            crop=self.count("crop"),
            map=self.count("map"),
            roi_side=None if direct else self.count("roi_side"),
            template=self.choice("template", tuple(TEMPLATES)),
            layout=self._layout(),
            decoder=decoder,
            tells_sides=self._tells_sides(decoder),
            platt=platt,
            threshold=threshold,
            calibrated=self._calibrated(),
            onnx_sha256=self.digest("onnx_sha256"),
            licence=self.text("licence"),
            trained_on=self.text("trained_on"),
            not_validated_on=self.text("not_validated_on"),
            statement=self.text("statement"),
            results=MappingProxyType(self.table("results")),
            created=self.text("created"),
            aulens_version=self.text("aulens_version"),
            selected_on_test=self.flag("selected_on_test", False),
            people=self._people(),
            curves=tuple(curves.get(label) for label in aus.labels) if curves else (),
            intensity_fitted_on=fitted_on,
        )

    def _aus(self, curves: Mapping[str, Curve]) -> AUSet:
        numbers = self.get("aus")
        if not isinstance(numbers, list) or not all(type(n) is int for n in numbers):
            raise self.wrong("aus", "a list of AU numbers", numbers)
        try:
            return AUSet(self.text("name"), tuple(numbers), tuple(n for n in numbers if f"AU{n}" in curves))
        except ConfigError as error:
            raise ModelError(f"{self._path}: {error}") from error

    def _intensity(self) -> tuple[Mapping[str, Curve], str]:
        """Curves by AU label, and what they were fitted on; cards of older versions have none."""
        if self._entries.get("intensity") is None:
            return {}, ""
        table = self.table("intensity")
        curves, fitted_on = table.get("curves"), table.get("fitted_on")
        if not isinstance(curves, dict) or not isinstance(fitted_on, str):
            raise self.wrong("intensity", 'a table with "curves" and "fitted_on"', table)
        return {label: self._curve(label, curve) for label, curve in curves.items()}, fitted_on

    def _curve(self, label: str, value: object) -> Curve:
        try:
            if not isinstance(value, list) or len(value) != 2:
                raise ValueError("not two lists")
            return Curve(*(tuple(map(float, numbers)) for numbers in value))
        except (TypeError, ValueError) as error:
            name = f"intensity.curves.{label}"
            wanted = "scores and intensities: two lists of one length, ascending, and 0 to 5 never falling"
            raise self.wrong(name, wanted, value) from error

    def _people(self) -> Mapping[str, tuple[str, ...]] | None:
        # Cards of older versions, and of checkpoints alone, do not tell.
        value = self._entries.get("people")
        if value is None:
            return None
        lists = [value.get(name) for name in ("train", "val")] if isinstance(value, dict) else [None]
        if not all(isinstance(one, list) and all(isinstance(name, str) for name in one) for one in lists):
            raise self.wrong("people", 'lists of text "train" and "val"', value)
        return MappingProxyType({name: tuple(value[name]) for name in ("train", "val")})

    def _calibrated(self) -> bool:
        return self.flag("calibrated", True)  # only cards of runs that stopped early say otherwise

    def _layout(self) -> LandmarkLayout:
        if "layout" not in self._entries:
            return IBUG68
        return LAYOUTS[self.choice("layout", tuple(LAYOUTS))]

    def _tells_sides(self, decoder: str) -> bool:
        # One score for the whole face: also what cards of pooled models meant before they said so.
        able = decoder == "roi"
        told = self.flag("tells_sides", able)
        if told and not able:
            raise self.wrong(
                "tells_sides", f"false, for its decoder {decoder!r} has one score per face", told
            )
        return told

    def _of_au(self, key: str, label: str) -> Any:
        table = self.table(key)
        if label not in table:
            raise ModelError(f"{self._path}: the model card's {key!r} lacks {label}, which its 'aus' has")
        return table[label]
