"""Which texts open something, and that all others are refused alike."""

import hashlib
import hmac
from dataclasses import replace

import pytest
import structlog

from consumer.brands.loader import load_brands
from consumer.control import key_directory, key_record
from consumer.control.key_directory import KeyDirectory
from consumer.control.keys import USUAL_SCOPES, ApiKey, mint
from consumer.events.event import Record

NOW_MS = 1_790_000_000_000


def minted(seed: int, tenant: str = "acme", brand: str = "hookline") -> tuple[ApiKey, str]:
    return mint(
        tenant=tenant,
        brand=load_brands()[brand],
        scopes=USUAL_SCOPES,
        name="",
        expires_at_ms=NOW_MS + 1_000,
        now_ms=NOW_MS + seed,
        entropy=lambda size: bytes([seed] * size),
    )


def record(key: ApiKey, value: bytes | None) -> Record:
    return Record(
        topic="state", partition=0, offset=0, timestamp_ms=0, key=key_record.record_key(key.id), value=value, headers=()
    )


def directory(*keys: ApiKey) -> KeyDirectory:
    made = KeyDirectory()
    for key in keys:
        made.apply(record(key, key_record.encode(key)))
    return made


KEY, TEXT = minted(1)
OTHER, OTHER_TEXT = minted(2)
CONVO, CONVO_TEXT = minted(1, brand="convo")


def test_a_key_is_found_by_its_whole_text() -> None:
    held = directory(KEY, OTHER)
    assert held.find(TEXT, NOW_MS) == KEY
    assert held.find(OTHER_TEXT, NOW_MS) == OTHER
    assert held.get(KEY.id) == KEY


# The same id and secret under another brand's prefix, with the checksum that fits it: only the digest tells.
BAD = {
    "malformed": ("not a key", KEY),
    "empty": ("", KEY),
    "surrogate": ("\ud800", KEY),
    "checksum": (TEXT[:-1] + ("0" if TEXT[-1] != "0" else "1"), KEY),
    "unknown": (OTHER_TEXT, KEY),
    "prefix of another brand": (CONVO_TEXT, KEY),
    "revoked": (TEXT, replace(KEY, revoked_at_ms=NOW_MS - 1)),
    "expired": (TEXT, replace(KEY, expires_at_ms=NOW_MS)),
    "another secret": (TEXT, replace(KEY, digest=OTHER.digest)),
}


@pytest.mark.parametrize(("text", "held"), BAD.values(), ids=BAD.keys())
def test_every_bad_key_is_refused_after_the_same_work(text: str, held: ApiKey, monkeypatch: pytest.MonkeyPatch) -> None:
    worked: list[str] = []
    compare = hmac.compare_digest

    class Watched:
        @staticmethod
        def compare_digest(a: bytes, b: bytes) -> bool:
            worked.append(f"compare {len(a)} {len(b)}")
            return compare(a, b)

    def digest_of(given: str) -> bytes:
        worked.append("digest")
        return hashlib.sha256(given.encode("utf-8", "surrogatepass")).digest()

    monkeypatch.setattr(key_directory, "hmac", Watched)
    monkeypatch.setattr(key_directory, "digest_of", digest_of)
    assert directory(held).find(text, NOW_MS) is None
    assert worked == ["digest", "compare 32 32"]


def test_what_is_written_last_counts_and_a_deleted_key_is_gone() -> None:
    held = directory(KEY)
    held.apply(record(KEY, key_record.encode(replace(KEY, revoked_at_ms=NOW_MS))))
    assert held.find(TEXT, NOW_MS) is None
    assert [key.revoked_at_ms for key in held.listed()] == [NOW_MS]
    held.apply(record(KEY, None))
    assert held.listed() == []
    held.apply(record(KEY, None))


def test_a_record_that_cannot_be_read_takes_its_key_away_and_says_so() -> None:
    held = directory(KEY, OTHER)
    with structlog.testing.capture_logs() as said:
        held.apply(record(KEY, b"a later version's"))
    assert held.find(TEXT, NOW_MS) is None
    assert held.find(OTHER_TEXT, NOW_MS) == OTHER
    assert [line["event"] for line in said] == ["not an API key"]


def test_records_of_other_kinds_are_passed_over() -> None:
    held = directory(KEY)
    for key in (None, b"", b"replay:1", b"canary:k1", b"idempotency:x"):
        held.apply(Record(topic="state", partition=0, offset=0, timestamp_ms=0, key=key, value=b"anything", headers=()))
    assert held.listed() == [KEY]


def test_keys_are_listed_by_tenant_and_brand_oldest_first() -> None:
    convo, _ = minted(3, brand="convo")
    other, _ = minted(4, tenant="other")
    held = directory(other, convo, OTHER, KEY)
    assert held.listed() == [KEY, OTHER, convo, other]
    assert held.listed(tenant="acme") == [KEY, OTHER, convo]
    assert held.listed(tenant="acme", brand="convo") == [convo]
    assert held.listed(tenant="nobody") == []
