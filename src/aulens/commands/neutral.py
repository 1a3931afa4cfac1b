"""What `--baseline` and `--neutral` ask for."""

from pathlib import Path

from aulens.analysis.analyzer import Analyzer
from aulens.errors import ConfigError
from aulens.inputs import parse_time
from aulens.tables.baseline import Baseline


def baseline_of(own: bool, neutral: str | None, analyzer: Analyzer, mirrored: bool) -> Baseline | None:
    """The baseline that was asked for; None if none was.

    Args:
        own: of the clip itself.
        neutral: number of a frame, a time (with a colon or a point) or a picture.
        analyzer: for the picture, which is analyzed here, so that videos need its probabilities only.
        mirrored: whether the picture is, as the videos are.

    Raises:
        ConfigError: both are given, it is no frame, time or file, or the picture has no face or several.
        InputError: the picture can't be read.
    """
    if neutral is None:
        return Baseline() if own else None
    if own:
        raise ConfigError("--baseline and --neutral are two baselines; leave one out")
    if Path(neutral).is_file():
        faces = analyzer(neutral, mirrored=mirrored)
        if len(faces) != 1:
            found = len(faces) or "none"
            raise ConfigError(
                f"--neutral {neutral}: a picture of one face is needed, found {found}; cut it out"
            )
        return Baseline(picture=tuple((label, float(p)) for label, p in faces[0].probability.items()))
    if neutral.isdecimal():
        return Baseline(frame=int(neutral))
    if not set(neutral) <= set("0123456789:."):
        raise ConfigError(f"--neutral {neutral}: no such file, and neither a frame (250) nor a time (0:10)")
    return Baseline(time=parse_time(neutral, "--neutral"))
