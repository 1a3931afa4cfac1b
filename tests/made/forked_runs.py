"""A program that analyzes files each time it is asked to, in a process that can be killed.

    python forked_runs.py MODEL OUT VIDEO PICTURE...

Patches stand for faces. For each line on standard input a fork goes on with the run: its number comes on
standard output, and once it has ended, its status. So a kill does not cost the time to load everything.
"""

import os
import sys
from pathlib import Path

import cv2

from aulens.analysis import analyzer
from aulens.output import Here, OutputSettings, analyze_files, analyze_video
from patch_people import PatchDetector, PatchEmbedder

ALL = OutputSettings(overlay=True, report=True)


def run(model: str, out: str, video: str, *pictures: str) -> None:
    """The run in question; of the video, each few frames are kept."""
    analyzer.default_embedder = PatchEmbedder
    made = analyzer.Analyzer(Path(model), PatchDetector(), threads=1)
    analyze_files(pictures, out, ALL, executor=Here(made), resume=True)
    analyze_video(made, video, out, ALL, resume=True, checkpoint_each=7)


def main() -> None:
    cv2.setNumThreads(1)
    for _ in sys.stdin:
        process = os.fork()
        if process == 0:
            try:
                run(*sys.argv[1:])
            except BaseException as error:
                print(repr(error), file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        print(process, flush=True)
        print(os.waitpid(process, 0)[1], flush=True)


if __name__ == "__main__":
    main()
