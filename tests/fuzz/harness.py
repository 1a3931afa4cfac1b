"""One harness for all that reads files: valid files are damaged, and what the reader says is judged.

A reader may give a value, or say a sentence (an error of `aulens.errors`). Anything else is a fault: another
exception, more than `SECONDS`, more than `MEMORY` beyond what the process had.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import random
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aulens.errors import AulensError

SECONDS = 20
"""That one file may take, on a busy machine too; none takes one."""
MEMORY = 3 << 30
"""Bytes of address space that one file may take beyond what there was."""
EDITS = 6

Edit = tuple[str, float, bytes]
"""What is done, where in the file (a share of its length), and with what."""

ODD = (
    b"", b"\0", b"\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\x80", b"\xff" * 8, b"\x80\0\0\0",
    b"-1", b"0", b"1e9", b"1e999", b"NaN", b"nan", b"-inf", b"9" * 25, b"9" * 400, b"0.5", b"null", b"true",
    b"[", b"]", b"{", b"}", b'"', b"'", b",", b";", b"\n", b"\r", b"\t", b" ", b"=", b"\\", b"/", b"../",
    b"%s",     b"\x1b[31m", b"\xe2\x80\xae", b"\xc3(", b"\xed\xa0\x80", b"\\ud800", b"AU",
    b"AU99", b"[" * 3000,
    b'{"a":' * 3000, b'""', b"[]", b"{}", b"2147483648", b"-9223372036854775809", b"18446744073709551616",
)  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """What reads a kind of file.

    Attributes:
        name: of the kind.
        make: writes a valid file, with all that belongs to it, below a folder; returns its path.
        read: reads it.
        examples: contents that were faults once.
        json: entries of the file are replaced too, not its bytes alone.
        count: files that the tests damage.
    """

    name: str
    make: Callable[[Path], Path]
    read: Callable[[Path], object]
    examples: tuple[bytes, ...] = ()
    json: bool = False
    count: int = 60


class FaultError(AssertionError):
    """What a reader may not do."""


def judge(reader: Reader, path: Path, content: bytes | None = None) -> str | None:
    """What the reader says of a file, with this content if some is given; None if it reads it.

    Raises:
        FaultError: it does something that no reader may.
    """
    if content is not None:
        path.write_bytes(content)
    try:
        with limits(SECONDS, MEMORY):
            reader.read(path)
    except AulensError as error:
        return _sentence(reader, str(error))
    except Exception as error:
        raise FaultError(f"{reader.name}: {type(error).__name__}: {error} in place of a sentence") from error
    return None


def _sentence(reader: Reader, said: str) -> str:
    if len(said) < 5 or "Traceback" in said or len(said) > 4000:
        raise FaultError(f"{reader.name}: no sentence: {said[:200]!r}")
    return said


@contextmanager
def limits(seconds: float, memory: int) -> Iterator[None]:
    """What goes on in the block may not take longer, nor so much memory more."""

    if sys.platform != "linux":
        yield
        return

    hung = []

    def late(number: int, frame: object) -> None:
        hung.append(number)
        raise FaultError

    resource, before = _resource(), signal.signal(signal.SIGALRM, late)
    faulthandler.dump_traceback_later(4 * seconds, exit=True)  # what is not Python's hears no signal
    signal.setitimer(signal.ITIMER_REAL, seconds)
    kept = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + memory, kept[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, kept)
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
        if hung:  # whatever the reader made of it
            raise FaultError(f"more than {seconds} seconds")


def _resource() -> Any:
    import resource

    return resource


def damaged(content: bytes, edits: Sequence[Edit]) -> bytes:
    """The content, changed at these places one after another."""
    data = bytearray(content)
    for kind, share, odd in edits:
        at = int(share * len(data))
        if kind == "cut":
            del data[at:]
        elif kind == "insert":
            data[at:at] = odd
        elif kind == "put":
            data[at : at + len(odd)] = odd
        elif kind == "flip" and data:
            data[min(at, len(data) - 1)] ^= 1 << (len(odd) % 8)
        elif kind == "drop":
            del data[at : at + 1 + len(odd)]
        elif kind == "twice":
            data[at:at] = data[at : at + 64]
    return bytes(data)


def replaced(content: bytes, share: float, value: object) -> bytes:
    """The JSON, with another value at one of its places."""
    try:
        whole = json.loads(content)
    except ValueError:
        return content
    places = list(_places(whole))
    if not places:
        return content
    holder, key = places[min(int(share * len(places)), len(places) - 1)]
    if value is ...:
        del holder[key]
    else:
        holder[key] = value
    return json.dumps(whole).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


KINDS = ("cut", "insert", "put", "flip", "drop", "twice")
_PLACE = st.floats(0, 1, exclude_max=True)
_ODD = st.sampled_from(ODD) | st.binary(max_size=12)
_EDITS = st.lists(st.tuples(st.sampled_from(KINDS), _PLACE, _ODD), min_size=1, max_size=EDITS)
PLAIN: tuple[object, ...] = (
    ..., None, True, False, -1, 0, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400, 1e9, 1e308, float("nan"),
    float("inf"), float("-inf"), -0.5, "", "x", "../../etc/passwd", "\x1b[31m", "\ud800", "NaN", [], {}, [[]],
    [None], {"": None}, [1, 2, 3], ["a", "a"], {"AU12": None}, [[1, 2], [3]], "9" * 400, [float("nan")] * 5,
)  # fmt: skip
_VALUES = st.tuples(st.just("json"), _PLACE, st.sampled_from(PLAIN))


def contents(reader: Reader, valid: bytes) -> st.SearchStrategy[bytes]:
    """Damaged files of a kind."""
    edited = _EDITS.map(lambda edits: damaged(valid, edits))
    if not reader.json:
        return edited
    return edited | st.lists(_VALUES, min_size=1, max_size=3).map(lambda values: _all(valid, values))


def _all(valid: bytes, values: Sequence[tuple[str, float, object]]) -> bytes:
    for _, share, value in values:
        valid = replaced(valid, share, value)
    return valid


def random_content(reader: Reader, valid: bytes, dice: random.Random) -> bytes:
    """A damaged file as `contents` gives them, without hypothesis: a thousand times as fast."""
    if reader.json and dice.random() < 0.5:
        return _all(valid, [("json", dice.random(), dice.choice(PLAIN)) for _ in range(dice.randint(1, 3))])
    edits = [
        (dice.choice(KINDS), dice.random() ** dice.choice((1, 3)),
         dice.choice(ODD) if dice.random() < 0.6 else dice.randbytes(dice.randint(0, 12)))
        for _ in range(dice.randint(1, EDITS))
    ]  # fmt: skip
    return damaged(valid, edits)


def check(reader: Reader, folder: Path) -> None:
    """Read a valid file, what was a fault once, and damaged files, the same ones each time."""
    path = reader.make(folder)
    valid = path.read_bytes()
    reader.read(path)

    def judged(content: bytes) -> None:
        judge(reader, path, content)

    test = given(content=contents(reader, valid))(judged)
    for each in reader.examples:
        test = example(content=each)(test)
    budget = settings(
        max_examples=reader.count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    budget(test)()
    gc.collect()


def main() -> None:
    """`harness.py READER SEED COUNT FOLDER`: as many damaged files as you like; faults are kept in FOLDER."""
    import readers

    name, seed, count, folder = sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
    (reader,) = (each for each in readers.READERS if each.name == name)
    seen: Counter[str] = Counter()
    with TemporaryDirectory() as work:
        path = reader.make(Path(work))
        valid = path.read_bytes()
        for number in range(count):
            content = random_content(reader, valid, random.Random(f"{seed}-{number}"))
            try:
                judge(reader, path, content)
            except FaultError as fault:
                cause = fault.__cause__
                where = traceback.extract_tb(cause.__traceback__) if cause else []
                ours = [f"{frame.filename}:{frame.lineno}" for frame in where if "aulens" in frame.filename]
                kind = f"{type(cause).__name__} at {ours[-1] if ours else '?'}"
                seen[kind] += 1
                if seen[kind] == 1:
                    (folder / f"{name}-{seed}-{number}").write_bytes(content)
                    print(f"{kind}: {fault}", flush=True)
    print(f"{name}: {count} files, {seen.total()} faults of {len(seen)} kinds")


if __name__ == "__main__":
    main()
