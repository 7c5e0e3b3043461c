"""Webhooks that come, change, pause and go while everything else happens, and when each was in doubt.

The law, as the promise has it: a change counts for events whose time lies after it was answered and every worker had
the time to see it. From the moment a change begins until then either result is right; afterwards only one is.

Every worker has seen it when the cache could be read, with the change in it, for `_SETTLED_S` on end, while no broker
was away and no worker stood still: in that time each that had the tenant's events has asked again. While a process
cannot read the cache for longer it goes by what it remembers, by design for an hour: see `unreadable.py`.
"""

import random
import secrets
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Final

from consumer.brands.loader import brand
from consumer.control import writes
from consumer.control.refusal import Conflict
from consumer.kafka.client import KafkaBroken
from consumer.webhooks import draft, wishes
from consumer.webhooks.history import Deletion
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.reader import Loaded, Reader
from consumer.webhooks.subscription import Status, Subscription
from tests.acceptance.happenings import Hook
from tests.chaos.arena import GENERATIONS, SLOTS, Arena, changing_hook
from tests.chaos.faults import Faults, now_ms
from tests.chaos.schedule import Kind

_SETTLED_S: Final = 4.0
_LOOK_S: Final = 0.25
_TYPE_SETS: Final[tuple[tuple[str, ...], ...]] = ((), ("order.*",), ("user.created", "rare.made"))
_UNSETTLING: Final = frozenset(
    {Kind.BROKER_KILL, Kind.BROKER_PAUSE, Kind.STOP_DELIVER, Kind.STOP_PROJECTION, Kind.TERM}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From `from_ms` on (until the next span) it is so. `hook` None: nothing is owed; `doubt`: either is right."""

    from_ms: int
    hook: Hook | None
    doubt: bool = False


@dataclass(slots=True, kw_only=True)
class Story:
    """One webhook's life. `changed_ms`: what was under way then, or not matched yet, may or may not be delivered."""

    hook: Hook
    spans: list[Span] = field(default_factory=list)
    changed_ms: list[int] = field(default_factory=list)

    def at(self, time_ms: int) -> Span | None:
        """What holds for an event of this time."""
        found = [span for span in self.spans if span.from_ms <= time_ms]
        return found[-1] if found else None


class Changes:
    """Changes webhooks, one after the other, until told to stop."""

    def __init__(self, arena: Arena, faults: Faults, seed: int) -> None:
        self._arena, self._faults = arena, faults
        self._chance = random.Random(f"{seed}/webhooks")  # chosen, not guarded
        self._reader = Reader.from_settings(arena.settings)
        self._lives = [0] * SLOTS
        self._now: list[Subscription | None] = [None] * SLOTS
        self.stories: dict[str, Story] = {}
        self.made: list[str] = []

    def run(self, stop: threading.Event, *, every_s: float) -> None:
        """Change one slot after the other."""
        slot = 0
        while not stop.wait(every_s):
            self._change(slot, stop)
            slot = (slot + 1) % SLOTS
        self._reader.close()

    def _change(self, slot: int, stop: threading.Event) -> None:
        settings, was = self._arena.settings, self._now[slot]
        keyring, at_ms = Keyring.from_settings(settings), now_ms()
        hook = changing_hook(slot, self._lives[slot])
        wanted: Subscription | Deletion
        if was is None:
            types = self._chance.choice(_TYPE_SETS)
            hook = replace(hook, event_types=types)
            wanted, what = self._arena.subscription(hook), "created"
        else:
            hook = replace(hook, event_types=was.event_types)
            what = self._chance.choice(
                ["resumed"] if was.status is Status.PAUSED else ["changed", "changed", "paused", "deleted"]
            )
            if what == "resumed":
                wanted = draft.resume(was, now_ms=at_ms)
            elif what == "paused":
                wanted = draft.pause(was, now_ms=at_ms)
            elif what == "deleted":
                wanted = Deletion.of(was)
            else:
                types = self._chance.choice([each for each in _TYPE_SETS if each != was.event_types])
                hook = replace(hook, event_types=types)
                changes = wishes.Changes(event_types=types or None)
                wanted = draft.update(
                    was, changes, brand=brand("hookline"), keyring=keyring, now_ms=at_ms,
                    entropy=secrets.token_bytes, allow_http=True,
                )  # fmt: skip
        story = self.stories.setdefault(hook.name, Story(hook=hook))
        story.spans.append(Span(from_ms=at_ms, hook=hook, doubt=True))
        story.changed_ms.append(at_ms)
        ends = what in {"paused", "deleted"}
        if self._written(wanted, stop) and self._settled(wanted, stop):
            story.spans.append(Span(from_ms=now_ms(), hook=None if ends else hook))
        self._now[slot] = wanted if isinstance(wanted, Subscription) else None
        if what == "deleted":
            self._lives[slot] = (self._lives[slot] + 1) % GENERATIONS
        self.made.append(what)

    def _written(self, wanted: Subscription | Deletion, stop: threading.Event) -> bool:
        """Write it until it is there: a write that was not acknowledged may have been made."""
        while not stop.is_set():
            try:
                writes.write(self._arena.settings, wanted)
            except Conflict:
                return True  # this very write came before, when its acknowledgement was lost
            except KafkaBroken:
                stop.wait(_LOOK_S)
            else:
                return True
        return False

    def _settled(self, wanted: Subscription | Deletion, stop: threading.Event) -> bool:
        """Wait until every worker has had the time to see it."""
        since_s = time.monotonic()
        while not stop.wait(_LOOK_S):
            reading = self._reader.read({wanted.tenant: None})[wanted.tenant]
            quiet = not (self._faults.under_way() & _UNSETTLING)
            if not (quiet and isinstance(reading, Loaded) and _holds(reading, wanted)):
                since_s = time.monotonic()
            elif time.monotonic() - since_s >= _SETTLED_S:
                return True
        return False


def _holds(reading: Loaded, wanted: Subscription | Deletion) -> bool:
    found = [each for each in reading.subscriptions if each.id == wanted.id]
    if isinstance(wanted, Deletion):
        return not found
    return bool(found) and found[0].revision >= wanted.revision
