"""The story to click through: a customer, the shop, whose order desk has moved and is not told of its orders. Pure.

The law: whatever its reader does on the pages, the demo's proof is about other customers' webhooks (`scenario.py`).
"""

from dataclasses import dataclass
from typing import Final

from consumer.demo.scenario import Published

SHOP: Final = "shop"
EVENTS_PER_S: Final = 2
SUSPENDED_AFTER: Final = "40s"
SUSPENDED_ATTEMPTS: Final = 20

MOVED: Final = "/order-desk/v1"
MOVED_TO: Final = "/order-desk/v2"
_UNSTEADY: Final = "/warehouse"
_FAILS_EVERY: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A webhook of the shop's."""

    name: str
    path: str
    event_types: tuple[str, ...]
    description: str = ""


ENDPOINTS: Final = (
    Endpoint(
        name="Order desk",
        path=MOVED,
        event_types=("order.paid",),
        description="Prints a slip for each order that is paid.",
    ),
    Endpoint(name="Warehouse", path=_UNSTEADY, event_types=("order.*",)),
    Endpoint(name="CRM", path="/crm", event_types=()),
)

_TURNS: Final = ("order.created", "order.paid", "order.paid", "customer.updated")


def event(number: int) -> Published:
    """The n-th event of the shop's."""
    return Published(id=f"shop_{number:06}", type=_TURNS[number % len(_TURNS)], tenant=SHOP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one of the shop's endpoints answers."""

    status: int
    body: bytes


def answer(path: str, number: int) -> Answer:
    """To the n-th request for this path."""
    if path == MOVED:
        return Answer(status=503, body=b'{"error":"the order desk has moved to /order-desk/v2"}')
    if path == _UNSTEADY and number % _FAILS_EVERY == 0:
        return Answer(status=500, body=b'{"error":"no free printer"}')
    return Answer(status=200, body=b'{"received":true}')


def told(url: str) -> str:
    """The story, for whoever reads it on a terminal."""
    return f"""
  The pages:  {url}

  They are a customer's, the shop's. Something is wrong there, and you can set it right:

    1  "Order desk" is failing. Open it: "What is wrong" says why, "See the failures" leads to the log.
       Open a row there, and one of its tries: what was sent, what was answered, and why it failed.
    2  After {SUSPENDED_AFTER} of failures nothing is sent to it any more: it is suspended.
    3  The order desk has moved. Press "Change", write v2 for v1 in its URL, and "Save changes".
    4  "Send a test event": now it is accepted.
    5  "Resume and recover": every order that it missed is sent to it, while you look on.

  Ctrl-C ends it.
"""
