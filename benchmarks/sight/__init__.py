"""Parts of benchmarks/seeing.py."""
