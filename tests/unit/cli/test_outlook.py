"""What `hookline publish` tells of events before and after they are published."""

import json
from collections.abc import Mapping

import pytest

from consumer.cli.event_file import Outgoing
from consumer.cli.exits import CommandFailed
from consumer.cli.outlook import Outlook
from consumer.events.rules import EventRules
from consumer.webhooks.reader import Loaded, Reading, Unavailable
from consumer.webhooks.subscription import Status
from tests.webhook_samples import subscription

HOOKS = {
    "acme": (
        subscription("wh_1", "acme", event_types=("order.*",)),
        subscription("wh_2", "acme", event_types=("user.created",), status=Status.PAUSED),
    )
}


def cache(wanted: Mapping[str, None]) -> Mapping[str, Reading]:
    return {tenant: Loaded(version="1", subscriptions=HOOKS.get(tenant, ())) for tenant in wanted}


def away(wanted: Mapping[str, None]) -> Mapping[str, Reading]:
    return dict.fromkeys(wanted, Unavailable(reason="Redis is out of reach", away=True))


def lines(*events: object) -> list[Outgoing]:
    return [
        Outgoing(number=number, key=None, value=json.dumps(event).encode(), read_bytes=0)
        for number, event in enumerate(events, 1)
    ]


def event(type_: str, tenant: str = "acme") -> dict[str, object]:
    return {"type": type_, "tenant": tenant, "data": {"n": 1}}


def test_events_that_no_active_webhook_wants_are_told_by_tenant_and_type(capsys: pytest.CaptureFixture[str]) -> None:
    outlook = Outlook(EventRules(), cache, unit="line")
    given = lines(event("order.paid"), event("user.created"), event("order.paid", "rival"), event("user.created"))
    assert list(outlook.passed(given)) == given
    assert outlook.unwanted == [
        {"tenant": "acme", "type": "user.created", "events": 2},
        {"tenant": "rival", "type": "order.paid", "events": 1},
    ]
    outlook.say()
    said = capsys.readouterr().err
    assert "2 events go to nobody: no active webhook of tenant acme wants user.created" in said
    assert "1 event goes to nobody: no active webhook of tenant rival wants order.paid" in said


def test_what_is_skipped_is_not_told_of() -> None:
    outlook = Outlook(EventRules(), cache, unit="line", skip=1)
    list(outlook.passed(lines(event("user.created"), event("order.paid"))))
    assert outlook.unwanted == []


def test_what_is_no_event_can_be_skipped() -> None:
    outlook = Outlook(EventRules(), cache, unit="line", skip=1)
    given = lines({"tenant": "acme", "data": {}}, event("order.paid"))
    assert list(outlook.passed(given)) == given


def test_what_would_be_poison_is_refused_with_its_line_and_what_is_before_it_passes() -> None:
    passed = Outlook(EventRules(), cache, unit="line").passed(
        lines(event("order.paid"), {"tenant": "acme", "data": {}})
    )
    assert next(passed).number == 1
    with pytest.raises(CommandFailed, match=r"line 2 is no event \(missing_field\): .*type.* --unchecked publishes it"):
        next(passed)


def test_headers_make_an_event_of_a_line_as_they_do_for_deliver() -> None:
    headers: list[tuple[str, str | bytes | None]] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"1"),
        ("ce_source", "/shop"),
        ("ce_type", "user.created"),
    ]
    headers.append(("ce_subject", "acme"))
    outlook = Outlook(EventRules(), cache, unit="line", headers=headers)
    list(outlook.passed(lines({"order": 70})))
    assert outlook.unwanted == [{"tenant": "acme", "type": "user.created", "events": 1}]


def test_a_cache_that_cannot_be_read_is_told_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    outlook = Outlook(EventRules(), away, unit="line")
    given = lines(event("order.paid"), event("order.paid"))
    assert list(outlook.passed(given)) == given
    assert outlook.unwanted is None
    outlook.say()
    assert "whether webhooks want these events is not known: Redis is out of reach" in capsys.readouterr().err


def test_what_only_the_registry_can_read_is_published_and_not_known() -> None:
    outlook = Outlook(EventRules(), cache, unit="record")
    framed = Outgoing(number=1, key=None, value=b"\x00\x00\x00\x00\x07abc", read_bytes=0)
    assert list(outlook.passed([framed])) == [framed]
    assert outlook.unwanted is None
