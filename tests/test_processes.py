"""Work in several processes: all of it, once, and nobody left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from types import FrameType

import pytest

import slow_job
from aulens.errors import DatasetError, InputError
from aulens.processes import cpus_here, in_processes

pytestmark = pytest.mark.slow

KILLED_PARENT = """
import os, signal, sys, time
sys.path[:0] = [{here!r}]
from aulens.processes import in_processes
from slow_job import slow
if __name__ == "__main__":
    for _, pid in in_processes([0.0, 60.0], slow, 1, doing="testing"):
        print(pid, flush=True)
"""


INTERRUPTED_PARENT = """
import os, signal, sys
sys.path[:0] = [{here!r}]
from aulens.interrupts import ended_by_signals
from aulens.processes import in_processes
from slow_job import slow
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have made the tests deaf to it
    with ended_by_signals():
        try:
            begun = set()
            for _, pid in in_processes([*[0.2] * 40, *[60.0] * 20], slow, 2, doing="testing"):
                begun.add(pid)
                if len(begun) == 2:
                    print("begun", flush=True)
        except KeyboardInterrupt:
            print("stopped", flush=True)
"""


def double(number: int) -> int:
    return 2 * number


def die_at_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def refuse_two(number: int) -> int:
    if number == 2:
        raise InputError("two")
    return number


def test_every_job_is_done_once_and_made_when_it_is_needed():
    made = []

    def jobs():
        for number in range(30):
            made.append(number)
            yield number

    found, ahead = [], []
    for job, result in in_processes(jobs(), double, 2, doing="testing"):
        assert result == 2 * job
        found.append(job)
        ahead.append(len(made) - len(found))
    assert Counter(found) == Counter(range(30))
    assert max(ahead) <= 5


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not limit a process so")
def test_cpus_are_those_that_this_process_may_use():
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert cpus_here() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert cpus_here() == len(allowed)


def test_a_process_that_dies_is_an_error_that_says_what_to_do():
    with pytest.raises(DatasetError, match=r"A testing process died .* The same command goes on"):
        list(in_processes(range(6), die_at_three, 2, doing="testing"))


def test_an_error_of_a_job_is_raised_and_the_rest_is_not_begun():
    with pytest.raises(InputError, match="two"):
        list(in_processes(range(1000), refuse_two, 1, doing="testing"))


@pytest.mark.skipif(sys.platform == "win32", reason="no pthread_kill")
def test_no_interrupt_is_heard_where_a_lock_of_the_pool_may_be_held():
    """A KeyboardInterrupt there would keep the lock for ever, and the end waits for the pool's thread."""
    heard, state = Counter[str](), ["wait"]

    def hear(number: int, frame: FrameType | None) -> None:
        while frame is not None:
            heard[os.path.join(*frame.f_code.co_filename.split(os.sep)[-3:])] += 1
            frame = frame.f_back

    def interrupt():
        while state[0] != "end":
            time.sleep(0.0005)
            if state[0] == "interrupt":
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    before = signal.signal(signal.SIGINT, hear)
    sender = threading.Thread(target=interrupt)
    sender.start()
    try:
        for count, _ in enumerate(in_processes(range(2000), double, 2, doing="testing"), 1):
            state[0] = "interrupt"
            if count == 2000:  # the pool's end may be interrupted
                state[0] = "wait"
                time.sleep(0.1)
    finally:
        state[0] = "end"
        sender.join()
        signal.signal(signal.SIGINT, before)
    assert heard[os.path.join("src", "aulens", "processes.py")] > 20
    assert not [path for path in heard if "futures" in path or path.endswith("threading.py")], heard


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_processes_end_with_their_killed_parent():
    code = KILLED_PARENT.format(here=os.path.dirname(slow_job.__file__))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the process goes on without its parent")


@pytest.mark.skipif(sys.platform == "win32", reason="no process groups")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_processes_in_silence(number: signal.Signals):
    """Both have begun, as one that is still beginning may complain; SIGTERM comes to the parent alone."""
    code = INTERRUPTED_PARENT.format(here=os.path.dirname(slow_job.__file__))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True, **pipes) as parent:
        assert parent.stdout.readline() == "begun\n"
        (os.killpg if number == signal.SIGINT else os.kill)(parent.pid, number)
        said, complaints = parent.communicate(timeout=20)
    assert (said, complaints) == ("stopped\n", "")
    assert parent.returncode == (0 if number == signal.SIGINT else 143)
