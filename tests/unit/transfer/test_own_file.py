"""A file of Hookline's own: read back equal, imported again without a change, refused where anything is wrong."""

import itertools
import json
from dataclasses import fields, replace

import pytest

from consumer.brands.loader import brand
from consumer.control.keys import ApiKey, Scope
from consumer.control.reseal import resealed
from consumer.transfer import plan
from consumer.transfer.box import opening, public_key, sealing_for
from consumer.transfer.faults import FileRefused, LineFaults
from consumer.transfer.own_file import VERSION, read, written
from consumer.transfer.plan import Change
from consumer.transfer.rows import Head, KeyRow, WebhookRow
from consumer.webhooks import draft, rotation
from consumer.webhooks.history import Deletion
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import Status, Subscription
from consumer.webhooks.wishes import Wishes

RING = Keyring({"k1": b"1" * 32})
OTHER = Keyring({"o1": b"2" * 32})
HEAD = Head(version=VERSION, exported_at="2026-11-29T10:00:00Z")
KEY = ApiKey(
    id="0123456789abcdef", tenant="acme", brand="hookline", name="CI", scopes=frozenset({Scope.READ}),
    digest=b"d" * 32, created_at_ms=5, expires_at_ms=9, created_by="fedcba9876543210",
)  # fmt: skip
_drawn = itertools.count()


def entropy(size: int) -> bytes:
    return next(_drawn).to_bytes(size, "big")


def webhook(uid: str | None = None, secret: str | None = None) -> Subscription:
    made, _ = draft.create(
        Wishes(
            tenant="acme", url="https://example.com/hook?a=1", brand="hookline", uid=uid, name="Orders", product="p",
            event_types=("order.*",), filter_json='{"n":[1]}', headers={"X-Team": "billing"}, rate_per_s=2.5,
            metadata={"team": "a"}, ordering="key", secret=secret,
        ),
        brand=brand("hookline"),
        keyring=RING,
        now_ms=1_000,
        new_id=lambda: draft.new_id(1_000, entropy),
        entropy=entropy,
    )  # fmt: skip
    rotated, _ = rotation.rotate(made, brand=brand("hookline"), keyring=RING, now_ms=2_000, entropy=entropy)
    return replace(draft.suspend(rotated, reason="gone", now_ms=3_000), works=("x" * 12,))


def lines(*webhooks: Subscription, head: Head = HEAD, keys: tuple[ApiKey, ...] = ()) -> list[bytes]:
    return list(written(head, webhooks, keys))


def test_what_is_written_is_read_back_equal_and_holds_no_secret_in_the_clear() -> None:
    one, two = webhook("orders"), webhook(secret="whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=")
    file = lines(one, two, keys=(KEY,))
    found = read(file, allow_http=False)
    kept = replace(one, revision=1, changes=0, works=()), replace(two, revision=1, changes=0, works=())
    assert found.webhooks == ((2, kept[0]), (3, kept[1]))
    assert (found.keys, found.head) == (((4, KEY),), HEAD)
    assert b"QUJDREVG" not in b"".join(file)
    assert b"billing" not in b"".join(file)


def test_every_field_is_in_the_file_but_for_what_versions_a_webhook() -> None:
    renamed = {"sealed_headers": "headers", "filter_json": "filter"}
    kept = {renamed.get(each.name, each.name) for each in fields(Subscription)}
    assert kept - {*WebhookRow.__struct_fields__} == {"revision", "changes", "works", "unblocks"}
    assert {each.name for each in fields(ApiKey)} == {*KeyRow.__struct_fields__}


def test_it_is_created_where_it_is_not_and_the_second_time_nothing_changes() -> None:
    was, faults = webhook("orders"), LineFaults()
    [(line, wanted)] = read(lines(was), allow_http=False).webhooks
    created = plan.webhook(line, wanted, None, RING, faults)
    assert created is not None
    assert (created.change, created.what) == (Change.CREATED, wanted)
    again = plan.webhook(line, wanted, was, RING, faults)
    assert again is not None
    assert (again.change, again.is_written, again.what) == (Change.UNCHANGED, False, was)
    ended = Deletion(id=was.id, tenant="acme", changes=7, revision=8)
    anew = plan.webhook(line, wanted, ended, RING, faults)
    assert anew is not None
    assert isinstance(anew.what, Subscription)
    assert (anew.change, anew.what.changes, anew.what.revision) == (Change.CREATED, 8, 9)
    assert faults.found == []


def test_it_is_changed_to_be_as_the_file_has_it_also_its_secret() -> None:
    was = webhook("orders")
    now, _ = rotation.rotate(draft.resume(was, now_ms=4_000), brand=brand("hookline"), keyring=RING, now_ms=5_000,
                          entropy=entropy)  # fmt: skip
    [(line, wanted)] = read(lines(was), allow_http=False).webhooks
    back = plan.webhook(line, wanted, now, RING, LineFaults())
    assert back is not None
    assert isinstance(back.what, Subscription)
    assert (back.change, back.what.status, back.what.changes) == (Change.UPDATED, Status.SUSPENDED, now.revision)
    assert (back.what.secret, back.what.updated_at_ms) == (was.secret, now.updated_at_ms)


def test_another_secret_alone_is_a_change() -> None:
    was = webhook("orders")
    now, _ = rotation.rotate(was, brand=brand("hookline"), keyring=RING, now_ms=4_000, entropy=entropy)
    [(line, wanted)] = read(lines(was), allow_http=False).webhooks
    back = plan.webhook(line, wanted, now, RING, LineFaults())
    assert back is not None
    assert isinstance(back.what, Subscription)
    assert (back.change, back.what.secret, back.what.former_secrets) == (Change.UPDATED, was.secret, was.former_secrets)


def test_for_another_installation_it_opens_there_alone() -> None:
    was = webhook("orders")
    ring, envelope = sealing_for(public_key(OTHER), b"d" * 32)
    sealed = resealed(was, ring.and_also(RING), now_ms=2_500)
    [(line, wanted)] = read(lines(sealed), allow_http=False).webhooks
    faults = LineFaults()
    assert plan.webhook(line, wanted, None, OTHER, faults) is None
    assert "cannot be opened" in faults.found[0].message
    there = opening(OTHER, envelope)
    made = plan.webhook(line, wanted, None, there, LineFaults())
    assert made is not None
    assert isinstance(made.what, Subscription)
    assert made.what.secret.key_id == "o1"
    assert OTHER.open(made.what.secret, tenant="acme", subscription_id=was.id) == RING.open(
        was.secret, tenant="acme", subscription_id=was.id
    )
    again = plan.webhook(line, wanted, made.what, there, LineFaults())
    assert again is not None
    assert again.change is Change.UNCHANGED


def test_a_webhook_never_changes_its_owner() -> None:
    was, faults = webhook(), LineFaults()
    [(line, wanted)] = read(lines(was), allow_http=False).webhooks
    assert plan.webhook(line, wanted, replace(was, tenant="other"), RING, faults) is None
    assert "another tenant" in str(faults.found[0])


def test_a_key_that_was_revoked_stays_revoked_and_one_of_another_text_is_refused() -> None:
    faults = LineFaults()
    revoked = replace(KEY, revoked_at_ms=7)
    for was, change in ((None, Change.CREATED), (KEY, Change.UNCHANGED), (revoked, Change.UNCHANGED)):
        made = plan.api_key(2, KEY, was, faults)
        assert made is not None
        assert (made.change, made.what) == (change, was or KEY)
    ended = plan.api_key(2, revoked, KEY, faults)
    assert ended is not None
    assert (ended.change, ended.what) == (Change.UPDATED, revoked)
    for other in (replace(KEY, tenant="other"), replace(KEY, digest=b"x" * 32)):
        assert plan.api_key(2, KEY, other, faults) is None
    assert len(faults.found) == 2


def edited(row: int, **members: object) -> list[bytes]:
    file = lines(webhook("orders"), keys=(KEY,))
    return [json.dumps(json.loads(each) | members).encode() if at == row else each for at, each in enumerate(file)]


@pytest.mark.parametrize(
    ("file", "line", "field", "said"),
    [
        (edited(1, url="http://10.0.0.1/"), 2, "url", "https"),
        (edited(1, url=7), 2, "url", "Expected `str`, got `int`"),
        (edited(1, id="wh_x"), 2, "id", "no webhook's id"),
        (edited(1, uid="other"), 2, "uid", "not the one that this id was made of"),
        (edited(1, filter='{"n": 1}'), 2, "", "filter"),
        (edited(1, timeoutMs=1), 2, "", "timeout_ms"),
        (edited(1, colour="red"), 2, "", "unknown field `colour`"),
        (edited(1, secret={"key": "k1", "sealed": "?"}), 2, "secret.sealed", "base64"),
        (edited(2, digest="AA=="), 3, "digest", "32 bytes"),
        (edited(2, scopes=["all"]), 3, "scopes[0]", "all"),
        (edited(0, version=2), 1, "object", "version 1"),
        ([b"[1]\n", *edited(9)[1:]], 1, "", "Expected `object`"),
        ([*edited(9)[:1], b"{\n", *edited(9)[1:]], 2, "", "not JSON"),
        (edited(9)[:-1], 0, "", "cut"),
        ([*edited(9)[:2], *edited(9)[3:]], 0, "", "cut"),
        ([*edited(9)[:2], *edited(9)[1:2], *edited(9)[2:-1], b'{"object":"end","webhooks":2,"apiKeys":1}'], 3, "id",
         "the same as on line 2"),
        (edited(9)[1:], 1, "object", "no export"),
        ([b"tenant,uid,url\n"], 1, "", "not JSON"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_line_and_field(file: list[bytes], line: int, field: str, said: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read(file, allow_http=False)
    [fault] = refused.value.faults
    assert (fault.line, fault.field) == (line, field)
    assert said in fault.message


def test_all_that_is_wrong_is_told_at_once() -> None:
    file = edited(1, url=7)
    file[2] = edited(2, digest="AA==")[2]
    with pytest.raises(FileRefused) as refused:
        read(file, allow_http=False)
    assert [each.line for each in refused.value.faults] == [2, 3]
