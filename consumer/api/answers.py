"""Answers in a brand's form.

The law: every success leaves through here, so the envelope is the brand's and nothing is kept by anybody on the way.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.responses import Response

from consumer.brands.brand import Brand
from consumer.control.idempotency import Answer
from consumer.json import Json
from consumer.webhooks.subscription import Subscription

_JSON: Final = "application/json"
REPLAYED: Final = "Idempotency-Replayed"
APPLIED: Final = "Webhook-Applied"
NOTICE: Final = "Notice"
CLEARED: Final = "custom headers were cleared because the host changed"


def one(
    brand: Brand,
    shown: Json,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """An answer that is one thing."""
    body: Json = {"data": shown} if brand.api.envelope == "data" else shown
    return Answer(status=status, headers=tuple((headers or {}).items()), body=msgspec.json.encode(body))


def page(brand: Brand, shown: Sequence[Json], next_cursor: str | None, **more: Json) -> Answer:
    """An answer that is a list; `more` is told of it."""
    listed: dict[str, Json] = {} if brand.api.envelope == "data" else {"object": "list"}
    body = msgspec.json.encode(listed | {"data": list(shown), "nextCursor": next_cursor} | more)
    return Answer(status=HTTPStatus.OK, headers=(), body=body)


def response(answer: Answer, *, replayed: bool = False) -> Response:
    """The response that carries an answer."""
    headers = dict(answer.headers) | ({REPLAYED: "true"} if replayed else {})
    return Response(answer.body, status_code=answer.status, headers=headers, media_type=_JSON)


def etag(subscription: Subscription) -> dict[str, str]:
    """The write version, for If-Match. It says nothing of `health`, which nobody writes."""
    return {"ETag": f'"{subscription.revision}"'}
