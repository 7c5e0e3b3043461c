"""One question at a time, each with its own figure: `python -m tests.chaos.scenarios NAME…`, or `all`."""
