"""Webhooks of Svix and of a table: what they wish here, by the rules that hold for every webhook."""

import json
import os

import pytest

from consumer.brands.loader import brand
from consumer.transfer import csv_file, svix, wished
from consumer.transfer.faults import LineFaults
from consumer.transfer.plan import Change
from consumer.webhooks.headers import open_headers
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.labels import id_of
from consumer.webhooks.subscription import SigningProfile, Status, Subscription
from consumer.webhooks.wishes import Wishes
from consumer.webhooks.wrong import FieldInvalid

RING = Keyring({"k1": b"1" * 32})
SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
SVIX = {
    "id": "ep_2Ab", "uid": None, "url": "https://example.com/hook", "version": 1, "description": "Orders",
    "filterTypes": ["order.created"], "channels": None, "disabled": False, "rateLimit": 10, "metadata": {"team": "a"},
    "createdAt": "2024-01-01T00:00:00Z", "updatedAt": "2024-01-01T00:00:00Z",
    "app": {"id": "app_1", "uid": "acme", "name": "Acme"}, "secret": {"key": SECRET},
    "headers": {"headers": {"X-Team": "billing"}, "sensitive": []},
}  # fmt: skip


def of_svix(**members: object) -> tuple[Wishes | None, LineFaults]:
    faults = LineFaults()
    line = json.dumps(SVIX | members).encode()
    return svix.wishes_of(line, 3, faults, tenant=None, brand="hookline"), faults


def of_csv(*rows: str, tenant: str | None = None) -> tuple[list[Wishes], LineFaults]:
    faults = LineFaults()
    found = [
        csv_file.wishes_of(row, line, faults, tenant=tenant, brand="hookline")
        for line, row in csv_file.rows([f"{row}\r\n" for row in rows], faults)
    ]
    return [each for each in found if each is not None], faults


def made(wishes: Wishes, was: Subscription | None = None) -> tuple[Change, Subscription]:
    planned = wished.planned(
        2, wishes, was, brand=brand("hookline"), keyring=RING, now_ms=1_000, entropy=os.urandom, allow_http=False
    )
    assert isinstance(planned.what, Subscription)
    return planned.change, planned.what


def test_an_endpoint_of_svix_goes_on_with_its_secret_and_is_found_again() -> None:
    wishes, faults = of_svix()
    assert wishes is not None
    assert faults.found == []
    change, webhook = made(wishes)
    assert (change, webhook.id, webhook.uid) == (Change.CREATED, id_of("acme", "hookline", "ep_2Ab"), "ep_2Ab")
    assert (webhook.event_types, webhook.rate_per_s, webhook.description) == (("order.created",), 10.0, "Orders")
    assert (webhook.signing, webhook.status) == (SigningProfile.STANDARD, Status.ACTIVE)
    assert RING.open(webhook.secret, tenant="acme", subscription_id=webhook.id).decode() == SECRET
    assert open_headers(webhook, RING) == {"X-Team": "billing"}
    assert made(wishes, webhook) == (Change.UNCHANGED, webhook)
    paused, _ = of_svix(disabled=True)
    assert paused is not None
    assert made(paused, webhook)[1].status is Status.PAUSED


def test_the_forms_in_which_svix_may_be_written_down() -> None:
    wishes, faults = of_svix(uid="orders", app="acme", secret=SECRET, headers={"X-Team": "a"}, filterTypes=None)
    assert faults.found == []
    assert wishes is not None
    assert (wishes.uid, wishes.tenant, wishes.event_types, wishes.headers) == ("orders", "acme", None, {"X-Team": "a"})
    seed, _ = of_svix(secret="whsk_x")
    assert seed is not None
    assert seed.signing is SigningProfile.ED25519


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"channels": ["a"]}, "channels"),
        ({"transformation": {}}, "transformation"),
        ({"app": None}, "app"),
        ({"secret": None}, "secret"),
        ({"secret": 7}, "secret"),
        ({"url": None}, "url"),
        ({"rateLimit": "fast"}, "rateLimit"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"headers": {"headers": {}, "sensitive": ["X-Key"]}}, "headers"),
        ({"headers": {"X": 1}}, "headers"),
        ({"disabled": "yes"}, "disabled"),
    ],
)
def test_what_cannot_be_the_same_here_is_refused_by_its_name(members: dict[str, object], field: str) -> None:
    wishes, faults = of_svix(**members)
    assert wishes is None
    assert {(each.line, each.field) for each in faults.found} == {(3, field)}
    assert SECRET not in str(faults.found)


def test_a_row_of_a_table() -> None:
    header = "tenant,uid,url,secret,signing,event_types,status,rate_per_s,headers"
    row = f'acme,orders,https://example.com/,{SECRET},,order.* user.created,paused,2.5,"{{""X-Team"":""a""}}"'
    [wishes], faults = of_csv(header, row, "")
    assert faults.found == []
    change, webhook = made(wishes)
    assert (change, webhook.event_types, webhook.rate_per_s) == (Change.CREATED, ("order.*", "user.created"), 2.5)
    assert (webhook.status, open_headers(webhook, RING)) == (Status.PAUSED, {"X-Team": "a"})
    assert made(wishes, webhook) == (Change.UNCHANGED, webhook)
    [of_command], _ = of_csv("uid,url,secret", f"a,https://example.com/,{SECRET}", tenant="acme")
    assert of_command.tenant == "acme"


@pytest.mark.parametrize(
    ("rows", "line", "field"),
    [
        (("tenant,uid,url,secret,colour", "a,b,c,d,e"), 1, "colour"),
        (("tenant,url,secret", "a,c,d"), 1, "uid"),
        (("tenant,uid,uid,url,secret", "a,b,b,c,d"), 1, "uid"),
        (("tenant,uid,url,secret", "a,b,c"), 2, ""),
        (("tenant,uid,url,secret", "a,b,c,"), 2, "secret"),
        (("uid,url,secret", "b,c,d"), 2, "tenant"),
        (("tenant,uid,url,secret,signing", "a,b,c,d,md5"), 2, "signing"),
        (("tenant,uid,url,secret,status", "a,b,c,d,suspended"), 2, "status"),
        (("tenant,uid,url,secret,rate_per_s", "a,b,c,d,fast"), 2, "rate_per_s"),
        (("tenant,uid,url,secret,headers", "a,b,c,d,X: y"), 2, "headers"),
        (("tenant,uid,url,secret", 'a,b,c,"d'), 2, ""),
        ((), 0, ""),
    ],
)
def test_a_table_is_refused_by_line_and_column(rows: tuple[str, ...], line: int, field: str) -> None:
    _, faults = of_csv(*rows)
    assert (faults.found[0].line, faults.found[0].field) == (line, field)


def test_a_webhook_that_is_here_keeps_its_secret_and_its_profile() -> None:
    wishes, _ = of_svix()
    assert wishes is not None
    _, webhook = made(wishes)
    for change in ({"secret": SECRET.replace("QUJD", "QUJE")}, {"secret": "whsk_x"}):
        other, _ = of_svix(**change)
        assert other is not None
        with pytest.raises(FieldInvalid):
            made(other, webhook)


def test_a_secret_that_could_be_guessed_is_refused_here_too() -> None:
    [wishes], _ = of_csv("tenant,uid,url,secret,signing", "acme,a,https://example.com/,short,hex")
    faults = LineFaults()
    with faults.of(2):
        made(wishes)
    assert [(each.line, each.field) for each in faults.found] == [(2, "secret")]
    assert "short" not in str(faults.found[0]).replace("a short one", "")
