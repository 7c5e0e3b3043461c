"""How far a command came, drawn while it works."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from consumer.json import Json

_WHOLE: Final = 1_000


@contextmanager
def bar(doing: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere; to be told how many are done."""
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as drawn:
        task = drawn.add_task(doing, total=total)
        yield lambda done: drawn.update(task, completed=done)


@contextmanager
def job_bar() -> Iterator[Callable[[Mapping[str, Json]], None]]:
    """The same for a job, as it is shown."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as drawn:
        task = drawn.add_task("", total=_WHOLE)

        def tell(job: Mapping[str, Json]) -> None:
            done = job["progress"]
            assert isinstance(done, int | float)
            drawn.update(task, description=_far(job), completed=done * _WHOLE)

        yield tell


def _far(job: Mapping[str, Json]) -> str:
    """How far a job is, in a few words."""
    counts = job.get("counts")
    said = [str(job["state"])]
    if isinstance(counts, Mapping):
        names = ("matched",) if job["state"] == "counting" else ("sent", "delivered", "failed")
        said += [f"{counts[name]:,} {name}" for name in names if isinstance(counts.get(name), int)]
    if isinstance(left_s := job.get("remainingSeconds"), int):
        said.append(f"{left_s} s left")
    return ", ".join(said)
