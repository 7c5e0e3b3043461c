"""A change of one webhook that may meet others of the same moment: the rule for every face of Hookline.

The law: an edit is made on the state that holds when it is written, or it is not made. Who names a revision gets that
one or `Mismatch`; who names none is tried again on the newer state, so that edits made at once all hold.
"""

from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from consumer.control.refusal import Conflict, Mismatch
from consumer.webhooks.history import State
from consumer.webhooks.subscription import Subscription

TRIES: Final = 5

Next = TypeVar("Next", bound=State)


class Store(Protocol):
    """One webhook, where it is kept."""

    def read(self) -> Subscription:
        """Its state now. Raises WebhookUnknown."""

    def write(self, state: State) -> bool:
        """Write a state and wait; whether it holds."""


def edit(store: Store, make: Callable[[Subscription], Next], *, if_match: int | None = None) -> Next:
    """Change a webhook by `make`, a function from its state to the next one; the state that holds by it.

    Where `make` returns what it was given there is nothing to write.

    Raises:
        Mismatch: it is not at the revision `if_match`.
        Conflict: it lost to other writes five times.
        WebhookUnknown: it does not exist, or no longer.
    """
    was = store.read()
    for _ in range(TRIES):
        if if_match is not None and was.revision != if_match:
            raise Mismatch(was.id, was.revision)
        state = make(was)
        if state is was or store.write(state):
            return state
        was = store.read()
    raise Conflict(was.id)
