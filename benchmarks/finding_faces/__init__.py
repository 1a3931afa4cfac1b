"""Parts of benchmarks/faces.py."""
