"""`aulens app` as a process of its own, and what it answers to a file that is dropped on it; no browser."""

import csv
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol


class Served(Protocol):
    """A page; its address ends in a slash."""

    @property
    def url(self) -> str: ...


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """The command; its address, and what it said before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "aulens", "app", "--port", "0", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    assert process.stderr is not None
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if "the page is at " in line:
                break
        yield process, said[-1].split("the page is at ")[1].split()[0], said
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def post(page: Served, path: str, body: bytes, kind: str, **more: str) -> Any:
    """The answer, as JSON."""
    headers = {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in more.items()}}
    request = urllib.request.Request(page.url + path, body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def upload(page: Served, data: bytes, name: str = "a.png", **more: str) -> Path:
    head = f'--part\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
    kind = "multipart/form-data; boundary=part"
    return Path(post(page, "gradio_api/upload", head + data + b"\r\n--part--\r\n", kind, **more)[0])


def dropped(page: Served, data: bytes, session: str, name: str = "a.png") -> str:
    """What the page answers to a file."""
    sent = {"path": str(upload(page, data, name)), "orig_name": name, "meta": {"_type": "gradio.FileData"}}
    return output(page, "upload", [sent, False], session)


def events(page: Served) -> list[dict[str, Any]]:
    """All that can happen on it."""
    with urllib.request.urlopen(f"{page.url}config", timeout=30) as answer:
        found: list[dict[str, Any]] = json.load(answer)["dependencies"]
    return found


def output(page: Served, event: str, data: list[Any], session: str) -> str:
    """What the page answers when something happens on it, as JSON."""
    found = events(page)
    number = next(each["id"] for each in found if [target[1] for target in each["targets"]] == [event])
    asked = {"fn_index": number, "data": data, "session_hash": session}
    try:
        return json.dumps(
            post(page, "gradio_api/run/predict", json.dumps(asked).encode(), "application/json")
        )
    except urllib.error.HTTPError as error:
        with error:
            return json.dumps(json.load(error))


def table_of(folder: Path, picture: bytes, *arguments: str) -> list[dict[str, str]]:
    """The rows that the page makes of a dropped picture; its command has these arguments.

    Args:
        folder: an empty one, for the page's files.
        picture: the file.
        arguments: of `aulens app`.
    """
    with running(folder, *arguments) as (_, url, _):
        dropped(SimpleNamespace(url=url), picture, "session")
        end = time.monotonic() + 60
        while not (found := list(folder.rglob("results.csv"))):
            assert time.monotonic() < end, "no table came"
            time.sleep(0.05)
        return list(csv.DictReader(found[0].read_text(encoding="utf-8").splitlines()))
