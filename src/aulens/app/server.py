"""Serve the page until it is ended, and leave nothing behind."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import uvicorn

from aulens.analysis.analyzer import Analyzer
from aulens.app.job_queue import JobQueue
from aulens.app.security import SecureApp
from aulens.app.sessions import Sessions
from aulens.app.settings import AppSettings, hosts_of
from aulens.environment import environment
from aulens.errors import ConfigError

_QUIET: Final = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "GRADIO_SSR_MODE": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
}
"""Gradio asks its makers for news and reports its use to them, unless forbidden before it is loaded."""
_SWEEP_EACH: Final = 60.0


@dataclass(frozen=True, eq=False)
class Served:
    """A page that is ready to be served; `folder`, with all uploads and results, is gone at the end."""

    url: str
    folder: Path
    sessions: Sessions
    queue: JobQueue
    server: "Server"


class Server(uvicorn.Server):
    """Ends open streams when it ends; uvicorn alone would wait for the browsers to close them."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, secured: SecureApp) -> None:
        super().__init__(config)
        self._listener, self._secured = listener, secured

    def serve_until_ended(self) -> None:
        """Serve; returns after `should_exit` was set or a signal came."""
        self.run([self._listener])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        self._secured.close()
        await super().shutdown(sockets)


@contextmanager
def prepared(analyzer: Analyzer, settings: AppSettings) -> Iterator[Served]:
    """A page, ready to be served; its files are gone at the end.

    Raises:
        ConfigError: the host or the port can't be used, or Gradio is missing.
    """
    with (
        TemporaryDirectory(prefix="aulens-app-", ignore_cleanup_errors=True) as name,
        closing(_listen(settings)) as listener,
        ExitStack() as stack,
    ):
        folder = Path(name).resolve()
        for part in ("uploads", "sessions"):
            (folder / part).mkdir()
        queue = JobQueue(settings.max_waiting)
        sessions = Sessions(folder / "sessions", folder / "uploads", queue)
        try:
            with environment(_QUIET | {"GRADIO_TEMP_DIR": str(folder / "uploads")}):
                from aulens.app.mount import mount

                secured = SecureApp(
                    mount(analyzer, settings, sessions, queue),
                    sessions,
                    hosts_of(settings),
                    settings.max_bytes,
                    settings.max_total_bytes,
                )
                config = uvicorn.Config(secured, log_level="error", timeout_graceful_shutdown=5, ws="none")
                server = Server(config, listener, secured)
                stack.enter_context(_swept(sessions))
                port = listener.getsockname()[1]
                shown = f"[{settings.host}]" if ":" in settings.host else settings.host
                yield Served(f"http://{shown}:{port}/", folder, sessions, queue, server)
        finally:
            sessions.close()
            queue.close()


@contextmanager
def served(analyzer: Analyzer, settings: AppSettings) -> Iterator[Served]:
    """Serve the page in a thread, for as long as the `with` lasts; arguments as in `prepared`."""
    with prepared(analyzer, settings) as page:
        thread = threading.Thread(target=page.server.serve_until_ended, daemon=True)
        thread.start()
        while not page.server.started and thread.is_alive():
            thread.join(0.02)
        try:
            yield page
        finally:
            page.server.should_exit = True
            thread.join(15)


@contextmanager
def _swept(sessions: Sessions) -> Iterator[None]:
    """What nobody came back for is deleted now and then, whether somebody comes or not."""
    over = threading.Event()

    def sweep() -> None:
        while not over.wait(_SWEEP_EACH):
            sessions.sweep()

    threading.Thread(target=sweep, name="aulens-app-sweep", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _listen(settings: AppSettings) -> socket.socket:
    try:
        kind, _, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise ConfigError(
            f"--host {settings.host}: no such host ({error.strerror}); 127.0.0.1 is this computer"
        ) from error
    listener = socket.socket(kind, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"port {settings.port} of {settings.host} can't be used ({error.strerror}); give another with "
            "--port, or --port 0 for any free one"
        ) from error
    return listener
