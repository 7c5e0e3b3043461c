"""How a delivery process comes to tenants' data keys: read before it begins, and ensured for whom it knows."""

import threading
from typing import Final

import structlog

from consumer.data_keys.keys import TenantKeys
from consumer.roles.keyed_tenants import KeyedTenants
from consumer.roles.tenant_lookup import Read
from consumer.settings import ConfigurationError, Settings
from consumer.telemetry.pulse import pulse
from consumer.webhooks.reader import Reader

_log = structlog.get_logger("pool")

_AGAIN_S: Final = 0.1
_UNREAD: Final = "tenants' data keys are not read yet"


def have_been_read(keys: TenantKeys, stop: threading.Event) -> bool:
    """Wait until they are known, or whoever has one would be given another. False: `stop` came first.

    Raises:
        ConfigurationError: an encryption key is not the one its id names.
    """
    while not keys.ready:
        pulse.lacks = (_UNREAD,)
        pulse.beat()
        if stop.wait(_AGAIN_S):
            return False
    pulse.lacks = ()
    if keys.ring.wrong:
        raise ConfigurationError(
            "HOOKLINE_ENCRYPTION_KEYS",
            f"the key {keys.ring.wrong[0]!r} is not the one that sealed tenants' data keys under this id: give the "
            "right one back, and a new key an id of its own",
        )
    if locked := keys.ring.locked:
        _log.error("data keys unreadable", keys=len(locked), tenant=locked[0].tenant, error=locked[0].why)
    return True


def tenants_read(settings: Settings, keys: TenantKeys | None) -> Read:
    """How tenants are looked up: with `keys` none comes without its data key."""
    read = Reader.from_settings(settings).read_small
    return read if keys is None else KeyedTenants(read, keys).read
