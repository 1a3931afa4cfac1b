"""Fixtures that several test folders share."""

import gc
import os
import signal
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from browsers import launched
from entries import replace_detector
from patch_people import PatchEmbedder
from stub_model import write_stub
from synthetic_faces import write_faces


def pytest_configure() -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:  # each of those beside each other has one core
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs behind it
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What importing everything leaves is no garbage: it is neither looked for then, nor looked at later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    gc.unfreeze()


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small folder in the renders' format: 12 subjects, 10 pictures each, AUs painted as discs."""
    return write_faces(tmp_path_factory.mktemp("faces"), subjects=12, each=10)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card of a model that needs no training."""
    return write_stub(tmp_path_factory.mktemp("stub"))


@pytest.fixture
def patches_for_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line finds coloured patches in place of faces."""
    replace_detector(monkeypatch, "aulens", "patch_people:ENTRY")


@pytest.fixture(scope="session", autouse=True)
def one_command_line() -> Iterator[None]:
    """Typer's runner would make all commands anew for each call."""
    import typer.testing

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", cache(typer.testing._get_command))
        yield


@pytest.fixture
def without_pdfs(monkeypatch: pytest.MonkeyPatch) -> None:
    """matplotlib saves empty PDFs: the fonts of a PDF take a third of a second."""
    from matplotlib.figure import Figure

    save = Figure.savefig

    def saved(figure: Figure, path: Path, **how: Any) -> None:
        if how["format"] == "pdf":
            path.touch()
        else:
            save(figure, path, **how)

    monkeypatch.setattr(Figure, "savefig", saved)


@pytest.fixture(scope="module")
def people_by_colour() -> Iterator[None]:
    """Who is who in a clip of patches; tests/app and tests/faces have the network that is used otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aulens.analysis.analyzer.default_embedder", PatchEmbedder)
        yield


@pytest.fixture(scope="module")
def one_scanner() -> Iterator[None]:
    """What dlib finds boxes with is made once, and not for every detector: it takes a quarter of a second."""
    import dlib

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dlib, "get_frontal_face_detector", cache(dlib.get_frontal_face_detector))
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium; tests that need it are skipped where it is missing."""
    with launched() as browser:
        yield browser
