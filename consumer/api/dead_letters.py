"""The routes of dead letters: a customer's own, looked at and sent again.

The law: a dead letter is the caller's when its event was for the caller's tenant and its webhook under the caller's
brand; there are no others here.
"""

from functools import partial
from typing import Annotated, Final

from fastapi import Path, Query, Response

from consumer.api import answers
from consumer.api.call import Call, needs
from consumer.api.dead_letter_models import DeadLetter as DeadLetterModel
from consumer.api.dead_letter_models import (
    DeadLetterPage,
    DeadLetterQuery,
    DeadLetterReplay,
    DeadLettersReplay,
    ReplaySummary,
    Sought,
)
from consumer.api.documents import problems
from consumer.api.moments import moment_of, now_ms, time_of
from consumer.api.problem import not_found
from consumer.api.services import Services
from consumer.api.site import Asking, Id, Site
from consumer.control.cursor import list_name
from consumer.control.keys import Scope
from consumer.control.owner import Owner
from consumer.control.refusal import WebhookUnknown
from consumer.delivery.delivery import DeadLetter
from consumer.delivery.words import of_death
from consumer.jobs.dead_letter_desk import Way
from consumer.json import Json
from consumer.log.resource import explanation_of_dead, told
from consumer.replay.filters import Filters
from consumer.replay.run import Summary
from consumer.webhooks.fields import check_choice
from consumer.webhooks.subscription import Status
from consumer.webhooks.wrong import Faults

DeadLetterId = Annotated[str, Path(description="The dead letter's id.", max_length=256)]
_PARTLY: Final = "A page looks at a part of the log only: it may be empty while there is a nextCursor."
_TAGS: Final = ["dead letters"]


def add_dead_letters(site: Site) -> None:
    """Add them beside the brand's webhooks, and below each."""
    _add_list(site)
    _add_list_of_webhook(site)
    _add_get(site)
    _add_replay(site)
    _add_replay_of_webhook(site)


def _add_list(site: Site) -> None:
    @site.app.get(
        site.prefix + "/dead-letters",
        operation_id="listDeadLetters",
        summary="List deliveries that failed for good",
        description=_PARTLY,
        tags=[*_TAGS],
        response_model=site.shapes.page(DeadLetterModel),
        responses=problems(422),
        openapi_extra=needs(Scope.READ),
    )
    def list_dead_letters(call: Asking, asked: Annotated[DeadLetterQuery, Query()]) -> Response:
        return _page(site, call.caller.owner, asked, asked.webhook)


def _add_list_of_webhook(site: Site) -> None:
    webhooks = site.services.plane.webhooks

    @site.app.get(
        site.base + "/{id}/dead-letters",
        operation_id="listWebhookDeadLetters",
        summary="List a webhook's deliveries that failed for good",
        description=_PARTLY,
        tags=[*_TAGS],
        response_model=site.shapes.page(DeadLetterModel),
        responses=problems(404, 422),
        openapi_extra=needs(Scope.READ),
    )
    def list_webhook_dead_letters(
        call: Asking,
        id: Id,  # noqa: A002 # the path's own word
        asked: Annotated[DeadLetterPage, Query()],
    ) -> Response:
        owner = call.caller.owner
        webhooks.get(owner, id)
        return _page(site, owner, asked, id)


def _add_get(site: Site) -> None:
    @site.app.get(
        site.prefix + "/dead-letters/{id}",
        operation_id="getDeadLetter",
        summary="Get a delivery that failed for good",
        tags=[*_TAGS],
        response_model=site.shapes.one(DeadLetterModel),
        responses=problems(404, 422),
        openapi_extra=needs(Scope.READ),
    )
    def get_dead_letter(call: Asking, id: DeadLetterId) -> Response:  # noqa: A002 # same
        return answers.response(answers.one(site.brand, shown(_found(site, call.caller.owner, id))))


def _add_replay(site: Site) -> None:
    services = site.services

    @site.app.post(
        site.prefix + "/dead-letters/{id}/replay",
        operation_id="replayDeadLetter",
        summary="Send a dead letter again, to its own webhook",
        tags=[*_TAGS],
        response_model=site.shapes.one(ReplaySummary),
        responses=problems(404, 409, 422),
        openapi_extra=needs(Scope.REPLAY),
    )
    def replay_dead_letter(
        call: Asking,
        id: DeadLetterId,  # noqa: A002 # the path's own word
        body: DeadLetterReplay | None = None,
    ) -> Response:
        owner = call.caller.owner
        way, found = _way(call, body), _found(site, owner, id)
        webhook = found.delivery.subscription_id
        status = _status(site, owner, webhook)
        return _told(site, services.dead_letters.replay(owner, webhook, [found], status, way), way)


def _add_replay_of_webhook(site: Site) -> None:
    services = site.services

    @site.app.post(
        site.base + "/{id}/dead-letters/replay",
        operation_id="replayWebhookDeadLetters",
        summary="Send a webhook's dead letters again",
        description="It is a job, which is waited for: `complete` says whether all were done. The others follow.",
        tags=[*_TAGS],
        response_model=site.shapes.one(ReplaySummary),
        responses=problems(404, 409, 422),
        openapi_extra=needs(Scope.REPLAY),
    )
    def replay_webhook_dead_letters(
        call: Asking,
        id: Id,  # noqa: A002 # same
        body: DeadLettersReplay | None = None,
    ) -> Response:
        owner = call.caller.owner
        asked = DeadLettersReplay() if body is None else body
        way = _way(call, asked)
        status = services.plane.webhooks.get(owner, id).status
        filters = _filters(owner, asked, id)
        return _told(site, services.dead_letters.replay(owner, id, filters, status, way), way)


def shown(dead_letter: DeadLetter) -> Json:
    """A dead letter as a customer sees it: without its body, which may be large."""
    delivery = dead_letter.delivery
    return {
        "id": delivery.id,
        "object": "dead_letter",
        "eventId": delivery.event.id,
        "webhook": delivery.subscription_id,
        "url": dead_letter.url,
        "type": delivery.event.type,
        "product": delivery.event.product,
        "reason": dead_letter.reason,
        "detail": of_death(dead_letter.reason, dead_letter.detail),
        "explanation": told(explanation_of_dead(dead_letter)),
        "attempts": delivery.attempts,
        "replays": delivery.replays,
        "lastStatus": delivery.last_status,
        "firstAttemptAt": time_of(delivery.first_attempt_ms),
        "lastAttemptAt": time_of(delivery.last_attempt_ms),
        "failedAt": time_of(dead_letter.failed_at_ms),
    }


def _page(site: Site, owner: Owner, asked: DeadLetterPage, webhook: str | None) -> Response:
    services = site.services
    filters = _filters(owner, asked, webhook)
    of = list_name("dead-letters", [webhook, *asked.sought])
    cursor = asked.cursor
    pairs = [] if cursor is None else services.cursors.read(cursor, list[tuple[int, int]], owner=owner, of=of)
    found = services.dead_letters.page(owner.tenant, filters, after=dict(pairs), limit=asked.limit)
    position = None if found.position is None else sorted(found.position.items())
    then = None if position is None else services.cursors.write(position, owner=owner, of=of)
    return answers.response(answers.page(site.brand, [shown(each) for each in found.found], then))


def dead_letter_of(services: Services, owner: Owner, id_: str) -> DeadLetter | None:
    """The owner's dead letter of this id, if there is one."""
    filters = Filters(ids=frozenset({id_}), tenants=frozenset({owner.tenant}), brands=frozenset({owner.brand}))
    return next(iter(services.dead_letters.found(owner.tenant, filters)), None)


def _found(site: Site, owner: Owner, id_: str) -> DeadLetter:
    """The same. Raises Refusal: 404."""
    found = dead_letter_of(site.services, owner, id_)
    if found is None:
        raise not_found("there is no such dead letter: list the dead letters to see which there are")
    return found


def _status(site: Site, owner: Owner, id_: str) -> Status | None:
    try:
        return site.services.plane.webhooks.get(owner, id_).status
    except WebhookUnknown:
        return None


def _way(call: Call, body: DeadLetterReplay | None) -> Way:
    asked = DeadLetterReplay() if body is None else body
    return Way(again=asked.again, dry_run=asked.dry_run, place=asked.position, by=call.caller.name)


def _told(site: Site, summary: Summary, way: Way) -> Response:
    told: Json = {
        "matched": summary.matched,
        "replayed": summary.replayed,
        "skipped": {str(reason): number for reason, number in sorted(summary.skipped.items())},
        "dryRun": way.dry_run,
        "complete": not summary.stopped,
    }
    return answers.response(answers.one(site.brand, told))


def _filters(owner: Owner, asked: Sought, webhook: str | None) -> Filters:
    faults = Faults()
    types = () if asked.type is None else (faults.checked(partial(check_choice, "type"), asked.type),)
    since_ms = moment_of("since", asked.since, now_ms(), faults)
    until_ms = moment_of("until", asked.until, now_ms(), faults)
    faults.tell()
    return Filters(
        tenants=frozenset({owner.tenant}),
        brands=frozenset({owner.brand}),
        webhooks=frozenset(() if webhook is None else (webhook,)),
        types=types,
        reasons=frozenset(() if asked.reason is None else (asked.reason,)),
        since_ms=since_ms,
        until_ms=until_ms,
    )
