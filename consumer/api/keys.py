"""The routes of API keys: what a customer's administrator does with them, and an operator for a customer.

The law: a key is shown by the answer that made it and by no other. It reaches its own tenant and brand, and gives no
scope that it does not have and no life beyond its own.
"""

import time
from functools import partial
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Path, Query, Response

from consumer.api import answers
from consumer.api.call import needs
from consumer.api.caller import unauthorized
from consumer.api.documents import problems
from consumer.api.key_models import Key, KeyCreate
from consumer.api.problem import Refusal
from consumer.api.site import Asking, Cursor, Limit, Site
from consumer.control.api_keys import KeysFull, KeyUnknown, MakerEnded, NotHeld
from consumer.control.key_resource import resource
from consumer.control.keys import Scope, check_scopes
from consumer.events.times import milliseconds
from consumer.webhooks.fields import check_line
from consumer.webhooks.wrong import Code, Faults, Wrong

KeyId = Annotated[str, Path(description="The key's id.", max_length=256)]
Descendants = Annotated[bool, Query(description="Revoke also all that it made, that they made, and so on.")]
_LIST: Final = "keys"
_TAGS: Final = ["keys"]


def add_keys(site: Site) -> None:
    """Add them beside the brand's webhooks."""
    _add_list(site)
    _add_create(site)
    _add_revoke(site)


def _add_list(site: Site) -> None:
    services = site.services

    @site.app.get(
        site.prefix + "/keys",
        operation_id="listKeys",
        summary="List the API keys, oldest first, revoked ones too",
        tags=[*_TAGS],
        response_model=site.shapes.page(Key),
        responses=problems(422),
        openapi_extra=needs(Scope.ADMIN),
    )
    def list_keys(call: Asking, limit: Limit = 20, cursor: Cursor = None) -> Response:
        owner, now_ms = call.caller.owner, _now_ms()
        after = None if cursor is None else services.cursors.read(cursor, tuple[int, str], owner=owner, of=_LIST)
        found, end = services.plane.api_keys.page(owner, after=after, limit=limit)
        used_ms = services.uses.read([key.id for key in found])
        told = [resource(key, now_ms=now_ms, last_used_ms=used_ms.get(key.id)) for key in found]
        then = None if end is None else services.cursors.write(end, owner=owner, of=_LIST)
        return answers.response(answers.page(site.brand, [*told], then))


def _add_create(site: Site) -> None:
    services = site.services

    @site.app.post(
        site.prefix + "/keys",
        operation_id="createKey",
        summary="Create an API key, which is shown this once",
        description="It opens what the key that makes it opens: the same tenant and brand, no scope more, no longer.",
        tags=[*_TAGS],
        status_code=HTTPStatus.CREATED,
        response_model=site.shapes.one(Key),
        responses=problems(409, 422),
        openapi_extra=needs(Scope.ADMIN),
    )
    def create_key(call: Asking, body: KeyCreate) -> Response:
        faults = Faults()
        scopes = None if body.scopes is None else faults.checked(check_scopes, frozenset(body.scopes))
        name = faults.checked(partial(check_line, "name"), body.name)
        expires_at_ms = _moment_ms(body.expires_at, faults)
        faults.tell()
        try:
            key, text = services.plane.api_keys.create(
                call.caller.owner,
                site.brand,
                by=call.caller.key_id,
                scopes=scopes,
                name=name,
                expires_at_ms=expires_at_ms,
                work=call.work,
            )
        except (NotHeld, KeysFull) as error:
            raise Refusal(HTTPStatus.FORBIDDEN, str(error)) from None
        except MakerEnded:
            raise unauthorized() from None
        told = resource(key, now_ms=_now_ms(), text=text)
        return answers.response(answers.one(site.brand, told, status=HTTPStatus.CREATED))


def _add_revoke(site: Site) -> None:
    services = site.services

    @site.app.delete(
        site.prefix + "/keys/{id}",
        operation_id="revokeKey",
        summary="Revoke an API key: it opens nothing from now on",
        description="It stays in the list, as revoked. To revoke it again changes nothing. The keys that it made "
        "go on until their own end, unless `descendants` is true.",
        tags=[*_TAGS],
        response_model=site.shapes.one(Key),
        responses=problems(404, 422),
        openapi_extra=needs(Scope.ADMIN),
    )
    def revoke_key(call: Asking, id: KeyId, descendants: Descendants = False) -> Response:  # noqa: A002 # the path's own word
        try:
            key = services.plane.api_keys.revoke(call.caller.owner, id, with_descendants=descendants)
        except KeyUnknown as error:
            raise Refusal(HTTPStatus.NOT_FOUND, str(error)) from None
        used_ms = services.uses.read([key.id]).get(key.id)
        return answers.response(answers.one(site.brand, resource(key, now_ms=_now_ms(), last_used_ms=used_ms)))


def _moment_ms(text: str | None, faults: Faults) -> int | None:
    """RFC 3339 as epoch milliseconds."""
    if text is None:
        return None
    moment_ms = milliseconds(text)
    if moment_ms is None:
        message = "must be a time with its zone, as in 2026-01-31T12:00:00Z"
        faults.add(Wrong(field="expires_at", code=Code.MALFORMED, message=message))
        return None
    return moment_ms


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
