"""What a run of `aulens detect` counts, and what it says at the end."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aulens.output.pictures import AnalyzedPicture
from aulens.output.plan import Outcome
from aulens.output.receipt import Receipt
from aulens.runtime.doubt import doubts_text

_SHOWN: Final = 20
"""Faces of one input that are left out and named, at most."""


@dataclass
class Tally:
    """Counts of one run; `say` prints a line on standard error.

    Attributes:
        say: prints one line.
        faces: in pictures.
        doubts: why some of those that count are doubtful, and how many are so.
        doubtful: the same of a run whose pictures went to files, in words.
        beyond: faces in pictures that are beyond the limits.
        with_face: pictures with at least one.
        pictures: that could be read.
        clips: videos that were read, at least in part, now or before.
        done: of those, what was done before.
        frames: of those, analyzed now.
        before: frames of those analyzed now in part, that an earlier run had done.
        lost: faces that were left out.
        left_out: why faces of the input at work are left out.
        failed: inputs that could not be read, or not to their end, each with the reason.
    """

    say: Callable[[str], None]
    faces: int = 0
    doubts: Counter[str] = field(default_factory=Counter)
    doubtful: str | None = None
    beyond: int = 0
    with_face: int = 0
    pictures: int = 0
    clips: int = 0
    done: int = 0
    frames: int = 0
    before: int = 0
    lost: int = 0
    left_out: list[str] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)

    def add_picture(self, seen: AnalyzedPicture) -> None:
        """Count a picture."""
        if seen.failed is not None:
            self.failed[Path(seen.file)] = seen.failed
            return
        self.pictures += 1
        self.faces, self.beyond = self.faces + seen.faces, self.beyond + seen.out
        self.doubts += Counter(seen.doubts)
        self.with_face += bool(seen.faces)

    def of_pictures(self, receipt: Receipt) -> None:
        """Count all pictures of a run."""
        self.pictures, self.faces, self.with_face = receipt.frames, receipt.people, receipt.with_face
        self.doubtful = receipt.remark
        if receipt.left_out is not None:
            self.say(receipt.left_out)

    def outcome(self, outcome: Outcome, out: Path) -> None:
        """Count a job that is done, and say what was special about it; `out`: folder of the results."""
        job, receipt = outcome.job, outcome.receipt
        path = Path(job.paths[0])
        for name, why in outcome.left_out.items():
            self.left_out[:] = why
            self.end_of(Path(name))
        self.left_out.clear()
        for name, reason in outcome.failed.items():
            self.fail(Path(name), reason)
        if outcome.tries > 1:
            what = "pictures" if job.kind == "pictures" else path
            self.say(
                f"{what}: {counted(outcome.tries - 1, 'worker')} died at it, the next one went on with it"
            )
        if receipt is None or job.kind == "pictures":
            return
        self.clips += 1
        self.frames += outcome.frames
        for said in (receipt.left_out, receipt.remark):
            if said is not None:
                self.say(f"{path}: {said}")
        if outcome.frames:
            self.before += receipt.frames - outcome.frames
        elif receipt.frames:
            self.done += 1
            self.say(f"{path}: was done before, see {out / receipt.files['table']}")

    def fail(self, path: Path, error: Exception | str) -> None:
        """Note why an input could not be read; the others go on."""
        self.failed[path] = str(error).removeprefix(f"{path}: ")

    def end_of(self, path: Path) -> None:
        """Name the faces of an input that were left out."""
        for why in self.left_out[:_SHOWN]:
            self.say(f"{path}: {why}")
        if len(self.left_out) > _SHOWN:
            self.say(f"{path}: and {len(self.left_out) - _SHOWN:,} more faces are left out")
        self.lost += len(self.left_out)
        self.left_out.clear()

    def summary(self) -> str:
        """One line: what was seen, what was not."""
        parts = []
        if self.faces or not (self.pictures or self.clips or self.failed):
            parts.append(f"{counted(self.faces, 'face')} in {counted(self.with_face, 'picture')}")
        if doubtful := self.doubtful or doubts_text(self.doubts, self.faces - self.beyond):
            parts.append(doubtful)
        if self.pictures > self.with_face:
            parts.append(f"{counted(self.pictures - self.with_face, 'picture')} without a face")
        if self.clips > self.done:
            parts.append(f"{counted(self.frames, 'frame')} of {counted(self.clips - self.done, 'video')}")
        if self.before:
            parts.append(f"{self.before:,} more done before")
        if self.done:
            parts.append(f"{counted(self.done, 'video')} done before")
        if self.lost:
            parts.append(f"{counted(self.lost, 'face')} left out")
        if self.failed:
            parts.append(f"{len(self.failed)} failed")
        return ", ".join(parts)


def counted(number: int, noun: str) -> str:
    """A number and its noun: "1 face", "2 faces"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
