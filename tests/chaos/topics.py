"""What is on the topics after a run. What the hostile tenants have there is owed to nobody, and passed over."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from consumer.delivery.delivery import Delivery, delivery_id
from consumer.events.event import Record
from consumer.kafka.records import (
    Replay,
    decode_attempt,
    decode_dead_letter,
    decode_delayed,
    decode_ordered,
    decode_replay,
)
from consumer.kafka.replayed import replayed_of
from tests.acceptance.happenings import Published, source_of, travelling
from tests.acceptance.ledger import Buried, Pair, Tried, Waited
from tests.acceptance.stage import Stage, tried_of
from tests.chaos import hostile
from tests.chaos.arena import happening


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
    """When each pair was first on a delay, ordered or dead-letter topic, by the broker's clock."""
    again: Sequence[Delivery] = ()
    """What was sent again, whosever it is: each as often as it is on a delay topic."""


def read_log(stage: Stage) -> Log:
    """Read the topics."""
    written_ms: dict[Pair, int] = {}
    buried: list[Buried] = []
    buried_ms: dict[Pair, int] = {}
    own_ids: dict[str, str] = {}
    waited: list[Waited] = []
    for each in stage.read(stage.topics.dead_letter):
        letter = decode_dead_letter(each.value or b"")
        if _is_owed(letter.delivery):
            pair = _pair(letter.delivery)
            buried.append(Buried(pair=pair, delivery_id=letter.delivery.id, reason=letter.reason))
            buried_ms[pair] = each.timestamp_ms
            own_ids[letter.delivery.id] = delivery_id(
                letter.delivery.event, letter.delivery.subscription_id, letter.delivery.replay_id
            )
            _wrote(written_ms, pair, each.timestamp_ms)
    again: list[Delivery] = []
    for delayed, appended_ms, delay_ms in _delayed(stage):
        if delayed.replay_id is not None:
            again.append(delayed)
        if not _is_owed(delayed):
            continue
        due_ms = appended_ms + delay_ms
        waited.append(Waited(delivery_id=delayed.id, attempts=delayed.attempts, due_ms=due_ms))
        _wrote(written_ms, _pair(delayed), appended_ms)
    for each in stage.read(stage.topics.ordered):
        lined = decode_ordered(each.key, each.value or b"")
        if _is_owed(lined):
            _wrote(written_ms, _pair(lined), each.timestamp_ms)
    attempts = [decode_attempt(each.value or b"") for each in stage.read(stage.topics.attempts)]
    return Log(
        events=[_published(each) for each in stage.read(stage.event_topic) if each.key != hostile.KEY],
        buried=buried,
        own_ids=own_ids,
        tried=[tried_of(each) for each in attempts if not each.tenant.startswith(hostile.TENANT)],
        waited=waited,
        written_ms=written_ms,
        buried_ms=buried_ms,
        again=again,
    )


def read_generations(stage: Stage) -> list[Replay]:
    """How often each chain was sent again: every record of it."""
    records = stage.read(stage.topics.jobs)
    return [decode_replay(each.value) for each in records if each.value is not None and replayed_of(each.key)]


def _delayed(stage: Stage) -> Iterator[tuple[Delivery, int, int]]:
    """The deliveries on the delay topics: each with when it was appended and its delay, in ms."""
    delays_ms = stage.settings.retry_delays_ms
    for tier, topic in enumerate(stage.topics.retry_topics):
        for each in stage.read(topic):
            if not each.value:
                continue  # an empty record asks the broker for its time
            delayed = decode_delayed(each.value, tier)
            if isinstance(delayed, Delivery):
                yield delayed, each.timestamp_ms, delays_ms[tier]


def _is_owed(delivery: Delivery) -> bool:
    return not delivery.event.tenant.startswith(hostile.TENANT)


def _pair(delivery: Delivery) -> Pair:
    return travelling(delivery.event.id, delivery.event.source), delivery.subscription_id


def _wrote(written_ms: dict[Pair, int], pair: Pair, at_ms: int) -> None:
    written_ms[pair] = min(at_ms, written_ms.get(pair, at_ms))


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
