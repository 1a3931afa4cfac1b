"""Videos whose analysis is killed."""


class Killed(BaseException):
    """Stands for a kill: nothing in the package may catch it."""


def killed_after(count: int):
    """What is told of each frame, killed at the frame of this number, from 1."""
    seen = []

    def progress(result, info) -> None:
        seen.append(result.index)
        if len(seen) == count:
            raise Killed

    return progress
