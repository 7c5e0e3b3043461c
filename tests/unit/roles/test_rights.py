"""What each role may ask of Kafka. That it is enough, and what is missing, a real broker says (test_kafka_login)."""

import pytest

from consumer.kafka.topics import Topics
from consumer.roles.rights import Kind, Operation, Right, creating, joined, rights
from consumer.roles.role import Role, needed_by
from consumer.settings import Settings

SETTINGS = Settings(event_topics=("orders", "^shop\\.v[12]"), topic_prefix="acme.")


def allowed(found: list[Right], operations: set[Operation], name: str) -> bool:
    return any(
        right.kind is Kind.TOPIC
        and operations & {*right.operations}
        and (name.startswith(right.name) if right.prefixed else name == right.name)
        for right in found
        if not right.without
    )


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_see_each_topic_without_which_it_does_not_start(role: Role) -> None:
    found = joined(rights(SETTINGS, role))
    seen = {Operation.READ, Operation.WRITE, Operation.DESCRIBE}
    assert [name for name in needed_by(role, Topics.of(SETTINGS)) if not allowed(found, seen, name)] == []


def test_who_seals_may_read_and_write_tenants_keys_where_they_are_on() -> None:
    on = Settings(tenant_keys="on", topic_prefix="acme.")
    for role in Role:
        for operation in (Operation.READ, Operation.WRITE):
            assert allowed(rights(on, role), {operation}, "acme.tenant-keys") is (role is not Role.PROJECTION)
        assert not allowed(rights(SETTINGS, role), {Operation.READ}, "acme.tenant-keys")


def test_only_who_needs_them_may_read_events_and_nobody_may_write_them() -> None:
    reads = {role for role in Role if allowed(rights(SETTINGS, role), {Operation.READ}, "orders")}
    assert reads == {Role.DELIVER, Role.JOBS, Role.API}
    assert not any(allowed(rights(SETTINGS, role), {Operation.WRITE}, "orders") for role in Role)


@pytest.mark.parametrize(
    ("chosen", "name", "prefixed"),
    [
        ("orders", "orders", False),
        ("^orders", "orders", True),
        ("^shop\\.v[12]", "shop", True),
        ("^shops?-", "shop", True),
        ("^a|b", "*", False),
        ("^.*", "*", False),
    ],
)
def test_an_expression_is_as_much_as_a_right_can_say_of_it(chosen: str, name: str, prefixed: bool) -> None:
    [right] = [
        each
        for each in rights(Settings(event_topics=(chosen,)), Role.DELIVER)
        if each.operations == (Operation.READ,) and each.kind is Kind.TOPIC and each.name != "hookline.state"
    ]
    assert (right.name, right.prefixed) == (name, prefixed)


def test_of_several_roles_each_thing_is_told_once_and_what_one_needs_is_not_optional() -> None:
    found = joined([*rights(SETTINGS, Role.PROJECTION), *rights(SETTINGS, Role.LOG)])
    [subscriptions] = [each for each in found if each.name == "acme.subscriptions"]
    assert (subscriptions.operations, subscriptions.without) == ((Operation.READ, Operation.WRITE), "")
    assert len({(each.kind, each.name, each.prefixed, each.without) for each in found}) == len(found)


def test_who_creates_topics_may_create_ours_alone() -> None:
    assert [(each.name, each.prefixed) for each in creating(SETTINGS)] == [("acme.", True)]
