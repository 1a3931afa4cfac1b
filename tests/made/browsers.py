"""A real browser for tests of pages: Chromium without a window, driven by Playwright."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@cache
def chromium() -> str | None:
    """Path of a Chromium that starts; None if there is none (on some systems the name is there, alone)."""
    for path in filter(None, map(shutil.which, NAMES)):
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and "Chrom" in done.stdout:
            return path
    return None


@contextmanager
def launched(*arguments: str) -> Iterator[Any]:
    """A browser; the test is skipped, and says why, where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra: dev)")
    path = chromium()
    if path is None:
        pytest.skip("no Chromium that starts (Debian: apt-get install chromium)")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", *arguments]
        )
        yield browser
        browser.close()
