"""The rule of versions: what a record on the compacted topic does to the subscription it is about.

The law: a write names the revision it changes; of several that name the same one the first by offset holds. A write
that lost is followed by its winner written again, so folding the topic gives the same state before and after
compaction, which keeps only the last record of a key.

    original write   changes = n      revision = n + 1    holds unless n + 1 or later already holds
    winner again     changes = n      revision = n        holds unless n + 1 or later already holds

The second line is why a winner written again says that it changes its own revision. Compaction may leave, of writes
W and L of revision n, only the loser L before it: as a repetition of W it would lose to L, as a change of revision n
it holds over L, and makes no difference where W is still there.
"""

from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeAlias, TypeVar

from consumer.webhooks.subscription import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A subscription's end: a record without a value, whose headers carry the tenant and the revision it changes.

    `work` names the request that made it, where that had an Idempotency-Key. The fold in the cache leaves it out.
    """

    id: str
    tenant: str
    changes: int
    revision: int
    work: str | None = field(default=None, compare=False)

    @classmethod
    def of(cls, subscription: Subscription) -> "Deletion":
        """The deletion of the subscription as it is now."""
        return cls(
            id=subscription.id,
            tenant=subscription.tenant,
            changes=subscription.revision,
            revision=subscription.revision + 1,
        )


State: TypeAlias = Subscription | Deletion


class Revision(Protocol):
    """A write of a subscription, as far as the rule looks at it; equal writes say the same."""

    @property
    def changes(self) -> int: ...
    @property
    def revision(self) -> int: ...


Write = TypeVar("Write", bound=Revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied(Generic[Write]):
    """The write holds; `state` is what is known of the subscription from here on."""

    state: Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated(Generic[Write]):
    """The write is `state` itself, met again: a producer's repetition, or a batch taken twice.

    It has no effect, and is no winner written again: if a write lost in between, compaction may still leave that one.
    """

    state: Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost(Generic[Write]):
    """The write does not hold: `winner` does and must be written again behind it."""

    winner: Write


def apply(current: Write | None, incoming: Write) -> Applied[Write] | Repeated[Write] | Lost[Write]:
    """Fold one record into what is known of its subscription; None is nothing at all."""
    if current is None or incoming.changes >= current.revision:
        return Applied(state=incoming)
    if incoming == current:
        return Repeated(state=current)
    return Lost(winner=current)


def written_again(winner: State) -> State:
    """The record that puts a winner behind the write that lost to it."""
    return replace(winner, changes=winner.revision)
