"""A question to Kafka, Redis or a supervisor, as the console asks it.

The laws:
- it is asked at most once in its time, whoever looks at the page how often, and one at a time: what does not come back
  is not asked again beside itself;
- nobody waits longer than WITHIN_S. What is not answered by then is `Away`, and the page shows everything else.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from consumer.kafka.client import KafkaBroken
from consumer.settings import ConfigurationError
from consumer.telemetry.admin_client import AdminSilent
from consumer.webhooks.cache import CacheUnavailable

EVERY_S: Final = 2.0
WITHIN_S: Final = 2.0

_LATE: Final = f"there was no answer within {WITHIN_S:g} s"

_Told = TypeVar("_Told")


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """Nothing is known just now; `why` is for the operator."""

    why: str


class Look(Generic[_Told]):
    """Belongs to one event loop. `ask` runs in a thread of its own, which a stop does not wait for."""

    def __init__(
        self,
        name: str,
        ask: Callable[[], _Told],
        *,
        every_s: float = EVERY_S,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._ask = ask
        self._every_s = every_s
        self._monotonic_s = monotonic_s
        self._asked_s = float("-inf")
        self._answer: Future[_Told | Away] | None = None

    async def told(self) -> _Told | Away:
        """What was answered last, or is now. A bug in `ask` is raised here."""
        now_s = self._monotonic_s()
        answer = self._answer
        if answer is None or (answer.done() and now_s - self._asked_s >= self._every_s):
            self._answer = answer = Future()
            self._asked_s = now_s
            threading.Thread(target=self._run, args=(answer,), name=f"console {self._name}", daemon=True).start()
        left_s = max(0.0, self._asked_s + WITHIN_S - now_s)
        # Who stops waiting does not end the question, for others wait for it too: `asyncio.wait` cancels nothing.
        done, _ = await asyncio.wait([asyncio.wrap_future(answer)], timeout=left_s)
        return done.pop().result() if done else Away(why=_LATE)

    def _run(self, answer: "Future[_Told | Away]") -> None:
        try:
            answer.set_result(self._ask())
        except (KafkaBroken, CacheUnavailable, AdminSilent, ConfigurationError) as error:
            answer.set_result(Away(why=str(error)))
        except BaseException as error:  # noqa: BLE001 # raised where it is waited for
            answer.set_exception(error)
