import re
from dataclasses import replace
from typing import Any

import pytest

from consumer.brands.loader import brand, load_brands
from consumer.webhooks import draft, rotation
from consumer.webhooks.headers import open_headers
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.record import decode, encode
from consumer.webhooks.subscription import (
    FormerSecret,
    OnFailure,
    PayloadFormat,
    Retries,
    SigningProfile,
    Status,
    Subscription,
)
from consumer.webhooks.wishes import Changes, Wishes
from consumer.webhooks.wrong import Code, FieldInvalid
from tests.webhook_samples import NOW_MS, key_entry, settings_with_keys

KEYRING = Keyring.from_settings(settings_with_keys(key_entry()))
WISHES = Wishes(tenant="acme", url="https://example.com/x", brand="hookline")


class Entropy:
    """Never the same bytes twice."""

    def __init__(self) -> None:
        self._drawn = 0

    def __call__(self, count: int) -> bytes:
        self._drawn += 1
        return self._drawn.to_bytes(count, "big")


def created(brand_name: str = "hookline", **wishes: Any) -> tuple[Subscription, str]:  # noqa: ANN401 # fields of every type
    return draft.create(
        replace(WISHES, brand=brand_name, **wishes),
        brand=brand(brand_name),
        keyring=KEYRING,
        now_ms=NOW_MS,
        new_id=lambda: "wh_1",
        entropy=Entropy(),
    )


def updated(was: Subscription, **changes: Any) -> Subscription:  # noqa: ANN401 # fields of every type
    return draft.update(
        was, Changes(**changes), brand=brand(was.brand), keyring=KEYRING, now_ms=NOW_MS + 5, entropy=Entropy()
    )


def opened(subscription: Subscription) -> str:
    return KEYRING.open(subscription.secret, tenant=subscription.tenant, subscription_id=subscription.id).decode()


@pytest.mark.parametrize("name", load_brands())
def test_nothing_wished_takes_the_brands_defaults(name: str) -> None:
    subscription, secret = created(name)
    of = brand(name)
    assert (subscription.signing, subscription.payload_format) == (of.signing, of.payload_format)
    assert (subscription.timeout_ms, subscription.retries) == (of.timeout_ms, of.retries)
    assert (subscription.revision, subscription.changes, subscription.status) == (1, 0, Status.ACTIVE)
    assert opened(subscription) == secret
    assert secret.startswith(of.secret_prefix)
    assert decode(encode(subscription)) == subscription


def test_everything_wished_is_kept() -> None:
    subscription, secret = created(
        event_types=("a.b", "a.*", "a.b"),
        product="p",
        name="n",
        description="two\nlines",
        signing=SigningProfile.HEX,
        payload_format=PayloadFormat.SLACK,
        secret="my own long secret",
        retries=Retries.NONE,
        timeout_ms=1_000,
        headers={"Authorization": "Bearer x"},
        filter_json='{"a": [1]}',
        rate_per_s=2,
        max_concurrency=1,
        ordering="key",
        on_failure=OnFailure.BLOCK,
    )
    assert subscription.event_types == ("a.b", "a.*")
    assert secret == "my own long secret"
    assert subscription.header_names == ("Authorization",)
    assert open_headers(subscription, KEYRING) == {"Authorization": "Bearer x"}
    assert (subscription.rate_per_s, subscription.max_concurrency, subscription.timeout_ms) == (2.0, 1, 1_000)
    assert subscription.ordering == "key"
    assert subscription.on_failure is OnFailure.BLOCK
    assert decode(encode(subscription)) == subscription


@pytest.mark.parametrize(
    ("field", "wishes", "says"),
    [
        ("tenant", {"tenant": " "}, "empty"),
        ("tenant", {"tenant": "a\nb"}, "printable"),
        ("tenant", {"tenant": "\ud800"}, "printable"),
        ("product", {"product": ""}, "empty"),
        ("url", {"url": "http://example.com"}, "https://"),
        ("event_types", {"event_types": ()}, '["*"]'),
        ("event_types", {"event_types": ("a\u2028b",)}, "printable"),
        ("event_types", {"event_types": ("a" * 201,)}, "200"),
        ("event_types", {"event_types": ("",)}, "empty"),
        ("event_types", {"event_types": (".*",)}, "empty"),
        ("event_types", {"event_types": ("a*",)}, "a.*"),
        ("event_types", {"event_types": ("*.b",)}, "star"),
        ("event_types", {"event_types": ("a.*.*",)}, "star"),
        ("event_types", {"event_types": tuple(f"a{n}" for n in range(201))}, "200"),
        ("timeout_ms", {"timeout_ms": 999}, "1000"),
        ("timeout_ms", {"timeout_ms": 30_001}, "30000"),
        ("headers", {"headers": {"X-A": "[hidden]"}}, "not shown"),
        ("headers", {"headers": {"X-A": "Bearer [redacted]"}}, "not shown"),
        ("secret", {"secret": "[hidden]"}, "not shown"),
        ("url", {"url": "https://example.com/[redacted]"}, "placeholder"),
        ("rate_per_s", {"rate_per_s": 0.0}, "one an hour"),
        ("rate_per_s", {"rate_per_s": float("nan")}, "one an hour"),
        ("rate_per_s", {"rate_per_s": float("inf")}, "100000"),
        ("rate_per_s", {"rate_per_s": 1e-306}, "one an hour"),
        ("rate_per_s", {"rate_per_s": 0.000277}, "one an hour"),
        ("rate_per_s", {"rate_per_s": 100_000.1}, "100000"),
        ("max_concurrency", {"max_concurrency": 0}, "between 1"),
        ("max_concurrency", {"max_concurrency": 1_025}, "1024"),
        ("max_concurrency", {"max_concurrency": 10**400}, "1024"),
        ("timeout_ms", {"timeout_ms": 10**400}, "30000"),
        ("filter", {"filter_json": '{"a": "x"}'}, "$.a"),
        ("filter", {"filter_json": '{"a": {"b": [1], "b": [2]}}'}, "$.a.b"),
        ("secret", {"secret": "x" * 40}, "whsec_"),
        ("name", {"name": "x" * 257}, "256"),
        ("description", {"description": "\x00"}, "control"),
        ("headers", {"headers": {f"X-{n}": "v" for n in range(11)}}, "10"),
        ("headers", {"headers": {"X-A": "1", "x-a": "2"}}, "twice"),
        ("headers", {"headers": {"": "v"}}, "between 1 and 128"),
        ("headers", {"headers": {"X A": "v"}}, "not a header name"),
        ("headers", {"headers": {"X-A": "a\r\nb"}}, "X-A"),
        ("headers", {"headers": {"X-A": "a\x00"}}, "X-A"),
        ("headers", {"headers": {"X-A": " a"}}, "X-A"),
        ("headers", {"headers": {"X-A": "ü"}}, "X-A"),
        ("headers", {"headers": {"X-A": "a" * 5_000}}, "longer"),
    ],
)
def test_what_cannot_be_is_refused_by_field(field: str, wishes: dict[str, Any], says: str) -> None:
    with pytest.raises(FieldInvalid) as caught:
        created(**wishes)
    assert caught.value.field == field
    assert says in caught.value.message


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "CONTENT-LENGTH",
        "transfer-encoding",
        "Connection",
        "Content-Type",
        "user-agent",
        "webhook-id",
        "TE",
        "Trailer",
        "upgrade",
        "expect",
        "Proxy-Authorization",
        "Cookie",
        "X-Convo-Signature",
        "x-convo-event",
        "traceparent",
        "Content-Encoding",
        "Hookline-Anything",
        "X-Other-Signature",
    ],
)
def test_owned_headers_are_refused(name: str) -> None:
    with pytest.raises(FieldInvalid, match=name):
        created("convo", headers={name: "v"})


def test_a_closed_catalogue_names_its_types() -> None:
    created("convo", event_types=("transcript.ready", "conversation.*", "*", "webhook.test", "webhook.suspended"))
    for unknown in ("transcript.done", "post.*"):
        with pytest.raises(FieldInvalid, match=r"transcript\.failed"):
            created("convo", event_types=(unknown,))


def test_an_update_changes_what_it_names_and_the_revision() -> None:
    was, _ = created(product="p", headers={"X-A": "1"}, filter_json='{"a": [1]}')
    now = updated(was, url="https://example.com/y", product=None, filter_json=None, headers={})
    assert (now.url, now.product, now.filter_json, now.sealed_headers, now.header_names) == (
        "https://example.com/y", None, None, None, (),
    )  # fmt: skip
    assert (now.revision, now.changes, now.updated_at_ms, now.created_at_ms) == (2, 1, NOW_MS + 5, NOW_MS)
    assert now.secret == was.secret
    unchanged = updated(was)
    assert replace(unchanged, revision=1, changes=0, updated_at_ms=NOW_MS) == was
    with pytest.raises(FieldInvalid):
        updated(was, timeout_ms=1)


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://example.com/other?path=1", True),
        ("https://EXAMPLE.com:443/x", True),
        ("HTTPS://example.com", True),
        ("https://example.com:8443/x", False),
        ("https://example.org/x", False),
        ("https://sub.example.com/x", False),
        ("http://example.com/x", False),
        ("http://example.com:443/x", False),
    ],
)
def test_headers_never_follow_the_url_to_another_origin(url: str, same: bool) -> None:
    was, secret = created(headers={"Authorization": "Bearer x"})
    changes = Changes(url=url)

    def after(changes: Changes) -> Subscription:
        return draft.update(
            was, changes, brand=brand("hookline"), keyring=KEYRING, now_ms=NOW_MS, entropy=Entropy(), allow_http=True
        )

    now = after(changes)
    assert (now.header_names, now.sealed_headers) == ((was.header_names, was.sealed_headers) if same else ((), None))
    assert draft.cleared_headers(was, now, changes) is not same
    assert opened(now) == secret
    given = replace(changes, headers={"X-A": "1"})
    assert open_headers(after(given), KEYRING) == {"X-A": "1"}
    assert not draft.cleared_headers(was, after(given), given)


def test_without_headers_none_are_cleared() -> None:
    was, _ = created()
    changes = Changes(url="https://example.org")
    assert not draft.cleared_headers(was, updated(was, url="https://example.org"), changes)


def test_all_that_is_wrong_is_told_at_once_each_with_a_code() -> None:
    with pytest.raises(FieldInvalid) as caught:
        created(url="ftp://x", name="a\u202eb", timeout_ms=1, event_types=("a", "*b", "c" * 300), headers={"Host": "h"})
    assert {(each.field, each.code) for each in caught.value.wrong} == {
        ("url", Code.NOT_HTTPS),
        ("name", Code.FORBIDDEN_CHARACTER),
        ("timeout_ms", Code.OUT_OF_RANGE),
        ("event_types", Code.MALFORMED),
        ("event_types", Code.TOO_LONG),
        ("headers", Code.RESERVED),
    }
    was, _ = created()
    with pytest.raises(FieldInvalid) as caught:
        updated(was, url="", product="\ud800", max_concurrency=0, filter_json="{")
    assert [each.field for each in caught.value.wrong] == ["url", "product", "filter", "max_concurrency"]


def test_a_hidden_header_keeps_the_value_that_it_has() -> None:
    was, _ = created(headers={"Authorization": "Bearer x", "X-A": "1"})
    now = updated(was, headers={"authorization": "[hidden]", "X-B": "2"})
    assert open_headers(now, KEYRING) == {"authorization": "Bearer x", "X-B": "2"}
    assert now.header_names == ("authorization", "X-B")
    moved = updated(was, url="https://example.com/elsewhere", headers={"X-A": "[hidden]"})
    assert open_headers(moved, KEYRING) == {"X-A": "1"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"headers": {"X-New": "[hidden]"}}, "headers"),
        ({"headers": {"X-A": "Bearer [hidden]"}}, "headers"),
        ({"headers": {"X-A": "[redacted]"}}, "headers"),
        ({"headers": {"X-A": "[hidden]"}, "url": "https://example.org/x"}, "headers"),
        ({"url": "https://example.com/[hidden]"}, "url"),
    ],
)
def test_a_placeholder_with_nothing_to_keep_is_refused(changes: dict[str, Any], field: str) -> None:
    was, _ = created(headers={"X-A": "1"})
    with pytest.raises(FieldInvalid) as caught:
        updated(was, **changes)
    assert [(each.field, each.code) for each in caught.value.wrong] == [(field, Code.PLACEHOLDER)]


def test_a_kept_value_counts_for_how_long_headers_may_be() -> None:
    was, _ = created(headers={"X-A": "a" * 4_096})
    with pytest.raises(FieldInvalid, match="together"):
        updated(was, headers={"X-A": "[hidden]", "X-B": "b" * 4_096})


@pytest.mark.parametrize("wrong", ["order.*.*", "order.*paid", "order..*.x", "*.", ".*.*", "a *b"])
def test_no_advice_is_one_that_would_be_refused(wrong: str) -> None:
    with pytest.raises(FieldInvalid) as caught:
        created(event_types=(wrong,))
    advised = re.findall(r'as in "([^"]+)"', caught.value.message)
    assert advised
    created(event_types=tuple(advised))
    assert ".." not in advised[0]


def test_pause_resume_suspend() -> None:
    was, _ = created()
    paused = draft.pause(was, now_ms=NOW_MS + 1)
    suspended = draft.suspend(paused, reason="410", now_ms=NOW_MS - 1)
    resumed = draft.resume(suspended, now_ms=NOW_MS + 3)
    assert [paused.status, suspended.status, resumed.status] == [Status.PAUSED, Status.SUSPENDED, Status.ACTIVE]
    assert (suspended.status_reason, resumed.status_reason) == ("410", "")
    assert suspended.updated_at_ms == NOW_MS + 1
    assert (resumed.revision, resumed.changes) == (4, 3)


def test_since_when_it_has_its_status_is_kept_and_moves_with_the_status_alone() -> None:
    was, _ = created()
    renamed = updated(was, name="new")
    suspended = draft.suspend(renamed, reason="410", now_ms=NOW_MS + 10)
    again = draft.suspend(suspended, reason="410", now_ms=NOW_MS + 11)
    resumed = draft.update(
        again,
        Changes(status=Status.ACTIVE),
        brand=brand("hookline"),
        keyring=KEYRING,
        now_ms=NOW_MS + 20,
        entropy=Entropy(),
    )
    since = [each.status_since_ms - NOW_MS for each in (was, renamed, suspended, again, resumed)]
    assert since == [0, 0, 10, 10, 20]


@pytest.mark.parametrize("profile", SigningProfile)
def test_a_rotated_secret_overlaps_where_two_signatures_fit(profile: SigningProfile) -> None:
    was, old = created(signing=profile)
    now, new = rotation.rotate(was, brand=brand("hookline"), keyring=KEYRING, now_ms=NOW_MS, entropy=lambda n: b"r" * n)
    assert opened(now) == new != old
    if profile in (SigningProfile.HEX, SigningProfile.SHA256):
        assert now.former_secrets == ()
    else:
        assert now.former_secrets == (FormerSecret(secret=was.secret, until_ms=NOW_MS + rotation.OVERLAP_MS),)


def test_every_rotation_keeps_what_the_ones_before_said_until_there_are_too_many() -> None:
    now, _ = created()

    def rotated(minutes: int, overlap_ms: int) -> Subscription:
        return rotation.rotate(
            now,
            brand=brand("hookline"),
            keyring=KEYRING,
            now_ms=NOW_MS + minutes * 60_000,
            entropy=lambda size: bytes([minutes]) * size,
            overlap_ms=overlap_ms,
        )[0]

    for minutes in range(rotation.MOST_FORMER_SECRETS):
        now = rotated(minutes, (10 - minutes) * 60_000)
    assert [each.until_ms - NOW_MS for each in now.former_secrets] == [600_000] * 4
    with pytest.raises(FieldInvalid, match="overlap_seconds: 4 former secrets"):
        rotated(9, 1)
    assert len(rotated(10, 1).former_secrets) == 1, "those whose time is over make room"
    assert rotated(9, 0).former_secrets == ()


def test_no_secret_is_in_a_repr() -> None:
    wishes = replace(WISHES, secret="hush hush, be quiet", headers={"X-A": "hush"})
    assert "hush" not in repr(wishes)
    assert "hush" not in repr(Changes(headers={"X-A": "hush"}))
    assert "hush" not in repr(created(secret="hush hush, be quiet", signing=SigningProfile.HEX)[0])
