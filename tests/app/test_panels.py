"""Pieces of the page: what comes from outside is text there."""

from pathlib import Path

import pytest

from aulens.app import panels
from aulens.app.job_queue import Ticket
from aulens.app.source import Source

NASTY = "<img src=x onerror=alert(1)> & \"a\" 'b'"


@pytest.mark.parametrize(
    "html",
    [
        panels.hint(NASTY),
        panels.problem(NASTY),
        panels.said(NASTY),
        panels.empty(NASTY, NASTY),
        panels.about_source(Source(Path("a"), NASTY, None, (3, 4))),
    ],
)
def test_what_comes_from_outside_is_text(html: str) -> None:
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; &#34;a&#34; &#39;b&#39;" in html


def test_progress_is_told_to_those_who_do_not_see_it() -> None:
    ticket: Ticket[None] = Ticket(lambda ticket: None)
    assert "aria-valuenow" not in panels.progress(ticket, 0)
    assert "Waiting: 2 analyses before yours" in panels.progress(ticket, 2)
    ticket.done, ticket.total, ticket.stage = 3, 8, NASTY
    html = panels.progress(ticket, 0)
    assert 'aria-valuenow="38"' in html
    assert "frame 3 of 8" in html
    assert "<img" not in html
