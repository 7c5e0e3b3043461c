"""What the directory finds, for whom, in which order, and what it makes of records that hold nothing."""

from dataclasses import replace

import pytest
from msgspec import structs
from structlog.testing import capture_logs

from consumer.control.directory import Directory
from consumer.control.order import Position
from consumer.control.owner import Owner
from consumer.kafka.topic_writer import Place
from consumer.webhooks.history import Deletion, State
from consumer.webhooks.subscription import SealedSecret, SealedTls, Subscription
from tests.webhook_samples import NOW_MS, changed, record, subscription

ACME = Owner(tenant="acme", brand="hookline")
HOUR_MS = 3_600_000


def directory_of(*states: State) -> Directory:
    directory = Directory()
    for offset, state in enumerate(states):
        directory.apply(record(state, offset))
    return directory


def listed(directory: Directory, owner: Owner = ACME, *, limit: int = 2) -> list[str]:
    """All ids, page by page."""
    found: list[str] = []
    after: Position | None = None
    while True:
        page, after = directory.page(owner, after=after, limit=limit)
        found += [each.id for each in page]
        if after is None:
            return found


def test_an_owner_finds_its_own_webhooks_only() -> None:
    mine, other_tenants, other_brands = (
        subscription("wh_1"), subscription("wh_2", "other"), subscription("wh_3", brand="convo"),
    )  # fmt: skip
    directory = directory_of(mine, other_tenants, other_brands)
    assert directory.get(ACME, "wh_1") == mine
    assert directory.get(ACME, "wh_2") is directory.get(ACME, "wh_3") is directory.get(ACME, "wh_4") is None
    assert listed(directory) == ["wh_1"]
    assert listed(directory, Owner(tenant="acme", brand="convo")) == ["wh_3"]
    assert listed(directory, Owner(tenant="nobody", brand="convo")) == []


def test_webhooks_created_at_the_same_time_are_ordered_by_id() -> None:
    made = [("wh_b", 5), ("wh_d", 5), ("wh_a", 9), ("wh_c", 5), ("wh_e", 1)]
    directory = directory_of(*(subscription(id_, created_at_ms=at_ms) for id_, at_ms in made))
    for limit in (1, 2, 5, 6):
        assert listed(directory, limit=limit) == ["wh_e", "wh_b", "wh_c", "wh_d", "wh_a"]


def test_a_page_says_where_to_go_on_only_if_more_follow() -> None:
    directory = directory_of(*(subscription(f"wh_{n}") for n in range(4)))
    assert directory.page(ACME, after=None, limit=4)[1] is None
    assert directory.page(ACME, after=None, limit=3)[1] == (NOW_MS, "wh_2")
    assert directory.page(ACME, after=(NOW_MS, "wh_2"), limit=1) == ([subscription("wh_3")], None)


def test_a_list_goes_on_where_it_was_though_that_webhook_is_gone() -> None:
    webhooks = [subscription(f"wh_{n}") for n in range(6)]
    directory = directory_of(*webhooks)
    _, after = directory.page(ACME, after=None, limit=3)
    directory.apply(record(Deletion.of(webhooks[2]), 6))
    directory.apply(record(Deletion.of(webhooks[3]), 7))
    page, _ = directory.page(ACME, after=after, limit=3)
    assert [each.id for each in page] == ["wh_4", "wh_5"]


def test_webhooks_are_counted_by_tenant_under_all_brands() -> None:
    first, second = subscription("wh_1"), subscription("wh_2", brand="convo")
    directory = directory_of(first, second, changed(first, name="x"))
    assert (directory.count("acme"), directory.count("other")) == (2, 0)
    directory.apply(record(Deletion.of(second), 3))
    directory.apply(record(Deletion.of(second), 4))
    assert directory.count("acme") == 1


def test_a_change_may_move_a_webhook_to_another_owner_and_place() -> None:
    was = subscription("wh_1")
    directory = directory_of(was, subscription("wh_2"), changed(was, brand="convo", created_at_ms=NOW_MS + 9))
    assert listed(directory) == ["wh_2"]
    assert directory.get(ACME, "wh_1") is None
    assert listed(directory, Owner(tenant="acme", brand="convo")) == ["wh_1"]


def test_the_first_of_two_writes_of_a_revision_holds_and_the_other_is_known_not_to() -> None:
    was = subscription("wh_1")
    first, second = changed(was, name="first"), changed(was, name="second")
    directory = directory_of(was, first, second, changed(first, name="third"))
    assert [directory.held(Place(partition=0, offset=n)) for n in range(4)] == [True, True, False, True]
    assert directory.held(Place(partition=1, offset=2))
    assert directory.get(ACME, "wh_1") == changed(first, name="third")


def test_a_record_met_again_held() -> None:
    was = subscription("wh_1")
    directory = directory_of(was, was)
    assert directory.held(Place(partition=0, offset=1))


@pytest.mark.parametrize(("key", "value"), [(b"wh_9", b"garbage"), (None, None), (b"wh_9", None)])
def test_a_record_that_is_no_subscription_is_said_once_and_passed_over(key: bytes | None, value: bytes | None) -> None:
    directory = directory_of(subscription("wh_1"))
    foreign = structs.replace(record(subscription("wh_9"), 7, partition=3), key=key, value=value)
    with capture_logs() as logs:
        directory.apply(foreign)
    assert [(each["event"], each["partition"], each["offset"]) for each in logs] == [("not a subscription", 3, 7)]
    assert listed(directory) == ["wh_1"]


def test_a_deleted_webhook_stays_deleted_for_whoever_saw_it_before() -> None:
    was = subscription("wh_1")
    directory = directory_of(was, Deletion.of(was), changed(was, name="late"))
    assert directory.get(ACME, "wh_1") is None
    assert not directory.held(Place(partition=0, offset=2))


def test_a_deletion_is_forgotten_a_day_later_by_the_time_of_its_own_partition() -> None:
    was = subscription("wh_1")
    directory = directory_of(was, Deletion.of(was))

    def later(offset: int, hours: int, partition: int = 0) -> None:
        other = record(subscription(f"wh_{partition}_{offset}"), offset, partition)
        directory.apply(structs.replace(other, timestamp_ms=NOW_MS + hours * HOUR_MS))

    later(2, 100, partition=1)
    later(2, 25)
    directory.apply(record(changed(was, name="late"), 3))
    assert directory.get(ACME, "wh_1") is None
    later(4, 26)
    again = replace(was, name="again")
    directory.apply(record(again, 5))
    assert directory.get(ACME, "wh_1") == again


def test_a_webhook_made_again_under_its_id_outlives_the_deletion_before() -> None:
    was = subscription("wh_1")
    gone = Deletion.of(was)
    again = replace(was, changes=gone.revision, revision=gone.revision + 1)
    directory = directory_of(was, gone, again)
    directory.apply(structs.replace(record(subscription("wh_2"), 9), timestamp_ms=NOW_MS + 30 * HOUR_MS))
    assert directory.get(ACME, "wh_1") == again


def test_everything_is_forgotten_with_its_topic() -> None:
    was = subscription("wh_1")
    directory = directory_of(was, changed(was, name="a"), changed(was, name="b"))
    directory.forget()
    assert (listed(directory), directory.count("acme"), directory.get(ACME, "wh_1")) == ([], 0, None)
    assert directory.held(Place(partition=0, offset=2))


def test_what_is_found_is_what_was_written_to_the_last_field() -> None:
    full = subscription(
        "wh_1", name="n", event_types=("a", "b.*"), header_names=("X-A",), rate_per_s=1.5, filter_json='{"a": [1]}'
    )
    found = directory_of(full).get(ACME, "wh_1")
    assert isinstance(found, Subscription)
    assert found == full


def test_the_ends_of_certificates_are_those_of_the_webhooks_that_there_are() -> None:
    sealed = SealedSecret(key_id="k1", sealed=b"sealed")
    one = subscription("wh_1", tls=SealedTls(sealed=sealed, certificate_until_ms=NOW_MS))
    two = subscription("wh_2", tls=SealedTls(sealed=sealed, authorities_until_ms=NOW_MS + 1))
    directory = directory_of(one, two, subscription("wh_3"))
    assert directory.certificate_ends() == {"wh_1": NOW_MS, "wh_2": NOW_MS + 1}
    directory.apply(record(changed(one, tls=None), 3))
    directory.apply(record(Deletion.of(two), 4))
    assert directory.certificate_ends() == {}
    directory.apply(record(changed(changed(one, tls=None), tls=one.tls), 5))
    assert directory.certificate_ends() == {"wh_1": NOW_MS}
    directory.forget()
    assert directory.certificate_ends() == {}
