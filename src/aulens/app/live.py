"""One picture of the camera after another: analyzed, drawn, shown, forgotten."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from aulens.analysis.analyzer import Analyzer
from aulens.app import panels
from aulens.app.job_queue import Ticket
from aulens.app.show import Shown
from aulens.image import encode_jpeg
from aulens.show import draw_overlay

_QUALITY = 80


def live_work(analyzer: Analyzer, image: NDArray[np.uint8], shown: Shown) -> Callable[[Ticket[str]], str]:
    """Analyze a picture and draw it as HTML.

    Args:
        analyzer: the model and the detector.
        image: (H, W, 3) uint8 RGB.
        shown: what to draw.
    """

    def work(ticket: Ticket[str]) -> str:
        results = analyzer(image)
        ticket.check()
        aus = shown.aus(analyzer.card)
        labels = () if aus is None else aus.labels
        faces = [
            replace(face, occurrence={label: face.occurrence[label] for label in labels}) for face in results
        ]
        drawn = encode_jpeg(draw_overlay(image, faces, evidence=shown.heat), _QUALITY)
        return panels.mirror(drawn, faces, labels)

    return work
