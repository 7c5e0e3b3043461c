"""A test event: chosen, edited, sent, and its answer in place."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.responses import Response

from consumer.control.trial import Trial
from consumer.control.work import Work
from consumer.log.entry import Trigger
from consumer.log.explanation import of_attempt
from consumer.log.query import Query, View
from consumer.log.resource import told as told_explanation
from consumer.log.resource import told_failure
from consumer.portal import logs
from consumer.portal.answering import Done, page
from consumer.portal.faults import by_field
from consumer.portal.json_layout import laid_out
from consumer.portal.log_page import Option
from consumer.portal.log_rows import Answered, LogRow, answered, duration, log_row
from consumer.portal.names import Named, named
from consumer.portal.preview import sample_text
from consumer.portal.told import Explanation, explanation_of
from consumer.portal.visit import Visit
from consumer.portal.words import words
from consumer.shares import Busy
from consumer.webhooks.cache import CacheUnavailable
from consumer.webhooks.subscription import Status, Subscription
from consumer.webhooks.wrong import Code, Faults, FieldInvalid, invalid

TESTS_LISTED: Final = 10
DATA_MOST_BYTES: Final = 65_536
_SAMPLES_MOST: Final = 32_768
_TYPE: Final = "webhook.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """An event type to be tried. `data` is empty where all samples together are too large for a page."""

    type: str
    data: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a test. `code` is what HTTP calls it, or why there was no answer."""

    accepted: bool
    answer: Answered
    duration: str
    body: str
    truncated: bool
    why: Explanation | None
    attempt_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestView:
    """The page. `tests` of None: the log cannot be read. `chosen_other` is a type that is not in the list."""

    __test__ = False  # pytest takes it for a test by its name

    named: Named
    webhook_url: str
    action: str
    samples: tuple[Sample, ...]
    open: bool
    type: str
    data: str
    result: Result | None
    tests: tuple[LogRow, ...] | None
    inactive: Option | None
    wrong: dict[str, str]


def show(visit: Visit) -> Response:
    """The form."""
    subscription = visit.webhook(visit.params["webhook"])
    wanted = visit.query.get("type") or next((each for each in subscription.event_types if "*" not in each), _TYPE)
    try:
        data = sample_text(wanted, visit.brand)
    except FieldInvalid:
        wanted = _TYPE
        data = sample_text(wanted, visit.brand)
    return _page(visit, subscription, wanted, data)


def drafted(visit: Visit) -> Response:
    """The form with the sample of the type that was chosen."""
    subscription, chosen = visit.webhook(visit.params["webhook"]), visit.form.get("type")
    try:
        data = sample_text(chosen, visit.brand)
    except FieldInvalid as error:
        return _page(visit, subscription, chosen, visit.form.raw("data"), wrong=by_field(error.wrong))
    return _page(visit, subscription, chosen, data)


def send(visit: Visit, _work: Work) -> Done | Response:
    """Send it, and show what came of it."""
    subscription, chosen = visit.webhook(visit.params["webhook"]), visit.form.get("type")
    typed = visit.form.raw("data").strip()
    try:
        data = _data(typed, visit.form.get("sample"), chosen, visit)
        trial = visit.services.plane.try_out(subscription, chosen, data)
    except FieldInvalid as error:
        return _page(visit, subscription, chosen, typed, wrong=by_field(error.wrong))
    except Busy:
        wrong = {"type": str(words().say("test.busy"))}
        return _page(visit, subscription, chosen, typed, wrong=wrong, status=HTTPStatus.TOO_MANY_REQUESTS)
    shown = typed if data is not None else sample_text(chosen, visit.brand)
    answer = _page(visit, subscription, chosen, shown, result=result_of(visit, trial))
    then = f"webhooks/{subscription.id}/test" if trial.attempt_id is None else f"attempts/{trial.attempt_id}"
    return Done(then=then, answer=answer)


def _data(typed: str, of: str, chosen: str, visit: Visit) -> bytes | None:
    """What the event is to tell; None: its sample, which is also meant where the text is still that of another type.

    Raises:
        FieldInvalid: it is no JSON object, or too large.
    """
    if not typed or (typed.replace("\r\n", "\n") == _sample_or_none(of, visit) and of != chosen):
        return None
    faults = Faults()
    data = typed.encode("utf-8", "replace")
    if len(data) > DATA_MOST_BYTES:
        faults.add(*invalid("data", Code.TOO_LONG, "may have 64 KiB").wrong)
    else:
        try:
            msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        except msgspec.DecodeError:
            faults.add(*invalid("data", Code.MALFORMED, 'must be a JSON object, as in {"order": 42}').wrong)
    faults.tell()
    return data


def _sample_or_none(event_type: str, visit: Visit) -> str | None:
    try:
        return sample_text(event_type, visit.brand)
    except FieldInvalid:
        return None


def _page(
    visit: Visit,
    subscription: Subscription,
    chosen: str,
    data: str,
    *,
    result: Result | None = None,
    wrong: dict[str, str] | None = None,
    status: HTTPStatus | None = None,
) -> Response:
    inactive = subscription.status is not Status.ACTIVE
    view = TestView(
        named=named(subscription),
        webhook_url=visit.url(f"webhooks/{subscription.id}"),
        action=visit.url(f"webhooks/{subscription.id}/test"),
        samples=_samples(visit, chosen),
        open=visit.brand.closed_catalogue is None,
        type=chosen,
        data=data,
        result=result,
        tests=_tests(visit, subscription),
        inactive=Option(value="", label=words().say(f"test.{subscription.status}"), chosen=True) if inactive else None,
        wrong=wrong or {},
    )
    status = status or (HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK)
    return page(visit, "test.html", view, title=words().say("test.title"), tab="webhooks", status=status)


def _samples(visit: Visit, chosen: str) -> tuple[Sample, ...]:
    texts = {each.type: sample_text(each.type, visit.brand) for each in visit.brand.catalogue}
    fits = sum(map(len, texts.values())) <= _SAMPLES_MOST
    return tuple(Sample(type=type_, data=text if fits else "", chosen=type_ == chosen) for type_, text in texts.items())


def _tests(visit: Visit, subscription: Subscription) -> tuple[LogRow, ...] | None:
    query = Query(webhooks=frozenset({subscription.id}), triggers=frozenset({Trigger.TEST}))
    try:
        found = logs.rows(visit, View.ATTEMPTS, query, limit=TESTS_LISTED).rows
    except (CacheUnavailable, Busy):
        return None
    known, sight = {subscription.id: subscription}, logs.sight(visit)
    return tuple(log_row(row, View.ATTEMPTS, sight, known, visit.url) for row in found)


def result_of(visit: Visit, trial: Trial) -> Result:
    """What came of a test, as pages show it."""
    failure = None if trial.failure is None else told_failure(trial.failure)
    said = answered(trial.status, failure, None)
    return Result(
        accepted=trial.delivered,
        answer=said,
        duration=duration(trial.elapsed_ms) if trial.elapsed_ms else "",
        body=laid_out(trial.text) or trial.text,
        truncated=trial.truncated,
        why=explanation_of(told_explanation(of_attempt(trial.status, trial.failure))),
        attempt_url=None if trial.attempt_id is None else visit.url(f"attempts/{trial.attempt_id}"),
    )
