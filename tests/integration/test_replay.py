"""Dead letters listed and replayed on a real broker: counts and deliveries together, killed and raced."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, Producer
from msgspec import structs

from consumer.brands.loader import brand
from consumer.configuration import load
from consumer.delivery.delivery import DeadLetter, Delivery, delivery_id, replay_id
from consumer.kafka import subscriptions
from consumer.kafka.reading import read_to_end
from consumer.kafka.records import decode_delayed, encode_dead_letter
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord, write_now
from consumer.replay.filters import Filters
from consumer.replay.ledger import Ledger, TakenOver, generations
from consumer.replay.pages import page
from consumer.replay.plan import Planned, Planner
from consumer.settings import Settings
from consumer.webhooks import draft
from consumer.webhooks.history import Deletion
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import Status, Subscription
from consumer.webhooks.wishes import Wishes
from tests.commands import Said, call
from tests.dead_letters import dead_letter
from tests.services.topics import MakeTopics

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.fixture(autouse=True)
def settings(
    kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.setenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    monkeypatch.setenv("HOOKLINE_TOPIC_PREFIX", topic_prefix)
    monkeypatch.setenv("HOOKLINE_MAX_REPLAYS", "2")
    make_topics({topic_prefix + name: 2 for name in ("subscriptions", "state", "jobs")}, {"cleanup.policy": "compact"})
    make_topics({topic_prefix + "dead-letter": 2})
    made = {topic_prefix + name: 2 for name in ("retry.0s", "ordered")}
    make_topics(made, {"message.timestamp.type": "LogAppendTime"})
    return load()


class DeadLetters(Said):
    """`hookline dead-letters`."""

    def replay(self, *arguments: str) -> tuple[object, object, object]:
        [summary] = self("replay", *arguments)
        return summary["matched"], summary["replayed"], summary["skipped"]


@pytest.fixture
def hookline(capsys: pytest.CaptureFixture[str]) -> DeadLetters:
    return DeadLetters("dead-letters", capsys)


def webhook(settings: Settings, name: str, status: Status = Status.ACTIVE) -> Subscription:
    created, _ = draft.create(
        Wishes(tenant="acme", url="https://a.example/", brand="hookline"),
        brand=brand("hookline"),
        keyring=Keyring({"k1": bytes(32)}),
        now_ms=1,
        new_id=lambda: name,
        entropy=os.urandom,
    )
    subscription = replace(created, status=status)
    subscriptions.write(settings, subscription)
    return subscription


def bury(settings: Settings, dead: Sequence[DeadLetter]) -> None:
    topic = Topics.of(settings).dead_letter
    for each in dead:
        key = each.delivery.subscription_id.encode()
        write_now(settings, [NewRecord(topic=topic, key=key, value=encode_dead_letter(each))])


def bury_many(settings: Settings, count: int) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka["bootstrap.servers"], "enable.idempotence": True})
    for number in range(count):
        dead = dead_letter(number)
        producer.produce(Topics.of(settings).dead_letter, encode_dead_letter(dead), dead.delivery.subscription_id)
    producer.flush()


def sent(settings: Settings) -> list[Delivery]:
    found = [decode_delayed(record.value or b"", 0) for record in read_to_end(settings, Topics.of(settings).retry(0))]
    assert all(isinstance(each, Delivery) for each in found)
    return [each for each in found if isinstance(each, Delivery)]


def planned(numbers: Sequence[int], known: dict[str, int]) -> list[Planned]:
    planner = Planner(generations=known, statuses={"wh_1": Status.ACTIVE}, max_replays=5)
    plans = [planner.plan(dead_letter(number), 1_000) for number in numbers]
    return [plan for plan in plans if isinstance(plan, Planned)]


def test_dead_letters_are_listed_once_filtered_and_shown(hookline: DeadLetters, settings: Settings) -> None:
    assert hookline("list") == []
    now_ms = int(time.time() * 1_000)
    first = dead_letter(1, failed_at_ms=now_ms - 7_200_000)
    second = dead_letter(2, "wh_2", tenant="other", type_="order.created", reason="gone", failed_at_ms=now_ms)
    unrendered = dead_letter(3, "wh_3", body=None, reason="expired", failed_at_ms=now_ms)
    unrendered = structs.replace(
        unrendered,
        delivery=structs.replace(
            unrendered.delivery, event=structs.replace(unrendered.delivery.event, data=b'{"b":2}')
        ),
    )
    bury(settings, [first, first, second, unrendered, structs.replace(second, reason="exhausted")])

    def ids(*arguments: str) -> set[object]:
        found = hookline("list", *arguments)
        assert len({str(each["id"]) for each in found}) == len(found)
        return {each["event_id"] for each in found}

    assert ids() == {"e1", "e2", "e3"}
    assert ids("--webhook", "wh_1", "--webhook", "wh_2") == {"e1", "e2"}
    assert ids("--tenant", "other") == {"e2"}
    assert ids("--type", "order.*") == {"e2"}
    assert ids("--reason", "expired") == {"e3"}
    assert ids("--since", "1h") == {"e2", "e3"}
    assert ids("--until", "1h") == {"e1"}
    assert ids("--since", "99999d") == ids("--since", "1970-01-01") == {"e1", "e2", "e3"}
    for since_ms in (-60_000, -1, 0, 1, now_ms + 86_400_000_000):
        found = page(settings, Filters(since_ms=since_ms), after={}, limit=10, opened=iter).found
        assert len(found) == (3 if since_ms < now_ms else 0), since_ms
    assert len(ids("--limit", "2")) == 2
    assert ids("--tenant", "nobody") == set()

    [shown] = hookline("show", first.delivery.id)
    assert (shown["body"], shown["rendered"], shown["reason"]) == ('{"a":1}', True, "exhausted")
    assert shown["message_id"] == "e1"
    [shown] = hookline("show", unrendered.delivery.id)
    assert (shown["body"], shown["rendered"]) == ('{"b":2}', False)
    hookline("show", "nothing", code=os.EX_DATAERR)
    assert "there is no dead letter nothing" in hookline.err


def test_a_dead_letter_is_replayed_once_unless_again_up_to_the_limit(hookline: DeadLetters, settings: Settings) -> None:
    webhook(settings, "wh_1")
    dead = dead_letter(1)
    chain = dead.delivery.id
    bury(settings, [dead])

    assert hookline.replay("--all", "--dry-run") == (1, 1, {})
    assert sent(settings) == []
    assert hookline.replay(chain) == (1, 1, {})
    assert hookline.replay(chain) == (1, 0, {"already_replayed": 1})
    [first] = sent(settings)
    assert first.replay_id == replay_id(chain, 1)
    assert first.id == delivery_id(dead.delivery.event, "wh_1", first.replay_id)
    assert (first.body, first.attempts, first.replays) == (dead.delivery.body, 0, 1)
    assert abs(first.first_due_ms - time.time() * 1_000) < 60_000

    # The replay fails too: its dead letter is another one, of the same chain.
    bury(settings, [structs.replace(dead, delivery=structs.replace(first, attempts=8))])
    assert hookline.replay("--webhook", "wh_1") == (2, 1, {"already_replayed": 1})
    assert [each.replays for each in sent(settings)] == [1, 2]
    assert hookline.replay("--all", "--again") == (2, 0, {"replay_limit": 2})
    assert generations(settings) == {chain: 2}


def test_what_cannot_arrive_is_skipped_with_its_reason(hookline: DeadLetters, settings: Settings) -> None:
    webhook(settings, "wh_paused", Status.PAUSED)
    webhook(settings, "wh_suspended", Status.SUSPENDED)
    deleted = webhook(settings, "wh_deleted")
    end = Deletion.of(deleted)
    subscriptions.delete(settings, end.id, end.tenant, end.changes)
    webhook(settings, "wh_1")
    names = ("wh_paused", "wh_suspended", "wh_deleted", "wh_never", "wh_1")
    bury(settings, [dead_letter(number, name) for number, name in enumerate(names)])
    skipped = {"webhook_deleted": 2, "webhook_paused": 1, "webhook_suspended": 1}
    assert hookline.replay("--all") == (5, 1, skipped)
    assert [each.subscription_id for each in sent(settings)] == ["wh_1"]
    assert len(generations(settings)) == 1


def test_an_unknown_id_replays_nothing(hookline: DeadLetters, settings: Settings) -> None:
    webhook(settings, "wh_1")
    bury(settings, [dead_letter(1)])
    hookline("replay", dead_letter(1).delivery.id, "unknown", code=os.EX_DATAERR)
    assert "there is no dead letter unknown" in hookline.err
    assert sent(settings) == []


def test_a_batch_that_was_not_committed_left_nothing_behind(settings: Settings) -> None:
    """What a killed process leaves: records of an open transaction."""
    torn = Ledger.open(settings, sealing=None)._transactions._producer
    torn.begin_transaction()
    topics = Topics.of(settings)
    torn.produce(topics.jobs, b"half", b"replay:x")
    torn.produce(topics.retry(0), b"half", b"wh_1")
    torn.flush(10)

    ledger = Ledger.open(settings, sealing=None)
    assert ledger.generations() == {}
    assert sent(settings) == []
    ledger.write(planned([1, 2], ledger.generations()))
    assert len(sent(settings)) == len(generations(settings)) == 2
    with pytest.raises(KafkaException):
        torn.commit_transaction(10)


def test_a_second_replay_takes_over_from_the_first(settings: Settings) -> None:
    first = Ledger.open(settings, sealing=None)
    first.write(planned([1], first.generations()))
    second = Ledger.open(settings, sealing=None)
    second.write(planned([1, 2], second.generations()))
    with pytest.raises(TakenOver):
        first.write(planned([3], {}))
    assert sorted(each.event.id for each in sent(settings)) == ["e1", "e2"]


def test_two_commands_at_once_replay_each_once(settings: Settings) -> None:
    webhook(settings, "wh_1")
    count = 2_000
    bury_many(settings, count)
    command = [sys.executable, "-m", "consumer.cli.app", "dead-letters", "replay", "--all", "--rate", "1500", "--json"]
    root = Path(__file__).parents[2]
    both = [
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    codes = []
    for process in both:
        _, err = process.communicate(timeout=60)
        codes.append(process.returncode)
        assert process.returncode == 0 or "another replay began meanwhile" in err, err
    assert os.EX_OK in codes
    assert set(codes) <= {os.EX_OK, os.EX_TEMPFAIL}
    assert sorted(each.event.id for each in sent(settings)) == sorted(f"e{number}" for number in range(count))


def test_killed_and_asked_again_each_is_replayed_exactly_once(settings: Settings, hookline: DeadLetters) -> None:
    webhook(settings, "wh_1")
    count = 3_000
    bury_many(settings, count)
    command = [sys.executable, "-m", "consumer.cli.app", "dead-letters", "replay", "--all", "--rate", "3000"]
    root = Path(__file__).parents[2]
    for _ in range(2):
        before = len(generations(settings))
        process = subprocess.Popen([*command, "--json"], cwd=root, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while len(generations(settings)) == before and time.monotonic() < until and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    done = len(generations(settings))
    assert 0 < done < count
    matched, replayed, skipped = hookline.replay("--all")
    assert (matched, replayed, skipped) == (count, count - done, {"already_replayed": done})
    assert sorted(each.event.id for each in sent(settings)) == sorted(f"e{number}" for number in range(count))


def test_interrupted_it_says_how_far_it_came(settings: Settings) -> None:
    webhook(settings, "wh_1")
    bury_many(settings, 200)
    command = [sys.executable, "-m", "consumer.cli.app", "dead-letters", "replay", "--all", "--rate", "50", "--json"]
    process = subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 30
    while not generations(settings) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    replayed = json.loads(out)["replayed"]
    assert 0 < replayed < 200
    assert f"interrupted: {replayed} of 200 replayed" in err
    assert len(generations(settings)) == replayed == len(sent(settings))


def test_people_get_tables(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    webhook(settings, "wh_1")
    assert call(["dead-letters", "list"]) == os.EX_OK
    assert "there are no such dead letters" in capsys.readouterr().err
    bury(settings, [dead_letter(1)])
    assert call(["dead-letters", "list"]) == os.EX_OK
    assert dead_letter(1).delivery.id in capsys.readouterr().out
    assert call(["dead-letters", "show", dead_letter(1).delivery.id]) == os.EX_OK
    assert '"a": 1' in capsys.readouterr().out
    assert call(["dead-letters", "replay", "--all", "--dry-run"]) == os.EX_OK
    assert "would be replayed" in capsys.readouterr().out
