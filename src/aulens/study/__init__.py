"""Studies: data set × variants × folds × seeds, their statistics, and the papers' tables."""
