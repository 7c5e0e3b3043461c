"""API keys by way of Kafka: read from the state topic and written to it, as their operator does.

The law: what is returned is so: a key works in every process, or opens nothing in any, from the return on.
"""

import secrets
import time
from collections.abc import Collection, Iterator
from functools import cached_property

from consumer.brands.loader import brand as brand_named
from consumer.cli.deeds import tell
from consumer.cli.exits import usage
from consumer.cli.key_port import key_unknown
from consumer.cli.reach import installation, with_cache
from consumer.cli.webhook_port import DEFAULT_BRAND, Shown
from consumer.control.key_resource import resource
from consumer.control.key_uses import last_uses
from consumer.control.key_writes import read_keys, write_key
from consumer.control.keys import USUAL_SCOPES, ApiKey, Scope, descendants, mint, revoked
from consumer.settings import Settings


class DirectKeys:
    """The keys of one tenant, of one brand, or (None) of all."""

    def __init__(self, settings: Settings, *, tenant: str | None, brand: str | None) -> None:
        self._settings = settings
        self._tenant = tenant
        self._brand = brand

    def create(self, *, scopes: Collection[Scope] | None, name: str, lifetime_ms: int | None) -> Shown:
        """See `KeyPort`."""
        if self._tenant is None:
            raise usage("give --tenant, whose webhooks the key opens", field="--tenant")
        now_ms = _now_ms()
        key, text = mint(
            tenant=self._tenant,
            brand=brand_named(DEFAULT_BRAND if self._brand is None else self._brand, self._settings.brands_dir),
            scopes=USUAL_SCOPES if scopes is None else scopes,
            name=name,
            expires_at_ms=None if lifetime_ms is None else now_ms + lifetime_ms,
            now_ms=now_ms,
            entropy=secrets.token_bytes,
        )
        write_key(self._reached, key)
        tell(self._reached, "createKey", tenant=key.tenant, brand=key.brand, made=key.id)
        return resource(key, now_ms=now_ms, text=text)

    def listed(self) -> Iterator[Shown]:
        """See `KeyPort`."""
        found = read_keys(self._reached).listed(tenant=self._tenant, brand=self._brand)
        uses = last_uses(self._reached, [key.id for key in found])
        now_ms = _now_ms()
        return (resource(key, now_ms=now_ms, last_used_ms=uses.get(key.id)) for key in found)

    def revoke(self, key_id: str, *, with_descendants: bool) -> Shown:
        """See `KeyPort`."""
        found = read_keys(self._reached).get(key_id)
        if found is None or self._tenant not in {None, found.tenant} or self._brand not in {None, found.brand}:
            raise key_unknown(key_id)
        now_ms = _now_ms()
        ended = self._end(found, now_ms)
        if with_descendants:
            # Read after the end of their maker was written: from then on it makes no more (see `ApiKeys`).
            for each in descendants(read_keys(self._reached).listed(), key_id):
                self._end(each, now_ms)
        given = ("descendants",) if with_descendants else ()
        tell(self._reached, "revokeKey", tenant=found.tenant, brand=found.brand, target=key_id, fields=given)
        return resource(ended, now_ms=now_ms, last_used_ms=last_uses(self._reached, [key_id]).get(key_id))

    @cached_property
    def _reached(self) -> Settings:
        """The settings, once there is somebody to speak to: looked for when what was asked is known to make sense."""
        return with_cache(installation(self._settings, lambda topics: [topics.state]))

    def _end(self, key: ApiKey, now_ms: int) -> ApiKey:
        ended = revoked(key, now_ms=now_ms)
        if ended != key:
            write_key(self._reached, ended)
        return ended


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
