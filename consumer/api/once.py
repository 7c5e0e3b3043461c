"""A route that is done once for each Idempotency-Key.

The law: without a key a request is simply done; with one, see `control.idempotency`.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Header, Response

from consumer.api import answers
from consumer.api.call import Call
from consumer.api.problem import Refusal
from consumer.api.services import Services
from consumer.control.idempotency import Answer, Asked

HEADER: Final = "Idempotency-Key"
_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias=HEADER,
        description="Drawn by you for each request: sent again with the same key within 24 hours, the request is not "
        "done again, and gets the same answer with the header Idempotency-Replayed.",
    ),
]


def once(services: Services, call: Call, key: str | None, do: Callable[[str | None], Answer]) -> Response:
    """Do it, or answer as it was answered before. `do` gets the name of its work, None without a key.

    Raises:
        Refusal: 400, this is no key.
        InProgress, KeyReused, KafkaBroken: see `Idempotency`.
    """
    if key is None:
        return answers.response(do(None))
    if not _KEY.fullmatch(key) or not key.strip():
        raise Refusal(HTTPStatus.BAD_REQUEST, "Idempotency-Key: send between 1 and 255 printable ASCII characters")
    asked = Asked.of(call.caller.owner, key, method=call.method, path=call.path, body=call.body)
    answer, replayed = services.once(asked, do)
    return answers.response(answer, replayed=replayed)
