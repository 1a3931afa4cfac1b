"""Gradio's application with our page in it: its theme, and what of Gradio is switched off."""

from typing import Final

import gradio as gr
from fastapi import FastAPI

from aulens.analysis.analyzer import Analyzer
from aulens.app.job_queue import JobQueue
from aulens.app.page import Page
from aulens.app.sessions import Sessions
from aulens.app.settings import AppSettings
from aulens.show.pages import part

_FONT: Final = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
_ANEW: Final = (
    "<script>addEventListener('pageshow', (shown) => { if (shown.persisted) location.reload(); });</script>"
)
"""A browser's Back button may bring a page back as it was, whose files are gone."""
_MONO: Final = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def mount(analyzer: Analyzer, settings: AppSettings, sessions: Sessions, queue: JobQueue) -> FastAPI:
    """Make the page and Gradio's application around it; arguments as in `Page`."""
    page = Page(analyzer, settings, sessions, queue)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    gr.mount_gradio_app(
        app,
        page.blocks,
        path="/",
        server_name=settings.host,
        footer_links=[],
        run_history=False,
        show_error=False,  # what nobody foresaw may name folders; the terminal has it
        max_file_size=settings.max_bytes,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        head=_ANEW,
        theme=_theme(),
        css=part("style.css"),
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
    )
    page.blocks.has_launched = True  # before that Gradio checks no path; `SecureApp` checks ours, too
    return app


def _theme() -> gr.themes.Base:
    """The system's own type (nothing is fetched); colours are in our style sheet."""
    return gr.themes.Base(
        primary_hue="blue",
        neutral_hue="slate",
        font=[gr.themes.Font(name) for name in _FONT],
        font_mono=[gr.themes.Font(name) for name in _MONO],
        radius_size="lg",
    )
