"""What a browser sends: forms, queries, and whether a page of ours sent them."""

from contextlib import suppress
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from consumer.api.incoming import whole_body
from consumer.api.problem import Refusal
from consumer.portal.visit import Fields

POST: Final = "POST"
READ: Final = frozenset({"GET", "HEAD"})

_URLENCODED: Final = "application/x-www-form-urlencoded"
_QUERY_MOST: Final = 8_192


class Named:
    """A route, as the log names it."""

    def __init__(self, path: str) -> None:
        self.path = path


async def form_of(scope: Scope, headers: Headers, receive: Receive) -> Fields | None:
    """What was posted; None: nothing was. Raises Refusal."""
    if scope["method"] != POST:
        return None
    body = await whole_body(headers, receive)
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _URLENCODED:
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "")
    try:
        return Fields.read(body.decode("utf-8", "replace"))
    except ValueError:
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "") from None


def query_of(scope: Scope) -> Fields:
    """What stands behind the path. One that no page of ours writes says nothing."""
    with suppress(ValueError):
        return Fields.read(bytes(scope["query_string"])[:_QUERY_MOST].decode("utf-8", "replace"))
    return Fields()


def same_origin(headers: Headers, base: str) -> bool:
    """Whether a page of this origin sent it, as browsers say: Sec-Fetch-Site, or Origin where there is none."""
    site = headers.get("sec-fetch-site")
    return site == "same-origin" if site is not None else headers.get("origin") == base
