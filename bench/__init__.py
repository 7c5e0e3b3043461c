"""Measuring Hookline: `python -m bench`, `bench.isolation`, `bench.steps`, `bench.report`. See docs/performance.md."""
