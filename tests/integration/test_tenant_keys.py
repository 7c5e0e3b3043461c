"""Tenants' data keys on a real Kafka, as several processes have them."""

import base64
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from pydantic import SecretStr

from consumer.data_keys.kept_keys import KeysTopic, destroy, read_keys
from consumer.data_keys.keys import TenantKeys
from consumer.data_keys.opening import Opening
from consumer.data_keys.sealing import patient
from consumer.delivery.delivery import Bodies
from consumer.kafka.client import KafkaBroken
from consumer.kafka.records import encode_attempt
from consumer.kafka.sealed import KeyDestroyed, KeyLocked
from consumer.kafka.topic_specs import Topics
from consumer.kafka.topic_writer import TopicWriter
from consumer.settings import Settings
from tests import attempts
from tests.acceptance.deadline import until
from tests.services.topics import MakeTopics

WITHIN_S = 20.0


def key(fill: int, key_id: str = "k1") -> tuple[SecretStr, ...]:
    return (SecretStr(f"{key_id}:{base64.b64encode(bytes([fill] * 32)).decode()}"),)


@pytest.fixture
def settings(kafka_bootstrap: str, topic_prefix: str) -> Settings:
    return Settings(
        kafka={"bootstrap.servers": kafka_bootstrap},
        topic_prefix=topic_prefix,
        tenant_keys="on",
        encryption_keys=key(1),
    )


@pytest.fixture
def topic(settings: Settings, make_topics: MakeTopics) -> str:
    name = Topics.of(settings).tenant_keys
    make_topics({name: 1}, {"cleanup.policy": "compact"})
    return name


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def number(settings: Settings, tenants: list[str]) -> list[int]:
    kept = read_keys(settings)
    assert kept is not None
    return [len(kept.of(tenant)) for tenant in tenants]


def process(settings: Settings, opened: ExitStack, **changed: object) -> TenantKeys:
    """What one process has of them."""
    return opened.enter_context(closing(TenantKeys(settings.model_copy(update=changed))))


@pytest.mark.usefixtures("topic")
def test_processes_that_make_keys_at_once_read_each_others_records(settings: Settings, opened: ExitStack) -> None:
    several = [process(settings, opened) for _ in range(3)]
    tenants = ["acme", "other"]
    made = threading.Barrier(len(several))

    def ensure(keys: TenantKeys) -> None:
        made.wait()
        assert keys.ensure(tenants, WITHIN_S) == frozenset()

    threads = [threading.Thread(target=ensure, args=(keys,)) for keys in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WITHIN_S)
    sealed = [keys.sealing(tenant).sealed(tenant.encode()) for keys in several for tenant in tenants]
    late = process(settings, opened, tenant_keys="off")  # reads, and has connected with nothing yet
    for keys in (*several, late):
        assert [keys.opened(each, within_s=WITHIN_S) for each in sealed] == [b"acme", b"other"] * len(several)
    taken = {keys.sealing(tenant).id for keys in several for tenant in tenants}
    assert len(taken) == len(tenants), "everybody has taken the first one"
    until(
        lambda: number(settings, tenants) == [1, 1], within_s=WITHIN_S, missing=lambda: f"{number(settings, tenants)}"
    )
    kept = read_keys(settings)
    assert late.ensure(tenants, WITHIN_S) == frozenset()
    assert read_keys(settings) == kept, "who finds a key makes none"


@pytest.mark.usefixtures("topic")
def test_a_destroyed_key_opens_nothing_in_any_process_and_is_never_waited_for_again(
    settings: Settings, opened: ExitStack
) -> None:
    keys = process(settings, opened)
    sealing = patient(settings, keys)
    assert sealing is not None
    attempt = sealing.attempt("acme", encode_attempt(attempts.plain))
    delivery = sealing.whole("acme", b"a delivery")
    kept = read_keys(settings)
    assert kept is not None
    with closing(TopicWriter(settings)) as writer:
        destroy(KeysTopic(settings, writer), [each.id for each in kept.of("acme")])
    for each in (process(settings, opened), keys):  # the other one follows the topic; by now it has read that
        assert each.settle([bytes(8)], WITHIN_S)
        with pytest.raises(KeyDestroyed):
            each.opened(delivery, within_s=WITHIN_S)
        told = Opening(each).attempt(attempt)
        assert (told.bodies, told.tenant, told.request_body) == (Bodies.ERASED, attempts.plain.tenant, b"")
    last = keys.sealing("acme").sealed(b"under way when it was erased")
    with pytest.raises(KeyDestroyed):
        keys.opened(last, within_s=WITHIN_S)
    assert sealing.whole("acme", b"of a tenant that came back")
    assert keys.ring.has("acme")


@pytest.mark.usefixtures("topic")
def test_a_key_that_the_ring_does_not_open_says_so_and_is_not_taken_for_destroyed(
    settings: Settings, opened: ExitStack
) -> None:
    keys = process(settings, opened)
    assert keys.ensure(["acme"], WITHIN_S) == frozenset()
    sealed = keys.sealing("acme").sealed(b"an order")
    for changed in ({"encryption_keys": key(2, "k2")}, {"encryption_keys": (), "tenant_keys": "off"}):
        with pytest.raises(KeyLocked, match="HOOKLINE_ENCRYPTION_KEYS"):
            process(settings, opened, **changed).opened(sealed, within_s=WITHIN_S)
    other = process(settings, opened, encryption_keys=key(2, "k2"))
    assert other.ensure(["acme"], WITHIN_S) == frozenset(), "what cannot be opened cannot seal: another one is made"
    assert other.opened(other.sealing("acme").sealed(b"x"), within_s=WITHIN_S) == b"x"


def test_without_the_topic_nothing_is_said_to_be_destroyed(settings: Settings, opened: ExitStack) -> None:
    keys = process(settings, opened)
    assert keys.ensure(["acme"], 0.5) == {"acme"}
    assert not keys.settle([bytes(8)], 0.5)
    assert not keys.is_settled(bytes(8))
    sealing = patient(settings, keys)
    assert sealing is not None
    with pytest.raises(KafkaBroken, match="data key of tenant acme"):
        sealing.whole("acme", b"x")
    assert read_keys(settings) is None
