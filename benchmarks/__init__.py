"""Benchmarks: speed and truth, side by side in one run. `python -m benchmarks` runs them; RESULTS.md shows the last run."""
