"""The outermost frame of a request for a page.

The law: every request is answered once and has its line in the log, also when it meets a bug of ours, or the end of the
process.
"""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Receive, Scope
from structlog.typing import FilteringBoundLogger

from consumer.api.exchange import Exchange
from consumer.portal import refused


async def answered(
    scope: Scope,
    receive: Receive,
    exchange: Exchange,
    answer: Callable[[Scope, Receive, Exchange], Awaitable[Response]],
    log: FilteringBoundLogger,
) -> None:
    """Send what `answer` makes, or a page that says why there is none."""
    try:
        response = await answer(scope, receive, exchange)
        await response(scope, receive, exchange.send)
    except asyncio.CancelledError:  # the process ends, and has waited for this request for as long as it may
        if not exchange.begun:
            await refused.plain(HTTPStatus.SERVICE_UNAVAILABLE)(scope, receive, exchange.send)
    except Exception:  # the outermost frame: whatever came this far is a bug of ours
        log.exception("bug", method=scope["method"], route=exchange.route)
        if not exchange.begun:
            failed = refused.plain(HTTPStatus.INTERNAL_SERVER_ERROR, request_id=exchange.id)
            await failed(scope, receive, exchange.send)
    finally:
        exchange.end()
