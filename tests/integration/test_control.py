"""Two processes' worth of the control plane on real Kafka and Redis: what one writes, the other sees."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions
from pydantic import SecretStr
from structlog.testing import capture_logs

from consumer.brands.loader import brand
from consumer.control import writes
from consumer.control.control import Control
from consumer.control.key_record import encode, record_key
from consumer.control.keys import Scope, mint
from consumer.control.owner import Owner
from consumer.control.refusal import Conflict, Mismatch, WebhookUnknown
from consumer.kafka.client import KafkaBroken
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord, write_now
from consumer.roles import projection
from consumer.settings import Settings
from consumer.webhooks import draft
from consumer.webhooks.history import Deletion
from consumer.webhooks.reader import Loaded, Reader
from consumer.webhooks.subscription import Status, Subscription
from consumer.webhooks.wishes import Changes, Wishes
from tests.services.kafka import Kafka
from tests.services.topics import MakeTopics, create_topics
from tests.webhook_samples import key_entry

ACME = Owner(tenant="acme", brand="hookline")
WISHES = Wishes(tenant="acme", brand="hookline", url="https://example.com/x")
COMPACTED = {"cleanup.policy": "compact"}


def settings_for(bootstrap: str, topic_prefix: str, redis_url: str = "redis://127.0.0.1:1/0") -> Settings:
    return Settings(
        kafka={"bootstrap.servers": bootstrap},
        topic_prefix=topic_prefix,
        redis_url=SecretStr(redis_url),
        encryption_keys=(SecretStr(key_entry()),),
    )


@pytest.fixture
def settings(kafka_bootstrap: str, topic_prefix: str, redis_url: str, make_topics: MakeTopics) -> Settings:
    made = settings_for(kafka_bootstrap, topic_prefix, redis_url)
    make_topics({Topics.of(made).subscriptions: 4, Topics.of(made).state: 2}, COMPACTED)
    return made


@contextmanager
def running(settings: Settings, processes: int = 1) -> Iterator[list[Control]]:
    with ExitStack() as stack:
        controls = [stack.enter_context(Control(settings)) for _ in range(processes)]
        for control in controls:
            control.fresh(10)
        yield controls


def ids(control: Control, owner: Owner = ACME) -> set[str]:
    return {each.id for each in control.webhooks.page(owner, None, 1_000)[0]}


def eventually(look: Callable[[], bool], within_s: float = 20.0) -> None:
    until_s = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < until_s
        time.sleep(0.02)


def test_what_one_process_writes_the_other_sees_once_it_is_fresh(settings: Settings) -> None:
    with running(settings, 2) as (one, other):
        assert one.ready
        for _ in range(20):
            created, secret = one.webhooks.create(ACME, WISHES)
            other.fresh(10)
            assert other.webhooks.get(ACME, created.id) == created
            renamed = other.webhooks.update(ACME, created.id, Changes(name="n")).subscription
            one.fresh(10)
            assert one.webhooks.get(ACME, created.id) == renamed
            other.webhooks.delete(ACME, created.id)
            one.fresh(10)
            with pytest.raises(WebhookUnknown):
                one.webhooks.get(ACME, created.id)
            assert secret.startswith("whsec_")


def test_a_key_works_and_is_revoked_in_every_process_at_once(settings: Settings) -> None:
    key, text = mint(
        tenant="acme", brand=brand("hookline"), scopes=frozenset({Scope.READ}), name="", expires_at_ms=None,
        now_ms=1, entropy=secrets.token_bytes,
    )  # fmt: skip
    topic = Topics.of(settings).state
    with running(settings, 2) as controls:
        for value, found in ((encode(key), key), (None, None)):
            write_now(settings, [NewRecord(topic=topic, key=record_key(key.id), value=value)])
            for control in controls:
                control.fresh(10)
                assert control.keys.find(text, 2) == found


def test_many_changes_at_once_all_hold_or_are_told_that_they_do_not(settings: Settings) -> None:
    with running(settings, 2) as controls, ThreadPoolExecutor(8) as pool:
        created, _ = controls[0].webhooks.create(ACME, WISHES)
        controls[1].fresh(10)

        def change(number: int) -> str | None:
            control, wanted = controls[number % 2], f"type.n{number}"
            for _ in range(10):
                types = control.webhooks.get(ACME, created.id)
                changes = Changes(event_types=(*types.event_types, wanted))
                try:
                    control.webhooks.update(ACME, created.id, changes, if_match={types.revision})
                except (Mismatch, Conflict):
                    control.fresh(10)
                else:
                    return wanted
            return None

        held = {each for each in pool.map(change, range(12)) if each is not None}
        assert held
        for control in controls:
            control.fresh(10)
            assert set(control.webhooks.get(ACME, created.id).event_types) == held


def test_two_changes_of_different_fields_both_hold_without_being_asked_again(settings: Settings) -> None:
    with running(settings, 2) as (one, other), ThreadPoolExecutor(2) as pool:
        created, _ = one.webhooks.create(ACME, WISHES)
        other.fresh(10)
        for turn in range(10):
            named = pool.submit(one.webhooks.update, ACME, created.id, Changes(name=f"n{turn}"))
            described = pool.submit(other.webhooks.update, ACME, created.id, Changes(description=f"d{turn}"))
            named.result()
            described.result()
            one.fresh(10)
            found = one.webhooks.get(ACME, created.id)
            assert (found.name, found.description, found.revision) == (f"n{turn}", f"d{turn}", 3 + 2 * turn)


def test_the_command_line_and_the_api_write_by_the_same_rule(settings: Settings) -> None:
    with running(settings) as (control,):
        created, _ = control.webhooks.create(ACME, WISHES)
        writes.write(settings, draft.pause(created, now_ms=created.updated_at_ms))
        with pytest.raises(Conflict):
            writes.write(settings, draft.pause(created, now_ms=created.updated_at_ms + 5))
        assert control.webhooks.update(ACME, created.id, Changes(name="n")).subscription.status is Status.PAUSED
        found = writes.find(settings, created.id)
        assert (found.name, found.status) == ("n", Status.PAUSED)
        writes.write(settings, Deletion.of(found))
        control.fresh(10)
        assert ids(control) == set()


def test_a_restart_sees_everything_that_was_there(settings: Settings) -> None:
    with running(settings) as (control,):
        made = {control.webhooks.create(ACME, WISHES)[0].id for _ in range(30)}
        gone = sorted(made)[:10]
        for each in gone:
            control.webhooks.delete(ACME, each)
        paused = control.webhooks.pause(ACME, sorted(made)[10])
    with running(settings) as (control,):
        assert control.ready
        assert ids(control) == made - set(gone)
        assert control.webhooks.get(ACME, paused.id) == paused


def test_a_record_that_is_no_webhook_is_said_once_and_hides_nothing(settings: Settings) -> None:
    topic = Topics.of(settings).subscriptions
    with capture_logs() as logs, running(settings) as (control,):
        created, _ = control.webhooks.create(ACME, WISHES)
        write_now(settings, [NewRecord(topic=topic, key=b"x", value=b"garbage")])
        control.fresh(10)
        assert ids(control) == {created.id}
    assert [each["event"] for each in logs].count("not a subscription") == 1


def test_an_answered_write_is_in_the_cache_of_a_projection_that_runs(settings: Settings) -> None:
    stop = threading.Event()
    role = threading.Thread(target=projection.main, args=(settings, stop, 0))
    role.start()
    reader = Reader.from_settings(settings)

    def cached() -> dict[str, Subscription]:
        reading = reader.read({"acme": None})["acme"]
        return {each.id: each for each in reading.subscriptions} if isinstance(reading, Loaded) else {}

    try:
        eventually(lambda: isinstance(reader.read({"acme": None})["acme"], Loaded))
        with running(settings) as (control,):
            for _ in range(20):
                created, _ = control.webhooks.create(ACME, WISHES)
                assert cached()[created.id] == created
                changed = control.webhooks.update(ACME, created.id, Changes(name="n")).subscription
                assert cached()[created.id] == changed
                control.webhooks.delete(ACME, created.id)
                assert created.id not in cached()
    finally:
        stop.set()
        role.join(30)
        reader.close()


def test_compaction_hides_nothing_and_brings_nothing_back(
    kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics
) -> None:
    settings = settings_for(kafka_bootstrap, topic_prefix)
    topics = Topics.of(settings)
    at_once = {
        "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "200",
        "min.compaction.lag.ms": "0", "delete.retention.ms": "0",
    }  # fmt: skip
    make_topics({topics.subscriptions: 1}, COMPACTED | at_once)
    make_topics({topics.state: 1}, COMPACTED)

    with running(settings) as (control,):
        kept, _ = control.webhooks.create(ACME, WISHES)
        for number in range(30):
            gone, _ = control.webhooks.create(ACME, WISHES)
            control.webhooks.delete(ACME, gone.id)
            control.webhooks.update(ACME, kept.id, Changes(name=f"n{number}"))

        def compacted() -> bool:
            # A segment that is being written to is never compacted: something has to come for it to be closed.
            touched = control.webhooks.update(ACME, kept.id, Changes(name="last")).subscription
            assert control.webhooks.get(ACME, kept.id) == touched
            return len(list(read_to_end(settings, topics.subscriptions))) < 30

        eventually(compacted)
        control.fresh(10)
        assert ids(control) == {kept.id}
        last = control.webhooks.get(ACME, kept.id)
    with running(settings) as (control,):
        assert ids(control) == {kept.id}
        assert control.webhooks.get(ACME, kept.id) == last


def test_a_topic_made_anew_is_read_anew(settings: Settings, kafka_bootstrap: str) -> None:
    topic = Topics.of(settings).subscriptions
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    with running(settings) as (control,):
        before = {control.webhooks.create(ACME, WISHES)[0].id for _ in range(5)}
        admin.delete_topics([topic])[topic].result()
        eventually(lambda: topic not in admin.list_topics(timeout=10).topics)
        create_topics(kafka_bootstrap, {topic: 4}, COMPACTED)
        eventually(lambda: not ids(control) & before)
        eventually(lambda: control.ready)
        created, _ = control.webhooks.create(ACME, WISHES)
        control.fresh(10)
        assert ids(control) == {created.id}


def test_partitions_that_are_added_are_read_too(settings: Settings, kafka_bootstrap: str) -> None:
    topic = Topics.of(settings).subscriptions
    often = settings.kafka | {"topic.metadata.refresh.interval.ms": "200"}
    with running(settings.model_copy(update={"kafka": often})) as (control,):
        first, _ = control.webhooks.create(ACME, WISHES)
        admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
        admin.create_partitions([NewPartitions(topic, 8)])[topic].result()
        eventually(lambda: len(admin.list_topics(topic, timeout=10).topics[topic].partitions) == 8)

        def written() -> bool:
            """Until the writer's own metadata has the new ones, and a key falls on one of them."""
            created, _ = control.webhooks.create(ACME, WISHES)
            places = {record.partition for record in read_to_end(settings, topic) if record.key == created.id.encode()}
            return any(partition >= 4 for partition in places)

        eventually(written)
        control.fresh(10)
        assert first.id in ids(control)
        assert ids(control) == {str(record.key, "ascii") for record in read_to_end(settings, topic) if record.key}


def test_a_broker_that_is_away_is_said_in_time_and_everything_goes_on_when_it_is_back(private_kafka: Kafka) -> None:
    settings = settings_for(private_kafka.bootstrap, "t.")
    topics = Topics.of(settings)
    create_topics(private_kafka.bootstrap, {topics.subscriptions: 2, topics.state: 1}, COMPACTED)
    with running(settings) as (control,), ThreadPoolExecutor(8) as pool:
        created, _ = control.webhooks.create(ACME, WISHES)
        private_kafka.pause()
        began_s = time.monotonic()
        writing = [pool.submit(control.webhooks.create, ACME, WISHES) for _ in range(2)]
        fresh = [pool.submit(control.fresh, 1.5) for _ in range(4)]
        for each in fresh:
            with pytest.raises(KafkaBroken):
                each.result(10)
        assert time.monotonic() - began_s < 6
        for write in writing:
            with pytest.raises(KafkaBroken):
                write.result(10)
        assert time.monotonic() - began_s < 15
        assert control.webhooks.get(ACME, created.id) == created
        private_kafka.resume()

        def back() -> bool:
            try:
                control.fresh(1.0)
                control.webhooks.update(ACME, created.id, Changes(name="after"))
            except KafkaBroken:
                return False
            return True

        eventually(back, 30)
        assert created.id in ids(control)
