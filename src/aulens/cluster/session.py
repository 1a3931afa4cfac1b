"""A connection to Ray for one run, which reports nothing to others and leaves nothing behind."""

import functools
import importlib
import logging
import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from aulens.environment import environment
from aulens.errors import ConfigError
from aulens.interrupts import kept_handlers

_QUIET: Final[dict[str, str | None]] = {
    "RAY_USAGE_STATS_ENABLED": "0",  # or figures about its use go to Ray's makers
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}
_SILENT: Final[dict[str, Any]] = {"log_to_driver": False, "logging_level": logging.ERROR}
_STARTS: Final = 3
_SPARE_CPUS: Final = 2
"""CPUs that Ray counts besides those of the workers: work of its own may need one."""
_STORE_BYTES: Final = 256 << 20
"""For what passes between processes, which is a few lines of text; taken as needed."""
_GONE_WITHIN: Final = 10.0
_ANSWERS_WITHIN: Final = 20.0


@contextmanager
def connected(address: str | None, cpus: int) -> Iterator[Any]:
    """The module `ray`, connected.

    If this process is connected to a Ray cluster already, that is used, and left as it is.

    Args:
        address: of a running cluster; None starts one on this machine, which obeys this process only.
        cpus: that the workers of one on this machine take.

    Raises:
        ConfigError: Ray is not installed or does not start, or there is no cluster at the address.
    """
    ray = _import_ray()
    if ray.is_initialized():
        yield ray
        return
    with ExitStack() as stack:
        if address is None:
            # Ray listens on all of the machine's addresses and obeys whoever has the token,
            # which it would else keep in the home folder. It turns the mode on by itself.
            mode = os.environ.get("RAY_AUTH_MODE")
            stack.enter_context(environment(_QUIET | {"RAY_AUTH_TOKEN": _token(), "RAY_AUTH_MODE": mode}))
            with kept_handlers():
                stack.enter_context(_started(ray, cpus))
        else:
            stack.enter_context(environment(_QUIET))
            stack.callback(ray.shutdown)
            with kept_handlers():
                _connect(ray, address)
        yield ray


@contextmanager
def _started(ray: Any, cpus: int) -> Iterator[None]:
    """A cluster on this machine; on a busy one it is tried again, as Ray waits 30 seconds for itself."""
    with ExitStack() as stack:
        for number in range(_STARTS):
            folder = stack.enter_context(_folder())
            stack.callback(ray.shutdown)
            try:
                ray.init(
                    address="local",
                    num_cpus=cpus + _SPARE_CPUS,
                    num_gpus=0,
                    include_dashboard=False,
                    object_store_memory=_STORE_BYTES,
                    _temp_dir=str(folder),
                    **_SILENT,
                )
                break
            except Exception as error:
                if type(error) not in (Exception, RuntimeError):  # what Ray raises then
                    raise
                stack.close()
                if number + 1 == _STARTS:
                    raise ConfigError(
                        f"Ray did not start in {_STARTS} tries ({_first_line(error)}): this machine is too "
                        "busy or short of memory. Try again later, or without --cluster"
                    ) from error
        yield


def _connect(ray: Any, address: str) -> None:
    try:
        _reach(address)
        ray.init(address=address, **_SILENT)
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"no Ray cluster answers at {address} ({_first_line(error)}). Start one with `ray start --head "
            "--disable-usage-stats`, and give its HOST:PORT, or `auto` on one of its machines"
        ) from error


@functools.cache
def _token() -> str:
    # One for the process: Ray keeps the first that it sees.
    return secrets.token_hex(32)


def _import_ray() -> Any:
    try:
        with environment(_QUIET):
            ray = importlib.import_module("ray")
            importlib.import_module("ray.data")
    except ImportError as error:
        raise ConfigError(f"--cluster needs Ray ({error}): pip install 'aulens[cluster]'") from error
    return ray


@contextmanager
def _folder() -> Iterator[Path]:
    # The path of a socket in it must be short: 103 characters on macOS, half of which its own folder takes.
    short = Path("/tmp")
    usable = sys.platform != "win32" and short.is_dir() and os.access(short, os.W_OK)
    folder = Path(tempfile.mkdtemp(prefix="aulens-ray-", dir=short if usable else None))
    ray = folder / "r"  # Ray opens its folder to everybody; that around it stays this user's
    ray.mkdir()
    try:
        yield ray
    finally:
        until = time.monotonic() + _GONE_WITHIN
        while folder.exists() and time.monotonic() < until:
            shutil.rmtree(folder, ignore_errors=True)  # Ray's processes end a moment after its shutdown
            time.sleep(0.05)


def _reach(address: str) -> None:
    """Raise `OSError` where nothing listens: Ray would take minutes to say so."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        with socket.create_connection((host, int(port)), timeout=_ANSWERS_WITHIN):
            pass


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
