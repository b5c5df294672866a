"""Speed and truth, side by side in one run: `python -m benchmarks`; RESULTS.md shows the figures."""
