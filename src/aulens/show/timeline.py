"""A person's Action Units over time as a figure for print: a band each, threshold, events, lost stretches."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.aus import NAMES
from aulens.errors import ConfigError, InputError
from aulens.show.envelope import envelope
from aulens.show.figure import BLUE, GREEN, GREY, INK, ORANGE, PAGE, PALE, VERMILION, style, write_title
from aulens.show.numbers import clock, hundredths, percent
from aulens.show.sides import has_sides
from aulens.tables.blinks import BLINK, SHUT
from aulens.tables.clip import Clip, Track, read_clip
from aulens.tables.schema import of_person
from aulens.tables.shares import BLOCK, shares

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import LineStyleType

_BAND: Final = 0.27  # height of a band, inches
_GAP: Final = 0.05
_HEAD: Final = 0.44
_FOOT: Final = 0.42
_LEFT: Final = 0.46
_NAME: Final = 1.0  # more room on the left where there is room for names
_SHARE: Final = 0.46  # on the right, for the share of time
_INTERVAL: Final = 0.38  # and for its interval
_WIDE: Final = 5.0  # from this width on, inches
_LINE: Final = 0.13  # of the key
_PER_INCH: Final = 200  # stretches of a curve
_APEXES: Final = 12  # per inch; more of them would hide the events
_PRESENT: Final = (0.0, 0.6)  # of a band without a curve: where it is filled
_LETTER: Final = 5.2  # points of a title's letter, about
_STRIP: Final = (1.08, 0.14)  # of events, above probability 1: where it starts, its height
_TOP: Final = 1.26


def timeline(
    table: pd.DataFrame,
    threshold: Mapping[str, float],
    events: pd.DataFrame | None,
    face_id: int,
    *,
    width: float = PAGE,
    sides: bool = False,
    smoothed: bool | None = None,
    title: str | None = None,
) -> "Figure":
    """One person's Action Units over time, a band per AU, fit for print.

    Each band goes from probability 0 to 1: the curve, the threshold as a dashed line, events shaded from
    onset to offset under a bar, with a tick at the apex where there is room. AUs without probabilities
    (OpenFace's tables) are filled where they are present, without a curve. Where the face was lost there is
    no curve, and a hatch through all bands; where it is doubtful, a grey ground. On the right is the share of
    the time seen in which the AU is present, with the interval of `shares` where the clip is long enough for
    one.

    Args:
        table: of one clip, in our schema; stays as it is.
        threshold: AU label to the probability from which on it counts as present; these AUs are drawn, in
            this order.
        events: of `aulens.tables.events`, of this table; None draws none.
        face_id: whose.
        width: of the figure, inches: `COLUMN` or `PAGE` of a two-column paper.
        sides: draw the subject's right and left instead of the larger of both, of AUs that have sides.
        smoothed: draw smoothed probabilities; None: where the table has them.
        title: above the bands; None is the folder, the file's name and the person.

    Raises:
        ConfigError: no threshold, or one that is no probability.
        InputError: the table lacks columns or the person, is of several clips, or has no sides.
    """
    for label, value in threshold.items():
        if not 0 <= value <= 1:
            raise ConfigError(f"a threshold is a probability from 0 to 1; that of {label} is {value}")
    clip = read_clip(table, tuple(threshold), smoothed)
    track = clip.track(face_id)
    if sides and (track.right is None or track.left is None):
        raise InputError(f"{clip.file}: the table has no scores of sides; draw the timeline without sides")
    none = pd.DataFrame(columns=["au", "onset", "apex", "offset"])
    own = none if events is None else of_person(events, face_id)
    with style():
        return _Drawing(clip, track, threshold, own, width).figure(sides, title)


def clip_title(clip: Clip) -> str:
    """The clip's name with its folder in front: clips of many people have one name."""
    return f"{clip.folder} / {clip.name}" if clip.folder else clip.name


def figure_title(clip: Clip, face_id: int, width: float) -> str:
    """The clip and a person, above a figure so many inches wide; a long folder loses its beginning."""
    title = f"{clip_title(clip)}, person {face_id}"
    over = len(title) - int(72 * (width - 0.12) / _LETTER)
    return f"…{title[min(over + 1, len(clip.folder)) :]}" if clip.folder and over > 0 else title


class _Drawing:
    """One figure in the making."""

    def __init__(
        self, clip: Clip, track: Track, threshold: Mapping[str, float], events: pd.DataFrame, width: float
    ) -> None:
        self.clip, self.track, self.threshold, self.events = clip, track, threshold, events
        self.width, self.wide = width, width >= _WIDE
        self.left = _LEFT + _NAME * self.wide
        self.start, self.end = float(clip.time[0]), clip.end
        self.found = shares(track, block=BLOCK if clip.timed else np.inf)
        self.intervals = not np.isnan(self.found.low).all()
        self.right = _SHARE + _INTERVAL * self.intervals
        self.across = width - self.left - self.right

    def figure(self, sides: bool, title: str | None) -> "Figure":
        from matplotlib.figure import Figure

        count, lines = len(self.clip.labels), 1 if self.wide else 2
        head = _HEAD + (lines - 1) * _LINE
        height = head + count * _BAND + (count - 1) * _GAP + _FOOT
        figure = Figure((self.width, height))
        bands: list[Axes] = []
        for number, label in enumerate(self.clip.labels):
            bottom = height - head - _BAND - number * (_BAND + _GAP)
            place = (self.left / self.width, bottom / height, self.across / self.width, _BAND / height)
            axes = figure.add_axes(place, label=label)
            self._band(axes, number, label, sides)
            self._words(axes, label, number)
            bands.append(axes)
        if self.track.curves[0]:  # what is 0 and what is 1: at the first band, for all
            bands[0].set_yticks([0, 1])
            bands[0].tick_params(axis="y", length=1.5, pad=1, labelsize=4.5, labelcolor=GREY)
        self._time_axis(bands)
        if title is None:
            title = figure_title(self.clip, self.track.face_id, self.width)
        write_title(figure, title, 0.06 / self.width, 1 - 0.08 / height)
        self._key(figure, 1 - 0.23 / height, lines, sides)
        heading = "share of time\n[95 % interval]" if self.intervals else "share of\ntime"
        at = 1 - (self.right - 0.06) / self.width
        top = 1 - (head - 0.03) / height
        figure.text(at, top, heading, fontsize=5, color=GREY, va="bottom", linespacing=1.1)
        return figure

    def _band(self, axes: "Axes", number: int, label: str, sides: bool) -> None:
        axes.set_xlim(self.start, self.end)
        axes.set_ylim(0, _TOP)
        axes.set_yticks([])
        axes.set_facecolor("none")
        for name, spine in axes.spines.items():
            spine.set_visible(name == "bottom")
            spine.set_color(PALE)
        away = [(start, end - start) for start, end in self.clip.away(self.track)]
        axes.broken_barh(away, (0, _TOP), facecolor="none", edgecolor=PALE, hatch="//////", lw=0, zorder=0)
        doubtful = [(start, end - start) for start, end in self.track.doubtful()]
        axes.broken_barh(doubtful, (0, _TOP), facecolor=PALE, alpha=0.6, lw=0, zorder=0, label="doubtful")
        events = self.events[self.events["au"].isin([label, *([BLINK] if label == SHUT else [])])]
        onset, apex, offset = (events[name].to_numpy(np.float64) for name in ("onset", "apex", "offset"))
        spans = list(zip(onset, offset - onset, strict=True))
        axes.broken_barh(spans, (0, 1), facecolor=ORANGE, alpha=0.28, lw=0, zorder=1, label="events")
        axes.broken_barh(spans, _STRIP, facecolor=ORANGE, lw=0, zorder=2)
        if len(apex) <= _APEXES * self.across:
            axes.vlines(apex, _STRIP[0], sum(_STRIP), color=INK, linewidth=0.5, zorder=3, label="apexes")
        if not self.track.curves[number]:
            present = self.track.spans(self.track.present[:, number])
            spans = [(start, end - start) for start, end in present]
            axes.broken_barh(spans, _PRESENT, facecolor=BLUE, lw=0, zorder=3, label="present")
            return
        level = self.threshold[label]
        axes.axhline(level, color=GREY, linewidth=0.4, dashes=(4, 2), zorder=2, label="threshold")
        if sides and has_sides(label) and self.track.right is not None and self.track.left is not None:
            self._curve(axes, self.track.right[:, number], GREEN, "-", "right")
            self._curve(axes, self.track.left[:, number], VERMILION, (0, (2.5, 1)), "left")
        else:
            self._curve(axes, self.track.probability[:, number], BLUE, "-", "probability")

    def _curve(
        self, axes: "Axes", values: NDArray[np.float32], colour: str, line: "LineStyleType", label: str
    ) -> None:
        track, limit = self.track, _PER_INCH * self.across
        dense = len(track.time) > limit
        shown = envelope(track.time, values[:, None], (self.end - self.start) / limit if dense else 0.0)
        x, y = shown.time, np.asarray(shown.low[:, 0], np.float64)
        if dense:  # low and high one after the other: a solid band, with all its peaks
            high = np.asarray(shown.high[:, 0], np.float64)
            x, y = np.repeat(x, 2), np.stack([y, high], axis=1).reshape(-1)
        axes.plot(x, y, color=colour, linewidth=0.4 if dense else 0.7, linestyle=line, zorder=4, label=label)
        # A frame between two lost ones is a point, which no line shows.
        gone = np.isnan(np.pad(y, 1, constant_values=np.nan))
        lone = ~gone[1:-1] & gone[:-2] & gone[2:]
        axes.plot(x[lone], y[lone], ".", color=colour, markersize=1.2, zorder=4)

    def _words(self, axes: "Axes", label: str, number: int) -> None:
        """What stands left and right of a band; x in inches from its ends."""

        def write(x: float, text: str, **style: Any) -> None:
            place = x / self.across if x < 0 else 1 + x / self.across
            axes.text(place, 0.42, text, transform=axes.transAxes, va="center", **style)

        write(0.06 - self.left, label, fontweight="bold")
        if self.wide:
            write(0.43 - self.left, NAMES.get(label, ""), fontsize=6, color=GREY)
        value, low, high = (
            float(part[number]) for part in (self.found.value, self.found.low, self.found.high)
        )
        write(0.06, percent(value))
        if not np.isnan(low):
            write(0.4, f"[{hundredths(low)}, {hundredths(high)}]", fontsize=5.5, color=GREY)

    def _time_axis(self, bands: "Sequence[Axes]") -> None:
        from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

        span = self.end - self.start
        for axes in bands:
            each = (
                MultipleLocator(_step(span, self.width)) if self.clip.timed else MaxNLocator(6, integer=True)
            )
            axes.xaxis.set_major_locator(each)
            axes.grid(axis="x", color=PALE, linewidth=0.4, zorder=0)
            axes.tick_params(axis="x", length=0, labelbottom=False)
        last = bands[-1]
        last.tick_params(axis="x", length=2.5, labelbottom=True)
        if self.clip.timed:
            last.xaxis.set_major_formatter(FuncFormatter(lambda value, _: clock(value, span)))
        last.set_xlabel("time, min:s" if self.clip.timed else "frame", labelpad=1.5)

    def _key(self, figure: "Figure", top: float, lines: int, sides: bool) -> None:
        """What is what."""
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        kind = "smoothed probability" if self.clip.smoothed else "probability"
        dashed = (0, (2.5, 1))
        drawn = [label for label, curve in zip(self.clip.labels, self.track.curves, strict=True) if curve]
        sided = [label for label in drawn if sides and has_sides(label)]
        line = partial(Line2D, [], [])
        entries: list[tuple[object, Line2D | Patch]] = [
            (sided, line(color=GREEN, linewidth=1, label="subject's right")),
            (sided, line(color=VERMILION, linewidth=1, linestyle=dashed, label="subject's left")),
            (len(sided) < len(drawn), line(color=BLUE, linewidth=1, label="both sides" if sided else kind)),
            (len(drawn) < len(self.clip.labels), Patch(facecolor=BLUE, label="present")),
            (drawn, line(color=GREY, linewidth=0.6, dashes=(4, 2), label="threshold")),
            (len(self.events), Patch(facecolor=ORANGE, alpha=0.6, label="event")),
            (
                self.events["apex"].notna().any(),
                line(color=INK, linestyle="", marker="|", markersize=4, label="its apex"),
            ),
            (
                self.clip.away(self.track),
                Patch(facecolor="none", edgecolor=GREY, hatch="//////", linewidth=0, label="no face"),
            ),
            (self.track.doubtful(), Patch(facecolor=PALE, alpha=0.6, label="face seen badly")),
        ]
        parts = [part for is_there, part in entries if is_there]
        figure.legend(
            handles=parts,
            loc="upper left",
            bbox_to_anchor=(0.06 / self.width, top),
            ncols=-(-len(parts) // lines),
        )


def _step(span: float, width: float) -> float:
    """Seconds between two numbers on the time axis: a round number, some 1.6 per inch at most."""
    for step in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0):
        if span / step <= 1.6 * width:
            return step
    return 3600.0 * max(1, round(span / 3600 / width))
