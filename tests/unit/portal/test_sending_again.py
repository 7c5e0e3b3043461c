"""What was sent, sent again from the pages: one, those selected, what was missed; and the jobs that do it."""

from dataclasses import replace

import pytest
from msgspec import structs

from consumer.control.keys import Scope
from consumer.control.resend_now import Again
from consumer.jobs.conduct import AskedJob
from consumer.jobs.job import Answered, Chosen, Counts, Job, Kind, Matching, Missed, Reason, Sampled, State, Wish
from consumer.log.archive import Kept
from consumer.log.health import Health
from consumer.signing.timestamps import rfc3339
from consumer.standings.store import Backlog
from tests.attempts import plain
from tests.dead_letters import dead_letter
from tests.html import read
from tests.memory_api import OWNER
from tests.memory_jobs import at_once, idle
from tests.memory_log import DELIVERY
from tests.memory_portal import Browser, MemoryPortal, webhook
from tests.memory_topic import NOW_MS
from tests.sending_again import listed

FAILED = {"status": 500, "outcome": "dead", "reason": "exhausted", "number": 8}
SAMPLE = Sampled(event_id="evt-1", event_type="order.paid", at_ms=NOW_MS, delivery=DELIVERY)


def below(browser: Browser, location: str) -> str:
    return location.removeprefix(browser.base + "/")


def only(portal: MemoryPortal) -> AskedJob:
    [known] = portal.api.jobs.known.values()
    return known


def counts_twelve(known: AskedJob) -> Job:
    if known.job.state is not State.COUNTING:
        return at_once(known)
    skipped, types = {"delivered": 2, "waiting": 1}, {"order.paid": 7, "order.sent": 2}
    counted = Counts(looked=400, matched=15, skipped=skipped, types=types)
    return replace(known.job, state=State.COUNTED, counted=counted, sample=(SAMPLE,), reached_ms=NOW_MS)


# ── one delivery ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_failed_delivery_is_sent_again_and_its_result_stands_beside_it(
    portal: MemoryPortal, browser: Browser
) -> None:
    id_ = webhook(portal)
    failed = listed(portal.api, id_, **FAILED)
    path = f"webhooks/{id_}/deliveries/{failed}"
    page = browser.page(path)
    page.one("button", "Try now")
    page.one("button", "Send again")
    answer = browser.submit(page, f"{path}/resend")
    assert answer.status_code == 303
    known = only(portal)
    assert (known.asked.kind, known.asked.webhook, known.asked.wish) == (Kind.RESEND, id_, Wish.RUN)
    there = browser.page(below(browser, answer.headers["location"]))
    result = there.one("region", "Result")
    assert "It is sent again:" in result.text
    assert "not in the log yet" in result.text
    assert result.all("a")[0].attributes["href"] == f"{browser.base}/jobs/{known.asked.id}"
    portal.api.log.add(structs.replace(plain, subscription_id=id_, trigger="resend"), delivery_id="0" * 32)
    made = browser.page(below(browser, answer.headers["location"])).one("table", "Result")
    assert "Delivered" in made.text
    assert browser.submit(page, f"{path}/resend").headers["location"] == answer.headers["location"]
    assert len(portal.api.jobs.known) == 1


def test_what_was_accepted_is_sent_again_when_it_is_asked_for_twice(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    done = listed(portal.api, id_, status=200, outcome="delivered")
    path = f"webhooks/{id_}/deliveries/{done}"
    refused = browser.submit(browser.page(path), f"{path}/resend")
    assert refused.status_code == 409
    page = read(refused.text)
    assert "It was accepted before." in page.one("region", "Result").text
    page.one("button", "Send it again all the same")
    assert not portal.api.jobs.known
    fields = {"again": "1", "token": page.form(f"{browser.base}/{path}/resend")["token"], "once": "b" * 32}
    answer = browser.post(f"{path}/resend", fields)
    assert answer.status_code == 303
    assert only(portal).asked.again


def test_a_delivery_is_tried_now_also_while_its_webhook_is_suspended(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    failed = listed(portal.api, id_, **FAILED, request_headers=(("webhook-id", "e"),))
    portal.suspend(id_)

    def answer_now(again: Again) -> Kept:
        made = structs.replace(plain, subscription_id=id_, status=503, outcome="dead", response_body=b"<b>down</b>")
        portal.api.log.add(made, delivery_id=again.delivery.id)
        offset = len(portal.api.log.attempts) - 1
        return Kept(partition=3, offset=offset, logged_ms=NOW_MS, attempt=portal.api.log.attempts[offset])

    portal.api.plane.answer_now = answer_now
    path = f"webhooks/{id_}/deliveries/{failed}"
    page = browser.page(path)
    assert not page.find("button", "Send again")
    assert "This webhook is suspended. One attempt can be made all the same" in page.visible
    answer = browser.submit(page, f"{path}/now")
    assert answer.status_code == 303
    result = browser.page(below(browser, answer.headers["location"])).one("region", "Result")
    assert "Not accepted 503 Service Unavailable" in result.text
    assert "<b>down</b>" in result.raw
    assert "could not reach the endpoint" in result.text
    other = webhook(portal)
    tried = below(browser, answer.headers["location"]).partition("?")[2]
    there = listed(portal.api, other, **FAILED)
    assert not browser.page(f"webhooks/{other}/deliveries/{there}?{tried}").find("region", "Result")


def test_whoever_may_not_replay_has_no_button_and_is_refused(portal: MemoryPortal) -> None:
    id_ = webhook(portal)
    failed = listed(portal.api, id_, **FAILED)
    portal.suspend(id_)
    job = portal.api.jobs.put(OWNER, id_)
    browser = portal.enter(Scope.READ, Scope.WRITE, Scope.BODIES)
    for path in (f"webhooks/{id_}", f"webhooks/{id_}/deliveries/{failed}", "log", "failed", f"jobs/{job}"):
        page = browser.page(path)
        names = {page.name(each) for role in ("button", "link") for each in page.find(role)}
        assert not names & {
            "Send again", "Try now", "Send selected again", "Recover missed events", "Resume and recover", "Pause job",
            "Cancel job", "Go on",
        }, path  # fmt: skip
        assert not [each for each in page.find("checkbox") if page.name(each).startswith("Select ")], path
    form = browser.page(f"webhooks/{id_}").form(f"{browser.base}/webhooks/{id_}/resume")
    for path in ("log/resend", f"jobs/{job}/cancel", f"webhooks/{id_}/resume-and-recover", f"webhooks/{id_}/recover"):
        assert browser.post(path, form | {"delivery": f"{id_}/{failed}"}).status_code == 403, path
    writer = portal.enter(Scope.READ, Scope.REPLAY)
    form = writer.page(f"webhooks/{id_}/recover").form(f"{writer.base}/webhooks/{id_}/recover")
    assert writer.post(f"webhooks/{id_}/resume-and-recover", form | {"since": "2h"}).status_code == 403
    assert [each for each in portal.api.jobs.known.values() if each.asked.id != job] == []


def test_who_may_replay_and_not_read_is_shown_nothing_by_a_form(portal: MemoryPortal) -> None:
    id_ = webhook(portal)
    done = listed(portal.api, id_, status=200, outcome="delivered")
    browser = portal.enter(Scope.REPLAY)
    form = browser.page("log", 403).form(f"{browser.base}/look") | {"once": "e" * 32}
    del form["draft"]
    for path in (f"webhooks/{id_}/deliveries/{done}/resend", f"webhooks/{id_}/deliveries/{done}/now", "log/resend"):
        answer = browser.post(path, form | {"delivery": f"{id_}/{done}"})
        assert (answer.status_code, done in answer.text.replace(path, "")) == (403, False), path
    assert not portal.api.jobs.known


# ── selected ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_selected_deliveries_of_one_webhook_are_one_job(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    ids = [listed(portal.api, id_, **FAILED) for _ in range(3)]
    page = browser.page("log", status="failed")
    boxes = [each for each in page.find("checkbox") if page.name(each).startswith("Select ")]
    assert [each.attributes["value"] for each in boxes] == [f"{id_}/{each}" for each in reversed(ids)]
    page.one("button", "Send selected again")
    picked: dict[str, str | list[str]] = {"delivery": [f"{id_}/{each}" for each in ids[:2]]}
    answer = browser.submit(page, "log/resend", picked)
    known = only(portal)
    assert answer.headers["location"] == f"{browser.base}/jobs/{known.asked.id}"
    assert known.asked.kind is Kind.RESEND
    assert isinstance(known.asked.subject, Chosen)
    assert len(known.asked.subject.spots) == 2
    assert not known.asked.again
    assert browser.submit(page, "log/resend", picked).headers["location"] == answer.headers["location"]
    assert len(portal.api.jobs.known) == 1


def test_selected_deliveries_of_several_webhooks_and_those_that_are_not_sent(
    portal: MemoryPortal, browser: Browser
) -> None:
    one, other, paused = webhook(portal, name="One"), webhook(portal, name="Other"), webhook(portal, name="Paused")
    failed = {each: listed(portal.api, each, **FAILED) for each in (one, other, paused)}
    foreign = listed(portal.api, "wh_foreign", **FAILED, tenant="other")
    page = browser.page("log")
    portal.api.plane.webhooks.pause(OWNER, paused)
    fields: dict[str, str | list[str]] = {
        "delivery": [*(f"{key}/{value}" for key, value in failed.items()), f"wh_foreign/{foreign}", f"{one}/{foreign}"],
        "again": "1",
    }
    looked = portal.api.log.pages, portal.api.dead_letters.looked
    told = read(browser.submit(page, "log/resend", fields).text)
    assert (portal.api.log.pages, portal.api.dead_letters.looked) == (looked[0] + 1, looked[1] + 1)
    rows = {row.all("td")[0].text: row.all("td")[2].text for row in told.one("table", "Send again").all("tr")[1:]}
    assert rows["One"] == rows["Other"] == "Sent again: see the job"
    assert rows["Paused"].startswith("Not sent. The webhook is paused")
    assert "deleted" in rows["wh_foreign"]
    assert {each.asked.webhook for each in portal.api.jobs.known.values()} == {one, other}
    assert all(each.asked.again for each in portal.api.jobs.known.values())


def test_nothing_selected_and_too_much(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    listed(portal.api, id_, **FAILED)
    page = browser.page("log")
    none = browser.submit(page, "log/resend")
    assert none.status_code == 422
    assert "Nothing was selected" in read(none.text).visible
    many: dict[str, str | list[str]] = {"delivery": [f"{id_}/{number:032x}" for number in range(101)]}
    answer = browser.submit(page, "log/resend", many)
    assert "At most 100" in read(answer.text).visible
    assert not portal.api.jobs.known


def test_failed_deliveries_are_selected_and_sent_again(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    buried = dead_letter(1, id_)
    portal.api.dead_letters.add(buried)
    page = browser.page("failed")
    box = next(each for each in page.find("checkbox") if page.name(each).startswith("Select "))
    answer = browser.submit(page, "log/resend", {"delivery": box.attributes["value"]})
    known = only(portal)
    assert answer.headers["location"].endswith(known.asked.id)
    assert isinstance(known.asked.subject, Chosen)
    assert known.asked.subject.spots[0].offset == 0


# ── recover and replay ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_missed_is_counted_and_then_recovered(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal, name="Billing")
    portal.api.jobs.role = counts_twelve
    path = f"webhooks/{id_}/recover"
    page = browser.page(path)
    assert page.h1 == "Recover missed events"
    for role, name in [
        ("textbox", "Since"),
        ("textbox", "Until"),
        ("spinbutton", "Deliveries a second"),
        ("checkbox", "Also what was delivered before"),
        ("button", "Count"),
    ]:
        page.one(role, name)
    chips = [page.name(each) for each in page.find("link") if "chip" in each.attributes.get("class", "")]
    assert chips == ["Last hour", "Since it was created", "Before it existed"]
    answer = browser.submit(page, path, {"since": "2h", "rate": "20"})
    location = below(browser, answer.headers["location"])
    known = only(portal)
    assert isinstance(known.asked.subject, Missed)
    assert (known.asked.kind, known.asked.wish, known.asked.rate_per_s) == (Kind.RECOVER, Wish.COUNT, 20)
    counted = browser.page(location)
    assert counted.one("textbox", "Since").attributes["value"] == "2h"
    region = counted.one("region", "Counted")
    for said in (
        "12 events to recover",
        "Looked at400",
        "Delivered before2",
        "On their way1",
        "order.paid7",
        "Others3",
        "evt-1",
    ):
        assert said in region.text, said
    assert region.all("a")[0].attributes["href"].endswith(DELIVERY)
    counted.one("button", "Recover 12 events")
    started = browser.submit(counted, f"jobs/{known.asked.id}/start")
    assert started.headers["location"] == f"{browser.base}/jobs/{known.asked.id}"
    assert portal.api.jobs.wishes[-1] == (known.asked.id, Wish.RUN)
    assert browser.page(location).one("region", "Counted").all("button") == []


def test_deliveries_are_counted_and_sent_again(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    portal.api.jobs.role = counts_twelve
    path = f"webhooks/{id_}/replay"
    fields: dict[str, str | list[str]] = {
        "status": ["failed", "retrying"], "reason": "timeout", "type": "order.*", "again": "1",
    }  # fmt: skip
    answer = browser.submit(browser.page(path), path, fields)
    subject = only(portal).asked.subject
    assert isinstance(subject, Matching)
    assert (subject.statuses, subject.reasons, subject.types) == (
        frozenset({"failed", "retrying"}),
        frozenset({"timeout"}),
        ("order.*",),
    )
    assert only(portal).asked.again
    page = browser.page(below(browser, answer.headers["location"]))
    page.one("button", "Send 12 deliveries")
    assert "checked" in page.one("checkbox", "Retrying").attributes


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"since": ""}, "Since"),
        ({"since": "yesterday"}, "Since"),
        ({"since": "2h", "until": "2100-01-01"}, "Until"),
        ({"since": "2h", "rate": "0"}, "Deliveries a second"),
        ({"since": "2h", "rate": "9" * 40}, "Deliveries a second"),
        ({"since": "2h", "type": "a*b"}, "Event type"),
    ],
)
def test_what_cannot_be_counted_is_told_at_its_field(
    portal: MemoryPortal, browser: Browser, fields: dict[str, str], wrong: str
) -> None:
    id_ = webhook(portal)
    answer = browser.submit(browser.page(f"webhooks/{id_}/recover"), f"webhooks/{id_}/recover", fields)
    assert answer.status_code == 422
    alert = read(answer.text).find("alert")[0]
    assert [each.text for each in alert.all("a")] == [wrong]
    assert not portal.api.jobs.known


def test_a_count_that_is_hindered_names_the_job_that_is_in_the_way(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    portal.api.jobs.role = idle
    path = f"webhooks/{id_}/replay"
    first = browser.submit(browser.page(path), path)
    assert "Counting" in browser.page(below(browser, first.headers["location"])).one("region", "Counted").text
    again = browser.submit(browser.page(path), path)
    page = read(again.text)
    assert again.status_code == 409
    assert "The same is under way already." in page.visible
    assert page.one("link", "See the job that is in the way").attributes["href"].endswith(only(portal).asked.id)


def test_a_suspended_webhook_is_resumed_and_recovers(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    failing_ms = portal.now_ms() - 7_200_000
    portal.suspend(id_)
    portal.api.healths.known[id_] = Health(
        errors_since_last_success=214, failing_since_ms=failing_ms, last_attempt_at_ms=failing_ms
    )
    page = browser.page(f"webhooks/{id_}")
    wrong = page.one("region", "What is wrong")
    assert "214 failures in a row over" in wrong.text
    assert len(wrong.all("ol")[0].all("li")) == 3
    page.one("button", "Resume")
    page.one("button", "Resume and recover")
    path = f"webhooks/{id_}/resume-and-recover"
    since = page.form(f"{browser.base}/{path}")["since"]
    answer = browser.submit(page, path)
    known = only(portal)
    assert isinstance(known.asked.subject, Missed)
    webhook_ = portal.api.plane.webhooks.get(OWNER, id_)
    assert known.asked.subject.since_ms == webhook_.created_at_ms, "it missed nothing before it was there"
    assert str(since).endswith("Z")
    assert known.asked.wish is Wish.RUN
    assert answer.headers["location"].startswith(f"{browser.base}/jobs/{known.asked.id}")
    assert portal.api.plane.webhooks.get(OWNER, id_).status == "active"
    assert "What it missed is being sent" in browser.page(below(browser, answer.headers["location"])).visible


def test_what_is_recovered_is_older_than_the_first_failure(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    failing_ms = portal.api.plane.webhooks.get(OWNER, id_).created_at_ms + 86_400_000
    portal.suspend(id_)
    portal.api.healths.known[id_] = Health(failing_since_ms=failing_ms, last_attempt_at_ms=failing_ms)
    page = browser.page(f"webhooks/{id_}")
    for path in (f"webhooks/{id_}/resume-and-recover", f"webhooks/{id_}/recover"):
        assert page.form(f"{browser.base}/{path}")["since"] == rfc3339(failing_ms - 3_600_000)
        page = browser.page(f"webhooks/{id_}/recover")


def test_since_when_events_are_kept_is_told_and_nothing_older_is_counted(
    portal: MemoryPortal, browser: Browser
) -> None:
    id_ = webhook(portal)
    path = f"webhooks/{id_}/recover"
    assert "Events are kept since" not in browser.page(path).visible
    portal.api.kept_since_ms = portal.now_ms() - 3_600_000
    page = browser.page(path)
    assert "Events are kept since" in page.visible
    form = page.form(f"{browser.base}/{path}")
    for where in (path, f"webhooks/{id_}/resume-and-recover"):
        answer = browser.post(where, form | {"since": "2h"})
        assert answer.status_code == 422
        assert "events are kept since" in read(answer.text).visible
    assert not portal.api.jobs.known
    assert browser.submit(page, path, {"since": "30m"}).status_code == 303


def test_what_still_waits_is_told_of_a_suspended_webhook(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    portal.suspend(id_)
    assert "wait too" not in browser.page(f"webhooks/{id_}").one("region", "What is wrong").text
    portal.api.backlogs.known[id_] = Backlog(waiting=1_203)
    told = browser.page(f"webhooks/{id_}").one("region", "What is wrong").text
    assert "About 1,203 deliveries that were under way wait too." in told


def test_a_job_is_shown_as_a_whole_that_is_refreshed_at_once(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    portal.api.jobs.role = idle
    browser.submit(browser.page(f"webhooks/{id_}/recover"), f"webhooks/{id_}/recover", {"since": "2h"})
    page = browser.page(f"jobs/{only(portal).asked.id}")
    [part] = [each for each in page.all() if "data-fresh" in each.attributes]
    assert part.attributes["data-fresh"] == "1"
    for role, name in (("region", "State"), ("progressbar", "Progress"), ("button", "Cancel job")):
        assert page.one(role, name) in part.all(), name


def test_a_resumption_with_a_wrong_time_changes_nothing(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    portal.suspend(id_)
    path = f"webhooks/{id_}/resume-and-recover"
    answer = browser.submit(browser.page(f"webhooks/{id_}"), path, {"since": "never"})
    assert (answer.status_code, read(answer.text).h1) == (422, "Recover missed events")
    assert portal.api.plane.webhooks.get(OWNER, id_).status == "suspended"
    assert not portal.api.jobs.known


# ── jobs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_of_jobs(portal: MemoryPortal, browser: Browser) -> None:
    assert "No jobs yet" in browser.page("jobs").visible
    id_ = webhook(portal, name="Billing")
    portal.api.jobs.role = idle
    for number in range(23):
        portal.api.jobs.put(OWNER, id_ if number else "wh_gone", counts=Counts(sent=number))
    portal.api.jobs.put(replace(OWNER, tenant="other"), id_)
    page = browser.page("jobs")
    assert page.h1 == "Jobs"
    rows = page.one("table", "Jobs").all("tr")[1:]
    assert len(rows) == 20
    assert rows[0].all("td")[3].text == "22"
    following = browser.page(below(browser, page.one("link", "Next").attributes["href"]))
    assert len(following.one("table", "Jobs").all("tr")) == 4
    assert "deleted" in following.visible
    assert browser.get("jobs", cursor="nonsense").status_code == 303


def test_one_job_and_what_may_be_done_with_it(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal, name="Billing")
    portal.api.jobs.role = idle
    counts = Counts(looked=500, matched=100, sent=40, skipped={"delivered": 3})
    job = portal.api.jobs.put(OWNER, id_, subject=Chosen(spots=()), counts=counts, started_at_ms=NOW_MS)
    portal.api.jobs.made_of[job] = Answered(tried=30, attempts=33, delivered=25, failed=1, streak=0)
    page = browser.page(f"jobs/{job}")
    assert page.h1 == "Job"
    bar = page.one("progressbar", "Progress")
    assert bar.attributes["max"] == "100"
    text = page.one("region", "Counts").text
    for said in ("Looked at500", "Sent40", "Delivered25", "Not accepted yet4", "Given up1", "Delivered before3"):
        assert said in text, said
    page.one("button", "Pause job")
    page.one("button", "Cancel job")
    assert not page.find("button", "Go on")
    assert browser.submit(page, f"jobs/{job}/pause").headers["location"] == f"{browser.base}/jobs/{job}"
    paused = browser.page(f"jobs/{job}")
    assert "Paused" in paused.visible
    browser.submit(paused, f"jobs/{job}/resume")
    browser.submit(browser.page(f"jobs/{job}"), f"jobs/{job}/cancel")
    done = browser.page(f"jobs/{job}")
    assert "Canceled" in done.visible
    assert not done.find("button", "Pause job")
    late = browser.submit(page, f"jobs/{job}/pause", {"once": "c" * 32})
    assert late.status_code == 409
    assert "nothing more comes of it" in read(late.text).visible


def test_a_job_that_stopped_itself_says_why(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    job = portal.api.jobs.put(OWNER, id_, state=State.PAUSED, reason=Reason.ENDPOINT_FAILS)
    page = browser.page(f"jobs/{job}")
    assert "Its last 20 attempts failed, so it paused itself." in page.visible
    page.one("button", "Go on")


def test_nobody_who_sends_again_is_told(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    page = browser.page(f"webhooks/{id_}/recover")
    portal.api.jobs.nobody()
    answer = browser.submit(page, f"webhooks/{id_}/recover", {"since": "2h"})
    assert (answer.status_code, read(answer.text).h1) == (503, "Nothing can be sent again right now")


def test_a_product_narrows_jobs(portal: MemoryPortal) -> None:
    ours, theirs = webhook(portal, product="shop"), webhook(portal, product="blog")
    jobs = [portal.api.jobs.put(OWNER, each) for each in (ours, theirs)]
    browser = portal.enter(product="shop")
    assert len(browser.page("jobs").one("table", "Jobs").all("tr")) == 2
    assert [browser.get(f"jobs/{each}").status_code for each in jobs] == [200, 404]
    failed = listed(portal.api, theirs, **FAILED)
    form = browser.page("log").form(f"{browser.base}/look")
    posted = browser.post("log/resend", {**form, "draft": "", "once": "d" * 32, "delivery": f"{theirs}/{failed}"})
    assert "deleted" in read(posted.text).visible
    assert len(portal.api.jobs.known) == 2
