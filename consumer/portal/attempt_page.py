"""One attempt: why it failed, what was sent, what came back, how long it took, and what its receiver checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from consumer.api.problem import Refusal
from consumer.control.keys import Scope
from consumer.delivery.delivery import Bodies
from consumer.log.attempt_id import attempt_id
from consumer.log.entry import Ended, Trigger
from consumer.log.query import Query, Row, View
from consumer.log.resource import attempt_detail, request_kept, response_kept
from consumer.portal import logs, pills
from consumer.portal.answering import page
from consumer.portal.bodies import RAW, Body, body_of, weight
from consumer.portal.log_rows import Answered, answered, duration, ms_of
from consumer.portal.names import Named, named
from consumer.portal.pills import Pill
from consumer.portal.report import report
from consumer.portal.signature_check import check_of
from consumer.portal.timeline import Planned, planned_of
from consumer.portal.times import Moment, moment
from consumer.portal.told import Attempt, Explanation, Header, Signature, attempt_told
from consumer.portal.visit import Visit
from consumer.portal.waterfall import Waterfall, waterfall
from consumer.portal.words import words
from consumer.webhooks.cache import CacheUnavailable

_ATTEMPTS_MOST: Final = 100
_BYTES: Final = "application/octet-stream"
_HEADERS_MOST: Final = 8_192
"""Characters of them on a page; an endpoint may answer with eight times as many."""
_REQUEST_MOST: Final = 240_000
"""Bytes of the page for what was sent, laid out."""
_BODIES_MOST: Final = 400_000
"""Those for both bodies, and for the command that has the request's once more."""
_LINE: Final = 40
"""What a header costs besides its characters."""
_ENDED: Final = {"delivered": Ended.DELIVERED, "retry": Ended.RETRY, "dead": Ended.DEAD}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request or an answer. `line` is what HTTP begins it with; `more`: it has more headers than are shown."""

    line: str
    headers: tuple[Header, ...]
    more: bool
    body: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """The page. `previous_url` and `next_url` are tries of the same delivery."""

    id: str
    type: str
    event_id: str
    number: int
    outcome: Pill
    trigger: Pill | None
    answer: Answered
    duration: str
    at: Moment
    webhook: Named | None
    webhook_id: str
    webhook_url: str | None
    delivery_url: str
    verify_url: str | None
    log_url: str
    why: Explanation | None
    request: Sent
    response: Sent | None
    timing: Waterfall
    signature: Signature | None
    check: str | None
    planned: tuple[Planned, ...]
    kept_until: Moment | None
    curl: str | None
    report: str
    bodies: bool
    previous_url: str | None
    next_url: str | None


def show(visit: Visit) -> Response:
    """The page."""
    kept = logs.kept(visit, visit.params["attempt"])
    told = attempt_told(attempt_detail(kept, logs.sight(visit)))
    view = _view(visit, told)
    return page(visit, "attempt.html", view, title=words().say("attempt.title"), tab="log")


def request_body(visit: Visit) -> Response:
    """What was sent, as a file."""
    attempt = logs.kept(visit, visit.params["attempt"]).attempt
    return _download(attempt.request_body, request_kept(attempt), "request")


def response_body(visit: Visit) -> Response:
    """What came back, as a file."""
    attempt = logs.kept(visit, visit.params["attempt"]).attempt
    return _download(attempt.response_body, response_kept(attempt), "response")


_WHY_NOT: Final = {Bodies.ERASED: "body.erased", Bodies.LOCKED: "body.locked"}


def _download(body: bytes, kept: Bodies, of: str) -> Response:
    """Bytes that others wrote: no browser shows them, or guesses what they are."""
    if not kept.there:
        raise Refusal(HTTPStatus.GONE, str(words().say(_WHY_NOT.get(kept, "body.not_kept"))))
    name = f"{of}-body-redacted.bin" if kept is Bodies.REDACTED else f"{of}-body.bin"
    named_ = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=_BYTES, headers=named_, status_code=HTTPStatus.OK)


def _view(visit: Visit, told: Attempt) -> AttemptView:
    now_ms, bodies = visit.now_ms, visit.may(Scope.BODIES)
    webhook = visit.webhook_if_any(told.webhook)
    previous, following = _beside(visit, told)
    request, response = _request(visit, told), _response(visit, told)
    return AttemptView(
        id=told.id,
        type=told.type,
        event_id=told.event_id,
        number=told.number,
        outcome=pills.of_end(_ENDED[told.outcome]),
        trigger=pills.of_trigger(Trigger[told.trigger.upper()])
        if told.trigger.upper() in Trigger.__members__
        else None,
        answer=answered(told.status, told.failure, told.reason),
        duration=duration(told.elapsed_ms),
        at=moment(ms_of(told.at) or 0, now_ms),
        webhook=None if webhook is None else named(webhook),
        webhook_id=told.webhook,
        webhook_url=None if webhook is None else visit.url(f"webhooks/{told.webhook}"),
        delivery_url=visit.url(f"webhooks/{told.webhook}/deliveries/{told.delivery}"),
        verify_url=None if webhook is None else visit.url(f"webhooks/{told.webhook}/verify"),
        log_url=visit.url("log"),
        why=told.explanation,
        request=request,
        response=response,
        timing=waterfall(told.timing),
        signature=told.signature,
        check=_check(told),
        planned=planned_of(told, now_ms),
        kept_until=None if (until_ms := ms_of(told.kept_until)) is None else moment(until_ms, now_ms),
        curl=_curl(told, request, response),
        report=report(told),
        bodies=bodies,
        previous_url=previous,
        next_url=following,
    )


def _curl(told: Attempt, request: Sent, response: Sent | None) -> str | None:
    """The command, where the page has room for it."""
    texts = [told.curl, request.body.text, None if response is None else response.body.text]
    return told.curl if sum(weight(each) for each in texts if each is not None) <= _BODIES_MOST else None


def _check(told: Attempt) -> str | None:
    if told.signature is None or told.request.body_kept != Bodies.WHOLE:
        return None
    return check_of(told.signature, told.request.headers)


def _request(visit: Visit, told: Attempt) -> Sent:
    body = body_of(
        told.request,
        raw=visit.query.get("request") == RAW,
        page_url=visit.url(visit.path) + "#request",
        layout_most=_REQUEST_MOST,
        download_url=visit.url(f"attempts/{told.id}/request-body") if visit.may(Scope.BODIES) else None,
    )
    headers, more = _first(told.request.headers)
    return Sent(line=f"{told.request.method} {told.url}", headers=headers, more=more, body=body)


def _response(visit: Visit, told: Attempt) -> Sent | None:
    response = told.response
    if response is None:
        return None
    body = body_of(
        response,
        raw=visit.query.get("response") == RAW,
        page_url=visit.url(visit.path) + "#response",
        download_url=visit.url(f"attempts/{told.id}/response-body") if visit.may(Scope.BODIES) else None,
    )
    said = answered(response.status, None, None)
    headers, more = _first(response.headers)
    return Sent(line=f"{said.code} {said.text}".strip(), headers=headers, more=more, body=body)


def _first(headers: Sequence[Header]) -> tuple[tuple[Header, ...], bool]:
    """As many of them as a page has room for, the last one perhaps cut; and whether there are more."""
    found: list[Header] = []
    left = _HEADERS_MOST
    for each in headers:
        if len(each.name) + len(each.value) > left:
            name = each.name[:left]
            found.append(Header(name=name, value=each.value[: left - len(name)]))
            return tuple(found), True
        found.append(each)
        left = max(0, left - len(each.name) - len(each.value) - _LINE)
    return tuple(found), False


def _beside(visit: Visit, told: Attempt) -> tuple[str | None, str | None]:
    """The tries before and after it, as far as the log lists them."""
    query = Query(deliveries=frozenset({told.delivery}), webhooks=frozenset({told.webhook}))
    try:
        found = logs.rows(visit, View.ATTEMPTS, query, limit=_ATTEMPTS_MOST).rows
    except CacheUnavailable:
        return None, None
    earlier = max((row for row in found if row.entry.number < told.number), key=_number, default=None)
    later = min((row for row in found if row.entry.number > told.number), key=_number, default=None)
    return _url(visit, earlier), _url(visit, later)


def _number(row: Row) -> int:
    return row.entry.number


def _url(visit: Visit, row: Row | None) -> str | None:
    if row is None:
        return None
    entry = row.entry
    id_ = attempt_id(partition=row.partition, offset=entry.offset, delivery_id=entry.delivery)
    return visit.url(f"attempts/{id_}")
