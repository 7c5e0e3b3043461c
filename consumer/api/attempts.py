"""The routes of attempts: a customer's own, listed, looked at, downloaded.

The law: an attempt is the caller's when its event was for the caller's tenant and its webhook under the caller's brand;
there are no others here.
"""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Path, Query
from starlette.responses import Response, StreamingResponse

from consumer.api import answers
from consumer.api.call import needs
from consumer.api.documents import problems
from consumer.api.log_export import CSV, JSON_LINES, exported
from consumer.api.log_models import Attempt, AttemptQuery, AttemptRow, ExportQuery, LogPage
from consumer.api.log_pages import listed, listing, sight
from consumer.api.problem import Refusal
from consumer.api.site import Asking, Site
from consumer.control.keys import Scope
from consumer.control.owner import Owner
from consumer.delivery.delivery import Bodies
from consumer.kafka.picking import NotKept
from consumer.log.archive import AttemptUnknown, Kept
from consumer.log.attempt_id import place_of
from consumer.log.query import View
from consumer.log.resource import attempt_detail, attempt_row, request_kept, response_kept

AttemptIdent = Annotated[str, Path(description="The attempt's id.", max_length=64)]
TAGS: Final = ["log"]
_BYTES: Final = "application/octet-stream"
_LEFT_OUT: Final = "is not kept: whoever runs this has it left out of the log"
_WHY_NOT: Final = {
    Bodies.ERASED: "can never be read again: its tenant was erased",
    Bodies.LOCKED: "is sealed, and whoever runs this lacks what opens it",
}


def add_attempts(site: Site) -> None:
    """Add them beside the brand's webhooks."""
    _add_list(site)
    _add_export(site)  # before the attempt of an id, which it is none of
    _add_one(site)
    _add_bodies(site)


def _add_list(site: Site) -> None:
    @site.app.get(
        site.prefix + "/attempts",
        operation_id="listAttempts",
        summary="List attempts, the newest first",
        description="What an endpoint was sent, and what it answered. A parameter that is a list may be given several "
        "times: its values are alternatives. With `after` it lists what is newer, the oldest first.",
        tags=[*TAGS],
        response_model=site.shapes.page(AttemptRow, LogPage),
        responses=problems(422),
        openapi_extra=needs(Scope.READ),
    )
    def list_attempts(call: Asking, asked: Annotated[AttemptQuery, Query()]) -> Response:
        return listed(site, call, View.ATTEMPTS, asked, attempt_row)


def _add_export(site: Site) -> None:
    @site.app.get(
        site.prefix + "/attempts/export",
        operation_id="exportAttempts",
        summary="Export attempts, the newest first",
        description="At most 100,000 rows. A cell of CSV that a spreadsheet would compute begins with an apostrophe.",
        tags=[*TAGS],
        response_class=StreamingResponse,
        responses=problems(422) | {200: {"description": "The rows.", "content": {CSV: {}, JSON_LINES: {}}}},
        openapi_extra=needs(Scope.READ),
    )
    def export_attempts(call: Asking, asked: Annotated[ExportQuery, Query()]) -> Response:
        wanted = listing(call, View.ATTEMPTS, asked)
        return exported(site.services, wanted, sight(site, call), asked.format)


def _add_one(site: Site) -> None:
    @site.app.get(
        site.prefix + "/attempts/{id}",
        operation_id="getAttempt",
        summary="Show an attempt: its request, its answer, its times, and why it failed",
        tags=[*TAGS],
        response_model=site.shapes.one(Attempt),
        responses=problems(404, 410),
        openapi_extra=needs(Scope.READ),
    )
    def get_attempt(call: Asking, id: AttemptIdent) -> Response:  # noqa: A002 # the path's own word
        kept = _kept(site, call.caller.owner, id)
        return answers.response(answers.one(site.brand, attempt_detail(kept, sight(site, call))))


def _add_bodies(site: Site) -> None:
    @site.app.get(
        site.prefix + "/attempts/{id}/request-body",
        operation_id="getAttemptRequestBody",
        summary="Download the body that was sent",
        tags=[*TAGS],
        response_class=Response,
        responses=problems(404, 410) | {200: {"description": "Its bytes.", "content": {_BYTES: {}}}},
        openapi_extra=needs(Scope.BODIES),
    )
    def get_request_body(call: Asking, id: AttemptIdent) -> Response:  # noqa: A002 # same
        attempt = _kept(site, call.caller.owner, id).attempt
        return _download(attempt.request_body, request_kept(attempt), "request")

    @site.app.get(
        site.prefix + "/attempts/{id}/response-body",
        operation_id="getAttemptResponseBody",
        summary="Download the body that was answered, or its first 16 KiB",
        tags=[*TAGS],
        response_class=Response,
        responses=problems(404, 410) | {200: {"description": "Its bytes.", "content": {_BYTES: {}}}},
        openapi_extra=needs(Scope.BODIES),
    )
    def get_response_body(call: Asking, id: AttemptIdent) -> Response:  # noqa: A002 # same
        attempt = _kept(site, call.caller.owner, id).attempt
        return _download(attempt.response_body, response_kept(attempt), "response")


def _kept(site: Site, owner: Owner, id_: str) -> Kept:
    place = place_of(id_)
    if place is None:
        raise AttemptUnknown
    try:
        return site.services.archive.read(owner.tenant, owner.brand, place)
    except NotKept:
        raise Refusal(HTTPStatus.GONE, _gone(site.services.attempts_kept_ms())) from None


def _gone(kept_for_ms: int | None) -> str:
    gone = "its request and answer are kept no longer"
    return gone if kept_for_ms is None else f"{gone}: they were for {_length(kept_for_ms)}"


def _length(length_ms: int) -> str:
    days, hours = length_ms // 86_400_000, length_ms // 3_600_000
    if days:
        return "1 day" if days == 1 else f"{days:,} days"
    return "less than an hour" if not hours else "1 hour" if hours == 1 else f"{hours} hours"


def _download(body: bytes, kept: Bodies, of: str) -> Response:
    """Bytes that others wrote: no browser shows them, or guesses what they are."""
    if not kept.there:
        raise Refusal(HTTPStatus.GONE, f"the {of}'s body {_WHY_NOT.get(kept, _LEFT_OUT)}")
    name = f"{of}-body-redacted.bin" if kept is Bodies.REDACTED else f"{of}-body.bin"
    named = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(body, media_type=_BYTES, headers=named)
