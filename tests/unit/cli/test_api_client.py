"""The API's client: where the key goes, what a refusal becomes, how a list is read whole."""

import json
import os
from collections.abc import Callable
from itertools import islice
from typing import Final, TypeAlias

import httpx
import pytest

from consumer.brands.loader import brand
from consumer.cli.api_client import ApiClient
from consumer.cli.credentials import Credentials
from consumer.cli.exits import CommandFailed
from consumer.cli.remote_webhooks import RemoteWebhooks
from consumer.control.refusal import WebhookUnknown
from consumer.json import Json
from consumer.webhooks.chosen import Chosen
from consumer.webhooks.subscription import Status
from consumer.webhooks.wishes import Wishes
from consumer.webhooks.wrong import Code, FieldInvalid

URL: Final = "https://hooks.example.com"
KEY: Final = "hk_" + "0" * 16 + "_" + "1" * 32 + "222222"
PROBLEM: Final = {"content-type": "application/problem+json"}

Answering: TypeAlias = Callable[[httpx.Request], httpx.Response]


def client(
    answering: Answering, *, named: str = "hookline", url: str = URL, tenant: str | None = None, waits: list[float]
) -> ApiClient:
    credentials = Credentials(key=KEY, tenant=tenant, brand=brand(named))
    return ApiClient(url, credentials, transport=httpx.MockTransport(answering), sleep=waits.append)


def always(status: int, body: object = None, **headers: str) -> Answering:
    return lambda _: httpx.Response(
        status, json=body, headers={name.replace("_", "-"): headers[name] for name in headers}
    )


def problem(status: int, detail: str, errors: object = None) -> Answering:
    return always(status, {"type": "about:blank", "title": "No", "status": status, "detail": detail, "errors": errors})


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, os.EX_DATAERR),
        (401, os.EX_NOPERM),
        (403, os.EX_NOPERM),
        (405, os.EX_USAGE),
        (409, os.EX_TEMPFAIL),
        (412, os.EX_TEMPFAIL),
        (413, os.EX_DATAERR),
        (422, os.EX_DATAERR),
        (429, os.EX_TEMPFAIL),
        (500, os.EX_UNAVAILABLE),
        (503, os.EX_UNAVAILABLE),
    ],
)
def test_a_refusal_has_its_exit_code_and_its_words(status: int, code: int) -> None:
    with client(problem(status, "because of this"), waits=[]) as asking, pytest.raises(CommandFailed) as caught:
        asking.ask("POST", "/v1/webhooks", {})
    assert caught.value.code == code
    assert str(caught.value) == ("because of this" if status != 401 else str(caught.value))
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "known"),
    [
        ("url", "url"),
        ("topics", "event_types"),
        ("events", "event_types"),
        ("topics.0", "event_types.0"),
        ("requestConfig.timeoutMs", "timeout_ms"),
        ("requestConfig.headers.Host", "headers.Host"),
        ("rateLimit", "rate_per_s"),
        ("maxConcurrency", "max_concurrency"),
        ("payloadFormat", "payload_format"),
    ],
)
def test_a_refused_field_has_the_name_that_the_commands_know(field: str, known: str) -> None:
    refusing = problem(422, f"{field}: cannot be", [{"field": field, "code": "empty", "message": "cannot be"}])
    with client(refusing, waits=[]) as asking, pytest.raises(FieldInvalid) as caught:
        asking.ask("POST", "/v1/webhooks", {})
    assert [(each.field, each.code, each.message) for each in caught.value.wrong] == [(known, Code.EMPTY, "cannot be")]


def test_a_refusal_with_a_code_that_is_not_known_here_is_told_in_its_own_words() -> None:
    refusing = problem(422, "url: no", [{"field": "url", "code": "of_another_year", "message": "no"}])
    with client(refusing, waits=[]) as asking, pytest.raises(CommandFailed, match="url: no"):
        asking.ask("POST", "/v1/webhooks", {})


def test_a_webhook_that_is_not_there_is_named_as_ever() -> None:
    with (
        client(problem(404, "no"), waits=[]) as asking,
        pytest.raises(WebhookUnknown, match="there is no webhook wh_1"),
    ):
        RemoteWebhooks(asking).show("wh_1")


@pytest.mark.parametrize(
    "answering",
    [
        always(302, {}, location="https://elsewhere.example/"),
        lambda _: httpx.Response(200, html="<h1>Welcome</h1>"),
        lambda _: httpx.Response(404, html="<h1>Not here</h1>"),
        always(200, ["a", "list"]),
        always(200, "text"),
    ],
)
def test_what_is_no_answer_of_this_api_is_said_to_be_none(answering: Answering) -> None:
    asked: list[str] = []

    def noting(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return answering(request)

    with client(noting, waits=[]) as asking, pytest.raises(CommandFailed, match="is no Hookline API") as caught:
        asking.ask("GET", "/v1/webhooks/wh_1")
    assert caught.value.code == os.EX_PROTOCOL
    assert set(asked) == {"hooks.example.com"}


def test_a_proxy_s_own_error_and_a_silent_host_are_out_of_reach() -> None:
    def silent(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("timed out")

    with client(lambda _: httpx.Response(502, html="<h1>Bad gateway</h1>"), waits=[]) as asking:
        with pytest.raises(CommandFailed, match="answered 502") as caught:
            asking.ask("GET", "/v1/webhooks/wh_1")
        assert caught.value.code == os.EX_UNAVAILABLE
    with client(silent, waits=[], url="https://me:hidden@hooks.example.com/hidden") as asking:
        with pytest.raises(CommandFailed, match="out of reach: timed out; it may have been done") as caught:
            asking.ask("POST", "/v1/webhooks", {})
        assert caught.value.code == os.EX_UNAVAILABLE
        assert "hidden" not in str(caught.value)
        with pytest.raises(CommandFailed, match=r"timed out$"):
            asking.ask("GET", "/v1/webhooks/wh_1")


def test_too_many_requests_wait_as_long_as_they_are_asked_to() -> None:
    answers = iter([always(429, {}, retry_after="3"), always(429, {}), always(200, {"id": "wh_1"})])

    def relenting(request: httpx.Request) -> httpx.Response:
        return next(answers)(request)

    waits: list[float] = []
    with client(relenting, waits=waits) as asking:
        assert asking.ask("GET", "/v1/webhooks/wh_1") == {"id": "wh_1"}
    assert waits == [3.0, 1.0]
    waits.clear()
    with client(always(429, {}, retry_after="86400"), waits=waits) as asking, pytest.raises(CommandFailed):
        asking.ask("GET", "/v1/webhooks/wh_1")
    assert waits == [30.0] * 4


@pytest.mark.parametrize("named", ["hookline", "convo"])
def test_a_list_is_read_to_its_end_and_no_further(named: str) -> None:
    pages = {None: ("a", "2"), "2": ("b", "3"), "3": ("c", None)}
    asked: list[str | None] = []

    def paging(request: httpx.Request) -> httpx.Response:
        cursor = request.url.params.get("cursor")
        asked.append(cursor)
        item, following = pages[cursor]
        return httpx.Response(200, json={"data": [{"id": item, "status": "active"}], "nextCursor": following})

    with client(paging, named=named, waits=[]) as asking:
        assert [each["id"] for each in RemoteWebhooks(asking).listed(Chosen())] == ["a", "b", "c"]
        assert asked == [None, "2", "3"]
        asked.clear()
        assert [each["id"] for each in islice(RemoteWebhooks(asking).listed(Chosen()), 2)] == ["a", "b"]
        assert asked == [None, "2"]


def test_what_is_chosen_is_asked_for_by_the_brand_s_words_and_a_uid_is_put() -> None:
    asked: list[tuple[str, str, dict[str, str]]] = []

    def answering(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path, dict(request.url.params)))
        if request.method == "PUT":
            assert json.loads(request.content) == {"url": "https://a.example/", "metadata": {"team": "a"}}
            return httpx.Response(201, json={"data": {"id": "wh_1", "secret": "s"}})
        return httpx.Response(200, json={"data": [], "nextCursor": None})

    wishes = Wishes(tenant="", brand="convo", url="https://a.example/", uid="billing", metadata={"team": "a"})
    with client(answering, named="convo", waits=[]) as asking:
        webhooks = RemoteWebhooks(asking)
        assert [*webhooks.listed(Chosen(status=Status.PAUSED, event_type="a.*", url="x"))] == []
        assert webhooks.put(wishes)["secret"] == "s"
    (_, _, said), (method, path, _) = asked
    assert said == {"limit": said["limit"], "status": "paused", "event": "a.*", "url": "x"}
    assert (method, path) == ("PUT", "/api/v1/webhooks/by-uid/billing")


def test_a_brand_s_path_envelope_and_list_field_are_used() -> None:
    def answering(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/below/api/v1/webhooks"
        assert json.loads(request.content) == {"url": "https://a.example/", "events": ["transcript.ready"]}
        return httpx.Response(201, json={"data": {"id": "wh_1"}})

    with client(answering, named="convo", url=URL + "/below/", waits=[]) as asking:
        body: dict[str, Json] = {"url": "https://a.example/", "events": ["transcript.ready"]}
        assert asking.ask("POST", asking.brand.api.base_path, body) == {"id": "wh_1"}


def test_the_key_and_whom_it_speaks_for_are_sent() -> None:
    sent: list[httpx.Headers] = []

    def noting(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers)
        return httpx.Response(200, json={})

    with client(noting, named="featurebase", tenant="acme", waits=[]) as asking:
        asking.ask("GET", "/v2/webhooks/wh_1")
    assert sent[0]["authorization"] == f"Bearer {KEY}"
    assert (sent[0]["hookline-tenant"], sent[0]["hookline-brand"]) == ("acme", "featurebase")


@pytest.mark.parametrize(("tenant", "sent"), [("acme corp", "acme corp"), ("münchen", "UTF-8''m%C3%BCnchen")])
def test_any_tenant_is_sent_as_it_is_read(tenant: str, sent: str) -> None:
    said: list[str] = []

    def noting(request: httpx.Request) -> httpx.Response:
        said.append(request.headers["hookline-tenant"])
        return httpx.Response(200, json={})

    with client(noting, tenant=tenant, waits=[]) as asking:
        asking.ask("GET", "/v1/webhooks/wh_1")
    assert said == [sent]


@pytest.mark.parametrize("tenant", ["", " acme", "acme ", "ac\nme", "ac\u2028me"])
def test_a_tenant_that_cannot_be_is_a_wrong_use(tenant: str) -> None:
    with pytest.raises(CommandFailed, match="--tenant must") as caught:
        client(always(200), tenant=tenant, waits=[])
    assert caught.value.code == os.EX_USAGE


def test_a_notice_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with client(always(200, {"id": "wh_1"}, Notice="custom headers were cleared"), waits=[]) as asking:
        asking.ask("PATCH", "/v1/webhooks/wh_1", {})
    assert capsys.readouterr().err == "hookline: custom headers were cleared\n"


@pytest.mark.parametrize("url", ["hooks.example.com", "ftp://hooks.example.com", "https://", ""])
def test_what_is_no_url_is_a_wrong_use(url: str) -> None:
    with pytest.raises(CommandFailed, match="--api is a URL") as caught:
        client(always(200), url=url, waits=[])
    assert caught.value.code == os.EX_USAGE
