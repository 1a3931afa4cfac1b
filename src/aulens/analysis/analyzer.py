"""From a picture or a video to the Action Units of its faces, without torch."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aulens.align import FIVE_POINTS, TEMPLATES, transform, warp
from aulens.analysis.clip import analyze_clip, max_waiting
from aulens.errors import InputError
from aulens.faces.default import default_detector, default_embedder
from aulens.faces.detector import Face, FaceDetector, check_image
from aulens.faces.identity import FaceEmbedder
from aulens.faces.tracker import FaceTracker
from aulens.image import read_image, unmirrored
from aulens.inputs import is_clip
from aulens.named import as_text
from aulens.pose import head_pose
from aulens.runtime.card import ModelCard, find_card, read_card
from aulens.runtime.doubt import hidden_parts
from aulens.runtime.model import open_model, to_input
from aulens.runtime.result import Evidence, FaceResult, Faces, FrameResult
from aulens.tables.schema import Row, rows_of, to_frame
from aulens.video.media import Media

if TYPE_CHECKING:
    import pandas as pd

# Faces that go through the model at once: more are slower on a CPU (what they need leaves its cache) and
# cost memory, 16 of them 70 MB more.
_BATCH = 4


class Analyzer:
    """Finds the faces of a picture and their Action Units.

    Args:
        model: None for the shipped model, or the path of a card (.json) or of an .onnx beside its card.
        detector: None for aulens' own (`aulens.NetDetector`), or anything that `FaceDetector` describes.
        backend: "onnxruntime" or "openvino" (an extra).
        threads: threads within one run of the model; None leaves it to the backend.

    Raises:
        ModelError: a file is missing, damaged, of another kind or does not fit its card; says which.
        ConfigError: unknown backend or number of threads.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        detector: FaceDetector | None = None,
        backend: str = "onnxruntime",
        threads: int | None = None,
    ) -> None:
        self._card = read_card(find_card(model))
        self._model = open_model(self._card, backend, threads)
        self._detector = default_detector() if detector is None else detector
        self._embedder: FaceEmbedder | None = None

    @property
    def card(self) -> ModelCard:
        """The card of the model in use."""
        return self._card

    @property
    def detector(self) -> FaceDetector:
        """What finds the faces."""
        return self._detector

    def __call__(self, image: str | Path | NDArray[np.uint8], *, mirrored: bool = False) -> Faces:
        """Analyze every face of one picture, largest first; () where there is none.

        In a notebook the result shows itself as the picture with what was seen in it.

        Args:
            image: path of a picture, or (H, W, 3) uint8 RGB.
            mirrored: it is mirrored, as selfies often are: it is turned first, so that left and right are the
                person's own. Boxes and landmarks are those of the turned picture.

        Raises:
            InputError: the picture can't be read or is not such an array.
        """
        pixels = check_image(image) if isinstance(image, np.ndarray) else read_image(image)
        pixels = unmirrored(pixels) if mirrored else pixels
        return Faces(self.analyze(pixels, self._detector(pixels)), image, mirrored)

    def analyze(self, image: NDArray[np.uint8], faces: Sequence[Face]) -> Faces:
        """Analyze faces that were found before; `face_id` is their position in `faces`.

        Args:
            image: (H, W, 3) uint8 RGB.
            faces: with landmarks in pixels of `image`.

        Raises:
            InputError: faces without landmarks, or landmarks of no known layout or all in one place.
            ModelError: the model gives other shapes than its card promises, or no finite scores.
        """
        return Faces(self.analyze_frames([(image, faces, range(len(faces)))])[0], image)

    def analyze_frames(
        self, frames: Sequence[tuple[NDArray[np.uint8], Sequence[Face], Sequence[int]]]
    ) -> list[tuple[FaceResult, ...]]:
        """Analyze the faces of several pictures together, which is quicker than one by one.

        Args:
            frames: for each picture its pixels (H, W, 3) uint8 RGB, its faces, and an id for each.

        Raises:
            InputError: as in `analyze`.
            ModelError: as in `analyze`.
        """
        if any(len(face.landmarks) == 0 for _, faces, _ in frames for face in faces):
            raise InputError(
                "faces without landmarks can't be aligned: wrap the detector that finds boxes only in "
                "aulens.JAALandmarks, or take another"
            )
        todo = [
            (image, face, face_id)
            for image, faces, ids in frames
            for face, face_id in zip(faces, ids, strict=True)
        ]
        done: list[FaceResult] = []
        for start in range(0, len(todo), _BATCH):
            done += self._batch(todo[start : start + _BATCH])
        results = iter(done)
        return [tuple(islice(results, len(faces))) for _, faces, _ in frames]

    def video(
        self,
        source: str | Path | Media,
        *,
        frame_step: int = 1,
        start: float | None = None,
        stop: float | None = None,
        keep_lost: float | None = None,
        mirrored: bool = False,
    ) -> Generator[FrameResult, None, None]:
        """Analyze a video frame by frame, in bounded memory; who is who stays through the clip.

        Reading, finding faces and the model work at the same time, a few frames ahead of what you take.

            for frame in analyzer.video("interview.mp4"):
                for face in frame.faces:
                    frame.time, face.face_id, face.probability["AU12"]

        Args:
            source: path of a video, or what `aulens.open_video`, `open_sequence` or `open_webcam` gave. Where
                that is damaged, the results end there, and its `problem` then says where and why.
            frame_step: take each so many-th frame.
            start: seconds from which on to take frames.
            stop: seconds before which frames are taken.
            keep_lost: seconds for which somebody who is gone is in `lost`; None to the end of the clip.
            mirrored: see `__call__`; each frame's `image` is turned, too.

        Raises:
            InputError: the file is missing, holds no video, or can't be decoded at all.
            ConfigError: an option is out of range.
        """
        from aulens.video.media import unmirrored_frames
        from aulens.video.reader import open_video
        from aulens.video.webcam import Camera

        media = open_video(source) if isinstance(source, str | Path) else source
        frames = media.frames(frame_step=frame_step, start=start, stop=stop)
        frames = unmirrored_frames(frames) if mirrored else frames
        tracker, live = self.tracker(keep_lost), isinstance(media, Camera)
        steps = analyze_clip(
            self.analyze_frames, frames, tracker, max_waiting=max_waiting(media.info), live=live
        )
        return (result for result, _ in steps)

    def tracker(self, keep_lost: float | None = None) -> FaceTracker:
        """Who is who in one clip: a new tracker around this analyzer's detector.

        Args:
            keep_lost: see `FaceTracker`.

        Raises:
            ConfigError: `keep_lost` is below 0.
            ModelError: the file of the network that tells people apart is missing.
        """
        if self._embedder is None:  # loaded once for all clips
            self._embedder = default_embedder()
        return FaceTracker(self._detector, self._embedder, keep_lost=keep_lost)

    def table(
        self,
        paths: str | Path | Iterable[str | Path],
        on_error: Callable[[Path, InputError], None] | None = None,
        mirrored: bool = False,
    ) -> pd.DataFrame:
        """Analyze pictures and videos into one table; columns as in `aulens.tables.columns`.

        A picture has one row per face, or one with `success` 0; a video has one row per frame and person,
        also where a person is lost (`success` 0, empty scores).

        Args:
            paths: a picture or a video, or several.
            on_error: called with the path and the error of an input that can't be read, or that ends early
                because it is damaged; what could be read is in the table. None raises the error.
            mirrored: see `__call__`.

        Raises:
            InputError: an input can't be read, and `on_error` is None.
        """
        given = [paths] if isinstance(paths, str | Path) else paths
        rows: list[Row] = []
        for path in map(Path, given):
            try:
                rows.extend(self._rows(path, mirrored))
            except InputError as error:
                if on_error is None:
                    raise
                on_error(path, error)
        return to_frame(rows, self._card.aus)

    def _rows(self, path: Path, mirrored: bool) -> Iterator[Row]:
        aus = self._card.aus
        if not is_clip(path):
            yield from rows_of(as_text(path), self(path, mirrored=mirrored), aus)
            return
        from aulens.video.reader import open_video

        media = open_video(path)
        for frame in self.video(media, mirrored=mirrored):
            yield from rows_of(
                as_text(path), frame.faces, aus, frame=frame.index, time=frame.time, lost=frame.lost
            )
        if media.problem is not None:
            raise InputError(f"{path}: {media.problem}")

    def _batch(self, todo: Sequence[tuple[NDArray[np.uint8], Face, int]]) -> list[FaceResult]:
        card, template = self._card, TEMPLATES[self._card.template]
        images, faces, ids = zip(*todo, strict=True)
        matrices = [template.matrix(face.landmarks, card.crop) for face in faces]
        output = self._model(
            to_input(np.stack([warp(*pair, card.crop) for pair in zip(images, matrices, strict=True)]))
        )
        landmarks = [transform(matrix, face.landmarks) for matrix, face in zip(matrices, faces, strict=True)]
        scores = self._model.scores(output, np.stack(landmarks))
        sides, intensities = self._model.probabilities(scores), self._model.intensities(scores)
        shapes = [image.shape[:2] for image in images]
        each = zip(ids, faces, sides, intensities, output.maps, matrices, shapes, strict=True)
        return [self._result(*one) for one in each]

    def _result(
        self,
        face_id: int,
        face: Face,
        sides: NDArray[np.float64],
        intensities: NDArray[np.float64],
        maps: NDArray[np.float32],
        matrix: NDArray[np.float64],
        shape: tuple[int, int],
    ) -> FaceResult:
        card = self._card
        labels = card.aus.labels
        probability = sides.max(axis=-1)
        five = len(face.landmarks) == FIVE_POINTS
        unknown = np.full((2, len(labels)), np.nan)
        right, left = sides.T if card.has_side_scores else unknown
        strong, strong_right, strong_left = (
            {f"AU{n}": float(column[card.aus.index(n)]) for n in card.aus.intense}
            for column in (intensities.max(axis=-1), *(intensities.T if card.has_side_scores else unknown))
        )
        return FaceResult(
            face_id=face_id,
            box=face.box,
            landmarks=face.landmarks,
            confidence=face.confidence,
            probability=dict(zip(labels, probability.tolist(), strict=True)),
            occurrence=dict(zip(labels, (probability >= np.array(card.threshold)).tolist(), strict=True)),
            left=dict(zip(labels, left.tolist(), strict=True)),
            right=dict(zip(labels, right.tolist(), strict=True)),
            threshold=dict(zip(labels, card.threshold, strict=True)),
            evidence=Evidence(card.aus, maps, matrix, card.crop, shape, attention=card.attention),
            matrix=matrix,
            quality=face.quality,
            hidden=hidden_parts(face.visibility),
            look=face.look,
            pose=None if five else head_pose(face.landmarks, shape, face.visibility),
            intensity=strong,
            left_intensity=strong_left,
            right_intensity=strong_right,
        )
