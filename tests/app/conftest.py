"""A served page, in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from serving import Serving


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Serving]]:
    """Starts pages: seconds that a look for faces takes, and the limits."""
    pytest.importorskip("gradio", reason="gradio is not installed (extra: app)")
    started = []

    def start(seconds: float, *limits: float) -> Serving:
        folder = tmp_path_factory.mktemp("app")
        command = [sys.executable, str(Path(__file__).with_name("slow_app.py")), str(folder)]
        process = subprocess.Popen(
            [*command, *map(str, (seconds, *limits))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        return Serving(told["url"], Path(told["folder"]), folder / "looks")

    yield start
    for process in started:
        process.communicate(timeout=60)
