"""A subscription ready to be sent to: with its brand, and its signer once the first request needs one."""

from collections.abc import Callable
from typing import TypeAlias

from consumer.brands.loader import BrandUnknown
from consumer.signing.profiles import SecretUnusableError
from consumer.signing.signer import Signer
from consumer.webhooks import ordering
from consumer.webhooks.keyring import SecretUnreadable
from consumer.webhooks.subscription import Subscription

SignerFactory: TypeAlias = Callable[[Subscription], Signer]


class Unsignable(Exception):  # noqa: N818 - it names a state, as the glossary does
    """No request to this webhook can be signed here; the message says why and holds no secret."""


class Target:
    """Opening secrets is put off to the first delivery: a tenant of thousands of webhooks loads at once.

    `opened` is its signer when a request has needed it before.
    """

    __slots__ = ("_factory", "is_ordered", "opened", "subscription")

    def __init__(self, subscription: Subscription, factory: SignerFactory) -> None:
        self.subscription = subscription
        self.is_ordered = subscription.ordering != ordering.NONE
        self._factory = factory
        self.opened: Signer | None = None

    @property
    def signer(self) -> Signer:
        """Its signer.

        Raises:
            Unsignable: its secret cannot be opened, does not fit its profile, or its brand is not known here.
        """
        if self.opened is None:
            try:
                self.opened = self._factory(self.subscription)
            except (SecretUnreadable, SecretUnusableError, BrandUnknown) as error:
                raise Unsignable(str(error)) from None
        return self.opened
