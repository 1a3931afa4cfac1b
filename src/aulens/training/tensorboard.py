"""TensorBoard curves of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from torch.utils.tensorboard import SummaryWriter


class TensorBoardLogger:
    """Writes the record of an epoch as scalars; does nothing without a folder. Use as a context manager."""

    def __init__(self, folder: Path | None) -> None:
        self._writer = SummaryWriter(str(folder)) if folder else None

    def __enter__(self) -> TensorBoardLogger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer:
            self._writer.close()

    def epoch(self, record: Mapping[str, Any]) -> None:
        """Add the scalars of an epoch, nested ones as ``train/loss``."""
        if not self._writer:
            return
        for key, value in record.items():
            for name, scalar in value.items() if isinstance(value, Mapping) else ((None, value),):
                if isinstance(scalar, int | float):
                    tag = f"{key}/{name}" if name else key
                    self._writer.add_scalar(tag, scalar, record["epoch"])
        self._writer.flush()
