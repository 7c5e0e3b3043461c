"""API keys as a long-lived process writes them, for the holder of another key or for the operator.

The law: nobody gives a scope that he does not have, and nobody reaches beyond his own tenant and brand. A key that
ended makes no other: where it ends while it makes one, either it ends that one too or whoever ended it finds that one.
A write that returns is on the state topic, so every process sees it from its next request on.
"""

import secrets
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from typing import Final, Protocol

from consumer.brands.brand import Brand
from consumer.control.key_directory import KeyDirectory
from consumer.control.key_record import encode, record_key
from consumer.control.keys import ApiKey, Entropy, Scope, descendants, mint, revoked, usual_scopes
from consumer.control.owner import Owner
from consumer.control.work import Work
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord

MOST_KEYS: Final = 500
"""Of one tenant under one brand. Where ended keys fill the room, the oldest that made none goes for each new one."""

_PATIENCE_S: Final = 5.0


class KeyUnknown(LookupError):  # noqa: N818 # it names a state, as the glossary does
    """There is no key with this id."""

    def __init__(self) -> None:
        super().__init__("there is no such key")


class KeysFull(Exception):  # noqa: N818 # same
    """The tenant has as many keys as it may have, and all of them hold."""

    def __init__(self, most: int) -> None:
        super().__init__(f"there may be at most {most} keys: revoke one first")


class NotHeld(Exception):  # noqa: N818 # same
    """Scopes were to be given that the giver does not have."""

    def __init__(self, scopes: Collection[Scope]) -> None:
        super().__init__(f"a key gives only scopes that it has: leave out {', '.join(sorted(scopes))}")


class MakerEnded(Exception):  # noqa: N818 # same
    """The key that should make another one has ended."""

    def __init__(self) -> None:
        super().__init__("the key that makes this one has ended: use another one")


class Writer(Protocol):
    """See `TopicWriter`."""

    def write(self, record: NewRecord) -> "Future[Place]":
        """Produce a record; its place is known when Kafka has it."""


class ApiKeys:
    """For many threads. `topic` is the state topic, which `directory` is the fold of.

    `fresh` returns when the directory has everything that was acknowledged before; it raises KafkaBroken.
    """

    def __init__(
        self,
        topic: str,
        *,
        directory: KeyDirectory,
        writer: Writer,
        fresh: Callable[[], None],
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        entropy: Entropy = secrets.token_bytes,
        most: int = MOST_KEYS,
    ) -> None:
        self._topic = topic
        self._directory = directory
        self._writer = writer
        self._fresh = fresh
        self._now_ms = now_ms
        self._entropy = entropy
        self._most = most

    def create(
        self,
        owner: Owner,
        brand: Brand,
        *,
        by: str | None,
        scopes: Collection[Scope] | None = None,
        name: str = "",
        expires_at_ms: int | None = None,
        work: Work | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key of this owner, and its text. `by` is the id of the key that makes it; None: the operator does.

        `brand` is the owner's. Without `scopes` it has the usual ones, as far as its maker has them. `work` is that of
        a request that may have been tried before: the key that was made then is returned.

        Raises:
            FieldInvalid: every field that cannot be.
            NotHeld: it would be given more than its maker has.
            MakerEnded: its maker ended meanwhile.
            KeysFull: there is no room.
            KafkaBroken: not acknowledged in time; it may have been written, and only the same work tells its text.
        """
        now_ms = self._now_ms()
        maker = self._maker(by, now_ms)
        held = frozenset(Scope) if maker is None else maker.scopes
        given = usual_scopes(held) if scopes is None else frozenset(scopes)
        if missing := given - held:
            raise NotHeld(missing)
        key, text = mint(
            tenant=owner.tenant,
            brand=brand,
            scopes=given,
            name=name,
            expires_at_ms=expires_at_ms,
            now_ms=now_ms,
            entropy=self._entropy if work is None else work.entropy(),
            maker=maker,
        )
        made = None if work is None else self._directory.get(key.id)
        if made is not None:
            key = made
        else:
            self._make_room(owner, now_ms)
            self._write(key.id, encode(key))
        self._check_made(key)
        return key, text

    def page(
        self, owner: Owner, *, after: tuple[int, str] | None, limit: int
    ) -> tuple[list[ApiKey], tuple[int, str] | None]:
        """At most `limit` of the owner's keys behind `after`, oldest first; where to go on, if any follow."""
        mine = self._directory.listed(tenant=owner.tenant, brand=owner.brand)
        behind = [key for key in mine if after is None or (key.created_at_ms, key.id) > after]
        found = behind[:limit]
        return found, (found[-1].created_at_ms, found[-1].id) if len(behind) > limit else None

    def revoke(self, owner: Owner, key_id: str, *, with_descendants: bool = False) -> ApiKey:
        """The owner's key, opening nothing any more. To revoke it again changes nothing.

        `with_descendants`: nor does any that it made, or that they made.

        Raises:
            KeyUnknown: it does not exist, or is another owner's.
            KafkaBroken: not acknowledged in time; it may have been written.
        """
        key = self._directory.get(key_id)
        if key is None or (key.tenant, key.brand) != (owner.tenant, owner.brand):
            raise KeyUnknown
        ended = self._end(key)
        if with_descendants:
            self._fresh()
            for each in descendants(self._directory.listed(tenant=owner.tenant, brand=owner.brand), key_id):
                self._end(each)
        return ended

    def _end(self, key: ApiKey) -> ApiKey:
        ended = revoked(key, now_ms=self._now_ms())
        if ended != key:
            self._write(key.id, encode(ended))
        return ended

    def _maker(self, by: str | None, now_ms: int) -> ApiKey | None:
        if by is None:
            return None
        maker = self._directory.get(by)
        if maker is None or not maker.holds(now_ms):
            raise MakerEnded
        return maker

    def _check_made(self, key: ApiKey) -> None:
        """Whoever ended the maker before this key was there could not find it: then it ends here."""
        if key.created_by is None:
            return
        self._fresh()
        try:
            self._maker(key.created_by, self._now_ms())
        except MakerEnded:
            self._end(key)
            raise

    def _make_room(self, owner: Owner, now_ms: int) -> None:
        mine = self._directory.listed(tenant=owner.tenant, brand=owner.brand)
        if len(mine) < self._most:
            return
        # One that made others stays while they do: by it they are found.
        makers = {key.created_by for key in mine}
        ended = next((key for key in mine if not key.holds(now_ms) and key.id not in makers), None)
        if ended is None:
            raise KeysFull(self._most)
        self._write(ended.id, None)

    def _write(self, key_id: str, value: bytes | None) -> None:
        try:
            self._writer.write(NewRecord(topic=self._topic, key=record_key(key_id), value=value)).result(_PATIENCE_S)
        except NotYet:
            raise KafkaBroken(f"the state topic did not acknowledge within {_PATIENCE_S:g} s") from None
