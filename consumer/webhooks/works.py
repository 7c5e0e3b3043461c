"""The requests that made a webhook what it is: by their names who repeats one finds that it was done. Pure.

The law: a state carries the name of the request that wrote it, and of the seven before it that had an Idempotency-Key.
Requests without one have no name, and push none out.
"""

import re
from dataclasses import replace
from typing import Final, TypeVar

from consumer.webhooks.history import Deletion
from consumer.webhooks.subscription import Subscription

MOST: Final = 8
"""More changes than these between a request that was not answered and its repetition, and that is not recognised."""

_NAME: Final = re.compile("[0-9a-f]{28}")

State = TypeVar("State", Subscription, Deletion)


def is_name(text: str) -> bool:
    """Whether a request could have this name: see `control.idempotency`."""
    return _NAME.fullmatch(text) is not None


def signed(state: State, name: str) -> State:
    """The state as this request makes it."""
    if isinstance(state, Deletion):
        return replace(state, work=name)
    return replace(state, works=(*state.works, name)[-MOST:])
