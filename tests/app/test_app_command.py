"""`aulens app` as a user runs it: what it says, who can reach it, and what is left of it."""

import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest

from command_line import aulens
from served_app import running

gradio = pytest.mark.skipif(find_spec("gradio") is None, reason="gradio is not installed (extra: app)")
posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def status(url: str, host: str | None = None) -> int:
    request = urllib.request.Request(url, headers={} if host is None else {"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@gradio
@posix
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_this_computer_only_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as (process, url, said):
        assert url.startswith("http://127.0.0.1:")
        assert len(said) == 1  # no warning
        assert status(url) == 200
        assert status(url, "evil.example") == 403
        assert status(f"{url}gradio_api/file=/etc/hostname") in (403, 404)
        assert status(f"{url}gradio_api/file=http://127.0.0.1:1/") == 404
        assert [path.name.startswith("aulens-app-") for path in tmp_path.iterdir()] == [True]
        process.send_signal(number)
        rest = process.communicate(timeout=60)[1]
        assert process.returncode == (0 if number is signal.SIGINT else 128 + number)
    assert "Traceback" not in rest
    assert list(tmp_path.iterdir()) == []


@gradio
@pytest.mark.slow
def test_another_host_is_warned_of(tmp_path: Path) -> None:
    with running(tmp_path, "--host", "0.0.0.0", "--allow-host", "box.example") as (_, url, said):
        assert "0.0.0.0 is not for this computer only: whoever can reach it" in said[0]
        here = url.replace("0.0.0.0", "127.0.0.1")
        named = (None, "192.168.1.20:7860", "box.example", "evil.example")
        assert [status(here, host) for host in named] == [200, 200, 200, 403]


@gradio
@pytest.mark.slow
def test_a_port_in_use_is_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = aulens("app", "--port", taken.getsockname()[1])
    assert done.code == 2
    assert "can't be used" in str(done.error)
    assert "--port 0" in str(done.error)


def test_without_gradio_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    done = aulens("app")
    assert done.code == 2
    assert str(done.error).endswith("pip install 'aulens[app]'")


WRONG = [
    ("--port", "70000"), ("--max-minutes", "0"), ("--host", ""), ("--max-total-megabytes", "1"),
    ("--allow-host", "http://a.example"), ("--allow-host", "a.example:80"),
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_options_are_sentences(wrong: tuple[str, str]) -> None:
    done = aulens("app", *wrong)
    assert done.code == 2
    assert done.error is not None
