"""A line per epoch on stderr."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console


class Told:
    """Says how each epoch went; silent when not wanted."""

    def __init__(self, wanted: bool) -> None:
        self._console = Console(stderr=True, quiet=not wanted, soft_wrap=True, highlight=False)

    def epoch(self, record: Mapping[str, Any], best: bool) -> None:
        """Write the line of an epoch."""
        losses = "  ".join(f"{name} {value:.4f}" for name, value in record["train"].items())
        measures = "  ".join(f"{name} {value:.3f}" for name, value in record["val"].items())
        self._console.print(
            f"epoch {record['epoch']:3d}  {losses}  |  {measures}  |  lr {record['lr']:.1e}  "
            f"{record['images_per_second']:.0f} img/s{'  best' if best else ''}",
            markup=False,
        )
