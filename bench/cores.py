"""Which core does what: the process under test has one for itself, everything else shares another.

The law: a process is pinned from its first instruction on, because it inherits the affinity of the thread that starts
it. Where there is one core only, or no way to pin, `pinned` says so and the figures are marked.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []

pinned = len(_CORES) > 1
UNDER_TEST = frozenset(_CORES[:1])
SURROUNDINGS = frozenset(_CORES[-1:])


@contextmanager
def starting_on(cores: frozenset[int]) -> Iterator[None]:
    """What is started within runs on these cores, and so do its threads and children."""
    if not pinned:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
