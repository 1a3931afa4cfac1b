"""Pictures of `aulens detect`, one after another."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aulens.commands.output import Sink
from aulens.commands.tally import POOR, Tally
from aulens.errors import InputError
from aulens.image import read_image
from aulens.runtime.analyzer import Analyzer
from aulens.runtime.result import FrameResult

if TYPE_CHECKING:
    from aulens.commands.album import Album


def analyze_pictures(
    paths: Iterable[Path], analyzer: Analyzer, sinks: Sequence[Sink], album: "Album | None", tally: Tally
) -> None:
    """Analyze pictures one after another; one that can't be read is noted, and the others go on.

    Args:
        paths: of the pictures.
        analyzer: the model and the detector.
        sinks: where rows go.
        album: draws them, or None.
        tally: counts.
    """
    for path in paths:
        try:
            image = read_image(path)
            results = analyzer(image)
        except InputError as error:
            tally.fail(path, error)
            continue
        finally:
            tally.end_of(path)
        for sink in sinks:
            sink.add(str(path), FrameResult(tally.pictures, math.nan, image, results), picture=True)
        if album is not None:
            album.add(path, image, results)
        tally.faces += len(results)
        tally.poor += sum(result.quality < POOR for result in results)
        tally.with_face += bool(results)
        tally.pictures += 1
