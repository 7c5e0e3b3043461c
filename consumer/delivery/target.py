"""A subscription ready to be sent to: with its brand, and its signer once the first request needs one."""

from collections.abc import Callable
from typing import TypeAlias

from consumer.signing.signer import Signer
from consumer.webhooks.subscription import Subscription

SignerFactory: TypeAlias = Callable[[Subscription], Signer]


class Target:
    """Opening secrets is put off to the first delivery: a tenant of thousands of webhooks loads at once."""

    __slots__ = ("_factory", "_signer", "subscription")

    def __init__(self, subscription: Subscription, factory: SignerFactory) -> None:
        self.subscription = subscription
        self._factory = factory
        self._signer: Signer | None = None

    @property
    def signer(self) -> Signer:
        """Its signer.

        Raises:
            SecretUnreadable: its secret cannot be opened with the keys this process has.
        """
        if self._signer is None:
            self._signer = self._factory(self.subscription)
        return self._signer
