"""Cards and files of the two networks: whole, or named with what is wrong and what to do."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stub_nets import SIZE, blank, draw, landmark_graph, write_box_stub, write_landmark_stub, write_net

from aulens.errors import ConfigError, ModelError
from aulens.faces.box_net import BoxNet
from aulens.faces.landmark_net import LandmarkNet
from aulens.faces.net_card import WEIGHTS, BoxCard, LandmarkCard, is_landmark_card, read_net_card
from aulens.faces.net_detector import NetDetector
from people import astronaut
from stub_model import write_stub


def changed(card: Path, **entries: Any) -> Path:
    """The card with other entries; None takes one out."""
    whole = json.loads(card.read_text()) | entries
    card.write_text(json.dumps({key: value for key, value in whole.items() if value is not None}))
    return card


def test_cards_are_read_from_the_card_or_the_file_beside_it(tmp_path: Path) -> None:
    card = write_box_stub(tmp_path, card={"platt": [2, -1], "threshold": 0.4})
    read = read_net_card(BoxCard, card)
    assert (read.platt, read.threshold, read.name) == ((2.0, -1.0), 0.4, "faces")
    assert read.onnx == card.with_suffix(".onnx")
    assert read_net_card(BoxCard, read.onnx) == read
    card = write_landmark_stub(tmp_path)
    marks = read_net_card(LandmarkCard, str(card))
    assert (marks.size, marks.layout, len(marks.template)) == (SIZE, "ibug68", 5)
    assert is_landmark_card(card)
    assert is_landmark_card(marks.onnx)
    assert not is_landmark_card(read.path)
    assert not is_landmark_card(tmp_path / "gone.json")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"platt": None}, "lacks the entry 'platt'"),
        ({"platt": [1]}, r"'platt' must be two numbers \[slope, offset\]"),
        ({"platt": [-1, 0]}, "a slope above 0"),
        ({"platt": [float("nan"), 0]}, "'platt' must be two numbers"),
        ({"threshold": 1.5}, "'threshold' must be a probability from 0 to 1, found 1.5"),
        ({"threshold": None}, "lacks the entry 'threshold'"),
        ({"onnx_sha256": "12"}, "'onnx_sha256' must be 64 hexadecimal digits"),
        ({"licence": None}, "lacks the entry 'licence'"),
        ({"results": "good"}, "'results' must be a table"),
        ({"format": "aulens-model/1"}, "expected format 'aulens-detector/1', found 'aulens-model/1'"),
    ],
)
def test_a_garbled_card_of_a_detector(tmp_path: Path, entries: dict[str, Any], message: str) -> None:
    card = changed(write_box_stub(tmp_path), **entries)
    with pytest.raises(ModelError, match=message) as error:
        read_net_card(BoxCard, card)
    assert str(card) in str(error.value)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"size": 0}, "'size' must be a whole number from 1 to 4096"),
        ({"template": None}, "lacks the entry 'template'"),
        ({"template": [[0.5, 0.5]] * 4}, r"5 places \[x, y\]"),
        ({"template": [[0.5, 0.5]] * 5}, "not all the same"),
        ({"template": [[0.5], [0.5, 0.5], 1, 2, 3]}, r"5 places \[x, y\]"),
        ({"template": [[0.5, 7]] * 5}, "from 0 to 1"),
        ({"layout": "ibug49"}, "'layout' must be one of ibug68"),
        ({"format": None}, "expected format 'aulens-landmarks/1', found None"),
    ],
)
def test_a_garbled_card_of_landmarks(tmp_path: Path, entries: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        read_net_card(LandmarkCard, changed(write_landmark_stub(tmp_path), **entries))


def test_missing_files_are_named_with_what_to_do(tmp_path: Path) -> None:
    card = write_box_stub(tmp_path)
    with pytest.raises(ModelError, match=r"gone\.json: there is no such model file"):
        read_net_card(BoxCard, tmp_path / "gone.json")
    with pytest.raises(ModelError, match=r"its card \(\.json\) or its \.onnx file"):
        read_net_card(BoxCard, tmp_path / "faces.pt")
    card.rename(tmp_path / "other.json")
    with pytest.raises(ModelError, match=r"its card faces\.json is not beside it.*copy both"):
        read_net_card(BoxCard, tmp_path / "faces.onnx")
    with pytest.raises(ModelError, match=r"its network other\.onnx is not beside it"):
        BoxNet(tmp_path / "other.json")
    with pytest.raises(ModelError, match=r"carries no faces\.json: .* --detector dlib"):
        read_net_card(BoxCard, weights=tmp_path / "empty")
    (tmp_path / "text.json").write_text("{")
    with pytest.raises(ModelError, match="not JSON"):
        read_net_card(LandmarkCard, tmp_path / "text.json")


def test_the_shipped_networks_are_taken_by_default() -> None:
    detector = NetDetector()
    assert detector.card.onnx == WEIGHTS / "faces.onnx"
    assert detector.landmark_card.onnx == WEIGHTS / "landmarks.onnx"
    assert len(detector(astronaut())) == 1


def test_a_file_that_is_not_its_cards_is_refused(tmp_path: Path) -> None:
    card = write_box_stub(tmp_path)
    write_box_stub(tmp_path, "other", spoil=1.0)
    (tmp_path / "other.onnx").rename(card.with_suffix(".onnx"))
    with pytest.raises(
        ModelError, match=r"faces\.onnx: not the file that its card faces\.json was written for"
    ):
        BoxNet(card)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the model file is empty"),
        *((each, "not a readable ONNX model") for each in (b"no network", "cut")),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes | str, message: str) -> None:
    card = write_box_stub(tmp_path)
    file = card.with_suffix(".onnx")
    damaged = file.read_bytes()[:900] if isinstance(content, str) else content
    file.write_bytes(damaged)
    changed(card, onnx_sha256=hashlib.sha256(damaged).hexdigest())
    with pytest.raises(ModelError, match=rf"faces\.onnx: {message}"):
        BoxNet(card)


def test_another_kind_of_network_is_told_by_its_inputs_and_outputs(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    box, marks = write_box_stub(tmp_path), write_landmark_stub(tmp_path)
    for card, other in ((box, marks), (marks, box)):
        copy = tmp_path / "b" / card.name
        digest = json.loads(other.read_text())["onnx_sha256"]
        copy.write_text(card.read_text())
        changed(copy, onnx_sha256=digest)
        copy.with_suffix(".onnx").write_bytes(other.with_suffix(".onnx").read_bytes())
    with pytest.raises(
        ModelError, match=r"another kind of network: .* 'boxes' \(B, N, 4\).*found .*'landmarks'"
    ):
        BoxNet(tmp_path / "b" / "faces.json")
    with pytest.raises(
        ModelError, match=r"another kind of network: .*'landmarks' \(B, 68, 2\).*found .*'boxes'"
    ):
        LandmarkNet(tmp_path / "b" / "landmarks.json")
    aus = write_stub(tmp_path)
    with pytest.raises(ModelError, match=r"expected format 'aulens-detector/1', found 'aulens-model/1'"):
        BoxNet(aus)


def test_a_crop_of_another_size_than_the_cards_is_refused(tmp_path: Path) -> None:
    card = write_net(
        tmp_path / "landmarks", landmark_graph(48), json.loads(write_landmark_stub(tmp_path).read_text())
    )
    changed(card, onnx_sha256=read_digest(card))
    with pytest.raises(
        ModelError, match=r"takes pictures of \(48, 48, 3\), its card landmarks\.json says \(64, 64, 3\)"
    ):
        LandmarkNet(card)


def read_digest(card: Path) -> str:
    return hashlib.sha256(card.with_suffix(".onnx").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("write", "open_it", "message"),
    [
        (
            write_box_stub,
            lambda card, good: NetDetector(faces=card, landmarks=good),
            "its scores are not finite",
        ),
        (
            write_landmark_stub,
            lambda card, good: NetDetector(landmarks=card, faces=good),
            "its landmarks are not finite",
        ),
    ],
    ids=["boxes", "landmarks"],
)
def test_not_a_number_from_a_broken_network_is_an_error_not_a_face(
    tmp_path: Path, write: Callable[..., Path], open_it: Callable[[Path, Path], NetDetector], message: str
) -> None:
    (tmp_path / "good").mkdir()
    other = write_landmark_stub if write is write_box_stub else write_box_stub
    detector = open_it(write(tmp_path, spoil=float("nan")), other(tmp_path / "good"))
    image = blank(320, 320)
    draw(image, 100, 100, 64)
    with pytest.raises(ModelError, match=message):
        detector(image)


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_have_a_range(tmp_path: Path, threads: int) -> None:
    with pytest.raises(ConfigError, match="threads must be at least 1"):
        BoxNet(write_box_stub(tmp_path), threads)


def test_any_size_of_picture_goes_through_one_session(tmp_path: Path) -> None:
    net = BoxNet(write_box_stub(tmp_path))
    for height, width in ((32, 32), (32, 320), (320, 64), (640, 640)):
        outputs = net._session(np.zeros((2, height, width, 3), np.uint8))
        assert outputs[2].shape == (2, sum(height * width // s**2 for s in (8, 16, 32)))
