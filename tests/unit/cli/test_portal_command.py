"""`hookline portal link`: a link that opens the pages of a tenant."""

import os

import pytest

from consumer.configuration import load
from consumer.control.keys import USUAL_SCOPES, Scope
from consumer.control.owner import Owner
from consumer.control.portal_ends import PortalEnds
from consumer.control.portal_links import Link, PortalLinks
from consumer.events.event import Record
from consumer.kafka.writing import NewRecord
from consumer.webhooks.keyring import Keyring
from tests.commands import Said
from tests.webhook_samples import key_entry


@pytest.fixture
def portal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.setenv("HOOKLINE_ENCRYPTION_KEYS", key_entry())
    monkeypatch.setenv("HOOKLINE_PORTAL_URL", "https://pages.example.com")
    return Said("portal", capsys)


def link_of(told: dict[str, object]) -> Link:
    base, _, text = str(told["url"]).partition("#")
    assert base == "https://pages.example.com/portal/enter"
    link = PortalLinks(Keyring.from_settings(load())).read(text, 0)
    assert link is not None
    return link


def test_a_link_for_a_tenant(portal: Said) -> None:
    told = portal("link", "--tenant", "acme")[0]
    link = link_of(told)
    assert told["id"] == link.id
    assert (link.grant.tenant, link.grant.brand, link.grant.key_id) == ("acme", "hookline", None)
    assert link.grant.scopes == USUAL_SCOPES
    assert link.page == "/webhooks"


def test_what_it_may_say(portal: Said) -> None:
    flags = ("--brand", "convo", "--scope", "read", "--expires", "5m", "--page", "/log")
    link = link_of(portal("link", "--tenant", "acme", *flags)[0])
    assert (link.grant.brand, link.grant.scopes, link.page) == ("convo", frozenset({Scope.READ}), "/log")
    assert link.expires_at_ms == link.open_until_ms, "what ends in five minutes is opened before"


def test_it_is_opened_where_that_is_asked(portal: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr("webbrowser.open", seen.append)
    told = portal("link", "--tenant", "acme", "--open")[0]
    assert seen == [told["url"]]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "--tenant"),
        (("--tenant", " acme"), "--tenant"),
        (("--tenant", "acme", "--expires", "8d"), "between 1m and 7d"),
        (("--tenant", "acme", "--expires", "soon"), "--expires"),
        (("--tenant", "acme", "--api", "https://api.example.com"), "--key"),
    ],
)
def test_what_cannot_be_is_said(portal: Said, flags: tuple[str, ...], said: str) -> None:
    portal("link", *flags, code=os.EX_USAGE)
    assert said in portal.err


def test_without_an_address_there_is_nothing_to_link_to(portal: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOKLINE_PORTAL_URL")
    portal("link", "--tenant", "acme", code=os.EX_CONFIG)
    assert "HOOKLINE_PORTAL_URL" in portal.err


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[NewRecord]:
    """What is written to Kafka, which is not there."""
    records: list[NewRecord] = []
    monkeypatch.setattr("consumer.cli.portal.installation", lambda settings, _: settings)
    monkeypatch.setattr("consumer.cli.portal.write_now", lambda _, new: records.extend(new))
    monkeypatch.setattr("consumer.cli.portal.tell", lambda *_, **__: None)  # the audit log has tests of its own
    return records


def ends(written: list[NewRecord]) -> PortalEnds:
    known = PortalEnds()
    for each in written:
        known.apply(Record(topic="", partition=0, offset=0, timestamp_ms=0, key=each.key, value=each.value, headers=()))
    return known


def test_a_link_is_ended(portal: Said, written: list[NewRecord]) -> None:
    made, another = (str(portal("link", "--tenant", "acme")[0]["id"]) for _ in range(2))
    assert portal("revoke", made, "--tenant", "acme")[0] == {"id": made, "object": "portal_link", "ended": True}
    owner = Owner(tenant="acme", brand="hookline")
    assert (ends(written).ended(owner, made), ends(written).ended(owner, another)) == (True, False)
    portal("revoke", made, "--tenant", "other", code=os.EX_DATAERR)
    portal("revoke", "pl_0", "--tenant", "acme", code=os.EX_DATAERR)
    assert portal("revoke", "--tenant", "acme")[0] == {"object": "portal_links", "ended": True}
    assert ends(written).ended(owner, another)
    portal("revoke", code=os.EX_USAGE)
    assert "--tenant" in portal.err
