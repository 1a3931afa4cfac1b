"""Coded portraits from public sources: their codes and boxes lie here, the pictures do not; see README.md."""
