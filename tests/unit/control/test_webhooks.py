"""An owner's webhooks, served over a topic in memory by one process or two."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from consumer.control.owner import Owner
from consumer.control.refusal import Conflict, Mismatch, QuotaReached, UidTaken, WebhookUnknown
from consumer.control.webhooks import Webhooks
from consumer.control.work import Work
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord
from consumer.settings import Settings
from consumer.webhooks.headers import open_headers
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import FormerSecret, Status, Subscription
from consumer.webhooks.wishes import Changes, Wishes
from consumer.webhooks.wrong import FieldInvalid
from tests.memory_topic import NOW_MS, MemoryTopic, store_on
from tests.webhook_samples import key_entry, settings_with_keys

KEYRING = Keyring.from_settings(settings_with_keys(key_entry()))
ACME = Owner(tenant="acme", brand="hookline")


def served(topic: MemoryTopic | None = None, *, most: int = 10_000) -> Webhooks:
    store, directory, _ = store_on(topic or MemoryTopic())
    return Webhooks(
        Settings(max_webhooks=most), keyring=KEYRING, directory=directory, store=store, now_ms=lambda: NOW_MS
    )


def wishes(**more: Any) -> Wishes:  # noqa: ANN401 # fields of every type
    return Wishes(**{"tenant": "acme", "brand": "hookline", "url": "https://example.com/x"} | more)


def opened(subscription: Subscription) -> str:
    return KEYRING.open(subscription.secret, tenant=subscription.tenant, subscription_id=subscription.id).decode()


def test_what_is_created_is_there_with_the_secret_that_was_told() -> None:
    webhooks = served()
    created, secret = webhooks.create(ACME, wishes(name="n"))
    assert webhooks.get(ACME, created.id) == created
    assert webhooks.page(ACME, None, 10) == ([created], None)
    assert (opened(created), created.name) == (secret, "n")


def test_an_id_that_was_asked_for_is_taken_once_for_ever() -> None:
    webhooks = served()
    work = Work(name="a" * 28, seed=b"s" * 32)
    created, secret = webhooks.create(ACME, wishes(), work=work)
    assert created.id == "wh_" + "a" * 28
    assert webhooks.create(ACME, wishes(), work=work) == (created, secret)
    webhooks.delete(ACME, created.id)
    with pytest.raises(Conflict):
        webhooks.create(ACME, wishes(), work=work)


def test_a_uid_is_one_webhooks_at_a_time_and_another_owners_is_another() -> None:
    topic = MemoryTopic()
    one, other = served(topic), served(topic)
    topic.before_write = lambda: other.create(ACME, wishes(uid="billing"))
    with pytest.raises(UidTaken, match="uid billing"):
        one.create(ACME, wishes(uid="billing"))
    elsewhere = Owner(tenant="acme", brand="mintlify")
    one.create(elsewhere, wishes(uid="billing", brand="mintlify"))
    assert [each.uid for owner in (ACME, elsewhere) for each in one.page(owner, None, 9)[0]] == ["billing"] * 2


def test_a_webhook_that_was_deleted_may_be_created_anew_under_its_uid() -> None:
    webhooks = served()
    first, _ = webhooks.create(ACME, wishes(uid="billing"))
    webhooks.delete(ACME, first.id)
    again, _ = webhooks.create(ACME, wishes(uid="billing", name="again"))
    assert (again.id, again.revision, again.works) == (first.id, 3, ())
    assert webhooks.get(ACME, first.id).name == "again"


def test_what_is_invalid_is_not_written() -> None:
    topic = MemoryTopic()
    webhooks = served(topic)
    with pytest.raises(FieldInvalid):
        webhooks.create(ACME, wishes(url="ftp://example.com"))
    created, _ = webhooks.create(ACME, wishes())
    with pytest.raises(FieldInvalid):
        webhooks.update(ACME, created.id, Changes(timeout_ms=1))
    with pytest.raises(FieldInvalid):
        webhooks.rotate(ACME, created.id, secret="short")
    assert len(topic.records) == 1


EVERY_CHANGE: list[Callable[[Webhooks, Owner, str, set[int] | None], object]] = [
    lambda webhooks, owner, id_, if_match: webhooks.update(owner, id_, Changes(name="new"), if_match=if_match),
    lambda webhooks, owner, id_, if_match: webhooks.rotate(owner, id_, if_match=if_match),
    lambda webhooks, owner, id_, if_match: webhooks.pause(owner, id_, if_match=if_match),
    lambda webhooks, owner, id_, if_match: webhooks.resume(owner, id_, if_match=if_match),
    lambda webhooks, owner, id_, if_match: webhooks.delete(owner, id_, if_match=if_match),
]


@pytest.mark.parametrize("change", EVERY_CHANGE)
def test_another_owners_webhook_does_not_exist(
    change: Callable[[Webhooks, Owner, str, set[int] | None], object],
) -> None:
    topic = MemoryTopic()
    webhooks = served(topic)
    created, _ = webhooks.create(ACME, wishes())
    for other in (Owner(tenant="other", brand="hookline"), Owner(tenant="acme", brand="mintlify")):
        with pytest.raises(WebhookUnknown):
            change(webhooks, other, created.id, None)
        with pytest.raises(WebhookUnknown):
            webhooks.get(other, created.id)
    assert len(topic.records) == 1


@pytest.mark.parametrize("change", EVERY_CHANGE)
def test_a_change_of_a_revision_that_is_not_there_is_refused(
    change: Callable[[Webhooks, Owner, str, set[int] | None], object],
) -> None:
    topic = MemoryTopic()
    webhooks = served(topic)
    created, _ = webhooks.create(ACME, wishes())
    for wrong in (0, 2):
        with pytest.raises(Mismatch):
            change(webhooks, ACME, created.id, {wrong})
    assert len(topic.records) == 1
    change(webhooks, ACME, created.id, {1, 5})


def test_pausing_what_is_paused_writes_nothing() -> None:
    topic = MemoryTopic()
    webhooks = served(topic)
    created, _ = webhooks.create(ACME, wishes())
    paused = webhooks.pause(ACME, created.id)
    assert (paused.status, webhooks.pause(ACME, created.id)) == (Status.PAUSED, paused)
    resumed = webhooks.resume(ACME, created.id)
    assert (resumed.status, webhooks.resume(ACME, created.id)) == (Status.ACTIVE, resumed)
    assert len(topic.records) == 3


def test_a_rotated_secret_is_told_and_the_one_before_goes_on_for_the_overlap() -> None:
    webhooks = served()
    created, first = webhooks.create(ACME, wishes())
    rotated, second = webhooks.rotate(ACME, created.id, overlap_ms=5_000)
    first_ends = FormerSecret(secret=created.secret, until_ms=NOW_MS + 5_000)
    assert (opened(rotated), rotated.former_secrets, first == second) == (second, (first_ends,), False)
    day, _ = webhooks.rotate(ACME, created.id)
    second_ends = FormerSecret(secret=rotated.secret, until_ms=NOW_MS + 86_400_000)
    assert day.former_secrets == (second_ends, first_ends), "the second rotation keeps what the first one said"


def test_two_processes_changes_of_one_webhook_both_hold() -> None:
    topic = MemoryTopic()
    one, other = served(topic), served(topic)
    created, _ = one.create(ACME, wishes())
    two_created, _ = other.create(ACME, wishes())
    topic.before_write = lambda: other.update(ACME, created.id, Changes(description="other's"))
    updated = one.update(ACME, created.id, Changes(name="one's")).subscription
    assert (updated.name, updated.description, updated.revision) == ("one's", "other's", 3)
    assert one.get(ACME, created.id) == updated
    topic.before_write = lambda: one.delete(ACME, two_created.id)
    with pytest.raises(WebhookUnknown):
        other.update(ACME, two_created.id, Changes(name="late"))


def test_who_named_the_revision_loses_to_who_came_first() -> None:
    topic = MemoryTopic()
    one, other = served(topic), served(topic)
    created, _ = one.create(ACME, wishes())
    other.create(ACME, wishes())
    topic.before_write = lambda: other.pause(ACME, created.id, if_match={1})
    with pytest.raises(Mismatch):
        one.update(ACME, created.id, Changes(name="one's"), if_match={1})
    assert one.get(ACME, created.id).status is Status.PAUSED


def test_headers_go_with_the_host_they_were_meant_for_and_the_answer_says_so() -> None:
    webhooks = served()
    created, _ = webhooks.create(ACME, wishes(headers={"Authorization": "Bearer a"}))
    same = webhooks.update(ACME, created.id, Changes(url="https://example.com/y"))
    assert (same.cleared_headers, same.subscription.header_names) == (False, ("Authorization",))
    moved = webhooks.update(ACME, created.id, Changes(url="https://example.org/y"))
    assert (moved.cleared_headers, moved.subscription.sealed_headers) == (True, None)
    given = webhooks.update(ACME, created.id, Changes(url="https://example.net/y", headers={"X-A": "b"}))
    assert (given.cleared_headers, open_headers(given.subscription, KEYRING)) == (False, {"X-A": "b"})
    assert opened(given.subscription) == opened(created)


def test_a_quota_counts_what_is_there() -> None:
    webhooks = served(most=2)
    first, _ = webhooks.create(ACME, wishes())
    webhooks.create(Owner(tenant="acme", brand="mintlify"), wishes(brand="mintlify"))
    with pytest.raises(QuotaReached, match="at most 2"):
        webhooks.create(ACME, wishes())
    webhooks.create(Owner(tenant="other", brand="hookline"), wishes(tenant="other"))
    webhooks.delete(ACME, first.id)
    webhooks.create(ACME, wishes())


def test_a_quota_holds_against_many_at_once() -> None:
    class Slow(MemoryTopic):
        def write(self, record: NewRecord) -> "Future[Place]":
            time.sleep(0.002)
            return super().write(record)

    webhooks = served(Slow(), most=3)

    def made() -> bool:
        try:
            webhooks.create(ACME, wishes())
        except QuotaReached:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(lambda _: made(), range(32))) == 3
    assert len(webhooks.page(ACME, None, 100)[0]) == 3


def test_a_creation_waits_for_no_other_of_its_tenant() -> None:
    both = threading.Barrier(2)

    class Meeting(MemoryTopic):
        def write(self, record: NewRecord) -> "Future[Place]":
            both.wait(5)  # broken unless two are being written at once
            return super().write(record)

    webhooks = served(Meeting(), most=2)
    with ThreadPoolExecutor(2) as pool:
        assert len({created.id for created, _ in pool.map(lambda _: webhooks.create(ACME, wishes()), range(2))}) == 2
