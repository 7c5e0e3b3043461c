"""Webhooks read from and written to the subscriptions topic, by a command, which lives for a few of them.

The law: a write that returns is on the topic and holds: of the writes that named the same revision it came first. One
that lost raises `Conflict`, and changed nothing.
"""

from dataclasses import dataclass

from consumer.control.applied import Seen, await_applied
from consumer.control.refusal import Conflict, WebhookUnknown
from consumer.kafka import subscriptions
from consumer.kafka.client import KafkaBroken
from consumer.kafka.newer import stop_before
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics
from consumer.settings import Settings
from consumer.webhooks.history import Applied, Deletion, State, apply
from consumer.webhooks.record import state_of
from consumer.webhooks.subscription import Subscription
from consumer.wire import RecordCorrupt


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One subscription's history: its state now, and where the record `of` is in it and whether it holds."""

    state: State | None
    partition: int = -1
    offset: int = -1
    holds: bool = False


def find(settings: Settings, subscription_id: str) -> Subscription:
    """One webhook, from the topic.

    Raises:
        WebhookUnknown: it does not exist.
        KafkaBroken: the topic could not be read.
    """
    state = fold(settings, subscription_id).state
    if not isinstance(state, Subscription):
        raise WebhookUnknown(subscription_id)
    return state


def ended_at(settings: Settings, subscription_id: str) -> int:
    """The revision of the deletion that ended this webhook; 0 where there is none. Raises KafkaBroken."""
    state = fold(settings, subscription_id).state
    return state.revision if isinstance(state, Deletion) else 0


def write(settings: Settings, state: State) -> Seen:
    """Write a creation, a change or a deletion; returns how far it is known to have come.

    Raises:
        Conflict: it does not hold.
        KafkaBroken: not acknowledged in time; it may have been written.
    """
    if isinstance(state, Deletion):
        subscriptions.delete(settings, state.id, state.tenant, state.changes)
    else:
        subscriptions.write(settings, state)
    written = fold(settings, state.id, of=state)
    if written.offset < 0:
        raise KafkaBroken(f"the record of {state.id} was acknowledged and cannot be read back")
    if not written.holds:
        raise Conflict(state.id)
    return await_applied(settings, state.tenant, written.partition, written.offset)


def fold(settings: Settings, subscription_id: str, *, of: State | None = None) -> Fold:
    """Fold the records of one subscription by the rule of versions; the others are passed over undecoded.

    Raises:
        KafkaBroken: the topic could not be read; a newer Hookline wrote to it of this one (NewerRecord).
    """
    key = subscription_id.encode()
    folded = Fold(state=None)
    for record in read_to_end(settings, Topics.of(settings).subscriptions):
        if record.key != key:
            continue
        stop_before(record)  # or a change of ours would be made to what is no more
        try:
            incoming = state_of(record.key, record.value, record.headers)
        except RecordCorrupt:
            continue  # the projection refuses it too, and says so
        result = apply(folded.state, incoming)
        held = isinstance(result, Applied)
        state = result.state if isinstance(result, Applied) else folded.state
        if incoming == of and folded.offset < 0:
            folded = Fold(state=state, partition=record.partition, offset=record.offset, holds=held)
        else:
            folded = Fold(state=state, partition=folded.partition, offset=folded.offset, holds=folded.holds)
    return folded
