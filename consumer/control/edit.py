"""A change of one webhook that may meet others of the same moment: the rule for whoever makes one.

The law: an edit is made on the state that holds when it is written, or it is not made. Who names a revision gets that
one or `Mismatch`; who names none is tried again on the newer state, so that edits made at once all hold. What a request
has done once is not done again, whatever was changed since and whatever revision it names.
"""

from collections.abc import Callable, Collection
from typing import Final, Protocol, TypeVar

from consumer.control.refusal import Conflict, Mismatch
from consumer.control.work import Work
from consumer.webhooks import works
from consumer.webhooks.history import Deletion, State
from consumer.webhooks.subscription import Subscription

TRIES: Final = 5

Next = TypeVar("Next", Subscription, Deletion)


class Store(Protocol):
    """One webhook, where it is kept."""

    def read(self) -> Subscription:
        """Its state now. Raises WebhookUnknown."""

    def write(self, state: State) -> bool:
        """Write a state and wait; whether it holds."""


def edit(
    store: Store,
    make: Callable[[Subscription], Next],
    *,
    if_match: Collection[int] | None = None,
    work: Work | None = None,
) -> Next | Subscription:
    """Change a webhook by `make`, a function from its state to the next one; the state that holds by it.

    Where `make` returns what it was given there is nothing to write. Where `work` has changed it before, there is
    nothing to make: what holds now is returned.

    Raises:
        Mismatch: it is at none of the revisions `if_match`.
        Conflict: it lost to other writes five times.
        WebhookUnknown: it does not exist, or no longer.
    """
    was = store.read()
    for _ in range(TRIES):
        if work is not None and work.name in was.works:
            return was
        if if_match is not None and was.revision not in if_match:
            raise Mismatch(was.id, was.revision)
        state = make(was)
        if state is was:
            return was
        state = state if work is None else works.signed(state, work.name)
        if store.write(state):
            return state
        was = store.read()
    raise Conflict(was.id)
