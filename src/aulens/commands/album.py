"""What `aulens detect --overlay` draws of pictures: each of them, and a page with all."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.commands.output import refuse_inputs
from aulens.errors import ConfigError, InputError
from aulens.output.names import free_name
from aulens.runtime.card import ModelCard
from aulens.runtime.result import FaceResult
from aulens.show import draw_overlay, evidence_sheet, page

# A page with more pictures is too heavy for a browser; the rest is still drawn and in the table.
_ON_PAGE: Final = 200


class Album:
    """Draws each picture into OUT/pictures and collects them on OUT/index.html; to be used in a `with`.

    Args:
        out: the folder.
        card: of the model in use.
        inputs: files that must not be written to.

    Raises:
        ConfigError: one of the inputs lies where the drawings go.
    """

    def __init__(self, out: Path, card: ModelCard, inputs: Collection[Path]) -> None:
        self.index = out / "index.html"
        self._folder = out / "pictures"
        refuse_inputs([self.index], inputs)
        for path in inputs:
            if path.resolve().parent == self._folder.resolve():
                raise ConfigError(f"{path} lies where the drawings go; give another --out")
        self._card = card
        self._taken: set[str] = set()
        self._count = 0

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._page = self.index.open("w", encoding="utf-8")
        self._page.write(page.head(self._card))
        return self

    def __exit__(self, *exception: object) -> None:
        self._page.close()

    def add(self, path: Path, image: NDArray[np.uint8], results: tuple[FaceResult, ...]) -> None:
        """Draw one analyzed picture; `image` is (H, W, 3) uint8 RGB."""
        stem = free_name(path.stem, self._taken)
        picture = self._save(stem, draw_overlay(image, results))
        sheets = [
            self._save(f"{stem}.face{result.face_id}", evidence_sheet(image, result, self._card.aus))
            for result in results
        ]
        self._count += 1
        if self._count <= _ON_PAGE:
            self._page.write(page.section(str(path), results, self._card.aus, picture, sheets, self._count))

    def finish(self, failed: Mapping[Path, str]) -> None:
        """Finish the page; `failed` has the pictures that could not be read, each with the reason."""
        self._page.write(page.foot(self._count, min(self._count, _ON_PAGE), failed, self._card))

    def _save(self, stem: str, image: NDArray[np.uint8]) -> bytes:
        path = self._folder / f"{stem}.jpg"
        done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
        if not done:
            raise InputError(f"{path}: the picture could not be encoded, its shape is {image.shape}")
        path.write_bytes(data.tobytes())
        return data.tobytes()
