"""Dead letters over the API: the caller's own, page by page, and sent again."""

import pytest
from msgspec.structs import replace

from consumer.api.caller import OPERATOR
from consumer.control.keys import Scope
from consumer.jobs.dead_letter_desk import Way
from consumer.log.explanation import of_attempt
from consumer.log.resource import told
from consumer.replay import pages
from consumer.replay.filters import Filters
from consumer.replay.plan import Place
from consumer.webhooks.subscription import Status
from tests.dead_letters import dead_letter
from tests.memory_api import DeadLetters, MemoryApi


def test_a_customer_sees_its_own_under_its_own_brand(api: MemoryApi) -> None:
    mine = dead_letter(1, "wh_1", failed_at_ms=1_769_860_800_000)
    api.dead_letters.add(mine, dead_letter(2, "wh_2", tenant="other"), replace(dead_letter(3, "wh_3"), brand="convo"))
    listed = api.client(Scope.READ).get("/v1/dead-letters").json()
    assert listed == {
        "object": "list",
        "data": [
            {
                "id": mine.delivery.id,
                "object": "dead_letter",
                "eventId": "e1",
                "webhook": "wh_1",
                "url": "https://a.example/",
                "type": "a.b",
                "product": None,
                "reason": "exhausted",
                "detail": "HTTP 500",
                "explanation": told(of_attempt(500, None)),
                "attempts": 8,
                "replays": 0,
                "lastStatus": 500,
                "firstAttemptAt": "1970-01-01T00:00:00.002Z",
                "lastAttemptAt": "1970-01-01T00:00:00.003Z",
                "failedAt": "2026-01-31T12:00:00.000Z",
            }
        ],
        "nextCursor": None,
    }


def test_one_is_found_by_its_id_by_its_own_customer_alone(api: MemoryApi) -> None:
    mine, theirs = dead_letter(1, "wh_1"), dead_letter(2, "wh_2", tenant="other")
    api.dead_letters.add(mine, theirs)
    acme = api.client(Scope.READ)
    listed = acme.get("/v1/dead-letters").json()["data"]
    assert acme.get(f"/v1/dead-letters/{mine.delivery.id}").json() == listed[0]
    for id_ in (theirs.delivery.id, "nothing"):
        assert acme.get(f"/v1/dead-letters/{id_}").status_code == 404


def test_a_webhook_has_a_list_of_its_own(api: MemoryApi) -> None:
    acme = api.client()
    webhook, other = (str(api.webhook(acme)["id"]) for _ in range(2))
    letters = [dead_letter(number, (webhook, other)[number % 2]) for number in range(6)]
    api.dead_letters.add(*letters)
    path = f"/v1/webhooks/{webhook}/dead-letters"
    first = acme.get(path, params={"limit": "2"}).json()
    then = acme.get(path, params={"limit": "2", "cursor": first["nextCursor"]}).json()
    assert [each["id"] for each in first["data"] + then["data"]] == [each.delivery.id for each in letters[::2]]
    assert acme.get(f"/v1/webhooks/{other}/dead-letters", params={"cursor": first["nextCursor"]}).status_code == 422
    assert acme.get(path, params={"webhook": other}).status_code == 422
    assert acme.get("/v1/webhooks/wh_none/dead-letters").status_code == 404
    assert api.client(tenant="other").get(path).status_code == 404


def test_filters_narrow_and_pages_lead_on(api: MemoryApi) -> None:
    acme = api.client(Scope.READ)
    letters = [dead_letter(number, f"wh_{number % 2}", type_="ab"[number % 2] + ".x") for number in range(7)]
    api.dead_letters.add(*letters)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        asked: dict[str, str] = {"webhook": "wh_1", "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = acme.get("/v1/dead-letters", params=asked).json()
        seen += [each["id"] for each in page["data"]]
        assert len(page["data"]) <= 2
        cursor = page["nextCursor"]
        if cursor is None:
            break
        wrong = acme.get("/v1/dead-letters", params={"webhook": "wh_0", "limit": "2", "cursor": cursor})
        assert wrong.status_code == 422
    assert seen == [each.delivery.id for each in letters if each.delivery.subscription_id == "wh_1"]
    assert len(acme.get("/v1/dead-letters", params={"type": "a.*"}).json()["data"]) == 4
    assert acme.get("/v1/dead-letters", params={"reason": "gone"}).json()["data"] == []
    for since in ("yesterday", "2026-13-31", "2026-01-31T12:00:00", "9999-12-31T23:59:60Z", ""):
        refused = acme.get("/v1/dead-letters", params={"since": since})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "since")
    digits = "9" * 5_000 + "d"
    for since in (digits, "99999d", "1970-01-01", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z"):
        for name in ("since", "until"):
            assert acme.get("/v1/dead-letters", params={name: since}).status_code == 200, since


def test_a_page_looks_at_a_bounded_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_RECORDS", 3)
    topic = DeadLetters()
    topic.add(*(dead_letter(number, tenant="other") for number in range(4)), dead_letter(9))
    mine = Filters(tenants=frozenset({"acme"}))
    first = topic.page("acme", mine, after={}, limit=10)
    assert (first.found, first.position) == ([], {0: 3})
    assert first.position is not None
    second = topic.page("acme", mine, after=first.position, limit=10)
    assert ([each.delivery.event.id for each in second.found], second.position) == (["e9"], None)


def test_a_page_ends_when_its_time_is_over() -> None:
    topic = DeadLetters()
    topic.add(*(dead_letter(number) for number in range(4)))
    times = iter([0.0, 0.0, 10.0])
    part = pages.part_of(iter(topic.records), Filters(), after={}, limit=10, monotonic_s=lambda: next(times))
    assert (len(part.found), part.position) == (2, {0: 2})


def test_one_is_replayed_to_its_own_webhook(api: MemoryApi) -> None:
    acme = api.client()
    id_ = api.webhook(acme)["id"]
    letter = dead_letter(1, id_)
    api.dead_letters.add(letter, dead_letter(2, id_))
    path = f"/v1/dead-letters/{letter.delivery.id}/replay"
    assert acme.post(path).json() == {
        "matched": 1,
        "replayed": 1,
        "skipped": {},
        "dryRun": False,
        "complete": True,
    }
    assert acme.post(path, json={"again": True, "dryRun": True, "position": "after"}).status_code == 200
    assert acme.post(path, json={"position": "beside"}).status_code == 422
    by = api.dead_letters.replayed[0][2].by
    assert by != OPERATOR
    assert api.dead_letters.replayed == [
        ([letter], {id_: Status.ACTIVE}, Way(again=False, dry_run=False, by=by)),
        ([letter], {id_: Status.ACTIVE}, Way(again=True, dry_run=True, place=Place.AFTER, by=by)),
    ]
    acme.delete(f"/v1/webhooks/{id_}")
    acme.post(path)
    assert api.dead_letters.replayed[-1][1] == {}
    assert acme.post("/v1/dead-letters/unknown/replay").status_code == 404


def test_a_webhooks_are_replayed_by_what_is_sought(api: MemoryApi) -> None:
    acme = api.client()
    id_ = api.webhook(acme)["id"]
    wanted = dead_letter(1, id_, type_="a.b", failed_at_ms=2_000)
    api.dead_letters.add(wanted, dead_letter(2, id_, type_="c.d"), dead_letter(3, "wh_other", type_="a.b"))
    path = f"/v1/webhooks/{id_}/dead-letters/replay"
    assert acme.post(path, json={"type": "a.*", "since": "1970-01-01T00:00:01Z"}).json()["matched"] == 1
    assert api.dead_letters.replayed[0][0] == [wanted]
    assert acme.post(path, json={"since": "soon"}).status_code == 422
    assert acme.post(path, json={"webhook": "wh_2"}).status_code == 422
    assert acme.post("/v1/webhooks/wh_unknown/dead-letters/replay").status_code == 404
