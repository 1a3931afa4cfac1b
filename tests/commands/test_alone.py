"""The commands of users need no home folder and no network."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from face_clips import write_face

pytestmark = pytest.mark.slow

# Refuses whatever would speak to another machine, and tells of it; what is native code sees no proxy.
ALONE = """
import sys
def heard(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        sys.stderr.write(f"NETWORK {event} {arguments}\\n")
        raise OSError("no network")
sys.addaudithook(heard)
from aulens.cli import main
main()
"""


def alone(*arguments: object, home: dict[str, str]) -> subprocess.CompletedProcess[str]:
    barred = {"HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"}
    outside = {name: value for name, value in os.environ.items() if name not in barred}
    command = [sys.executable, "-c", ALONE, *map(str, arguments)]
    return subprocess.run(command, env=outside | home, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("home", [{}, {"HOME": "/nonexistent"}, {"HOME": "/proc"}], ids=str)
def test_without_a_home_and_without_a_network(home: dict[str, str], tmp_path: Path) -> None:
    video = write_face(tmp_path / "talk.mp4", [Fraction(i, 25) for i in range(4)])
    done = alone("report", video, "--out", tmp_path / "out", home=home)
    assert "NETWORK" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "talk.csv").is_file()
