"""Serve the page with the stub model and people as patches; each look for faces takes its time.

    python slow_app.py FOLDER SECONDS [MEGABYTES MINUTES]

Prints the address and the folder of uploads as JSON, and serves until its standard input is closed. Each look
adds a byte to FOLDER/looks.
"""

import json
import sys
import time
from pathlib import Path

from aulens.analysis.analyzer import Analyzer
from aulens.app.server import served
from aulens.app.settings import AppSettings

sys.path.insert(0, str(Path(__file__).parents[1] / "made"))
from patch_people import PatchDetector
from stub_model import write_stub


class SlowDetector(PatchDetector):
    def __init__(self, seconds: float, looks: Path) -> None:
        self._seconds, self._looks = seconds, looks

    def __call__(self, image):
        with self._looks.open("ab") as file:
            file.write(b".")
        time.sleep(self._seconds)
        return super().__call__(image)


def main(folder: Path, seconds: float, megabytes: float = 500, minutes: float = 10) -> None:
    (folder / "looks").touch()
    analyzer = Analyzer(write_stub(folder), SlowDetector(seconds, folder / "looks"))
    settings = AppSettings(port=0, max_megabytes=megabytes, max_minutes=minutes)
    with served(analyzer, settings) as page:
        print(json.dumps({"url": page.url, "folder": str(page.folder)}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(float, sys.argv[2:]))
