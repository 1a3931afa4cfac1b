"""One HTML file about one clip: needs no network, no other file and no server."""

from aulens.show.report.write import write_report

__all__ = ["write_report"]
