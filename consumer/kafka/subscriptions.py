"""The subscriptions topic as an operator uses it: read whole, write one, wait for it.

The law: the topic is the truth. What is read is the fold of all its records by the rule of versions, the same as the
projection's; what is written is on all in-sync replicas when the call returns.
"""

from collections.abc import Collection

import structlog

from consumer.kafka.newer import stop_before
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord, write_now
from consumer.settings import Settings
from consumer.telemetry.bugs import decoded
from consumer.webhooks.history import Deletion, Lost, State, apply
from consumer.webhooks.record import rewrite_of, state_of
from consumer.webhooks.subscription import Subscription
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("kafka")


def read_all(settings: Settings, only: Collection[str] | None = None) -> dict[str, Subscription]:
    """Every subscription that exists now, or of these ids only, by id.

    A record that is none is logged with its place: one such record must not keep an operator from the others.

    Raises:
        KafkaBroken: the topic could not be read to its end.
    """
    return {id_: each for id_, each in read_states(settings, only).items() if isinstance(each, Subscription)}


def read_states(settings: Settings, only: Collection[str] | None = None) -> dict[str, State]:
    """The same with those that were deleted, as far as the topic still tells of them. Raises KafkaBroken."""
    states: dict[str, State] = {}
    keys = None if only is None else {id_.encode() for id_ in only}
    for record in read_to_end(settings, Topics.of(settings).subscriptions):
        if keys is not None and record.key not in keys:
            continue
        stop_before(record)
        try:
            incoming = decoded(record, state_of, record.key, record.value, record.headers)
        except RecordCorrupt as error:
            _log.error("not a subscription", partition=record.partition, offset=record.offset, error=str(error))
            continue
        match apply(states.get(incoming.id), incoming):
            case Lost():
                pass  # the projection writes the winner again
            case applied:
                states[incoming.id] = applied.state
    return states


def write(settings: Settings, *subscriptions: Subscription) -> None:
    """Write subscriptions; the `changes` of each names the revision it was made from.

    Raises:
        KafkaBroken: not acknowledged in time.
    """
    _write(settings, *subscriptions)


def delete(settings: Settings, subscription_id: str, tenant: str, changes: int) -> None:
    """Write a subscription's end, made from revision `changes`.

    Raises:
        KafkaBroken: not acknowledged in time.
    """
    _write(settings, Deletion(id=subscription_id, tenant=tenant, changes=changes, revision=changes + 1))


def _write(settings: Settings, *states: State) -> None:
    topic = Topics.of(settings).subscriptions
    news = map(rewrite_of, states)
    write_now(settings, [NewRecord(topic=topic, key=new.key, value=new.value, headers=new.headers) for new in news])
