"""What a request did, for the audit log.

The law: every route that changes something tells it, because its method says that it does; the others are named below.
Of what was sent the names of its members are told, which are the model's, and never a value.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.responses import Response

from consumer.api.caller import Caller
from consumer.api.once import DONE_ONCE
from consumer.control.audit import OPERATOR, Deed, new_id
from consumer.json import Json

CHANGES_NOTHING: Final = frozenset({"tryFilter"})
"""Operations that are sent as POST because what they look at is long."""
_OBJECT: Final[msgspec.json.Decoder[Json]] = msgspec.json.Decoder()
_NAMES_IN_PATHS: Final = ("id", "uid")


def is_told(operation: str | None, method: str) -> bool:
    """Whether what this operation did is told."""
    return DONE_ONCE[method] and operation not in CHANGES_NOTHING


def deed_of(
    caller: Caller,
    operation: str,
    path: Mapping[str, str],
    body: bytes,
    response: Response,
    *,
    request_id: str,
    at_ms: int,
) -> Deed | None:
    """What was done; None: nothing was. `path` has what the route's path names."""
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        return None
    target = next((path[name] for name in _NAMES_IN_PATHS if name in path), "")
    made = _id_in(bytes(response.body))
    return Deed(
        id=new_id(),
        at_ms=at_ms,
        tenant=caller.owner.tenant,
        brand=caller.owner.brand,
        by=OPERATOR if caller.key_id is None else f"key:{caller.key_id}",
        action=operation,
        target=target,
        made="" if made == target else made,
        fields=_members(body),
        request_id=request_id,
    )


def _id_in(answer: bytes) -> str:
    """The id of what an answer shows, in whichever envelope."""
    found = _read(answer)
    if isinstance(found, dict) and isinstance(found.get("data"), dict):
        found = found["data"]
    named = found.get("id") if isinstance(found, dict) else None
    return named if isinstance(named, str) else ""


def _members(body: bytes) -> tuple[str, ...]:
    found = _read(body)
    return tuple(sorted(found)) if isinstance(found, dict) else ()


def _read(text: bytes) -> Json:
    try:
        return _OBJECT.decode(text) if text else None
    except (msgspec.DecodeError, RecursionError):
        return None
