"""Run the ONNX file of one of the two networks that find faces: pictures as bytes in, arrays out."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens.card_file import Card, check_sha256
from aulens.errors import ConfigError, ModelError
from aulens.runtime.backend import onnx_session, run_onnx
from aulens.runtime.whole_file import read_whole

Shape = tuple[int | None, ...]
_INPUT: Final = "image"


class NetSession:
    """A loaded network.

    Args:
        card: of the network.
        image: (H, W, 3) that it must take; None where any number will do.
        outputs: what it must give: name → shape without the batch axis, likewise.
        threads: within one run; None leaves it to ONNX Runtime (one per core).

    Raises:
        ModelError: onnxruntime is missing; the file is missing, damaged, another than its card speaks of, or
            of another kind.
        ConfigError: fewer than one thread.
    """

    def __init__(self, card: Card, image: Shape, outputs: Mapping[str, Shape], threads: int | None) -> None:
        if threads is not None and threads < 1:
            raise ConfigError(f"threads must be at least 1, got {threads}")
        if not card.onnx.is_file():
            raise ModelError(f"{card.path}: its network {card.onnx.name} is not beside it; copy both files")
        content = read_whole(card.onnx)
        check_sha256(card.onnx, content, card.path, card.onnx_sha256)
        # An arena would keep what the largest picture took: 100 MB after one of 1,920 pixels.
        session = onnx_session(card.onnx, content, threads, arena=False)
        self._file = card.onnx
        self._outputs = dict(outputs)
        self._check_kind(session, image, card.path.name)
        self._session = session

    def __call__(self, images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """The outputs, in the order in which they were asked for, each (B, ...).

        Args:
            images: (B, H, W, 3) uint8 RGB.

        Raises:
            ModelError: an output has another shape than it should.
        """
        found: list[NDArray[np.float32]] = run_onnx(self._file, self._session, self._outputs, images)
        for array, (name, shape) in zip(found, self._outputs.items(), strict=True):
            if array.shape[0] != len(images) or not _fits(array.shape[1:], shape):
                wanted = _text((len(images), *shape))
                raise ModelError(f"{self._file}: gave {name} of shape {array.shape}, expected {wanted}")
        return found

    def _check_kind(self, session: Any, image: Shape, card: str) -> None:
        inputs = session.get_inputs()
        found = {item.name: (item.type, tuple(item.shape)) for item in (*inputs, *session.get_outputs())}
        wanted: dict[str, tuple[str, Shape]] = {_INPUT: ("tensor(uint8)", (None, None, None, image[2]))}
        wanted |= {name: ("tensor(float)", (None, *shape)) for name, shape in self._outputs.items()}
        if len(inputs) != 1 or not all(
            name in found and found[name][0] == kind and _fits(found[name][1], shape)
            for name, (kind, shape) in wanted.items()
        ):
            raise ModelError(
                f"{self._file}: another kind of network: expected {_ports(wanted)}; found {_ports(found)}"
            )
        if not _fits(found[_INPUT][1][1:], image):
            raise ModelError(
                f"{self._file}: takes pictures of {found[_INPUT][1][1:]}, its card {card} says {image}"
            )


def _fits(shape: tuple[Any, ...], wanted: Shape) -> bool:
    """Whether a shape is the wanted one, as far as both are known."""
    return len(shape) == len(wanted) and all(
        w is None or not isinstance(s, int) or s == w for s, w in zip(shape, wanted, strict=True)
    )


def _ports(ports: Mapping[str, tuple[str, tuple[Any, ...]]]) -> str:
    return ", ".join(f"{name!r} {_text(shape)} {kind}" for name, (kind, shape) in ports.items()) or "none"


def _text(shape: tuple[Any, ...]) -> str:
    sizes = (("N" if axis else "B") if size is None else str(size) for axis, size in enumerate(shape))
    return f"({', '.join(sizes)})"
