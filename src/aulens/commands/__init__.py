"""The commands of `aulens`: thin, each turns options into one call of the library."""
