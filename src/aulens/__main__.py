"""`python -m aulens` is `aulens`."""

from aulens.cli import main

main()
