"""`python -m aulens` is `aulens`."""

import sys

from aulens.interrupts import interrupts_deferred


def main() -> None:
    """The command line; Ctrl-C ends it without a traceback also while it is being loaded."""
    try:
        with interrupts_deferred():
            from aulens.cli import main as run
        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
