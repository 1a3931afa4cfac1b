"""`aulens app`: the web page."""

import webbrowser
from importlib.util import find_spec
from typing import Annotated

import typer

from aulens.analysis.analyzer import Analyzer
from aulens.app.settings import AppSettings
from aulens.commands.options import Backend, DetectorModel, DetectorName, Model, Threads
from aulens.commands.terminal import to_stderr
from aulens.errors import ConfigError
from aulens.faces.registry import DEFAULT_DETECTOR, DetectorSpec
from aulens.runtime.backend import BACKENDS

_SERVER = "Serving"


def app(
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on; by default only this computer can reach it.", rich_help_panel=_SERVER
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes any free one.", rich_help_panel=_SERVER)] = 7860,
    browser: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser.", rich_help_panel=_SERVER)
    ] = False,
    max_megabytes: Annotated[
        float, typer.Option(metavar="MB", help="Largest upload.", rich_help_panel=_SERVER)
    ] = 500,
    max_total_megabytes: Annotated[
        float | None,
        typer.Option(
            metavar="MB",
            help="Largest size of the files of all pages together.",
            show_default="eight times --max-megabytes",
            rich_help_panel=_SERVER,
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Another host name under which the page may be opened, as that of a proxy, repeatable.",
            rich_help_panel=_SERVER,
        ),
    ] = None,
    max_minutes: Annotated[
        float,
        typer.Option(
            metavar="MIN", help="Longest part of a video that is analyzed at once.", rich_help_panel=_SERVER
        ),
    ] = 10,
    model: Model = None,
    detector: DetectorName = DEFAULT_DETECTOR,
    detector_model: DetectorModel = None,
    backend: Backend = BACKENDS[0],
    threads: Threads = None,
) -> None:
    """Serve a web page on this computer: drop in a picture or a video, see its Action Units, download files.

    Everything stays on this computer. Uploads and results are deleted when their page is closed, and when
    Ctrl-C ends the command. One analysis runs at a time; those of other pages wait. See docs/app.md.
    """
    console = to_stderr()
    settings = AppSettings(
        host,
        port,
        max_megabytes,
        max_minutes,
        max_total_megabytes=max_total_megabytes,
        allow_hosts=tuple(allow_host or ()),
    )
    if find_spec("gradio") is None:
        raise ConfigError("the web page needs Gradio, which is not installed: pip install 'aulens[app]'")
    from aulens.app.server import prepared

    spec = DetectorSpec(detector, detector_model, threads=threads)
    analyzer = Analyzer(model, spec(), backend, threads)
    if not settings.local:
        console.print(
            f"aulens: {host} is not for this computer only: whoever can reach it can use the page, there is "
            "no password, and what they send is not encrypted",
            style="yellow",
            markup=False,
        )
    try:
        with prepared(analyzer, settings) as page:
            console.print(f"aulens: the page is at {page.url} (Ctrl-C ends it)", markup=False)
            if browser:
                webbrowser.open(page.url)
            page.server.serve_until_ended()
    except KeyboardInterrupt:
        pass  # the usual way to end it
    console.print("aulens: ended; all uploads and results are deleted", markup=False)
