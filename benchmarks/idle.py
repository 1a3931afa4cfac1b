"""Does training wait for its data? The share of an epoch's time in which the model had nothing to do.

    python benchmarks/idle.py --data prepared/bp4d --config configs/paper_a_bp4d.toml --fold 1

One epoch for each number of loader processes, with the configuration's model and augmentation; the first
batch, for which the loaders start, is not counted.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from aulens.data.prepared import is_prepared
from aulens.training import load_config, train


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--fold", type=int, default=1)
    parser.add_argument("--workers", type=int, nargs="+", default=(0, 1, 2))
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    print("| loader processes | pictures/s | share of time waiting for data |\n| ---: | ---: | ---: |")
    for workers in arguments.workers:
        settings = [*arguments.settings, "train.epochs=1", f"data.workers={workers}"]
        if is_prepared(arguments.data):
            settings.append(f"data.fold={arguments.fold}")
        with tempfile.TemporaryDirectory() as out:
            run = Path(out) / "run"
            train(
                load_config(arguments.config, data=[arguments.data], settings=settings), run, progress=False
            )
            record = json.loads((run / "log.jsonl").read_text(encoding="utf-8").splitlines()[0])
        print(f"| {workers} | {record['images_per_second']:.1f} | {record['waiting_for_data']:.1%} |")


if __name__ == "__main__":
    main()
