"""What an Idempotency-Key does: each route that changes something is done once for each key.

The law: the method decides, so no route can be forgotten. A route that only reads has nothing to do once, and refuses
the header rather than pass it over. Who may not make a request gets no answer to it either: the scope is asked for
first, and what was answered belongs to the API key that asked (see `control.idempotency`).
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers

from consumer.api import answers
from consumer.api.answers import APPLIED
from consumer.api.problem import Refusal
from consumer.control.idempotency import Answer, Asked, Asker, Begun, Once
from consumer.control.work import Work
from consumer.kafka.client import KafkaBroken
from consumer.webhooks.wrong import Code, Wrong

HEADER: Final = "Idempotency-Key"
DONE_ONCE: Final[Mapping[str, bool]] = {"GET": False, "POST": True, "PUT": True, "PATCH": True, "DELETE": True}
"""By method, whether a route is done once for each key. A route of another method cannot be made."""

PARAMETER: Final[Mapping[str, Any]] = {  # Any: OpenAPI's
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x20-\\x7e]+$"},
    "description": "Drawn by you for each request: sent again with the same key within 24 hours, the request is not "
    "done again, and gets the same answer with the header Idempotency-Replayed.",
}
_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")
_NOT_KEPT: Final = frozenset({b"content-length", b"content-type", APPLIED.lower().encode()})


def key_of(headers: Headers, method: str) -> str | None:
    """The Idempotency-Key of a request by this method, if it has one.

    Raises:
        Refusal: 400, it has two, one that is none, or one where there is nothing to do once.
    """
    found = headers.getlist(HEADER)
    if not found:
        return None
    if not DONE_ONCE[method]:
        raise _wrong(Code.UNKNOWN, f"a {method} changes nothing, however often it is sent: leave it out")
    if len(found) > 1:
        raise _wrong(Code.DUPLICATE, "send it once")
    if not _KEY.fullmatch(found[0]) or not found[0].strip():
        raise _wrong(Code.MALFORMED, "send between 1 and 255 printable ASCII characters")
    return found[0]


def _wrong(code: Code, message: str) -> Refusal:
    wrong = Wrong(field=HEADER, code=code, message=message)
    return Refusal(HTTPStatus.BAD_REQUEST, str(wrong), errors=[wrong])


def asked(asker: Asker, key: str, headers: Headers, *, method: str, path: str, body: bytes) -> Asked:
    """A request with a key. What it asks for is its method, its path, its condition and its body."""
    if_match = [each.encode("latin-1") for each in headers.getlist("if-match")]
    return Asked.of(asker, key, method.encode(), path.encode(), b",".join(if_match), body)


async def done_once(once: Once, asked: Asked, do: Callable[[Work], Awaitable[Response]]) -> Response:
    """Do it, or answer as it was answered before. `do` gets its work.

    Raises:
        InProgress, KeyReused, KafkaBroken, SecretUnreadable: see `Idempotency.begin`.
        Exception: whatever `do` raises: then nothing is remembered.
    """
    begun = await run_in_threadpool(once.begin, asked)
    if isinstance(begun, Answer):
        return answers.response(begun, replayed=True)
    response = await _tried(once, asked, begun, do)
    await run_in_threadpool(once.keep, asked, begun, _answer(response))
    return response


async def _tried(once: Once, asked: Asked, begun: Begun, do: Callable[[Work], Awaitable[Response]]) -> Response:
    try:
        return await do(begun.work)
    except KafkaBroken:
        raise  # done or not: only the same work may be tried again, by whoever claims it next
    except Exception:
        await run_in_threadpool(once.give_up, asked, begun)
        raise


def _answer(response: Response) -> Answer:
    headers = ((name, value) for name, value in response.raw_headers if name not in _NOT_KEPT)
    return Answer(
        status=response.status_code,
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers),
        body=bytes(response.body),
    )
