"""Everything that was promised against everything that happened.

The law: the log is the truth about what was published, the receivers' disks about what was accepted; the rest of
Hookline's topics serve only to excuse (a dead letter) or to accuse (an early attempt, a commit too far).
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from math import inf
from typing import Final, TypeAlias

from tests.acceptance.happenings import Hook, Published, owed
from tests.acceptance.ledger import Buried, Pair, Promises, Verdict, judge
from tests.acceptance.receipts import Receipt
from tests.chaos import beside
from tests.chaos.changes import Story
from tests.chaos.load import Ledger
from tests.chaos.ordered import InOrder, in_order
from tests.chaos.sent_again import NOTHING, SentAgain
from tests.chaos.topics import Log
from tests.chaos.watch import Committed

_UNDER_WAY_MS: Final = 60_000  # so long after its record was done a delivery may wait in a delay topic


_Place: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What came out."""

    verdict: Verdict
    owed: AbstractSet[Pair]
    """What must have come to its end."""
    unchanged: AbstractSet[Pair]
    """Of these, what is for webhooks that nobody changed while it was under way."""
    in_doubt: int
    excused: int
    missing_events: Sequence[int]
    repeated_events: int
    unsafe_commits: Sequence[Committed]
    commits: int
    strange_dead_letters: Sequence[Buried]
    """Those whose delivery id is not that of their event and webhook."""
    arrivals: Mapping[Pair, Sequence[int]]
    """When each pair was accepted, in order."""
    requests: Mapping[Pair, Sequence[int]]
    """When a request of each pair came, whatever was answered, in order."""
    moments: Mapping[Pair, Sequence[int]]
    """Of each pair that was accepted and buried: when its requests came and its dead letter was written, in order."""
    in_order: InOrder

    @property
    def pairs(self) -> int:
        """How many were owed."""
        return len(self.owed)

    @property
    def duplicates(self) -> int:
        """Acceptances beyond the first."""
        return sum(self.verdict.duplicates.values())


def decide(
    log: Log,
    receipts: Sequence[Receipt],
    *,
    ledger: Ledger,
    hooks: Sequence[Hook],
    stories: Mapping[str, Story],
    commits: Sequence[Committed],
    again: SentAgain = NOTHING,
    unreadable: Sequence[beside.Span] = (),
) -> Judgement:
    """Hold it all against the promise. What was sent `again` may come once more for each time.

    What was matched while a process could not read the webhooks (`unreadable`) went by what it remembered.
    """
    steady = owed(log.events, hooks)
    until_ms = under_way_until_ms(log.events, commits)
    must, doubtful = _of_changing(log.events, stories, until_ms, unreadable)
    accepted: defaultdict[Pair, list[int]] = defaultdict(list)
    requests: defaultdict[Pair, list[int]] = defaultdict(list)
    for receipt in receipts:
        requests[receipt.webhook_id, receipt.endpoint].append(receipt.at_ms)
        if receipt.accepted:
            accepted[receipt.webhook_id, receipt.endpoint].append(receipt.at_ms)
    buried = {each.pair for each in log.buried}
    changed = {pair for pair, event in must.items() if _changed(stories[pair[1]], event, until_ms)}
    excused = {pair for pair in changed if pair not in accepted and pair not in buried}
    promises = Promises(
        bodies={**steady.bodies, **_bodies(must | doubtful, stories), **again.bodies},
        event_tenants=steady.event_tenants,
        tenants={
            **steady.tenants,
            **{name: story.hook.tenant for name, story in stories.items()},
            **{name: hook.tenant for name, hook in again.hooks.items()},
        },
        copies=steady.copies,
    )
    # An ordered webhook's retries wait in their place, and no record tells until when: tests/acceptance/test_order.py.
    ordered = {hook.name for hook in hooks if hook.ordering != "none"}
    tried = [each for each in log.tried if each.subscription not in ordered]
    verdict = judge(promises, receipts, log.buried, tried, log.waited)
    # What is in doubt or excused is allowed, not owed; an event that is in the log twice may be delivered twice.
    copies = Counter(event.webhook_id for event in log.events)
    may = {pair: copies[pair[0]] + again.made[pair] for pair in verdict.duplicates.keys() | buried}
    duplicates = {pair: more for pair, times in verdict.duplicates.items() if (more := times + 1 - may[pair]) > 0}
    letters = Counter(pair for pair, _ in {(each.pair, each.delivery_id) for each in log.buried})
    verdict = replace(
        verdict,
        lost=verdict.lost - doubtful.keys() - excused - (again.bodies.keys() - set(again.owed)),
        duplicates=duplicates,
        accepted_and_buried=frozenset(pair for pair in verdict.accepted_and_buried if not again.made[pair]),
        buried_twice=frozenset(pair for pair in verdict.buried_twice if letters[pair] > max(1, may[pair])),
    )
    owed_pairs = steady.bodies.keys() | (must.keys() - excused)
    safe_ms = {pair: times[0] for pair, times in accepted.items()}
    for pair, at_ms in log.written_ms.items():
        safe_ms[pair] = min(at_ms, safe_ms.get(pair, at_ms))
    numbers = [event.happening.n for event in log.events]
    in_log = {event.happening.n: (event.partition, event.offset) for event in log.events}
    return Judgement(
        verdict=verdict,
        owed=owed_pairs,
        unchanged=owed_pairs - changed,
        in_doubt=len(doubtful),
        excused=len(excused),
        missing_events=[number for number in ledger.acknowledged if number not in in_log],
        repeated_events=len(numbers) - len(in_log),
        unsafe_commits=unsafe(commits, log.events, owed_pairs, safe_ms),
        commits=len(commits),
        strange_dead_letters=[each for each in log.buried if each.delivery_id != log.own_ids[each.delivery_id]],
        arrivals=accepted,
        requests=requests,
        moments={
            pair: sorted([*requests[pair], log.buried_ms[pair]])
            for pair in verdict.accepted_and_buried
            if pair in log.buried_ms
        },
        in_order=in_order(log.events, hooks, accepted, buried),
    )


def unsafe(
    commits: Iterable[Committed], events: Iterable[Published], pairs: Iterable[Pair], safe_ms: Mapping[Pair, int]
) -> list[Committed]:
    """The commits that call something done which was neither accepted nor on another topic by then. Pure."""
    latest_ms: dict[str, float] = {}
    for pair in pairs:
        at_ms = safe_ms.get(pair, float("inf"))
        latest_ms[pair[0]] = max(at_ms, latest_ms.get(pair[0], 0))
    by_partition: defaultdict[int, list[float]] = defaultdict(list)
    for event in sorted(events, key=lambda event: (event.partition, event.offset)):
        rows = by_partition[event.partition]
        rows += [0.0] * (event.offset - len(rows)) + [latest_ms.get(event.webhook_id, 0.0)]
    running = {partition: _running_most(rows) for partition, rows in by_partition.items()}
    found: list[Committed] = []
    for commit in commits:
        rows = by_partition[commit.partition]
        below = min(commit.offset, len(rows))
        latest = running[commit.partition][below - 1] if below else 0.0
        if commit.done is not None:
            above = range(commit.offset, min(commit.done.last + 1, len(rows)))
            latest = max([latest, *(rows[offset] for offset in above if commit.done.is_done(offset))])
        if latest > commit.at_ms:
            found.append(commit)
    return found


def _running_most(rows: Sequence[float]) -> list[float]:
    most, found = 0.0, []
    for row in rows:
        most = max(most, row)
        found.append(most)
    return found


def _of_changing(
    events: Sequence[Published],
    stories: Mapping[str, Story],
    until_ms: Mapping[_Place, float],
    unreadable: Sequence[beside.Span],
) -> tuple[dict[Pair, Published], dict[Pair, Published]]:
    """What is owed to webhooks that changed, and what may or may not have come."""
    must: dict[Pair, Published] = {}
    doubtful: dict[Pair, Published] = {}
    by_tenant: defaultdict[str, list[Story]] = defaultdict(list)
    for story in stories.values():
        by_tenant[story.hook.tenant].append(story)
    for event in events:
        matched_ms = until_ms[event.partition, event.offset] - _UNDER_WAY_MS
        by_memory = any(each.from_ms <= matched_ms and event.time_ms <= each.until_ms for each in unreadable)
        for story in by_tenant.get(event.happening.tenant, ()):
            span = story.at(event.time_ms)
            pair = (event.webhook_id, story.hook.name)
            if span is not None and (span.doubt or by_memory):
                doubtful[pair] = event
            elif span is not None and span.hook is not None and span.hook.wants(event.happening):
                must[pair] = event
            elif _changed(story, event, until_ms):
                doubtful[pair] = event  # published before the change, and perhaps matched only after
    return must, doubtful


def _bodies(pairs: Mapping[Pair, Published], stories: Mapping[str, Story]) -> dict[Pair, bytes]:
    found: dict[Pair, bytes] = {}
    for pair, event in pairs.items():
        any_type = replace(stories[pair[1]].hook, event_types=())
        found |= owed([event], [any_type]).bodies
    return found


def under_way_until_ms(events: Iterable[Published], commits: Iterable[Committed]) -> dict[_Place, float]:
    """Until when each event may have been matched, or its deliveries under way: its record was done, and a minute more.

    A record that no commit was seen to pass may be under way for ever. Pure.
    """
    by_partition: defaultdict[int, list[Committed]] = defaultdict(list)
    for commit in sorted(commits, key=lambda commit: commit.at_ms):
        passed = by_partition[commit.partition]
        if not passed or commit.offset > passed[-1].offset:
            passed.append(commit)
    found: dict[_Place, float] = {}
    for event in events:
        passed = by_partition[event.partition]
        at = bisect_right(passed, event.offset, key=lambda commit: commit.offset)
        done_ms = passed[at].at_ms if at < len(passed) else inf
        found[event.partition, event.offset] = max(event.time_ms, done_ms) + _UNDER_WAY_MS
    return found


def _changed(story: Story, event: Published, until_ms: Mapping[_Place, float]) -> bool:
    """Whether the webhook changed while this event's delivery may have been under way, or before it was matched."""
    latest_ms = until_ms[event.partition, event.offset]
    return any(event.time_ms <= changed_ms <= latest_ms for changed_ms in story.changed_ms)
