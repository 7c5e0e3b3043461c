"""The route of the audit log: who did what to a customer's webhooks, keys, links and jobs.

The law: whoever administers a tenant's keys under a brand sees what was done there, and nothing else.
"""

from typing import Annotated, Final, Literal

from fastapi import Query
from pydantic import ConfigDict, Field
from starlette.responses import Response

from consumer.api import answers
from consumer.api.call import needs
from consumer.api.documents import problems
from consumer.api.model import Asked, Time, Told
from consumer.api.moments import moment_of, now_ms
from consumer.api.site import Asking, Site
from consumer.control.cursor import MAX_LENGTH, list_name
from consumer.control.deeds import Sought, told
from consumer.control.keys import Scope
from consumer.control.owner import Owner
from consumer.webhooks.wrong import Faults

_LONGEST: Final = 256


class AuditQuery(Asked):
    """Which entries are meant: all that is given must hold."""

    model_config = ConfigDict(strict=False)

    by: Annotated[
        str | None,
        Field(
            max_length=_LONGEST, description="Who did it: key:ID, link:ID, operator; or key, or link, for any of them."
        ),
    ] = None
    action: Annotated[
        str | None, Field(max_length=_LONGEST, description="What was done, as in updateWebhook: the operation's name.")
    ] = None
    target: Annotated[
        str | None, Field(max_length=_LONGEST, description="The id of what it was done to, or of what came of it.")
    ] = None
    since: Annotated[
        str | None, Field(description="Done then or later: RFC 3339, a date (midnight UTC), or 2h for two hours ago.")
    ] = None
    until: Annotated[str | None, Field(description="Done before then.")] = None
    limit: Annotated[int, Field(ge=1, le=100, description="How many on a page.")] = 20
    cursor: Annotated[str | None, Field(max_length=MAX_LENGTH, description="The nextCursor of the page before.")] = None


class AuditEntry(Told):
    """One thing that was done."""

    id: str
    object: Literal["audit_entry"]
    at: Time
    by: Annotated[str, Field(description="key:ID, link:ID (somebody on the pages), or operator.")]
    action: str
    target: Annotated[str | None, Field(description="The id of what it was done to.")]
    made: Annotated[str | None, Field(description="The id of what came of it, where anything did.")]
    fields: Annotated[list[str], Field(description="The names of what was given; no value is kept.")]
    request_id: Annotated[str | None, Field(description="Request-Id of the answer.")]
    user: Annotated[str | None, Field(description="Who was on the pages, as whoever made the link says.")]


def add_audit(site: Site) -> None:
    """Add it beside the brand's webhooks."""
    services = site.services

    @site.app.get(
        site.prefix + "/audit",
        operation_id="listAudit",
        summary="List what was done by whom, the newest first",
        description="A year's worth. Where some are chosen a page looks at 20,000 entries at most: it may be empty "
        "while there is a nextCursor. What we do ourselves, as suspending a webhook whose endpoint only fails, is told "
        "by events and not here.",
        tags=["audit"],
        response_model=site.shapes.page(AuditEntry),
        responses=problems(422),
        openapi_extra=needs(Scope.ADMIN),
    )
    def list_audit(call: Asking, asked: Annotated[AuditQuery, Query()]) -> Response:
        owner = call.caller.owner
        sought = _sought(asked, owner)
        of = list_name("audit", [asked.by, asked.action, asked.target, asked.since, asked.until])
        before = None if asked.cursor is None else services.cursors.read(asked.cursor, int, owner=owner, of=of)
        page = services.deeds.page(sought, before=before, limit=asked.limit)
        then = None if page.before is None else services.cursors.write(page.before, owner=owner, of=of)
        return answers.response(answers.page(site.brand, [told(each) for each in page.found], then))


def _sought(asked: AuditQuery, owner: Owner) -> Sought:
    faults, at_ms = Faults(), now_ms()
    since_ms = moment_of("since", asked.since, at_ms, faults)
    until_ms = moment_of("until", asked.until, at_ms, faults)
    faults.tell()
    return Sought(
        tenant=owner.tenant,
        brand=owner.brand,
        by=asked.by,
        action=asked.action,
        target=asked.target,
        since_ms=since_ms,
        until_ms=until_ms,
    )
