"""A job for tests of processes that are stopped."""

import os
import time


def slow(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()
