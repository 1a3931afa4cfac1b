"""A program of somebody who installed aulens, for mypy --strict: right, but for the lines that say so."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import aulens


class Whole:
    """A detector of one's own: a face that fills the picture."""

    def __call__(self, image: NDArray[np.uint8]) -> tuple[aulens.Face, ...]:
        height, width = image.shape[:2]
        return (aulens.Face(np.array([0.0, 0.0, width - 1, height - 1]), np.zeros((68, 2))),)


detector: aulens.FaceDetector = Whole()
analyzer = aulens.Analyzer(detector=detector)
faces: aulens.Faces = analyzer(aulens.read_image(Path("photo.jpg")))
for face in faces:
    smile: float = face.probability["AU12"]
    shape: tuple[int, ...] = face.evidence["AU12"].shape
    print(face.present, smile, shape, face.left["AU12"], face.to_dict())
table = aulens.smooth(aulens.read_table("talk.csv"), 0.2, thresholds=0.5)
events = aulens.events(table)
print(events["au"].unique(), aulens.cooccurrence(events).phi, aulens.__version__)
for frame in analyzer.video("talk.mp4"):
    print(frame.time, [face.box for face in frame.faces])
settings = aulens.OutputSettings(overlay=True)
receipt: aulens.Receipt = aulens.analyze_video(analyzer, "talk.mp4", "out", settings)
try:
    index = aulens.open_dataset("bp4d", Path("BP4D"))
    print(index.labels.shape, index.aus.labels)
except aulens.errors.DatasetError as error:
    print(error)
aulens.open_dataset("bp4d", "BP4D")  # wrong: a path that is a text
aulens.Analyser()  # wrong: a name that is not there
