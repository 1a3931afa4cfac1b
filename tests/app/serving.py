"""A page that is served in another process, and what a browser sees of it."""

import csv
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 90_000
"""Milliseconds: machines that test are busy ones."""


@dataclass(frozen=True)
class Serving:
    """A page that is served; `folder` holds its uploads and results, `looks` a byte per look for faces."""

    url: str
    folder: Path
    looks: Path

    def sessions(self) -> list[Path]:
        return list((self.folder / "sessions").iterdir())


def until(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)


class OpenPage:
    """A page that is looked at; what it asked for and complained of."""

    def __init__(self, browser: Any, serving: Serving, **looks: Any) -> None:
        self.page = browser.new_page(**({"viewport": {"width": 1300, "height": 900}} | looks))
        self.page.set_default_timeout(PATIENCE)
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda told: self.wrong.append(told.text) if told.type == "error" else None)
        self.page.goto(serving.url)
        self.page.wait_for_selector("#drop")
        self.home = urlsplit(serving.url).netloc

    def drop(self, path: Path, name: str | None = None) -> None:
        file = {"name": name or path.name, "mimeType": "", "buffer": path.read_bytes()}
        self.page.set_input_files("#drop input[type=file]", file)

    def analyze(self, path: Path) -> None:
        """Of a video."""
        self.drop(path)
        self.page.locator("#go").click()

    def text(self, where: str) -> str:
        return str(self.page.locator(where).inner_text())

    def taken(self, label: str) -> bytes:
        """A file that the page offers."""
        with self.page.expect_download() as download:
            self.page.locator("#facts nav a", has_text=label).click()
        return Path(download.value.path()).read_bytes()

    def rows(self, label: str = "Table") -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.taken(label).decode("utf-8"))))

    def abroad(self) -> list[str]:
        """What was asked for that is not here."""
        here = {"data", "blob"}
        return [
            url
            for url in self.asked
            if urlsplit(url).scheme not in here and urlsplit(url).netloc != self.home
        ]
