"""An exported model and its card together: aligned faces in, scores and probabilities out.

B faces, A Action Units.
"""

import numpy as np
from numpy.typing import NDArray

from aulens.errors import ModelError
from aulens.roi import centres, decode, side_scores
from aulens.runtime.backend import ModelOutput, Session, Shape, open_session
from aulens.runtime.card import ModelCard
from aulens.runtime.intensity import side_intensities


class Model:
    """A model of Action Units, ready to run.

    Args:
        card: of the model.
        session: its file, loaded.

    Raises:
        ModelError: the file's outputs do not fit the card; says which.
    """

    def __init__(self, card: ModelCard, session: Session) -> None:
        self.card = card
        self._session = session
        self._check_file()

    @property
    def finds_landmarks(self) -> bool:
        """Whether the model finds landmarks, in the layout that its card names."""
        return "landmarks" in self._session.shapes

    def __call__(self, images: NDArray[np.float32]) -> ModelOutput:
        """What the model computes for `images` (B, 3, S, S) float32 RGB in [0, 1], S the card's crop.

        Raises:
            ModelError: an output has another shape than the card promises.
        """
        output = self._session(images)
        for name, shape in self._promised().items():
            array = getattr(output, name)
            if array is not None and array.shape != (len(images), *shape):
                raise ModelError(
                    f"{self.card.onnx}: gave {name} of shape {array.shape}, its card promises "
                    f"{(len(images), *shape)}"
                )
        return output

    def scores(self, output: ModelOutput, landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
        """Scores (B, A, 2), [subject_right, subject_left]; twice the same where the model tells no sides.

        Args:
            output: of B faces.
            landmarks: (B, K, 2) pixels of the crop; only a model with regions looks at them.

        Raises:
            InputError: landmarks of no known layout.
            ModelError: a score is not a finite number.
        """
        card = self.card
        if output.logits is not None and card.decoder == "direct":
            found = np.repeat(output.logits[..., None], 2, axis=-1)
        elif card.grid is None:
            found = np.repeat(output.maps.mean(axis=(2, 3), dtype=np.float64)[..., None], 2, axis=-1)
        else:
            windows = card.grid.windows(centres(landmarks, card.aus))
            found = side_scores(decode(output.maps, windows), card.aus)
        if not np.isfinite(found).all():
            raise ModelError(
                f"{card.onnx}: its scores are not finite numbers; the file is damaged or its weights are"
            )
        return found.astype(np.float64)

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores (B, A, 2) as probabilities, by the card's slope and offset for each AU."""
        slope, offset = np.array(self.card.platt).T[..., None]
        return sigmoid(slope * scores + offset)

    def intensities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores (B, A, 2) as intensities, 0 to 5, by the card's curves; NaN for AUs without one."""
        return side_intensities(self.card.curves, scores)

    def _promised(self) -> dict[str, tuple[int, ...]]:
        """The shapes that the card promises, without the batch axis, for the outputs that the file has."""
        card = self.card
        every = {
            "maps": (len(card.aus), card.map, card.map),
            "logits": (len(card.aus),),
            "landmarks": (card.layout.count, 2),
        }
        return {name: every[name] for name in self._session.shapes}

    def _check_file(self) -> None:
        card, shapes = self.card, self._session.shapes
        if card.decoder == "direct" and "logits" not in shapes:
            raise ModelError(
                f"{card.onnx}: it has no output 'logits', from which its card {card.path.name} reads scores "
                "(decoder 'direct'); export the model anew"
            )
        image = self._session.image
        if any(found not in (None, cut) for found, cut in zip(image, (3, card.crop, card.crop), strict=True)):
            raise ModelError(
                f"{card.onnx}: it takes pictures of {_times(image, 'image')}, but its card {card.path.name} "
                f"cuts faces out at 3 x {card.crop} x {card.crop} ('crop'); give the card that was exported "
                "with it"
            )
        for name, promised in self._promised().items():
            self._check_shape(name, shapes[name], promised)

    def _check_shape(self, name: str, found: Shape, promised: tuple[int, ...]) -> None:
        card, differs = self.card, [f not in (None, p) for f, p in zip(found, promised, strict=True)]
        if name != "landmarks" and differs[0]:
            raise ModelError(
                f"{card.onnx}: its {name} have {found[0]} channels, but its card {card.path.name} names "
                f"{len(card.aus)} AUs ({', '.join(card.aus.labels)}): a model with other AUs"
            )
        if any(differs):
            raise ModelError(
                f"{card.onnx}: its {name} are {_times(found, name)}, its card says {_times(promised, name)}"
                + (f" (layout {card.layout.name})" if name == "landmarks" else "")
            )


def open_model(card: ModelCard, backend: str = "onnxruntime", threads: int | None = None) -> Model:
    """Load the model of a card.

    Raises:
        ModelError: its file is missing, damaged, of another kind or does not fit the card.
        ConfigError: unknown backend or number of threads.
    """
    return Model(card, open_session(card.onnx, backend, threads, card))


def to_input(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Aligned crops (B, S, S, 3) uint8 RGB to what a model takes: (B, 3, S, S) float32 in [0, 1]."""
    return np.ascontiguousarray(crops.transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + exp(-x)), without overflow for any x."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


def _times(shape: Shape, name: str) -> str:
    """The pixels of maps, or points by coordinates: "32 x 32"."""
    return " x ".join("?" if size is None else str(size) for size in (shape[1:] if name == "maps" else shape))
