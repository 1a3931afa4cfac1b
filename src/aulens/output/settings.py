"""What to make of a video."""

import math
from dataclasses import dataclass
from typing import Annotated, Final

from msgspec import Meta

from aulens.checked import Checked, Count, NotNegative, one_of
from aulens.errors import ConfigError
from aulens.tables import TABLE_FORMATS
from aulens.tables.baseline import Baseline
from aulens.tables.parquet import import_pyarrow
from aulens.tables.usable import Limits
from aulens.video.media import VideoInfo

AGAIN: Final = "the same command with --resume"
"""What goes on once a disk takes files again."""
FORMATS: Final = ("csv", "jsonl", "parquet", *TABLE_FORMATS)


@dataclass(frozen=True)
class OutputSettings(Checked):
    """What to make of a video, and of which frames.

    Attributes:
        format: of the table: "csv", "jsonl" or "parquet" in our schema, or another tool's, "openface" or
            "pyfeat".
        frame_step: analyze each so many-th frame.
        start: seconds from which on; None from the beginning.
        stop: seconds before which; None to the end.
        smooth: width in seconds of the smoothing; None writes no smoothed columns.
        overlay: draw the video with what was seen.
        report: write a page, and where the extra `figures` is installed, figures.
        keep_lost: seconds for which somebody who is gone has rows; None to the end of the video.
        max_yaw: degrees; who is turned further counts as not seen, and has rows without scores; None: nobody.
        max_pitch: degrees, likewise up or down.
        min_quality: likewise, of a quality below it, 0 to 1.
        mirrored: pictures and videos are mirrored, as selfies often are, and turned before all else.
        baseline: of each person, for columns that say how far an AU is above it; None: no such columns.

    Raises:
        ConfigError: unknown format, one whose library is not installed, or a number out of range.
    """

    format: Annotated[str, one_of(FORMATS)] = "csv"
    frame_step: Count = 1
    start: NotNegative | None = None
    stop: float | None = None
    smooth: Annotated[float, Meta(gt=0, le=1e9, description="above 0 seconds, at most 1e9")] | None = None
    overlay: bool = False
    report: bool = False
    keep_lost: Annotated[float, Meta(ge=0, description="seconds, 0 or more")] | None = None
    max_yaw: float | None = None
    max_pitch: float | None = None
    min_quality: float | None = None
    baseline: Baseline | None = None
    mirrored: bool = False

    @property
    def limits(self) -> Limits:
        """Which faces count."""
        return Limits(self.max_yaw, self.max_pitch, self.min_quality)

    @property
    def draws_pictures(self) -> bool:
        """Whether pictures are drawn, for a page of them."""
        return self.overlay or self.report

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.format == "parquet":
            import_pyarrow()  # before hours of work, not after them
        if self.stop is not None and not self.stop > (self.start or 0):
            raise ConfigError(f"the end ({self.stop} s) must be later than the start ({self.start or 0} s)")
        for wanted, what in ((self.smooth, "smoothed values"), (self.baseline, "what is above a baseline")):
            if wanted is not None and self.format in TABLE_FORMATS:
                raise ConfigError(f"the format {self.format} has no columns for {what}; take csv")
        _ = self.limits  # checks them


def expected(info: VideoInfo, settings: OutputSettings) -> int | None:
    """About how many frames will be analyzed; None if the container does not say how many it has."""
    rate = None if info.rate is None else float(info.rate)
    if rate is None or (info.duration is None and info.frames is None):
        return info.frames
    length = info.duration if info.duration is not None else (info.frames or 0) / rate
    stop = length if settings.stop is None else min(length, settings.stop)
    return max(0, math.ceil((stop - (settings.start or 0)) * rate / settings.frame_step))
