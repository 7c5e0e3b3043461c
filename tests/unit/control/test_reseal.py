"""Webhooks under a new encryption key: one webhook, and all of them beside other writers."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest

from consumer.control.reseal import key_ids, resealed
from consumer.control.reseal_run import reseal
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topic_writer import Place
from consumer.webhooks.headers import open_headers, seal_headers
from consumer.webhooks.history import Applied, Deletion, State, apply
from consumer.webhooks.keyring import Keyring, SecretUnreadable
from consumer.webhooks.subscription import FormerSecret, SealedSecret, Subscription
from tests.webhook_samples import NOW_MS, changed, subscription

OLD = Keyring({"k1": bytes([1] * 32)})
BOTH = Keyring({"k2": bytes([2] * 32), "k1": bytes([1] * 32)})
NEW = Keyring({"k2": bytes([2] * 32)})
HEADERS = {"X-Team": "blue", "Authorization": "Bearer of-the-customer"}


def sealed(text: str, id_: str, keyring: Keyring = OLD) -> SealedSecret:
    return keyring.seal(text.encode(), tenant="acme", subscription_id=id_)


def webhook(id_: str = "wh_1", keyring: Keyring = OLD, **fields: Any) -> Subscription:  # noqa: ANN401 # fields of every type
    return subscription(
        id_,
        secret=sealed("current", id_, keyring),
        sealed_headers=seal_headers(HEADERS, keyring, tenant="acme", subscription_id=id_, nonce=bytes(12)),
        header_names=tuple(HEADERS),
        **fields,
    )


def opened(sealed: SealedSecret | None, keyring: Keyring, id_: str = "wh_1") -> str | None:
    return None if sealed is None else keyring.open(sealed, tenant="acme", subscription_id=id_).decode()


def former(until_ms: int) -> FormerSecret:
    return FormerSecret(secret=sealed("previous", "wh_1"), until_ms=until_ms)


def test_a_webhook_sealed_again_is_the_same_and_needs_the_new_key_alone() -> None:
    was = webhook(former_secrets=(former(NOW_MS + 1),))
    now = resealed(was, BOTH, now_ms=NOW_MS)
    assert key_ids(was) == {"k1"}
    assert key_ids(now) == {"k2"}
    assert (opened(now.secret, NEW), opened(now.former_secrets[0].secret, NEW)) == ("current", "previous")
    assert open_headers(now, NEW) == HEADERS
    assert (now.changes, now.revision) == (was.revision, was.revision + 1)
    as_it_was = replace(
        now,
        secret=was.secret,
        former_secrets=was.former_secrets,
        sealed_headers=was.sealed_headers,
        changes=was.changes,
        revision=was.revision,
    )
    assert as_it_was == was


def test_what_is_sealed_with_the_first_key_already_is_left_alone() -> None:
    was = webhook(keyring=BOTH)
    assert resealed(was, BOTH, now_ms=NOW_MS) is was
    half = replace(was, former_secrets=(former(NOW_MS + 1),))
    now = resealed(half, BOTH, now_ms=NOW_MS)
    assert now.secret == half.secret
    assert opened(now.former_secrets[0].secret, NEW) == "previous"


def test_a_rotated_secret_whose_time_is_over_is_dropped_even_if_its_key_is_gone() -> None:
    gone = sealed("previous", "wh_1", Keyring({"k0": bytes(32)}))
    was = webhook(former_secrets=(FormerSecret(secret=gone, until_ms=NOW_MS),))
    now = resealed(was, BOTH, now_ms=NOW_MS)
    assert now.former_secrets == ()
    with pytest.raises(SecretUnreadable, match="'k0'"):
        resealed(was, BOTH, now_ms=NOW_MS - 1)


class Topic:
    """The subscriptions topic in memory. `before` runs ahead of each write, as somebody else's process may."""

    def __init__(self, *states: State) -> None:
        self.states = {state.id: state for state in states}
        self.before: list[Callable[[], None]] = []
        self.broken_after: int | None = None
        self.written = 0

    def read(self) -> Mapping[str, Subscription]:
        return {id_: state for id_, state in self.states.items() if isinstance(state, Subscription)}

    def append(self, state: State) -> None:
        match apply(self.states.get(state.id), state):
            case Applied(state=held):
                self.states[state.id] = held

    def write(self, subscription: Subscription) -> "Future[Place]":
        answer: Future[Place] = Future()
        if self.broken_after == self.written:
            answer.set_exception(KafkaBroken("away"))
            return answer
        if self.before:
            self.before.pop(0)()
        self.append(subscription)
        answer.set_result(Place(partition=self.written % 2, offset=self.written))
        self.written += 1
        return answer


def now_ms() -> int:
    return NOW_MS


def test_all_webhooks_are_sealed_again_and_the_old_key_is_not_needed_any_more() -> None:
    topic = Topic(*(webhook(f"wh_{number}") for number in range(1_201)), webhook("wh_new", BOTH))
    told: list[tuple[int, int]] = []
    summary = reseal(topic, BOTH, now_ms=now_ms, progress=lambda done, of: told.append((done, of)))
    assert (summary.webhooks, summary.resealed, summary.lost, summary.left) == (1_202, 1_201, 0, 0)
    assert summary.uses == {"k2": 1_202}
    assert summary.last == {
        number % 2: ("acme", Place(partition=number % 2, offset=number)) for number in (1_199, 1_200)
    }
    assert told == [(500, 1_201), (1_000, 1_201), (1_201, 1_201)]
    assert reseal(topic, BOTH, now_ms=now_ms).resealed == 0


def test_a_write_that_came_second_is_made_again_on_the_newer_state() -> None:
    topic = Topic(webhook("wh_1"), webhook("wh_2"))
    renamed = changed(webhook("wh_1"), name="renamed meanwhile")
    topic.before = [lambda: topic.append(renamed)]
    summary = reseal(topic, BOTH, now_ms=now_ms)
    assert (summary.resealed, summary.lost, summary.left) == (2, 1, 0)
    held = topic.read()["wh_1"]
    assert (held.name, opened(held.secret, NEW)) == ("renamed meanwhile", "current")
    assert key_ids(held) == {"k2"}


def test_a_webhook_made_meanwhile_with_the_old_key_is_found_by_the_next_pass() -> None:
    topic = Topic(webhook("wh_1"))
    topic.before = [lambda: topic.append(webhook("wh_2"))]
    assert reseal(topic, BOTH, now_ms=now_ms).resealed == 2


def test_somebody_who_goes_on_sealing_with_the_old_key_is_told_of_and_does_not_hold_it_up_for_ever() -> None:
    topic = Topic(webhook("wh_0"))
    topic.before = [lambda number=number: topic.append(webhook(f"wh_{number}")) for number in range(1, 50)]  # type: ignore[misc] # a default binds the number
    summary = reseal(topic, BOTH, now_ms=now_ms)
    assert (summary.left, summary.stopped) == (1, False)
    assert summary.resealed == topic.written  # and nothing that was not read back
    assert summary.uses["k1"] == 1


def test_a_run_that_was_stopped_says_how_far_it_came_and_the_next_goes_on() -> None:
    topic = Topic(*(webhook(f"wh_{number}") for number in range(1_100)))
    stopped = reseal(topic, BOTH, now_ms=now_ms, stop=lambda: topic.written >= 600)
    assert (stopped.resealed, stopped.left, stopped.stopped) == (1_000, 100, True)
    assert stopped.uses == {"k1": 100, "k2": 1_000}
    assert reseal(topic, BOTH, now_ms=now_ms).resealed == 100


def test_a_run_that_broke_off_is_gone_on_with() -> None:
    topic = Topic(*(webhook(f"wh_{number}") for number in range(700)))
    topic.broken_after = 600
    with pytest.raises(KafkaBroken):
        reseal(topic, BOTH, now_ms=now_ms)
    topic.broken_after = None
    assert reseal(topic, BOTH, now_ms=now_ms).resealed == 100


def test_a_secret_that_no_key_opens_is_left_and_named() -> None:
    other = Keyring({"k0": bytes(32)})
    topic = Topic(webhook("wh_1"), webhook("wh_2", other))
    summary = reseal(topic, BOTH, now_ms=now_ms)
    assert (summary.resealed, summary.left) == (1, 0)
    assert list(summary.unreadable) == ["wh_2"]
    assert "'k0'" in summary.unreadable["wh_2"]
    assert summary.uses == {"k2": 1, "k0": 1}


def test_a_webhook_deleted_meanwhile_is_not_counted() -> None:
    topic = Topic(webhook("wh_1"), webhook("wh_2"))
    topic.before = [lambda: None, lambda: topic.append(Deletion(id="wh_1", tenant="acme", changes=9, revision=10))]
    assert reseal(topic, BOTH, now_ms=now_ms).resealed == 1
