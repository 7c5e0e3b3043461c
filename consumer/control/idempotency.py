"""Doing a request once, however often it is sent: what an Idempotency-Key asks for.

The law: the same key with the same request gets the same answer for 24 h, in every process; the request is done by one
of them. Where it was done and the answer was lost (a crash in between), whoever takes it up gets the same `work` to do,
by which it finds what is there already, and makes the same where nothing is. An Idempotency-Key is the property of the
API key it came with, under one tenant and brand: nobody else's request finds what was answered, or learns that anything
was.

Source: draft-ietf-httpapi-idempotency-key-header. An answer can hold a secret: it is sealed like one. Only what was
done is remembered: a request that was refused may be sent again, mended or not.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import msgspec
import structlog

from consumer.control import errands
from consumer.control.errands import CLAIMED_MS, Errand, Errands
from consumer.control.owner import Owner
from consumer.control.topic_store import View, Writer
from consumer.control.work import SEED_BYTES, Work
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import SealedSecret

_log = structlog.get_logger("idempotency")

_PATIENCE_S: Final = 5.0
_NAME_BYTES: Final = 16
_WORK_BYTES: Final = 8
_ANSWER, _SEED = "", "seed:"  # what is sealed for one purpose does not open for the other


class InProgress(Exception):  # noqa: N818 # it names a state, as the glossary does
    """The same request is being done right now."""

    def __init__(self) -> None:
        super().__init__("a request with this Idempotency-Key is still being done: ask again in a moment")


class KeyReused(Exception):  # noqa: N818 # same
    """Another request came with this key before."""

    def __init__(self) -> None:
        super().__init__("was used for another request: take a new one for each request")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request was answered with."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Whose Idempotency-Keys these are. `credential` names the API key, or the operator's key without telling it."""

    owner: Owner
    credential: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request with a key. `fingerprint` tells it from others with the same key."""

    owner: Owner
    name: str
    fingerprint: bytes

    @classmethod
    def of(cls, asker: Asker, key: str, *parts: bytes) -> "Asked":
        """The request that these parts make, as it is known on the topic: the key itself is not kept."""
        owner = asker.owner
        whose = (owner.tenant.encode(), owner.brand.encode(), asker.credential.encode(), key.encode())
        return cls(owner=owner, name=_hashed(*whose).hex()[: 2 * _NAME_BYTES], fingerprint=_hashed(*parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """This process's claim to a request, which it has to end: `keep` or `give_up`. `work` is what is to be made."""

    errand: Errand
    work: Work


class Once(Protocol):
    """See `Idempotency`."""

    def begin(self, asked: Asked) -> Answer | Begun:
        """Claim a request."""

    def keep(self, asked: Asked, begun: Begun, answer: Answer) -> None:
        """The request is done: keep its answer."""

    def give_up(self, asked: Asked, begun: Begun) -> None:
        """The request was not done: the next try may claim it."""


class Idempotency:
    """For many threads."""

    def __init__(
        self,
        topic: str,
        *,
        errands: Errands,
        keyring: Keyring,
        view: View,
        writer: Writer,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """`view` follows the state topic, `topic`, into `errands`."""
        self._topic = topic
        self._errands = errands
        self._keyring = keyring
        self._view = view
        self._writer = writer
        self._now_ms = now_ms

    def begin(self, asked: Asked) -> Answer | Begun:
        """The answer that the request had before; or the claim to do it now, which holds for a minute.

        Where it cannot be known whether what was claimed was done, it is left claimed: after that minute the same work
        may be tried by whoever claims it next.

        Raises:
            InProgress: somebody does it right now.
            KeyReused: the key belongs to another request.
            KafkaBroken: nothing was begun.
            SecretUnreadable: the key that sealed the answer is not in the ring.
        """
        known = self._known(asked)
        return known if isinstance(known, Answer) else self._claimed(asked, known)

    def keep(self, asked: Asked, begun: Begun, answer: Answer) -> None:
        """The request is done whatever becomes of this: without it, the same work is found done by who asks again."""
        sealed = self._sealed_for(asked, msgspec.json.encode(answer), _ANSWER)
        done = replace(begun.errand, answer=sealed, seed=None)
        try:
            self._write(asked.name, done)
        except KafkaBroken as error:
            _log.warning("answer not remembered", error=str(error))

    def give_up(self, asked: Asked, begun: Begun) -> None:
        """Nothing was done: the key is free again, at the latest when the claim is too old."""
        if self._errands.find(asked.name, self._now_ms()) != begun.errand:
            return  # claimed by another since, whose claim this must not end
        try:
            self._write(asked.name, None)
        except KafkaBroken as error:
            _log.warning("claim not taken back", error=str(error))

    def sweep(self) -> int:
        """Delete from the topic what nobody may ask for any more; returns how many there were."""
        outdated = self._errands.outdated(self._now_ms())
        for name in outdated:
            self._writer.write(self._record(name, None))
        return len(outdated)

    def _known(self, asked: Asked) -> Answer | Errand | None:
        """The answer; or the errand whose claimant is gone; or nothing."""
        now_ms = self._now_ms()
        found = self._errands.find(asked.name, now_ms)
        if found is None:
            return None
        if found.fingerprint != asked.fingerprint:
            raise KeyReused
        if found.answer is not None:
            return self._opened(asked, found.answer)
        if now_ms < found.at_ms + CLAIMED_MS:
            raise InProgress
        return found

    def _claimed(self, asked: Asked, before: Errand | None) -> Answer | Begun:
        """This process's claim, once it holds; or the answer, where somebody else was faster."""
        now_ms = self._now_ms()
        work = self._new_work(now_ms) if before is None else self._work_of(asked, before)
        mine = Errand(
            tenant=asked.owner.tenant,
            work=work.name,
            claimant=secrets.token_hex(8),
            fingerprint=asked.fingerprint,
            at_ms=now_ms,
            seed=self._sealed_for(asked, work.seed, _SEED),
        )
        self._write(asked.name, mine)
        held = self._errands.find(asked.name, now_ms)
        if held == mine:
            return Begun(errand=mine, work=work)
        if held is not None and held.answer is not None:
            # Compaction keeps the last record: this claim, which does not hold, must not be it.
            self._writer.write(self._record(asked.name, held))
        known = self._known(asked)
        if isinstance(known, Answer):
            return known
        raise InProgress

    @staticmethod
    def _new_work(now_ms: int) -> Work:
        name = f"{now_ms:012x}{secrets.token_bytes(_WORK_BYTES).hex()}"
        return Work(name=name, seed=secrets.token_bytes(SEED_BYTES))

    def _work_of(self, asked: Asked, errand: Errand) -> Work:
        """Of one that was claimed before. An errand of before there were seeds has another one in each try."""
        seed = errand.seed
        opened = secrets.token_bytes(SEED_BYTES) if seed is None else self._opened_for(asked, seed, _SEED)
        return Work(name=errand.work, seed=opened)

    def _opened(self, asked: Asked, sealed: SealedSecret) -> Answer:
        return msgspec.json.decode(self._opened_for(asked, sealed, _ANSWER), type=Answer)

    def _sealed_for(self, asked: Asked, plain: bytes, purpose: str) -> SealedSecret:
        return self._keyring.seal(plain, tenant=asked.owner.tenant, subscription_id=purpose + asked.name)

    def _opened_for(self, asked: Asked, sealed: SealedSecret, purpose: str) -> bytes:
        return self._keyring.open(sealed, tenant=asked.owner.tenant, subscription_id=purpose + asked.name)

    def _write(self, name: str, errand: Errand | None) -> None:
        """Write and wait until it is known here."""
        until_s = time.monotonic() + _PATIENCE_S
        try:
            place: Place = self._writer.write(self._record(name, errand)).result(_PATIENCE_S)
        except NotYet:
            raise KafkaBroken(f"the state topic did not acknowledge within {_PATIENCE_S:g} s") from None
        left_s = max(0.0, until_s - time.monotonic())
        if not self._view.reached({place.partition: place.offset + 1}, left_s):
            raise KafkaBroken("the state topic cannot be read back")

    def _record(self, name: str, errand: Errand | None) -> NewRecord:
        value = None if errand is None else errands.encode(errand)
        return NewRecord(topic=self._topic, key=errands.record_key(name), value=value)


def _hashed(*parts: bytes) -> bytes:
    """Every part is framed by its length."""
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()
