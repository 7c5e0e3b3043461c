"""What is written for a tenant, sealed with its data key.

The law: nothing is written in the clear for want of a key. In a loop the key is there, or it is a bug
(`roles/keyed_tenants.py`); whoever may wait waits for it, and fails where it does not come.
"""

from collections.abc import Callable
from typing import Final

from consumer.data_keys.data_key import DataKey
from consumer.data_keys.keys import TenantKeys
from consumer.events.event import Record
from consumer.events.named_tenant import named_tenant
from consumer.events.rules import EventRules
from consumer.kafka.attempt_sealing import taken_apart
from consumer.kafka.client import KafkaBroken
from consumer.kafka.sealed import is_sealed
from consumer.settings import Settings
from consumer.webhooks.keyring import Keyring

_WITHIN_S: Final = 2.0


class Sealing:
    """`key_of` gives the key that seals for a tenant, `known` the same where there is one. `rules` say who is named."""

    def __init__(
        self,
        key_of: Callable[[str], DataKey],
        *,
        known: Callable[[str], DataKey | None] = lambda _: None,
        rules: EventRules | None = None,
    ) -> None:
        self._key_of = key_of
        self._known = known
        self._rules = EventRules() if rules is None else rules

    def attempt(self, tenant: str, value: bytes) -> bytes:
        """An attempt's record: what lists are made of stays in the clear, and the rest is deflated and sealed."""
        clear, contents = taken_apart(value)
        return self._key_of(tenant).sealed(contents, clear=clear, deflate=True)

    def whole(self, tenant: str, value: bytes) -> bytes:
        """Any other record of the tenant's, whole.

        Not deflated: a process that holds many of these counts them by their size.
        """
        return self._key_of(tenant).sealed(value)

    def poison(self, record: Record) -> bytes | None:
        """The value of a record that is no event. None: it names no tenant that has a key, and is not sealed.

        Whoever writes to an event topic may name anybody: no key is made for that.
        """
        if record.value is None or is_sealed(record.value):
            return None
        tenant = named_tenant(record, self._rules)
        key = None if tenant is None else self._known(tenant)
        return None if key is None else key.sealed(record.value)


def in_a_loop(settings: Settings, keys: TenantKeys) -> Sealing:
    """For whoever may not wait: of a tenant whose webhooks are known the key is there."""
    return Sealing(keys.sealing, known=keys.ring.sealing, rules=EventRules.of(settings))


def patient(settings: Settings, keys: TenantKeys) -> Sealing | None:
    """For whoever may wait for a key: each call may raise KafkaBroken. None: nothing is sealed.

    Raises:
        ConfigurationError: data keys are wanted, and there is no encryption key to seal them with.
    """
    if settings.tenant_keys == "off":
        return None
    Keyring.from_settings(settings)

    def key_of(tenant: str) -> DataKey:
        if keys.ensure([tenant], _WITHIN_S):
            raise KafkaBroken(f"the data key of tenant {tenant} was not written within {_WITHIN_S:g} s")
        return keys.sealing(tenant)

    return Sealing(key_of)
