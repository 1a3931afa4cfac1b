"""CPU milliseconds per training sample in one thread: read, align, augment.

python benchmarks/data_loading.py --data renders/ict
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path

import cv2

from aulens.data.dataset import FaceDataset
from aulens.data.photometric import Photometric
from aulens.models import build, model_config
from aulens.training import load_config
from aulens.training.setup import load_samples, training_set

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "renders.toml"


def milliseconds(dataset: FaceDataset, count: int) -> float:
    for index in range(20):
        dataset.read(0, index)
    start = time.process_time()
    for index in range(count):
        dataset.read(1, index)
    return 1000 * (time.process_time() - start) / count


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--count", type=int, default=400)
    arguments = parser.parse_args()
    cv2.setNumThreads(0)
    # Any small model will do: only its crop matters.
    config = load_config(CONFIG, data=arguments.data, settings=["model.backbone=hrnet_lane8"])
    samples = load_samples(config, model_config(config.model)).split("train")
    full = training_set(config, samples, build(model_config(config.model)))
    geometry = dataclasses.replace(full, photometric=Photometric())
    print("| augmentation | CPU ms per sample |\n| --- | --- |")
    count = min(arguments.count, len(samples))
    for name, dataset in (("none", full.plain()), ("geometric", geometry), ("all, as configured", full)):
        print(f"| {name} | {milliseconds(dataset, count):.2f} |")
    for item in dataclasses.fields(Photometric):
        one = dataclasses.replace(full, photometric=Photometric(**{item.name: 1.0}))
        print(f"| geometric + {item.name} always | {milliseconds(one, count):.2f} |")


if __name__ == "__main__":
    main()
