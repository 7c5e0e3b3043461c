"""A request as it comes in, before anybody looks at what it asks.

The law: a body is read whole, within a size and a time, before anything is done with it.
"""

import asyncio
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from consumer.api.problem import Refusal

MAX_BODY_BYTES: Final = 262_144
_WITHIN_S: Final = 10.0


async def whole_body(headers: Headers, receive: Receive) -> bytes:
    """The body.

    Raises:
        Refusal: 408 or 413.
    """
    too_large = Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body may have {MAX_BODY_BYTES} bytes",
        headers={"Connection": "close"},
    )
    announced = headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_WITHIN_S):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > MAX_BODY_BYTES:
                    raise too_large
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise Refusal(
            HTTPStatus.REQUEST_TIMEOUT,
            f"the body did not come within {_WITHIN_S:g} s",
            headers={"Connection": "close"},
        ) from None


def hides_a_slash(scope: Scope) -> bool:
    """Whether the path has another slash than it shows. Decoded it would be another path (RFC 3986 section 2.2)."""
    return b"%2f" in bytes(scope["raw_path"]).lower()
