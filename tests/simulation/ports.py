"""What the ports of one process have in common: each call may be its last, and nothing comes back to the dead.

The law: a crash strikes between any two calls of the loop, whatever the loop is in the middle of.
"""

from collections.abc import Callable

from tests.simulation.timeline import Timeline


class Crash(BaseException):
    """The process is gone, as after SIGKILL: no `except Exception` and no `finally` of the product's has any effect."""


class Life:
    """One process from its start to its end. `fuse` is how many calls it still has, when it is to die."""

    def __init__(self, name: str, timeline: Timeline, wake: Callable[[int], None]) -> None:
        self.name = name
        self.timeline = timeline
        self.wake = wake
        self.alive = True
        self.fuse: int | None = None
        self.zombie_until_ms = 0  # it goes on with what it had, and hears nothing of its group
        self.waiting = False  # inside a drain, where time passes between two calls

    def call(self) -> None:
        """One call of the loop to the world outside."""
        if not self.alive:
            raise Crash(self.name)
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise Crash(self.name)

    def pass_time(self, most_ms: int) -> None:
        """Inside a drain: the world goes on, to the next thing that happens or for so long."""
        timeline = self.timeline
        until_ms = timeline.now_ms + most_ms
        if timeline.next_ms is not None:
            until_ms = min(until_ms, max(timeline.next_ms, timeline.now_ms + 1))
        timeline.advance(until_ms)
        self.call()

    def later(self, wait_ms: int, act: Callable[[], None]) -> None:
        """Let it happen to this process, if it still lives then; its loop turns soon after."""

        def happen() -> None:
            if self.alive:
                act()
                self.wake(0)

        self.timeline.after(wait_ms, happen)
