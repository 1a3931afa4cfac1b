"""Results as tables: our own columns, those of other tools, and what follows from them in time."""
