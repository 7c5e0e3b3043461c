"""Jobs by the API: a customer's own, page by page, set going, paused and canceled."""

from dataclasses import replace

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from consumer.api import jobs as routes
from consumer.control.keys import Scope
from consumer.control.owner import Owner
from consumer.jobs.conduct import AskedJob
from consumer.jobs.job import Answered, Counts, Job, Kind, Reason, State, Wish
from consumer.kafka.client import KafkaBroken
from tests.memory_api import OWNER, MemoryApi
from tests.memory_jobs import idle


@pytest.fixture
def api() -> MemoryApi:
    return MemoryApi(brands=("hookline", "convo", "featurebase"))


def ids(answer: Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["data"]]


def conflict(answer: Response) -> tuple[str, str | None]:
    told = answer.json()
    assert answer.status_code == 409, answer.text
    assert told["detail"]
    return told["code"], told.get("job")


def test_jobs_are_listed_newest_first_and_only_the_callers_own(api: MemoryApi) -> None:
    mine = [api.jobs.put(OWNER) for _ in range(3)]
    api.jobs.put(Owner(tenant="other", brand="hookline"))
    api.jobs.put(Owner(tenant="acme", brand="convo"))
    answer = api.client(Scope.READ).get("/v1/jobs")
    assert ids(answer) == mine[::-1]
    assert (answer.json()["object"], answer.json()["nextCursor"]) == ("list", None)
    assert "object" not in api.client(brand="convo").get("/api/v1/jobs").json()
    assert api.client(brand="convo").get("/v1/jobs").status_code == 404


def walked(client: TestClient, query: str) -> list[list[str]]:
    pages, cursor = [], ""
    while True:
        answer = client.get(f"/v1/jobs?{query}{cursor}")
        pages.append(ids(answer))
        then = answer.json()["nextCursor"]
        if then is None:
            return pages
        cursor = f"&cursor={then}"


def test_pages_go_on_with_the_filters_they_began_with(api: MemoryApi) -> None:
    for number in range(7):
        state = State.DONE if number % 2 else State.PAUSED
        api.jobs.put(OWNER, f"wh_{number % 3}", state=state)
    client = api.client()
    every = ids(client.get("/v1/jobs"))
    assert walked(client, "limit=3") == [every[:3], every[3:6], every[6:]]
    assert walked(client, "limit=7") == [every]
    paused = [every[at] for at in (0, 2, 4, 6)]
    assert walked(client, "limit=2&state=paused") == [paused[:2], paused[2:]]
    assert walked(client, "webhook=wh_0") == [[every[0], every[3], every[6]]]
    assert walked(client, "webhook=wh_0&state=done") == [[every[3]]]
    assert walked(client, "webhook=wh_9") == [[]]
    cursor = client.get("/v1/jobs?limit=3").json()["nextCursor"]
    assert client.get(f"/v1/jobs?limit=3&cursor={cursor}&state=done").status_code == 422
    assert api.client(tenant="other").get(f"/v1/jobs?limit=3&cursor={cursor}").status_code == 422
    for wrong in ("state=refused", "state=x", "limit=0", "limit=101", "kind=x", "state=done&state=paused"):
        assert client.get(f"/v1/jobs?{wrong}").status_code == 422, wrong


def test_a_page_looks_at_so_many_and_says_where_it_stopped(api: MemoryApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "LOOKED_AT_MOST", 200)
    oldest = api.jobs.put(OWNER, state=State.DONE)
    for _ in range(250):
        api.jobs.put(OWNER, state=State.CANCELED)
    assert walked(api.client(), "state=done") == [[], [oldest]]
    assert api.jobs.pages == 3


def test_a_job_is_found_by_its_own_customer_alone_with_what_became_of_it(api: MemoryApi) -> None:
    name = api.jobs.put(OWNER, counts=Counts(sent=3), made=("d",))
    api.jobs.made_of[name] = Answered(tried=2, delivered=1)
    shown = api.client(Scope.READ).get(f"/v1/jobs/{name}").json()
    assert (shown["id"], shown["object"], shown["kind"], shown["made"]) == (name, "job", "replay", ["d"])
    assert (shown["counts"]["delivered"], shown["counts"]["failing"]) == (1, 1)
    assert api.client().get("/v1/jobs").json()["data"] == [shown]
    for client in (api.client(tenant="other"), api.client(brand="featurebase")):
        for path in ("", "/start", "/pause", "/resume", "/cancel"):
            prefix = "/v2" if client.get("/v1/jobs").status_code == 404 else "/v1"
            answer = client.request("POST" if path else "GET", f"{prefix}/jobs/{name}{path}")
            assert answer.status_code == 404, path
            assert name not in answer.text
    assert api.jobs.wishes == []
    assert api.client().get("/v1/jobs/job_none").status_code == 404


def changed(api: MemoryApi, what: str, name: str) -> Response:
    return api.client(Scope.REPLAY).post(f"/v1/jobs/{name}/{what}")


@pytest.mark.parametrize(
    ("what", "state", "then"),
    [
        ("start", State.COUNTED, State.RUNNING),
        ("pause", State.RUNNING, State.PAUSED),
        ("resume", State.PAUSED, State.RUNNING),
        ("cancel", State.COUNTING, State.CANCELED),
        ("cancel", State.COUNTED, State.CANCELED),
        ("cancel", State.RUNNING, State.CANCELED),
        ("cancel", State.PAUSED, State.CANCELED),
    ],
)
def test_a_job_becomes_what_is_wished(api: MemoryApi, what: str, state: State, then: State) -> None:
    api.jobs.role = idle
    name = api.jobs.put(OWNER, state=state)
    answer = changed(api, what, name)
    assert (answer.status_code, answer.json()["state"]) == (200, then.value)
    assert api.client().get(f"/v1/jobs/{name}").json()["state"] == then.value
    assert len(api.jobs.wishes) == 1


@pytest.mark.parametrize(
    ("what", "state"),
    [
        ("start", State.RUNNING),
        ("pause", State.PAUSED),
        ("resume", State.RUNNING),
        ("cancel", State.CANCELED),
    ],
)
def test_what_is_so_already_is_answered_and_not_written(api: MemoryApi, what: str, state: State) -> None:
    name = api.jobs.put(OWNER, state=state)
    answer = changed(api, what, name)
    assert (answer.status_code, answer.json()["state"]) == (200, state.value)
    assert api.jobs.wishes == []


@pytest.mark.parametrize(
    ("what", "state", "code"),
    [
        ("start", State.COUNTING, "not_counted"),
        ("start", State.PAUSED, "job_paused"),
        ("pause", State.COUNTING, "not_started"),
        ("pause", State.COUNTED, "not_started"),
        ("resume", State.COUNTING, "not_started"),
        ("resume", State.COUNTED, "not_started"),
        *(
            (what, state, "job_ended")
            for what in ("start", "pause", "resume")
            for state in (State.DONE, State.CANCELED)
        ),
        ("cancel", State.DONE, "job_ended"),
        ("cancel", State.FAILED, "job_ended"),
    ],
)
def test_what_cannot_be_is_a_conflict_with_its_code(api: MemoryApi, what: str, state: State, code: str) -> None:
    assert conflict(changed(api, what, api.jobs.put(OWNER, state=state))) == (code, None)
    assert api.jobs.wishes == []


def test_one_that_ends_before_it_hears_is_told_so(api: MemoryApi) -> None:
    def ends(known: AskedJob) -> Job:
        return replace(known.job, state=State.DONE)

    api.jobs.role = ends
    for what in ("pause", "cancel"):
        assert conflict(changed(api, what, api.jobs.put(OWNER))) == ("job_ended", None)
    resumed = changed(api, "resume", api.jobs.put(OWNER, state=State.PAUSED))
    assert (resumed.status_code, resumed.json()["state"]) == (200, "done")


def test_one_is_not_started_beside_another_of_its_webhook(api: MemoryApi) -> None:
    running = api.jobs.put(OWNER, "wh_1", state=State.PAUSED)
    counted = api.jobs.put(OWNER, "wh_1", state=State.COUNTED)
    assert conflict(changed(api, "start", counted)) == ("one_running", running)
    shown = api.client().get(f"/v1/jobs/{counted}").json()
    assert (shown["state"], shown["reason"], shown["other"]) == ("counted", "one_running", running)
    resend = api.jobs.put(OWNER, "wh_2", kind=Kind.RESEND)
    assert changed(api, "start", api.jobs.put(OWNER, "wh_2", state=State.COUNTED)).status_code == 200
    assert api.jobs.known[resend].job.state is State.RUNNING


@pytest.mark.parametrize(("body", "status"), [(b"{}", 400), (b"x", 400), (b"[]", 400)])
def test_nothing_is_said_in_a_body(api: MemoryApi, body: bytes, status: int) -> None:
    name = api.jobs.put(OWNER)
    headers = {"Content-Type": "application/json"}
    for what in ("start", "pause", "resume", "cancel"):
        answer = api.client().post(f"/v1/jobs/{name}/{what}", content=body, headers=headers)
        assert answer.status_code == status, what
    assert api.client().post(f"/v1/jobs/{name}/pause?force=1").status_code == 422
    assert api.jobs.wishes == []


def test_without_the_role_it_is_said_who_can_help(api: MemoryApi) -> None:
    name = api.jobs.put(OWNER)
    api.jobs.nobody()
    answer = changed(api, "pause", name)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "role jobs" in answer.json()["detail"]
    api.jobs.away = KafkaBroken("away")
    assert changed(api, "pause", name).status_code == 503


def test_why_it_stands_is_told_in_words(api: MemoryApi) -> None:
    name = api.jobs.put(OWNER, state=State.PAUSED, reason=Reason.ENDPOINT_FAILS)
    shown = api.client().get(f"/v1/jobs/{name}").json()
    assert shown["reason"] == "endpoint_fails"
    assert "test event" in shown["detail"]


def test_a_wish_by_an_idempotency_key_is_written_once(api: MemoryApi) -> None:
    api.jobs.role = idle
    name, client = api.jobs.put(OWNER), api.client()
    first = client.post(f"/v1/jobs/{name}/pause", headers={"Idempotency-Key": "k"})
    again = client.post(f"/v1/jobs/{name}/pause", headers={"Idempotency-Key": "k"})
    assert (again.text, again.headers["idempotency-replayed"]) == (first.text, "true")
    assert api.jobs.wishes == [(name, Wish.PAUSE)]
