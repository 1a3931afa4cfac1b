"""The graph layer, factored against explicit: time and peak memory, at paper A's size and as the map grows.

    python benchmarks/graph_layer.py [--threads 2] [--repeats 5]

Each number comes from a process of its own, so that one's peak memory can't hide another's. Times are the
fastest of the repeats, which a busy neighbour disturbs least; memory is the process's peak resident size
during the first call, above its peak before.
"""

import argparse
import json
import multiprocessing
import resource
import subprocess
import sys
import time

import torch
from torch import Tensor

from aulens.models.graph import GraphReasoning

CHANNELS, AUS = 270, 12
PAPER = 64
SIDES = (32, 64, 128, 256)


def explicit(layer: GraphReasoning, features: Tensor) -> Tensor:
    """The same layer with the N x N matrix formed, as the equations are written."""
    phi, eigenvalues = layer.decompose(features)
    phi_BNM = phi.flatten(2).transpose(1, 2)
    similarity = (phi_BNM * eigenvalues.unsqueeze(1)) @ phi_BNM.transpose(1, 2)
    degree = similarity.sum(2)
    root = torch.where(degree > 0, degree, 1.0).rsqrt()
    similarity = root.unsqueeze(2) * similarity * root.unsqueeze(1)
    laplacian = torch.eye(similarity.shape[1]) - similarity
    x_BNC = features.flatten(2).transpose(1, 2)
    high = (laplacian @ x_BNC).transpose(1, 2).reshape(features.shape)
    return torch.relu(layer.theta(high))


def measure(form: str, side: int, backward: bool, threads: int, repeats: int) -> dict[str, float]:
    """Least milliseconds and peak additional megabytes of one form, in this process."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layer = GraphReasoning(CHANNELS, AUS)
    features = torch.randn(1, CHANNELS, side, side)

    def call() -> None:
        with torch.set_grad_enabled(backward):
            refined = layer(features)[0] if form == "factored" else explicit(layer, features)
            if backward:
                refined.sum().backward()

    small = torch.randn(1, CHANNELS, 4, 4)  # libraries allocate their own on first use
    layer(small)[0].sum().backward()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    call()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return {"ms": 1000 * min(times), "mb": (peak - before) / 1024}


def in_a_process(form: str, side: int, backward: bool, threads: int, repeats: int) -> dict[str, float]:
    """`measure` in a fresh process."""
    arguments = json.dumps([form, side, backward, threads, repeats])
    command = [sys.executable, __file__, "--one", arguments]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(answer))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=min(2, multiprocessing.cpu_count()))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*json.loads(options.one))))
        return

    print(f"{CHANNELS} channels, {AUS} AUs, batch 1, {options.threads} threads, torch {torch.__version__}\n")
    print("| map | pass | explicit, ms | factored, ms | faster | explicit, MB | factored, MB |")
    print("|---|---|---|---|---|---|---|")
    for backward in (False, True):
        rows = {
            form: in_a_process(form, PAPER, backward, options.threads, options.repeats)
            for form in ("explicit", "factored")
        }
        slow, fast = rows["explicit"], rows["factored"]
        print(
            f"| {PAPER}x{PAPER} | {'forward + backward' if backward else 'forward'} "
            f"| {slow['ms']:.1f} | {fast['ms']:.1f} | {slow['ms'] / fast['ms']:.0f}x "
            f"| {slow['mb']:.0f} | {fast['mb']:.0f} |"
        )
    print("\n| map | positions | factored forward, ms | MB | MB per 1000 positions |")
    print("|---|---|---|---|---|")
    for side in SIDES:
        row = in_a_process("factored", side, False, options.threads, options.repeats)
        positions = side * side
        print(
            f"| {side}x{side} | {positions} | {row['ms']:.1f} | {row['mb']:.0f} "
            f"| {1000 * row['mb'] / positions:.2f} |"
        )


if __name__ == "__main__":
    main()
