"""All that reads a file that somebody brings: a line or two each."""

from __future__ import annotations

import asyncio
import hashlib
import io
import itertools
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import scipy.io
from harness import Reader
from PIL import Image

import delivered
from aulens.aus import AUSet
from aulens.data.label_files import read_table as read_labels
from aulens.data.matlab import read_cells, read_matrix
from aulens.data.prepared import load_prepared
from aulens.data.registry import open_dataset
from aulens.data.renders import load_renders
from aulens.data.shards import stored_picture, write_shard
from aulens.errors import InputError
from aulens.faces.net_card import BoxCard, LandmarkCard, PersonCard, read_net_card
from aulens.files import write_json
from aulens.image import read_image
from aulens.inputs import is_clip
from aulens.metrics.submission import read_image_decisions, read_video_decisions
from aulens.models.builder import load_checkpoint
from aulens.models.weights import read_state
from aulens.output.checkpoint import Checkpoint, PartFolder, frames_kept
from aulens.output.names import clip_names
from aulens.output.receipt import (
    CLIP,
    Receipt,
    begin_anew,
    files_of,
    read_receipt,
    with_earlier_files,
    write_receipt,
)
from aulens.relations import AURelations
from aulens.runtime.card import read_card
from aulens.runtime.model import open_model
from aulens.study.config import load_study
from aulens.study.report import open_study
from aulens.study.results import RunResult
from aulens.tables import read_table
from aulens.training.calibration import read_calibration
from aulens.training.config import load_config
from aulens.training.leakage import SeenSubjects
from aulens.training.run_facts import read_log, read_report
from aulens.video import open_video
from made_tables import random_table
from prepared_folder import write_prepared
from stub_jaa import write_jaa_stub
from stub_model import write_stub
from synthetic_faces import PAINTED, write_faces

PEOPLE = AUSet("fuzz", (1, 12))
_IDENTITY = {"video": "a.mp4", "bytes": 3, "modified": 4, "frames": 5, "aulens": "0.1.0", "format": "csv"}


def _noise(height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)


# What was a fault once, of all readers of JSON: depth, half of a pair, digits, no text.
_JSON_FAULTS = (
    b"[" * 100_000, b'{"a":' * 100_000, b'{"format": "\\ud800"}', b"9" * 5000, b"\xff", b"NaN", b'"\\ud800"',
)  # fmt: skip
_HUGE_BOX = b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 \0\0\0\0jp2 \xf0\0\0\x2djp2h\xf0\0\0\x20ihdr"


def _picture(ending: str, mode: str = "RGB", examples: tuple[bytes, ...] = (), **options: Any) -> Reader:
    def make(folder: Path) -> Path:
        path = folder / f"a.{ending}"
        exif = Image.Exif()
        exif[0x0112] = 6
        one = Image.fromarray(_noise()).convert(mode)
        one.save(path, **options, **({"exif": exif} if ending in ("jpg", "png", "webp", "tif") else {}))
        return path

    name = f"picture-{ending}{'' if mode == 'RGB' else '-' + mode.lower()}"
    return Reader(name, make, _look, examples, count=40)


def _look(path: Path) -> object:
    return read_image(path) if not is_clip(path) else _first(path)


def _heic(folder: Path) -> Path:
    import pillow_heif

    pillow_heif.from_pillow(Image.fromarray(_noise(64, 64))).save(folder / "a.heic")
    return folder / "a.heic"


def _moving(ending: str) -> Reader:
    def make(folder: Path) -> Path:
        path = folder / f"m.{ending}"
        frames = [Image.fromarray(np.roll(_noise(), i, 0)) for i in range(4)]
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=40)
        return path

    return Reader(f"moving-{ending}", make, _look, count=30)


def _video(ending: str, codec: str, pixels: str = "yuv420p") -> Reader:
    def make(folder: Path) -> Path:
        path = folder / f"v.{ending}"
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream(codec, rate=25, width=64, height=48, pix_fmt=pixels)
            for i in range(6):
                frame = av.VideoFrame.from_ndarray(np.roll(_noise(48, 64), 3 * i, 0), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return Reader(f"video-{ending}-{codec}", make, _first, count=30)


def _first(path: Path) -> list[object]:
    media = open_video(path)
    return [media.info, *itertools.islice(media.frames(), 4)]


def _table(ending: str, made: Callable[[Path], None]) -> Reader:
    def make(folder: Path) -> Path:
        path = folder / f"table{ending}"
        made(path)
        return path

    name = "table-" + ending.strip(".").replace(".", "-")
    return Reader(name, make, read_table, json=ending.endswith("jsonl"), count=80)


def _csv(path: Path) -> None:
    random_table(1, frames=4).to_csv(path, index=False)


def _jsonl(path: Path) -> None:
    random_table(1, frames=2).to_json(path, orient="records", lines=True)


def _parquet(path: Path) -> None:
    random_table(1, frames=4).to_parquet(path)


def _openface(path: Path) -> None:
    names = [
        "frame",
        "face_id",
        "timestamp",
        "confidence",
        "success",
        "gaze_0_x",
        "pose_Rx",
        "pose_Ry",
        "pose_Rz",
        "AU01_r",
        "AU12_r",
        "AU01_c",
        "AU12_c",
        *(f"x_{i}" for i in range(68)),
        *(f"y_{i}" for i in range(68)),
    ]
    rows = np.round(np.random.default_rng(1).random((3, len(names))), 3)
    rows[:, :5] = [[1, 0, 0, 0.9, 1], [2, 0, 0.04, 0.9, 1], [3, 0, 0.08, 0.0, 0]]
    rows[:, -138:-136] = 1
    pd.DataFrame(rows, columns=names).to_csv(path, index=False)


def _pyfeat(path: Path) -> None:
    names = [
        "FaceRectX",
        "FaceRectY",
        "FaceRectWidth",
        "FaceRectHeight",
        "FaceScore",
        "AU01",
        "AU12",
        "Pitch",
        "Roll",
        "Yaw",
        "frame",
        "input",
        *(f"x_{i}" for i in range(68)),
        *(f"y_{i}" for i in range(68)),
    ]
    table = pd.DataFrame(np.round(np.random.default_rng(1).random((3, len(names))), 3), columns=names)
    table["frame"], table["input"] = [0, 1, 2], "a.mp4"
    table.to_csv(path, index=False)


def _json(
    name: str, made: Callable[[Path], Path], read: Callable[[Path], object], count: int = 100
) -> Reader:
    return Reader(name, made, read, _JSON_FAULTS, json=True, count=count)


def _write(name: str, text: str) -> Callable[[Path], Path]:
    return lambda folder: delivered.text(folder / name, text)


def _copied(source: Path) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / source.name
        path.write_bytes(source.read_bytes())
        return path

    return make


def _onnx(folder: Path) -> Path:
    return write_stub(folder).with_suffix(".onnx")


def _run_card(path: Path) -> object:
    """The shapes of the file agree with few cards; where they do, it is run."""
    model = open_model(read_card(path))
    side = model.card.crop
    output = model(np.zeros((1, 3, side, side), np.float32))
    scores = model.scores(output, np.tile(np.linspace(10.0, side - 10, 68)[:, None], (1, 1, 2)))
    return model.probabilities(scores), model.intensities(scores)


def _open_onnx(path: Path) -> object:
    """The card speaks of whatever the file holds: damage that no digest tells."""
    card = path.with_suffix(".json")
    if not path.is_file():
        return open_model(read_card(card))
    told = json.loads(card.read_text()) | {"onnx_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    card.write_text(json.dumps(told))
    model = open_model(read_card(card))
    return model(np.zeros((1, 3, 128, 128), np.float32))


def _checkpoint(folder: Path) -> Path:
    import torch

    from aulens.models import build, model_config, save_checkpoint

    config = {
        "variant": "roi",
        "backbone": "hrnet_lane8",
        "aus": list(PAINTED.numbers),
        "crop": 64,
        "roi_side": 3,
    }
    torch.manual_seed(1)
    settings = model_config(config)
    save_checkpoint(folder / "best.safetensors", build(settings), settings)
    return folder / "best.safetensors"


def _pth(folder: Path) -> Path:
    import torch

    torch.save({"a.weight": torch.zeros(3, 3), "b": torch.ones(2)}, folder / "a.pth")
    return folder / "a.pth"


def _safetensors(folder: Path) -> Path:
    import torch
    from safetensors.torch import save_file

    save_file({"a.weight": torch.zeros(3, 3), "b": torch.ones(2)}, folder / "a.safetensors")
    return folder / "a.safetensors"


def _run_state(folder: Path) -> Path:
    import torch

    from aulens.training import checkpoint

    model = torch.nn.Linear(2, 2)
    checkpoint.save(
        folder / "last.pt", checkpoint.Position(), model, torch.optim.SGD(model.parameters(), 0.1), None, {}
    )
    return folder / "last.pt"


def _resume(path: Path) -> object:
    import torch

    from aulens.training import checkpoint

    model = torch.nn.Linear(2, 2)
    return checkpoint.load(path, model, torch.optim.SGD(model.parameters(), 0.1), None)


def _mat5(folder: Path) -> Path:
    path = folder / "a.mat"
    scipy.io.savemat(path, {"pts": np.arange(132.0).reshape(66, 2)}, do_compression=True)
    return path


def _mat5_plain(folder: Path) -> Path:
    path = folder / "a.mat"
    scipy.io.savemat(path, {"pts": np.arange(20.0).reshape(10, 2)})
    return path


def _hdf5(folder: Path) -> Path:
    return delivered.tracked(folder / "a.mat", [np.arange(98.0).reshape(49, 2), None])


def _said(read: Callable[..., object], *arguments: object) -> Callable[[Path], object]:
    return lambda path: read(path, *arguments)


_RECEIPT = Receipt("a.mp4", _IDENTITY, 5, 4, 1, 5, None, {"table": "a.csv"}, {"aulens": "0.1.0"})
_LONG_NAME = json.dumps({"format": CLIP, **asdict(replace(_RECEIPT, files={"table": "9" * 400}))}).encode()


def _receipt(folder: Path) -> Path:
    path = folder / "a.json"
    write_receipt(path, _RECEIPT)
    return path


def _read_receipt(path: Path) -> object:
    kept = path.read_bytes() if path.is_file() else b""
    found = [read_receipt(path, _IDENTITY), files_of(path), clip_names(["x/a.mp4"], path.parent)]
    with_earlier_files(path, _IDENTITY, {})
    begin_anew(path)
    if kept:
        path.write_bytes(kept)
    return found


def _note(folder: Path) -> Path:
    part = PartFolder(folder / "a.part", _IDENTITY, resume=False)
    part.keep(Checkpoint(3, {"next_id": 1}, {"table": 10}, {"frames": 3}))
    return folder / "a.part" / "note.json"


def _read_note(path: Path) -> object:
    kept = frames_kept(path.parent.parent, "a")
    part = PartFolder(path.parent, _IDENTITY, resume=True)
    return kept, part.checkpoint, part.length("table")


def _labels(folder: Path) -> Path:
    return delivered.occurrence(folder / "F001_T1.csv", {t: {12: 1, 1: 0} for t in range(1, 4)})


_LONG_WORD = b'{"a":' * 3000
_LONG_DECISION = (
    b",".join(b"AU%d" % au for au in delivered.AFFWILD2_AUS) + b"\n0" + _LONG_WORD + b",0" * 11 + b"\n"
)
_MANY_POINTS = b"path,subject,sequence,frame,AU1,x_0,y_%s\na.jpg,s,q,1,1,3,4\n" % (b"9" * 25)


def _dataset(name: str, made: Callable[[Path], Path], examples: tuple[bytes, ...] = ()) -> Reader:
    """A data set's folder of which one file is damaged; the folder is the one that `root` names."""

    def read(path: Path) -> object:
        root = next(place for place in path.parents if (place / "root").exists())
        return open_dataset(name.partition("-")[0], root)

    def make(folder: Path) -> Path:
        (folder / "root").touch()
        return made(folder)

    return Reader(f"data-{name}", make, read, examples, count=60)


def _bp4d(folder: Path) -> Path:
    delivered.picture(folder / "F001" / "T1" / "0001.jpg")
    delivered.tracked(folder / "2DFeatures" / "F001_T1.mat", [np.arange(98.0).reshape(49, 2)])
    return delivered.occurrence(folder / "AU_OCC" / "F001_T1.csv", {1: {12: 1}, 2: {}})


def _bp4d_points(folder: Path) -> Path:
    _bp4d(folder)
    return folder / "2DFeatures" / "F001_T1.mat"


def _disfa(folder: Path) -> Path:
    for au in delivered.DISFA_AUS:
        last = delivered.intensities(folder / "ActionUnit_Labels", "SN001", au, [0, 1, 3])
    delivered.video(folder / "Videos_LeftCamera" / "LeftVideoSN001_comp.avi", 3)
    return last


def _affwild2(folder: Path) -> Path:
    return delivered.annotations(
        folder / "AU_Detection_Challenge" / "Train_Set" / "v1.txt", [[1] * 12, [0] * 12]
    )


def _manifest(folder: Path) -> Path:
    delivered.picture(folder / "a.jpg")
    return delivered.text(
        folder / "manifest.csv",
        "path,subject,sequence,frame,part,AU1,AU12,x_0,y_0\na.jpg,s1,q,1,1,1,0,3.5,4\na.jpg,s2,q,2,2,0,9,3,4\n",
    )


def _lists(folder: Path) -> Path:
    for part in (1, 2, 3):
        text = "".join(f"BP4D/F00{part}/T1/{t}.jpg\n" for t in (1, 2))
        path = delivered.text(folder / f"BP4D_part{part}_path.txt", text)
        delivered.text(folder / f"BP4D_part{part}_AUoccur.txt", "1 0 1 0 0 0 0 0 0 0 0 0\n" * 2)
        delivered.text(
            folder / f"BP4D_part{part}_land.txt",
            " ".join(map(str, range(98))) + "\n" + " ".join(map(str, range(98))) + "\n",
        )
    return path


def _codes(folder: Path) -> Path:
    return delivered.text(
        folder / "codes.csv",
        "file,source,AU1,AU12,one_sided,quality\na.jpg,cc0,1,0,AU12L,good\nb.jpg,cc0,0,2,,ok\n",
    )


def _read_codes(path: Path) -> object:
    from aulens.data.portraits.codes import read_portrait_codes

    return read_portrait_codes(path)


def _renders(folder: Path) -> Path:
    return write_faces(folder / "faces", subjects=2, each=2) / "manifest.parquet"


def _prepared(folder: Path) -> Path:
    return write_prepared(folder / "prepared", {"s1": "1", "s2": "2"})


def _shard(folder: Path) -> Path:
    """Prepared faces, of which the shard is damaged, or the manifest that tells where in it they lie."""
    write_prepared(folder / "prepared", {"s1": "1"})
    manifest, shard = folder / "prepared" / "manifest.parquet", folder / "prepared" / "shards" / "s1.tar"
    picture = io.BytesIO()
    Image.fromarray(_noise(48, 48)).save(picture, "JPEG")
    table = pd.read_parquet(manifest)
    with write_shard(shard) as writer:
        places = [writer.add(f"{frame}.jpg", picture.getvalue()) for frame in table["frame"]]
    table["offset"], table["length"] = zip(*places, strict=True)
    table.to_parquet(manifest, index=False)
    return shard


def _stored(root: Path) -> object:
    found = load_prepared(root, PEOPLE)
    places = map(found.names.place, range(len(found)))
    return [stored_picture(place, "a face") for place in places if place], found.landmarks


def _result(folder: Path) -> Path:
    decided = np.zeros((4, 3), bool)
    RunResult(
        dataset="own",
        variant="roi",
        fold="1",
        seed=1,
        aus=AUSet("tiny", (2, 12, 15)),
        subjects=np.array(["a", "b", "c", "d"]),
        labels=decided.astype(np.int8),
        scores=decided.astype(np.float32),
        decisions=decided,
        uncalibrated=decided,
        selected_on_test=False,
        run="r",
        commit="c",
        data="d",
    ).save(folder / "runs" / "a" / "test")
    about = {
        "tables": ["own"],
        "folds": [1],
        "seeds": [1],
        "variants": ["roi"],
        "decide": "calibrated",
        "reference": "roi",
        "renders": False,
    }
    write_json(folder / "study.json", about)
    return folder / "runs" / "a" / "test" / "result.json"


def _at(made: Callable[[Path], Path], name: str) -> Callable[[Path], Path]:
    """Another file of the folder that `made` makes."""

    def make(folder: Path) -> Path:
        made(folder)
        return folder / name

    return make


def _calibration(folder: Path) -> Path:
    from aulens.training.calibration import fit

    dice = np.random.default_rng(0)
    labels = dice.integers(0, 2, (60, 3)).astype(np.int8)
    scores = 0.3 * labels + dice.normal(0, 0.3, (60, 3))
    found = fit(PAINTED, labels, scores, np.arange(60).astype(str))
    write_json(folder / "calibration.json", found.to_dict())
    return folder / "calibration.json"


def _relations(folder: Path) -> Path:
    AURelations.from_labels(np.array([[1, 0], [1, 1], [0, 1]]), PEOPLE).save(folder / "r.json")
    return folder / "r.json"


def _points(folder: Path) -> Path:
    np.savez_compressed(folder / "points.npz", **{"a.jpg": np.zeros((68, 2)), "b.jpg": np.ones((478, 3))})
    return folder / "points.npz"


def _mesh(folder: Path) -> Path:
    return delivered.text(folder / "a.obj", "v 0 0 1\nv 1 0 1\nv 1 1 1\nv 0 1 1\ng face\nf 1/1 2/2 3/3 4/4\n")


def _ict(folder: Path) -> Path:
    path = folder / "ict.npz"
    np.savez(
        path,
        base=np.zeros((5, 3)),
        faces=np.zeros((2, 3), int),
        ex=["a"],
        E=np.zeros((1, 5, 3)),
        I=np.zeros((1, 5, 3)),
    )
    return path


def _read_ict(path: Path) -> object:
    from aulens.render.ict import _read_npz

    return _read_npz(path)


def _meshes(folder: Path) -> Path:
    np.savez(folder / "landmarks478.npz", **{"sfhq/a.jpg": np.ones((478, 3))})
    return folder / "landmarks478.npz"


def _read_meshes(path: Path) -> object:
    from aulens.data.face_nets.portraits import write_manifest

    return write_manifest(path.parent, path.parent / "out")


def _read_points(path: Path) -> object:
    from aulens.render.reanimate.portraits import read_landmarks

    return read_landmarks(path)


def _read_mesh(path: Path) -> object:
    from aulens.render.rig import read_obj

    return read_obj(path)


def _read_note_of_renders(path: Path) -> object:
    from aulens.render.dataset import begun

    return begun(path.parent, path.name, {"rig": "anny", "n": 3})


def _decisions(folder: Path) -> Path:
    header = ",".join(f"AU{au}" for au in delivered.AFFWILD2_AUS)
    return delivered.text(folder / "v1.txt", f"{header}\n" + (",".join("0" * 12) + "\n") * 3)


def _image_decisions(folder: Path) -> Path:
    header = "image," + ",".join(f"AU{au}" for au in delivered.AFFWILD2_AUS)
    return delivered.text(folder / "p.txt", f"{header}\nv1/00001.jpg," + ",".join("0" * 12) + "\n")


def _asked(path: Path) -> object:
    """What a browser sends to the page."""
    from aulens.app.request_filter import Bodies, RefusedError, filtered_body

    body = path.read_bytes() if path.is_file() else b""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        return asyncio.run(filtered_body("/gradio_api/queue/join", receive, lambda path: True, Bodies()))
    except RefusedError as error:
        raise InputError(str(error)) from error


def _study(folder: Path) -> Path:
    _copied(_CONFIGS / "paper_a_bp4d.toml")(folder)
    (folder / "studies").mkdir()
    return _copied(_CONFIGS / "studies" / "paper_a_bp4d.toml")(folder / "studies")


_CONFIGS = Path(__file__).parents[2] / "configs"
_WEIGHTS = Path(__file__).parents[2] / "src" / "aulens" / "weights"
_ASKED = json.dumps(
    {
        "data": [{"path": "/x", "orig_name": "a.jpg"}, 1, None, "b"],
        "fn_index": 3,
        "session_hash": "abc",
        "event_id": None,
    }
)

_FACTS = json.dumps(
    {
        "versions": {"aulens": "0.1.0"},
        "commit": None,
        "data": {
            "fingerprint": "ab",
            "sources": ["own"],
            "samples": {"train": 9},
            "subjects": {"train": 3},
            "people": {"train": ["a"], "val": ["b"]},
            "faces": {"train": [9]},
            "backgrounds": 1,
        },
    }
)

READERS: tuple[Reader, ...] = (
    *(_picture(e) for e in ("jpg", "png", "bmp", "gif", "tif", "webp", "ppm", "tga", "avif", "sgi", "qoi")),
    _picture("jp2", examples=(_HUGE_BOX,)),
    _picture("png", "P"),
    _picture("tif", "I;16"),
    _picture("tif", "F"),
    _picture("png", "RGBA"),
    _picture("jpg", "CMYK"),
    Reader("picture-heic", _heic, _look, count=40),
    _moving("gif"),
    _moving("png"),
    _moving("webp"),
    _video("mp4", "libx264"),
    _video("mkv", "libx264"),
    _video("avi", "mjpeg", "yuvj420p"),
    _video("ts", "mpeg2video"),
    _video("webm", "libvpx"),
    _video("mov", "mpeg4"),
    _video("flv", "flv1"),
    _table(".csv", _csv),
    _table(".jsonl", _jsonl),
    _table(".parquet", _parquet),
    _table(".openface.csv", _openface),
    _table(".pyfeat.csv", _pyfeat),
    Reader("toml-run", _copied(_CONFIGS / "paper_a_bp4d.toml"), load_config),
    Reader("toml-faces", _copied(_CONFIGS / "faces.toml"), load_config),
    Reader("toml-study", _study, load_study),
    _json("card", write_stub, read_card),
    _json("card-shipped", _copied(_WEIGHTS / "aulens-portraits.json"), read_card),
    _json("card-faces", _copied(_WEIGHTS / "faces.json"), partial(read_net_card, BoxCard)),
    _json("card-landmarks", _copied(_WEIGHTS / "landmarks.json"), partial(read_net_card, LandmarkCard)),
    _json("model-by-card", write_stub, _run_card),
    Reader("onnx", _onnx, _open_onnx, count=40),
    Reader("checkpoint", _checkpoint, load_checkpoint, count=20),
    Reader("weights-pth", _pth, read_state, count=40),
    Reader("weights-safetensors", _safetensors, read_state),
    Reader("run-state", _run_state, _resume, count=40),
    Reader("mat5", _mat5, _said(read_matrix, "pts")),
    Reader("mat5-plain", _mat5_plain, _said(read_matrix, "pts")),
    Reader("hdf5", _hdf5, _said(read_cells, "fit/pred", [0, 1, 2])),
    Reader("receipt", _receipt, _read_receipt, (*_JSON_FAULTS, _LONG_NAME), json=True, count=100),
    _json("note", _note, _read_note),
    Reader("labels", _labels, lambda path: read_labels(path, header=True)),
    _dataset("bp4d", _bp4d),
    _dataset("bp4d-points", _bp4d_points),
    _dataset("disfa", _disfa),
    _dataset("affwild2", _affwild2),
    _dataset("manifest", _manifest, (_MANY_POINTS,)),
    _dataset("jaanet", _lists),
    Reader("codes", _codes, _read_codes),
    Reader("renders", _renders, lambda path: load_renders([path.parent], PAINTED), count=40),
    Reader(
        "prepared-manifest",
        _at(_prepared, "prepared/manifest.parquet"),
        lambda path: load_prepared(path.parent, PEOPLE),
        count=40,
    ),
    _json(
        "prepared-about",
        _at(_prepared, "prepared/prepared.json"),
        lambda path: load_prepared(path.parent, PEOPLE),
    ),
    Reader("shard", _shard, lambda path: _stored(path.parents[1])),
    Reader(
        "shard-manifest",
        _at(_shard, "prepared/manifest.parquet"),
        lambda path: _stored(path.parent),
        count=40,
    ),
    _json("study-result", _result, lambda path: open_study(path.parents[3])),
    _json("study-about", _at(_result, "study.json"), lambda path: open_study(path.parent)),
    Reader(
        "study-frames",
        _at(_result, "runs/a/test/result.parquet"),
        lambda path: open_study(path.parents[3]),
        count=40,
    ),
    _json("calibration", _calibration, lambda path: read_calibration(path, PAINTED)),
    _json("run-facts", _write("facts.json", _FACTS), SeenSubjects.read),
    _json("run-report", _write("report.json", '{"mean_f1": 0.5, "aus": {"AU12": {"f1": 0.5}}}'), read_report),
    Reader(
        "run-log", _write("log.jsonl", '{"epoch": 0, "seconds": 1.5, "val": {"f1": 0.5}}\n' * 2), read_log
    ),
    _json("renders-note", _write("meta.json", '{"rig": "anny", "n": 3}'), _read_note_of_renders),
    _json("relations", _relations, AURelations.load),
    Reader("points", _points, _read_points),
    Reader("mesh", _mesh, _read_mesh, (b"v 0 0 1" + _LONG_WORD,)),
    Reader("ict", _ict, _read_ict),
    Reader("portrait-meshes", _meshes, _read_meshes, count=40),
    _json("card-jaa", write_jaa_stub, read_card),
    _json("card-people", _copied(_WEIGHTS / "people.json"), partial(read_net_card, PersonCard)),
    Reader("decisions", _decisions, lambda path: read_video_decisions(path.parent), (_LONG_DECISION,)),
    Reader("image-decisions", _image_decisions, read_image_decisions),
    _json("page-request", _write("body.json", _ASKED), _asked),
)
