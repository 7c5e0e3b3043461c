"""What jobs sent again, against what they were asked for. Pure.

The laws: every job has ended, and one that is done has sent each event that its recovery owed once. No job sends an
event to a webhook twice, and none counts more or less than it wrote. An event that was sent again may be accepted once
more for each time, and beside its dead letter.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from consumer.delivery.delivery import Delivery, delivery_id
from consumer.jobs.job import Asked, Job, Kind, Missed, State
from consumer.kafka.records import Replay
from tests.acceptance.happenings import Hook, Published, owed, travelling
from tests.acceptance.ledger import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class SentAgain:
    """What came of it. `bodies` is what webhooks that were made for recoveries may get, and `owed` what they must.

    `made` says how often each pair was sent again.
    """

    hooks: Mapping[str, Hook] = field(default_factory=dict)
    bodies: Mapping[Pair, bytes] = field(default_factory=dict)
    owed: Collection[Pair] = frozenset()
    made: Counter[Pair] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    unended: Sequence[str] = ()
    twice: Sequence[str] = ()
    miscounted: Sequence[str] = ()


NOTHING = SentAgain()


def sent_again(
    events: Sequence[Published],
    hooks: Mapping[str, Hook],
    jobs: Iterable[tuple[Asked, Job | None]],
    written: Iterable[Delivery],
    generations: Iterable[Replay],
) -> SentAgain:
    """`written` are the deliveries on the delay topics, `generations` the numbers that chains were given."""
    ids: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    pairs: dict[str, Pair] = {}
    for each in written:
        if each.replay_id is not None:
            chain = delivery_id(each.event, each.subscription_id)
            pairs[chain] = (travelling(each.event.id, each.event.source), each.subscription_id)
            ids[each.job_id or "", chain].add(each.id)
    numbers = Counter((each.delivery_id, each.generation) for each in generations)
    jobs = [*jobs]
    owed_pairs: set[Pair] = set()
    for asked, job in jobs:
        if asked.kind is Kind.RECOVER and job is not None and job.state is State.DONE and asked.webhook in hooks:
            owed_pairs |= {
                (event.webhook_id, asked.webhook) for event in missed(asked, job, hooks[asked.webhook], events)
            }
    sent = Counter(job_id for job_id, _ in ids)
    return SentAgain(
        hooks=hooks,
        bodies=owed(events, [*hooks.values()]).bodies,
        owed=owed_pairs,
        made=Counter(pairs[chain] for (_, chain), several in ids.items() for _ in several),
        ended=Counter(f"{asked.kind} {job.state}" for asked, job in jobs if job is not None),
        unended=[asked.id for asked, job in jobs if job is None or not job.ended],
        twice=[f"{job_id}: {pairs[chain]}" for (job_id, chain), several in ids.items() if len(several) > 1]
        + [f"{chain}: {number}" for (chain, number), times in numbers.items() if times > 1],
        miscounted=[asked.id for asked, job in jobs if job is not None and job.counts.sent != sent[asked.id]],
    )


def missed(asked: Asked, job: Job, hook: Hook, events: Iterable[Published]) -> list[Published]:
    """The events that a recovery was about: those that its webhook wants, of its time, up to where it read."""
    assert isinstance(asked.subject, Missed)
    ends = {partition: end for (_, partition), end in job.ends.items()}
    return [
        event
        for event in events
        if hook.wants(event.happening)
        and asked.subject.since_ms <= event.time_ms < asked.subject.until_ms
        and event.offset < ends.get(event.partition, 0)
    ]
