"""The page of a webhook's certificates: given, replaced and removed, each part by itself, and no key is shown again."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from consumer.control.keys import Scope
from consumer.webhooks.tls import TlsWish, open_tls
from tests.certificates import Authority
from tests.html import Page, read
from tests.memory_api import OWNER
from tests.memory_portal import Browser, MemoryPortal, webhook
from tests.own_tls import authority_in, identity, trusting


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return authority_in(tmp_path / "authority")


class Form:
    """The page's forms, each sent as a new one."""

    def __init__(self, portal: MemoryPortal, browser: Browser) -> None:
        self.portal = portal
        self.browser = browser
        self.id = webhook(portal)
        self.path = f"webhooks/{self.id}/tls"
        self._once: Iterator[int] = count()

    @property
    def page(self) -> Page:
        return self.browser.page(self.path)

    @property
    def has(self) -> TlsWish | None:
        plane = self.portal.api.plane
        plane.fresh()
        return open_tls(plane.webhooks.get(OWNER, self.id), plane.keyring)

    def send(self, part: str, **fields: str) -> Page | str:
        """Where it leads, or the page that says what is wrong."""
        ours = self.page.form(f"{self.browser.base}/{self.path}")
        kept = {name: ours[name] for name in ("token", "revision")}
        answer = self.browser.post(self.path, {**kept, "once": f"{next(self._once):032}", "part": part, **fields})
        if answer.status_code == 303:
            return answer.headers["location"].removeprefix(f"{self.browser.base}/")
        assert answer.status_code == 422, answer.text
        return read(answer.text)


@pytest.fixture
def form(portal: MemoryPortal, browser: Browser) -> Form:
    return Form(portal, browser)


def test_a_certificate_is_given_shown_by_name_and_end_replaced_and_removed(form: Form, authority: Authority) -> None:
    assert not form.page.find("button", "Remove client certificate")
    ann, bob = identity(authority, "ann"), identity(authority, "bob")
    for each, name in ((ann, "ann"), (bob, "bob")):
        sent = form.send("identity", certificate=each.certificate, key=each.key)
        assert sent == f"{form.path}?done=saved"
        assert form.has == TlsWish(certificate=each.certificate.strip(), key=each.key.strip())
        page = form.page
        assert f"CN={name}" in page.visible
        assert "ends in" in page.visible
        assert "PRIVATE KEY" not in page.raw
        assert each.key.split("\n")[1] not in page.raw
    assert form.send("identity", remove="1") == f"{form.path}?done=saved"
    assert form.has is None


def test_each_part_stays_when_the_other_is_changed(form: Form, authority: Authority) -> None:
    own, ann = trusting(authority).authorities, identity(authority, "ann")
    form.send("authorities", authorities=own)
    form.send("identity", certificate=ann.certificate, key=ann.key)
    both = TlsWish(certificate=ann.certificate.strip(), key=ann.key.strip(), authorities=own.strip())
    assert form.has == both
    assert "CN=Test authority" in form.page.one("region", "Own authorities").text
    form.send("identity", remove="1")
    assert form.has == TlsWish(authorities=own.strip())
    form.send("identity", certificate=ann.certificate, key=ann.key)
    form.send("authorities", remove="1")
    assert form.has == TlsWish(certificate=ann.certificate.strip(), key=ann.key.strip())


def test_what_is_wrong_is_said_at_its_field_and_a_key_that_was_refused_is_not_shown(
    form: Form, authority: Authority
) -> None:
    ann, bob = identity(authority, "ann"), identity(authority, "bob")
    old = identity(authority, "old", expired=True)
    for part, fields, field, words in (
        ("identity", {}, "certificate", "paste the certificate"),
        ("identity", {"certificate": ann.certificate}, "key", "given together"),
        ("identity", {"certificate": "no PEM", "key": ann.key}, "certificate", "must be certificates as PEM"),
        ("identity", {"certificate": ann.certificate, "key": bob.key}, "key", "not the key of the certificate"),
        ("identity", {"certificate": old.certificate, "key": old.key}, "certificate", "give one that is valid"),
        ("authorities", {}, "authorities", "paste at least one"),
        ("authorities", {"authorities": ann.key}, "authorities", "has a private key in it"),
    ):
        page = form.send(part, **fields)
        assert isinstance(page, Page)
        assert page.by_id(field).attributes["aria-invalid"] == "true", words
        assert words in page.by_id(f"wrong-{field}").text
        if part == "identity":
            assert page.by_id("certificate").raw.strip() == fields.get("certificate", "").strip()
            assert ann.key.split("\n")[1] not in page.raw
    assert form.has is None


def test_a_change_that_somebody_made_meanwhile_is_not_overwritten(form: Form, authority: Authority) -> None:
    ann = identity(authority, "ann")
    ours = form.page.form(f"{form.browser.base}/{form.path}")
    form.send("authorities", authorities=trusting(authority).authorities)
    late = form.browser.post(form.path, {**ours, "certificate": ann.certificate, "key": ann.key})
    assert late.status_code == 412
    assert form.has == TlsWish(authorities=trusting(authority).authorities.strip())


def test_who_may_only_read_finds_no_way_to_it(portal: MemoryPortal, form: Form) -> None:
    reader = portal.enter(Scope.READ)
    assert "Certificates" not in reader.page(f"webhooks/{form.id}").visible
    assert reader.get(form.path).status_code == 403
    assert form.browser.page(f"webhooks/{form.id}").one("link", "Certificates").attributes["href"].endswith("/tls")
