"""JAA-Net with grouped parameters against its plain form (`plain_jaa_net.py`): time, share of peak, memory.

    python benchmarks/jaa_net.py [--crop 176] [--batches 1,8] [--threads 1,2] [--device cpu] [--repeats 5]

Each row comes from a process of its own, in which the peak is measured too: the best of 1024 x 1024
float32 matrix products. Both forms compute the same numbers (the tests hold them to that) on one memory
setting: the one that `aulens train` makes (`aulens.training.memory`), or the system's with --plain-
memory. Times are the fastest of the repeats, which a busy neighbour disturbs least; the forms take turns.
"Launches" counts the operators that the dispatcher sees below autograd; memory is the process's peak
resident size above what it was before the first call.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from plain_jaa_net import PlainJAANet
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from aulens.aus import BP4D
from aulens.models.jaa_net import JAANet
from aulens.training.memory import keep_freed_memory

FORMS = ("plain", "grouped")
PASSES = ("forward", "training step")


class _Counter(TorchDispatchMode):
    """Counts what is dispatched while it is active."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


def macs(net: nn.Module, crop: int) -> int:
    """Multiply-accumulates of one image's forward pass, counted in the plain form's layers."""
    total = 0

    def count(layer: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal total
        weight = layer.weight
        total += weight.numel() * (output[0, 0].numel() if isinstance(layer, nn.Conv2d) else 1)

    hooks = [
        layer.register_forward_hook(count)
        for layer in net.modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    with torch.no_grad():
        net.eval()(torch.zeros(1, 3, crop, crop))
    for hook in hooks:
        hook.remove()
    return total


def caller(form: str, work: str, crop: int, batch: int, device: str) -> Callable[[], None]:
    """One call of a form's pass."""
    torch.manual_seed(0)
    image = torch.rand(batch, 3, crop, crop, device=device)
    points = torch.zeros(batch, 49, 2, device=device)
    plain, grouped = PlainJAANet(BP4D, crop), JAANet(BP4D, crop)
    net = (plain if form == "plain" else grouped).to(device)
    net.train(work != "forward")
    optimiser = torch.optim.SGD(net.parameters(), 0.01, 0.9, weight_decay=5e-4, nesterov=True)

    def outputs() -> tuple[Tensor, Tensor, Tensor]:
        if form == "plain":
            found = plain((image - 0.5) / 0.5)
            return found.log_probability, found.local_log_probability, found.landmarks
        given = grouped(image, points)
        return given.logits, given.local_logits, given.landmarks

    def call() -> None:
        if work == "forward":
            with torch.no_grad():
                outputs()
        else:
            optimiser.zero_grad()
            sum(value.square().mean() for value in outputs()).backward()
            optimiser.step()
        if device != "cpu":
            torch.cuda.synchronize()

    return call


def peak_gflops(device: str) -> float:
    """The best of ten float32 matrix products."""
    a, b = torch.randn(2, 1024, 1024, device=device).unbind()
    best = float("inf")
    for _ in range(10):
        start = time.perf_counter()
        a @ b
        if device != "cpu":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return 2 * 1024**3 / best / 1e9


def measure(work: str, crop: int, batch: int, threads: int, device: str, repeats: int) -> dict[str, Any]:
    """Times of both forms in turns, in this process."""
    torch.set_num_threads(threads)
    torch.backends.cudnn.allow_tf32 = False  # as the matrix products of the peak
    calls = {form: caller(form, work, crop, batch, device) for form in FORMS}
    launches = {}
    for form, call in calls.items():
        with _Counter() as counter:
            call()
        launches[form] = counter.count
    times: dict[str, list[float]] = {form: [] for form in FORMS}
    peak = 0.0
    for _ in range(repeats):
        peak = max(peak, peak_gflops(device))
        for form, call in calls.items():
            start = time.perf_counter()
            call()
            times[form].append(time.perf_counter() - start)
    count = macs(PlainJAANet(BP4D, crop), crop) * batch * (1 if work == "forward" else 3)
    return {
        "ms": {form: 1000 * min(found) for form, found in times.items()},
        "share": {form: 2 * count / min(found) / 1e9 / peak for form, found in times.items()},
        "launches": launches,
        "peak": peak,
    }


def memory(form: str, work: str, crop: int, batch: int, device: str) -> float:
    """Peak megabytes of two calls above what the process had before, in this process."""
    call = caller(form, work, crop, batch, device)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of building the networks (Linux)
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call(), call()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    before = _high_water()
    call(), call()
    return _high_water() - before


def _high_water() -> float:
    """Peak resident megabytes of this process (Linux)."""
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def in_a_process(kind: str, arguments: list[Any], plain_memory: bool) -> Any:
    """`measure` or `memory` in a fresh process."""
    command = [sys.executable, __file__, "--one", json.dumps([kind, arguments, plain_memory])]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(answer)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--crop", type=int, default=176)
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--plain-memory", action="store_true", help="leave the system's memory settings")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        kind, arguments, plain_memory = json.loads(options.one)
        if not plain_memory:
            keep_freed_memory()
        print(json.dumps({"measure": measure, "memory": memory}[kind](*arguments)))
        return

    crop, device = options.crop, options.device
    count = macs(PlainJAANet(BP4D, crop), crop)
    print(
        f"JAA-Net at {crop}, 12 AUs, {count / 1e9:.3f} GMAC an image, {device}, torch {torch.__version__}\n"
    )
    print("| pass | batch | threads | plain, ms | grouped, ms | faster | peak, GFLOP/s | share of it: plain "
          "| grouped | launches | plain, MB | grouped, MB |")  # fmt: skip
    print("|---" * 12 + "|")
    for work in PASSES:
        for batch in map(int, options.batches.split(",")):
            size = max(batch, 2) if work != "forward" else batch  # batch statistics need two
            used = {
                form: in_a_process("memory", [form, work, crop, size, device], options.plain_memory)
                for form in FORMS
            }
            for threads in map(int, options.threads.split(",")):
                row = in_a_process(
                    "measure", [work, crop, size, threads, device, options.repeats], options.plain_memory
                )
                ms, share, launches = row["ms"], row["share"], row["launches"]
                print(
                    f"| {work} | {size} | {threads} | {ms['plain']:.0f} | {ms['grouped']:.0f} "
                    f"| {ms['plain'] / ms['grouped']:.2f}x | {row['peak']:.0f} | {share['plain']:.0%} "
                    f"| {share['grouped']:.0%} | {launches['plain']} / {launches['grouped']} "
                    f"({launches['plain'] / launches['grouped']:.1f}x) | {used['plain']:.0f} "
                    f"| {used['grouped']:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
