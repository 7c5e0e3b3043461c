"""What a command says of jobs becomes what a request says, and an answer what a command prints."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from consumer.cli import job_view, jobs, sending_again
from consumer.cli.access import Access
from consumer.cli.job_port import JobPort, Pace, RecoveryWanted, ReplayWanted
from consumer.cli.remote_jobs import RemoteJobs, recovery_body, replay_body
from consumer.json import Json
from consumer.replay.plan import Place
from tests.commands import call
from tests.over_api import answered

JOB: dict[str, Json] = {
    "id": "job_1",
    "object": "job",
    "kind": "replay",
    "webhook": "wh_1",
    "filter": {"status": ["failed"], "type": ["a\x1b.b"]},
    "state": "done",
    "reason": None,
    "detail": None,
    "counts": {"looked": 9, "matched": 7, "sent": 5, "delivered": 4, "failed": None, "skipped": {"waiting": 2}},
    "counted": None,
    "progress": 1.0,
    "remainingSeconds": None,
    "sample": [{"delivery": None, "eventId": "e\x1b[2J", "type": "a.b", "at": "2026-01-31T12:00:00.000Z"}],
    "createdAt": "2026-01-31T12:00:00.000Z",
}


class Api:
    """Answers as a test says, one answer after the other; the last one again and again. Keeps what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, str, Json]] = []
        self.answers: list[tuple[int, Json]] = [(200, dict(JOB))]
        self._stack = ExitStack()
        client = self._stack.enter_context(answered(self._answer))
        port = RemoteJobs(client)

        @contextmanager
        def there(access: Access | None, *, of_a_webhook: bool = False) -> Iterator[JobPort]:
            del access, of_a_webhook
            yield port

        for module in (jobs, sending_again):
            monkeypatch.setattr(module, "jobs", there)
        monkeypatch.setattr(job_view, "_EVERY_S", 0.0)

    def says(self, *answers: tuple[int, Json]) -> None:
        self.answers = list(answers)
        self.asked.clear()

    def close(self) -> None:
        self._stack.close()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        body: Json = json.loads(request.content) if request.content else None
        self.asked.append((request.method, request.url.raw_path.decode(), body))
        status, answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, str):
            assert answer == "ctrl-c"
            raise KeyboardInterrupt
        return httpx.Response(status, json=answer)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    made = Api(monkeypatch)
    yield made
    made.close()


@pytest.fixture
def hookline(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*tokens: str) -> tuple[int, str, str]:
        code = call(tokens)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def standing(state: str, **changes: Json) -> tuple[int, Json]:
    return 200, JOB | {"state": state} | changes


def test_a_body_says_what_was_said_and_no_more() -> None:
    assert replay_body(ReplayWanted()) == {"filter": {}}
    assert replay_body(
        ReplayWanted(
            status=("failed", "retrying"),
            code=("5xx",),
            reason=("timeout",),
            type=("order.*",),
            since="2h",
            until="1h",
            position=Place.AFTER,
            pace=Pace(again=True, rate_per_s=5, dry_run=True),
        )
    ) == {
        "filter": {
            "status": ["failed", "retrying"],
            "code": ["5xx"],
            "reason": ["timeout"],
            "type": ["order.*"],
            "since": "2h",
            "until": "1h",
        },
        "position": "after",
        "again": True,
        "ratePerS": 5,
        "dryRun": True,
    }
    assert replay_body(ReplayWanted(deliveries=("d1", "d2"))) == {"deliveries": ["d1", "d2"]}
    assert recovery_body(RecoveryWanted(since="2h")) == {"since": "2h"}
    assert recovery_body(RecoveryWanted(since="2h", until="1h", types=("a",), pace=Pace(dry_run=True))) == {
        "since": "2h",
        "until": "1h",
        "types": ["a"],
        "dryRun": True,
    }


def test_a_replay_is_followed_until_it_is_done(api: Api, hookline: Callable[..., tuple[int, str, str]]) -> None:
    api.says(standing("running"), standing("running"), standing("done"))
    code, out, _ = hookline("replay", "wh_1", "--code", "5xx", "--rate", "9", "--json")
    assert (code, json.loads(out)) == (os.EX_OK, JOB)
    assert api.asked == [
        ("POST", "/v1/webhooks/wh_1/replay", {"filter": {"code": ["5xx"]}, "ratePerS": 9}),
        ("GET", "/v1/jobs/job_1", None),
        ("GET", "/v1/jobs/job_1", None),
    ]
    api.says(standing("running"))
    assert hookline("recover", "wh_1", "--since", "2h", "--type", "a.*", "--no-wait", "--json")[0] == os.EX_OK
    assert api.asked == [("POST", "/v1/webhooks/wh_1/recover", {"since": "2h", "types": ["a.*"]})]


@pytest.mark.parametrize(
    ("state", "code", "said"),
    [
        ("done", os.EX_OK, ""),
        ("counted", os.EX_OK, "hookline jobs start job_1 --api …"),
        ("paused", os.EX_TEMPFAIL, "hookline jobs resume job_1 --api …"),
        ("canceled", os.EX_TEMPFAIL, ""),
        ("failed", os.EX_UNAVAILABLE, ""),
    ],
)
def test_the_exit_code_says_what_came_of_it(
    state: str, code: int, said: str, api: Api, hookline: Callable[..., tuple[int, str, str]]
) -> None:
    api.says(standing(state))
    for command in (["recover", "wh_1", "--since", "2h"], ["jobs", "watch", "job_1"], ["jobs", "start", "job_1"]):
        found, _, err = hookline(*command)
        assert found == code
        assert said in err
    assert hookline("jobs", "watch", "job_1", "--json")[0] == code


def test_ctrl_c_leaves_the_job_and_says_how_to_end_it(api: Api, hookline: Callable[..., tuple[int, str, str]]) -> None:
    for command in (["replay", "wh_1"], ["jobs", "watch", "job_1"], ["jobs", "resume", "job_1"], ["resend", "d1"]):
        api.says(standing("running"), (200, "ctrl-c"))
        code, out, err = hookline(*command)
        assert (code, out) == (130, "")
        assert "job_1 goes on without you" in err
        assert "`hookline jobs cancel job_1 --api …`" in err


def test_a_job_commands_no_terminal(api: Api, hookline: Callable[..., tuple[int, str, str]]) -> None:
    _, out, _ = hookline("jobs", "show", "job_1")
    assert "\x1b" not in out
    assert "e\\u001b[2J" in out
    assert "skipped: waiting" in out
    assert "object" not in out


def test_a_count_says_what_would_be_sent(api: Api, hookline: Callable[..., tuple[int, str, str]]) -> None:
    counted: Json = {"looked": 9, "matched": 7, "sent": 0, "skipped": {"waiting": 2}}
    api.says(standing("counted", counted=counted))
    _, out, _ = hookline("replay", "wh_1", "--dry-run")
    figures = dict(line.rsplit(maxsplit=1) for line in out.splitlines() if line and "\t" not in line)
    assert (figures["would be sent"], figures["skipped: waiting"], figures["looked at"]) == ("5", "2", "9")
    assert "delivered" not in figures


def test_jobs_are_listed_chosen_and_changed(api: Api, hookline: Callable[..., tuple[int, str, str]]) -> None:
    page: Json = {"object": "list", "data": [dict(JOB), JOB | {"id": "job_2"}], "nextCursor": None}
    api.says((200, page))
    _, out, _ = hookline("jobs", "list", "--webhook", "wh_1", "--state", "done", "--limit", "1", "--json")
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["job_1"]
    assert api.asked == [("GET", "/v1/jobs?limit=100&webhook=wh_1&state=done", None)]
    _, out, _ = hookline("jobs", "list")
    assert [line.split()[1] for line in out.splitlines()] == ["ID", "job_1", "job_2"]
    for change in ("pause", "cancel"):
        api.says(standing("paused"))
        assert hookline("jobs", change, "job_1", "--json")[0] == os.EX_OK
        assert api.asked == [("POST", f"/v1/jobs/job_1/{change}", None)]


def test_watching_as_json_is_a_line_for_each_step(api: Api, hookline: Callable[..., tuple[int, str, str]]) -> None:
    further: Json = {"looked": 1, "sent": 1}
    api.says(standing("running"), standing("running"), standing("running", counts=further), standing("done"))
    _, out, _ = hookline("jobs", "watch", "job_1", "--json")
    assert [json.loads(line)["state"] for line in out.splitlines()] == ["running", "running", "done"]


def problem(status: int, detail: str, **more: Json) -> tuple[int, Json]:
    return status, {"type": "about:blank", "title": "No", "status": status, "detail": detail, **more}


def test_refusals_are_told_in_the_words_of_the_flags(api: Api, hookline: Callable[..., tuple[int, str, str]]) -> None:
    wrong: Json = [
        {"field": "filter.since", "code": "malformed", "message": "is no moment"},
        {"field": "ratePerS", "code": "out_of_range", "message": "is at most 1000"},
        {"field": "deliveries.0", "code": "not_a_choice", "message": "is no delivery"},
    ]
    api.says(problem(422, "wrong", errors=wrong))
    code, _, err = hookline("replay", "wh_1", "--json")
    assert code == os.EX_DATAERR
    assert [each["field"] for each in json.loads(err)["error"]["errors"]] == ["--since", "--rate", "--delivery"]
    api.says(problem(409, "Another job runs.", code="one_running", job="job_9"))
    code, _, err = hookline("replay", "wh_1")
    assert (code, err) == (os.EX_TEMPFAIL, "hookline: Another job runs. (job_9)\n")
    api.says(problem(404, "nothing here"))
    for command, said in (
        (("replay", "wh_1"), "wh_1"),
        (("resend", "d1"), "there is no delivery d1"),
        (("jobs", "show", "job_1"), "there is no job job_1"),
        (("jobs", "pause", "job_1"), "there is no job job_1"),
    ):
        code, _, err = hookline(*command)
        assert code == os.EX_DATAERR
        assert said in err


def sent(number: int, **skipped: Json) -> Json:
    return {"sent": number, "skipped": skipped}


def test_a_resend_ends_well_when_it_was_sent(api: Api, hookline: Callable[..., tuple[int, str, str]]) -> None:
    api.says(standing("running"), standing("done", counts=sent(1)))
    assert hookline("resend", "d/1", "--again", "--webhook", "wh_1")[0] == os.EX_OK
    assert api.asked[0] == ("POST", "/v1/deliveries/d%2F1/resend?webhook=wh_1", {"again": True})


@pytest.mark.parametrize(("outcome", "code"), [("delivered", os.EX_OK), ("dead", os.EX_UNAVAILABLE)])
def test_a_resend_now_is_one_attempt_and_ends_as_that_did(
    api: Api, hookline: Callable[..., tuple[int, str, str]], outcome: str, code: int
) -> None:
    response: Json = {"headers": [], "body": "no\x1b[2J"}
    api.says((200, {"id": "att_1", "object": "attempt", "outcome": outcome, "response": response}))
    found, out, err = hookline("resend", "d1", "--now")
    assert err == ""
    assert (found, api.asked[0]) == (code, ("POST", "/v1/deliveries/d1/resend", {"now": True}))
    assert "no\\u001b[2J" in out


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (standing("done", counts=sent(0, delivered=1)), os.EX_TEMPFAIL, "it was accepted: ask with --again"),
        (standing("done", counts=sent(0, already_replayed=1)), os.EX_TEMPFAIL, "--again"),
        (standing("done", counts=sent(0, replay_limit=1)), os.EX_TEMPFAIL, "HOOKLINE_MAX_REPLAYS"),
        (standing("done", counts=sent(0, waiting=1)), os.EX_TEMPFAIL, "it is on its way"),
        (standing("done", counts=sent(0, not_kept=1)), os.EX_DATAERR, "publish the event anew"),
        (standing("done", counts=sent(0)), os.EX_DATAERR, "publish the event anew"),
        (standing("failed", detail="It broke."), os.EX_TEMPFAIL, "It broke."),
    ],
)
def test_a_resend_that_sent_nothing_fails_and_says_why(
    answer: tuple[int, Json], code: int, said: str, api: Api, hookline: Callable[..., tuple[int, str, str]]
) -> None:
    api.says(answer)
    found, out, err = hookline("resend", "d1")
    assert (found, out) == (code, "")
    assert said in err


def test_a_resend_that_paused_itself_is_taken_back(api: Api, hookline: Callable[..., tuple[int, str, str]]) -> None:
    api.says(standing("paused", detail="The webhook is paused."), standing("canceled"))
    code, _, err = hookline("resend", "d1")
    assert (code, err) == (os.EX_TEMPFAIL, "hookline: The webhook is paused.\n")
    assert api.asked[-1] == ("POST", "/v1/jobs/job_1/cancel", None)


@pytest.mark.parametrize(
    ("tokens", "flag"),
    [
        (("replay", "wh_1", "--delivery", "d1", "--code", "5xx"), "--delivery"),
        (("replay", "wh_1", "--rate", "0"), "--rate"),
        (("recover", "wh_1", "--since", "2h", "--rate", "1001"), "--rate"),
        (("replay", "wh_1", "--status", "lost"), "--status"),
        (("recover", "wh_1"), "--since"),
        (("jobs", "list", "--state", "refused"), "--state"),
        (("jobs", "list", "--limit", "0"), "--limit"),
    ],
)
def test_a_wrong_use_exits_64_and_asks_nobody(
    tokens: tuple[str, ...], flag: str, api: Api, hookline: Callable[..., tuple[int, str, str]]
) -> None:
    code, out, err = hookline(*tokens, "--json")
    assert (code, out, api.asked) == (os.EX_USAGE, "", [])
    assert flag in err
