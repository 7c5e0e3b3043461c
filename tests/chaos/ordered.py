"""Whether ordered webhooks got each key's events in their order. Pure.

The law, as docs/guarantees.md has it: of the events of one key in one partition none is first accepted after a later
one was. What has a dead letter, or is in the log twice, is not asked about.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.acceptance.happenings import Happening, Hook, Published
from tests.acceptance.ledger import Pair

_KEYS: Final[Mapping[str, Callable[[Happening], object]]] = {
    "data.kind": lambda happening: happening.kind,
    "data.order": lambda happening: happening.order,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InOrder:
    """What came of it: how many pairs were looked at, and those that were accepted after a later one of their key."""

    looked_at: int
    overtaken: Sequence[Pair]


def in_order(
    events: Iterable[Published],
    hooks: Iterable[Hook],
    arrivals: Mapping[Pair, Sequence[int]],
    buried: Collection[Pair],
) -> InOrder:
    """`arrivals`: when each pair was accepted, in order; `buried`: the pairs with a dead letter."""
    places: defaultdict[str, list[Published]] = defaultdict(list)
    for event in sorted(events, key=lambda event: (event.partition, event.offset)):
        places[event.webhook_id].append(event)
    once = [found[0] for found in places.values() if len(found) == 1]
    looked_at, overtaken = 0, list[Pair]()
    for hook in hooks:
        if hook.ordering == "none":
            continue
        lines: defaultdict[tuple[int, object], list[Pair]] = defaultdict(list)
        for event in once:
            pair = (event.webhook_id, hook.name)
            if pair in arrivals and pair not in buried and hook.wants(event.happening):
                lines[event.partition, key_of(hook, event.happening)].append(pair)
        for line in lines.values():
            looked_at += len(line)
            overtaken += _overtaken(line, arrivals)
    return InOrder(looked_at=looked_at, overtaken=overtaken)


def _overtaken(line: Sequence[Pair], arrivals: Mapping[Pair, Sequence[int]]) -> list[Pair]:
    """Those of a key's pairs, the first event's first, of which a later one was accepted before."""
    found: list[Pair] = []
    earliest_ms = arrivals[line[-1]][0]
    for pair in reversed(line):
        if arrivals[pair][0] > earliest_ms:
            found.append(pair)
        earliest_ms = min(earliest_ms, arrivals[pair][0])
    return found


def key_of(hook: Hook, happening: Happening) -> object:
    """By what an ordered webhook keeps this event in order."""
    return _KEYS[hook.ordering](happening)
