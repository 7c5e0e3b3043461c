"""The test event that some brands send as soon as a webhook is created.

The law: the creation's answer does not wait for it, and it is sent as soon as there is room for it.
"""

import asyncio
import time
from typing import Final

import structlog
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from consumer.api import answers
from consumer.api.services import Plane
from consumer.api.site import Site
from consumer.kafka.client import KafkaBroken
from consumer.shares import Busy
from consumer.webhooks.subscription import Subscription

_log = structlog.get_logger("api")

_AGAIN_S: Final = 0.25
_PATIENCE_S: Final = 120.0


def created(site: Site, subscription: Subscription, secret: str) -> Response:
    """The answer to a creation, and behind it the brand's test event, if it sends one."""
    response = answers.response(site.created(subscription, secret))
    if site.brand.api.test_on_creation:
        response.background = BackgroundTask(send_first_test, site.services.plane, subscription)
    return response


async def send_first_test(plane: Plane, subscription: Subscription) -> None:
    """Send it, as soon as there is room."""
    until_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            await run_in_threadpool(plane.try_out, subscription)
        except Busy as error:
            if time.monotonic() > until_s:
                _log.warning("test event of a new webhook not sent", webhook=subscription.id, error=str(error))
                return
            await asyncio.sleep(_AGAIN_S)
        except KafkaBroken as error:
            _log.warning("test event of a new webhook not sent", webhook=subscription.id, error=str(error))
            return
        else:
            return
