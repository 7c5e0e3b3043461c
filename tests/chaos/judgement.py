"""Everything that was promised against everything that happened.

The law: the log is the truth about what was published, the receivers' disks about what was accepted; the rest of
Hookline's topics serve only to excuse (a dead letter) or to accuse (an early attempt, a commit too far).
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final, TypeAlias

from consumer.delivery.delivery import Delivery, delivery_id
from consumer.events.event import Record
from consumer.kafka.records import decode_attempt, decode_dead_letter, decode_delayed
from tests.acceptance.happenings import Hook, Published, owed, source_of, travelling
from tests.acceptance.ledger import Buried, Pair, Promises, Tried, Verdict, Waited, judge
from tests.acceptance.receipts import Receipt
from tests.acceptance.stage import Stage, tried_of
from tests.chaos import hostile
from tests.chaos.arena import happening
from tests.chaos.changes import Story
from tests.chaos.load import Ledger
from tests.chaos.watch import Committed

_UNDER_WAY_MS: Final = 60_000  # so long after its record was done a delivery may wait in a delay topic


_Place: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What is on the topics."""

    events: Sequence[Published]
    buried: Sequence[Buried]
    own_ids: Mapping[str, str]
    """What the id of each dead letter's delivery should be, by what it is."""
    tried: Sequence[Tried]
    waited: Sequence[Waited]
    written_ms: Mapping[Pair, int]
    buried_ms: Mapping[Pair, int] = field(default_factory=dict)
    """When each pair was first on a delay or dead-letter topic, by the broker's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What came out."""

    verdict: Verdict
    pairs: int
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

    @property
    def duplicates(self) -> int:
        """Acceptances beyond the first."""
        return sum(self.verdict.duplicates.values())


def read_log(stage: Stage) -> Log:
    """Read the topics; what the hostile tenants have on them is owed to nobody."""
    written_ms: dict[Pair, int] = {}

    def wrote(pair: Pair, at_ms: int) -> None:
        written_ms[pair] = min(at_ms, written_ms.get(pair, at_ms))

    buried: list[Buried] = []
    buried_ms: dict[Pair, int] = {}
    own_ids: dict[str, str] = {}
    for each in stage.read(stage.topics.dead_letter):
        letter = decode_dead_letter(each.value or b"")
        if letter.delivery.event.tenant.startswith(hostile.TENANT):
            continue
        pair = (travelling(letter.delivery.event.id, letter.delivery.event.source), letter.delivery.subscription_id)
        buried.append(Buried(pair=pair, delivery_id=letter.delivery.id, reason=letter.reason))
        buried_ms[pair] = each.timestamp_ms
        own_ids[letter.delivery.id] = delivery_id(letter.delivery.event, letter.delivery.subscription_id)
        wrote(pair, each.timestamp_ms)
    waited: list[Waited] = []
    delays_ms = stage.settings.retry_delays_ms
    for tier, topic in enumerate(stage.topics.retry_topics):
        for each in stage.read(topic):
            if not each.value:
                continue  # an empty record asks the broker for its time
            delayed = decode_delayed(each.value, tier)
            if isinstance(delayed, Delivery) and not delayed.event.tenant.startswith(hostile.TENANT):
                due_ms = each.timestamp_ms + delays_ms[tier]
                waited.append(Waited(delivery_id=delayed.id, attempts=delayed.attempts, due_ms=due_ms))
                wrote((travelling(delayed.event.id, delayed.event.source), delayed.subscription_id), each.timestamp_ms)
    tried: list[Tried] = []
    for each in stage.read(stage.topics.attempts):
        attempt = decode_attempt(each.value or b"")
        if not attempt.tenant.startswith(hostile.TENANT):
            tried.append(tried_of(attempt))
    return Log(
        events=[_published(each) for each in stage.read(stage.event_topic) if each.key != hostile.KEY],
        buried=buried,
        own_ids=own_ids,
        tried=tried,
        waited=waited,
        written_ms=written_ms,
        buried_ms=buried_ms,
    )


def decide(
    log: Log,
    receipts: Sequence[Receipt],
    *,
    ledger: Ledger,
    hooks: Sequence[Hook],
    stories: Mapping[str, Story],
    commits: Sequence[Committed],
) -> Judgement:
    """Hold it all against the promise."""
    steady = owed(log.events, hooks)
    until_ms = under_way_until_ms(log.events, commits)
    must, doubtful = _of_changing(log.events, stories, until_ms)
    accepted: defaultdict[Pair, list[int]] = defaultdict(list)
    requests: defaultdict[Pair, list[int]] = defaultdict(list)
    for receipt in receipts:
        requests[receipt.webhook_id, receipt.endpoint].append(receipt.at_ms)
        if receipt.accepted:
            accepted[receipt.webhook_id, receipt.endpoint].append(receipt.at_ms)
    buried = {each.pair for each in log.buried}
    excused = {
        pair
        for pair, event in must.items()
        if pair not in accepted and pair not in buried and _changed(stories[pair[1]], event, until_ms)
    }
    promises = Promises(
        bodies={**steady.bodies, **_bodies(must | doubtful, stories)},
        event_tenants=steady.event_tenants,
        tenants={**steady.tenants, **{name: story.hook.tenant for name, story in stories.items()}},
        copies=steady.copies,
    )
    verdict = judge(promises, receipts, log.buried, log.tried, log.waited)
    # What is in doubt or excused is allowed, not owed; an event that is in the log twice may be delivered twice.
    copies = Counter(event.webhook_id for event in log.events)
    duplicates = {pair: more for pair, times in verdict.duplicates.items() if (more := times + 1 - copies[pair[0]]) > 0}
    verdict = replace(verdict, lost=verdict.lost - doubtful.keys() - excused, duplicates=duplicates)
    owed_pairs = steady.bodies.keys() | (must.keys() - excused)
    safe_ms = {pair: times[0] for pair, times in accepted.items()}
    for pair, at_ms in log.written_ms.items():
        safe_ms[pair] = min(at_ms, safe_ms.get(pair, at_ms))
    numbers = [event.happening.n for event in log.events]
    in_log = {event.happening.n: (event.partition, event.offset) for event in log.events}
    return Judgement(
        verdict=verdict,
        pairs=len(owed_pairs),
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
    events: Sequence[Published], stories: Mapping[str, Story], until_ms: Mapping[_Place, float]
) -> tuple[dict[Pair, Published], dict[Pair, Published]]:
    """What is owed to webhooks that changed, and what may or may not have come."""
    must: dict[Pair, Published] = {}
    doubtful: dict[Pair, Published] = {}
    by_tenant: defaultdict[str, list[Story]] = defaultdict(list)
    for story in stories.values():
        by_tenant[story.hook.tenant].append(story)
    for event in events:
        for story in by_tenant.get(event.happening.tenant, ()):
            span = story.at(event.time_ms)
            pair = (event.webhook_id, story.hook.name)
            if span is not None and span.doubt:
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


def _published(record: Record) -> Published:
    assert record.key is not None
    event = happening(int(record.key))
    return Published(
        happening=event,
        partition=record.partition,
        offset=record.offset,
        webhook_id=travelling(event.id or "", source_of(event)),
        time_ms=record.timestamp_ms,
    )
