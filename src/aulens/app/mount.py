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
    """Calm: one blue, greys, the system's own type (nothing is fetched)."""
    return gr.themes.Base(
        primary_hue="blue",
        neutral_hue="slate",
        font=[gr.themes.Font(name) for name in _FONT],
        font_mono=[gr.themes.Font(name) for name in _MONO],
        radius_size="lg",
    ).set(
        body_background_fill="#ffffff",
        body_background_fill_dark="#12151b",
        body_text_color="#181c24",
        body_text_color_dark="#e9ecf1",
        body_text_color_subdued="#5b6270",
        body_text_color_subdued_dark="#9aa2b1",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#161a21",
        background_fill_secondary="#f6f7f9",
        background_fill_secondary_dark="#1a1e26",
        border_color_primary="#e1e4ea",
        border_color_primary_dark="#2d333f",
        block_border_width="1px",
        block_shadow="none",
        block_background_fill="#ffffff",
        block_background_fill_dark="#161a21",
        input_background_fill="#ffffff",
        input_background_fill_dark="#12151b",
        button_primary_background_fill="#0b66a8",
        button_primary_background_fill_hover="#095489",
        button_primary_background_fill_dark="#1b78bd",
        button_primary_background_fill_hover_dark="#2a87cc",
        button_primary_text_color="#ffffff",
        slider_color="#0b66a8",
        slider_color_dark="#6db8f2",
        checkbox_background_color_selected="#0b66a8",
        checkbox_background_color_selected_dark="#1b78bd",
        checkbox_border_color_selected="#0b66a8",
        color_accent="#0b66a8",
        color_accent_soft="#e8f1f8",
        color_accent_soft_dark="#1d2f3f",
    )
