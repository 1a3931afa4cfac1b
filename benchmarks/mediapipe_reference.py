"""MediaPipe's Face Landmarker, for the other benchmarks to measure beside; aulens is not imported here.

    PYTHON benchmarks/mediapipe_reference.py serve TASK            # for benchmarks/faces.py
    PYTHON benchmarks/mediapipe_reference.py photos TASK FOLDER    # mesh and blendshapes, each picture
    PYTHON benchmarks/mediapipe_reference.py clip TASK FILE        # the same, each frame of a video
    PYTHON benchmarks/mediapipe_reference.py shapes TASK FOLDER    # for people.py: blendshapes as CSV

PYTHON has mediapipe 0.10.21 or older and OpenCV installed; TASK is a `face_landmarker.task`. `photos` and
`clip` print one line: how many faces there were in how many pictures.

`serve` reads pictures from standard input, each a line "HEIGHT WIDTH" and then the bytes of (H, W, 3) uint8
RGB; for each it prints a line of JSON: for each face its mesh [[x, y], ...], in shares of the picture.
"""

import csv
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("GLOG_minloglevel", "2")

import cv2
import mediapipe
import numpy as np

vision = mediapipe.tasks.vision


def landmarker(task: str, faces: int, *, video: bool, blendshapes: bool):  # type: ignore[no-untyped-def]
    mode = vision.RunningMode.VIDEO if video else vision.RunningMode.IMAGE
    return vision.FaceLandmarker.create_from_options(
        vision.FaceLandmarkerOptions(
            base_options=mediapipe.tasks.BaseOptions(model_asset_path=task),
            running_mode=mode,
            num_faces=faces,
            output_face_blendshapes=blendshapes,
        )
    )


def picture(pixels: np.ndarray):  # type: ignore[no-untyped-def]
    return mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(pixels))


def serve(task: str) -> None:
    finder = landmarker(task, 32, video=False, blendshapes=False)
    given = sys.stdin.buffer
    while line := given.readline():
        height, width = map(int, line.split())
        pixels = np.frombuffer(given.read(height * width * 3), np.uint8).reshape(height, width, 3)
        found = finder.detect(picture(pixels)).face_landmarks
        print(json.dumps([[[round(p.x, 6), round(p.y, 6)] for p in mesh] for mesh in found]), flush=True)


def photos(task: str, folder: str) -> None:
    finder = landmarker(task, 1, video=False, blendshapes=True)
    files = [path for path in sorted(Path(folder).iterdir()) if path.suffix.lower() in {".jpg", ".png"}]
    faces = 0
    for path in files:
        pixels = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        faces += len(finder.detect(picture(pixels)).face_blendshapes)
    print(f"{faces} faces in {len(files)} pictures")


def clip(task: str, file: str) -> None:
    finder = landmarker(task, 1, video=True, blendshapes=True)
    capture = cv2.VideoCapture(file)
    rate, count, faces = capture.get(cv2.CAP_PROP_FPS), 0, 0
    while True:
        read, frame = capture.read()
        if not read:
            break
        pixels = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        faces += len(finder.detect_for_video(picture(pixels), int(1000 * count / rate)).face_blendshapes)
        count += 1
    print(f"{faces} faces in {count} frames")


def shapes(task: str, folder: str) -> None:
    finder = landmarker(task, 1, video=False, blendshapes=True)
    table = None
    for path in sorted(Path(folder).iterdir()):
        image = cv2.imread(str(path))
        found = finder.detect(picture(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))).face_blendshapes
        for shapes in found:
            row = {"file": path.name} | {shape.category_name: round(shape.score, 4) for shape in shapes}
            if table is None:
                table = csv.DictWriter(sys.stdout, list(row))
                table.writeheader()
            table.writerow(row)


if __name__ == "__main__":
    {"serve": serve, "photos": photos, "clip": clip, "shapes": shapes}[sys.argv[1]](*sys.argv[2:])
