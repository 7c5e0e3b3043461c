"""The fold of a batch: what records of the topic do to one bucket's subscriptions. Pure.

The law: what is written is exactly what the records changed, and every winner behind which a record lost is owed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consumer.webhooks.history import Applied, Deletion, Lost, Repeated, apply
from consumer.webhooks.outline import Known, outline_of_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One bucket's part of a batch, by subscription id: what changed, and the winners of those whose last record lost.

    A subscription may be in both: the winner and a write that lost to it came in one batch.
    """

    changed: Mapping[str, Known]
    lost: Mapping[str, Known]


def folded(known: Mapping[str, Known | None], batch: Sequence[Known]) -> Fold:
    """Fold records, in the topic's order, into what is known of each of their subscriptions (None: nothing)."""
    states = dict(known)
    changed: dict[str, Known] = {}
    lost: dict[str, Known] = {}
    for incoming in batch:
        match apply(states[incoming.id], incoming):
            case Applied(state=state):
                states[incoming.id] = changed[incoming.id] = state
                lost.pop(incoming.id, None)
            case Lost(winner=winner):
                lost[incoming.id] = winner
            case Repeated():
                pass  # nothing to write, and a debt stays a debt
    return Fold(changed=changed, lost=lost)


def in_cache(tenant: str, subscription_id: str, record: bytes | None, gone: bytes | None) -> Known | None:
    """What the cache knows of a subscription, from the two places where it may say so.

    Raises:
        RecordCorrupt: the record cannot be read.
    """
    if record is not None:
        return outline_of_value(record)
    if gone is not None:
        return Deletion(id=subscription_id, tenant=tenant, changes=int(gone) - 1, revision=int(gone))
    return None


def changes(fold: Fold) -> list[tuple[Known, tuple[str, str, str, str | bytes]]]:
    """Each state of a fold with its four arguments of the script WRITE."""
    changed = [(state, _changed(state)) for state in fold.changed.values()]
    return changed + [(state, ("lost", state.tenant, state.id, "")) for state in fold.lost.values()]


def _changed(state: Known) -> tuple[str, str, str, str | bytes]:
    if isinstance(state, Deletion):
        return "gone", state.tenant, state.id, str(state.revision)
    return "set", state.tenant, state.id, state.value
