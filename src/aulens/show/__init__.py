"""Results as pictures and pages: pure functions, no windows, no files."""

from aulens.show.evidence import evidence_sheet
from aulens.show.overlay import draw_overlay

__all__ = ["draw_overlay", "evidence_sheet"]
