"""What the browser opens: the pages with everything in memory, on a port of loopback."""

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from msgspec import structs
from playwright.sync_api import Page
from pydantic import SecretStr

from consumer.api.server import Server
from consumer.brands.loader import load_brands
from consumer.control.keys import Scope
from consumer.control.portal_links import url_of
from consumer.delivery.delivery import Attempt
from consumer.jobs.job import State
from consumer.log.attempt_id import place_of
from consumer.settings import Settings
from tests.attempts import plain
from tests.memory_api import KEYS, OPERATOR, answered
from tests.memory_portal import MemoryPortal
from tests.portal_stage import HOSTILE, ORDER, filled

EVERYTHING: Final = tuple(Scope)
OF_FORMS: Final = (Scope.READ, Scope.WRITE, Scope.BODIES)
LARGE: Final = b'{"text":"' + b"x" * 921_589 + b'"}'
"""900 KiB on one line."""

_SESSION_PARTS: Final = 6
_HEADERS: Final = (
    ("content-type", "application/json"),
    ("webhook-id", "orders-1-2-3"),
    ("webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Served pages. `webhooks` are ids of acme's, by name; `attempts` are ids of some of its attempts, by kind.

    `key` is the id of a key of acme's, `jobs` are ids of its jobs, by the states in which they were at first.
    """

    portal: MemoryPortal
    base: str
    webhooks: Mapping[str, str]
    attempts: Mapping[str, str]
    key: str
    jobs: Mapping[State, str]

    def link(self, *scopes: Scope, **grant: Any) -> str:  # noqa: ANN401 # fields of every type
        """The address that a host's server would redirect to."""
        return url_of(self.base, self.portal.link(*(scopes or EVERYTHING), **grant))

    def enter(self, page: Page, *scopes: Scope, begin: str = "/webhooks", **grant: Any) -> str:  # noqa: ANN401 # same
        """Open a link as its user does; the address of the session's pages."""
        page.goto(self.link(*scopes, page=begin, **grant))
        page.wait_for_url(re.compile("/portal/s/"))
        return session_of(page)

    def paths(self) -> dict[str, str]:
        """Every page of a session by its name, at a place that shows something. A test compares it with the routes."""
        hook, failing = (self.webhooks[name] for name in ("CRM sync 2", "Billing 0"))
        suspended = next(id_ for name, id_ in self.webhooks.items() if name.startswith("Slack") and name.endswith(" 9"))
        return {
            "webhooks": "webhooks",
            "new": "webhooks/new",
            "webhook": f"webhooks/{hook}",
            "failing webhook": f"webhooks/{failing}",
            "suspended webhook": f"webhooks/{suspended}",
            "verify": f"webhooks/{hook}/verify",
            "activity": f"webhooks/{hook}/activity",
            "stopped webhook": f"webhooks/{self.webhooks['Warehouse 7']}",
            "secret": f"webhooks/{hook}/secret",
            "edit": f"webhooks/{hook}/edit",
            "rotate": f"webhooks/{hook}/rotate",
            "delete": f"webhooks/{hook}/delete",
            "test": f"webhooks/{hook}/test",
            "tls": f"webhooks/{hook}/tls",
            "log": "log",
            "attempts": "log?view=attempts&status=failed",
            "no match": "log?find=nothing-has-this-in-it",
            "wrong filter": "log?since=yesterday-or-so",
            "delivery": self.delivery("failed"),
            "retrying": self.delivery("retrying"),
            "attempt": f"attempts/{self.attempts['delivered']}",
            "failed attempt": f"attempts/{self.attempts['failed']}",
            "hostile attempt": f"attempts/{self.attempts['hostile']}",
            "failed": "failed",
            "recover": f"webhooks/{suspended}/recover",
            "counted": f"webhooks/{self.webhooks['Warehouse 1']}/recover?job={self.jobs[State.COUNTED]}",
            "replay": f"webhooks/{hook}/replay",
            "jobs": "jobs",
            "job": f"jobs/{self.jobs[State.RUNNING]}",
            "paused job": f"jobs/{self.jobs[State.PAUSED]}",
            "keys": "keys",
            "key made": "keys/made",
            "revoke": f"keys/{self.key}/revoke",
            "event types": "event-types",
            "event type": "event-types/webhook.test",
            "nothing": "nothing-here",
        }

    def attempt(self, which: str) -> Attempt:
        """One of the attempts."""
        place = place_of(self.attempts[which])
        assert place is not None
        return self.portal.api.log.attempts[place.offset]

    def delivery(self, which: str) -> str:
        """The path of the delivery that one of the attempts is of."""
        attempt = self.attempt(which)
        return f"webhooks/{attempt.subscription_id}/deliveries/{attempt.delivery_id}"


def session_of(page: Page) -> str:
    """The address below which the pages of the open session are."""
    return "/".join(page.url.split("/")[:_SESSION_PARTS])


@contextmanager
def staged(*, embed_origins: tuple[str, ...] = ()) -> Iterator[Stage]:
    """Serve the pages of acme, who has forty webhooks and a log, and of empty, who has nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base = f"http://localhost:{listener.getsockname()[1]}"
        settings = Settings(
            encryption_keys=KEYS,
            operator_key=SecretStr(OPERATOR),
            portal_url=base,
            portal_embed_origins=embed_origins,
            api_requests_per_s=1_000,
        )
        portal = MemoryPortal(settings=settings, brands=sorted(load_brands()))
        filled(portal)
        portal.api.plane.trial = answered
        key, _ = portal.api.key()
        stage = Stage(
            portal=portal,
            base=base,
            webhooks=_named(portal),
            attempts=_attempts(portal),
            key=key.id,
            jobs={known.job.state: id_ for id_, known in portal.api.jobs.known.items()},
        )
        _made_today(portal)
        with Server(portal.app, listener, drain_s=1):
            yield stage


def _made_today(portal: MemoryPortal) -> None:
    """Keys of acme's have names and are young, as those of pictures should be."""
    portal.api.plane.fresh()
    names = iter(("Deployment", "Staging", "Import of old webhooks", "Backups"))
    for number, each in enumerate(portal.api.plane.keys.listed(tenant="acme", brand="hookline"), 1):
        at_ms = portal.now_ms() - number * 7_000_000
        portal.api.write_key(replace(each, created_at_ms=at_ms, name=next(names, "")))
    portal.api.plane.fresh()


def _named(portal: MemoryPortal) -> dict[str, str]:
    listed = portal.api.client().get("/v1/webhooks", params={"limit": 100}).json()["data"]
    return {each["name"]: each["id"] for each in listed}


def _attempts(portal: MemoryPortal) -> dict[str, str]:
    sent = structs.replace(
        plain,
        subscription_id=_named(portal)["CRM sync 2"],
        event_type="order.paid",
        event_id="orders-1-2-3",
        url="https://hooks.example.com/v1/incoming",
        request_headers=_HEADERS,
        request_body=ORDER,
        response_headers=(("content-type", "text/plain"),),
        response_body=b"thanks",
        elapsed_ms=83.0,
        dns_ms=3.0,
        connect_ms=8.0,
        tls_ms=15.0,
        first_byte_ms=60.0,
    )
    hostile: dict[str, object] = {
        "event_id": HOSTILE,
        "request_headers": (*_HEADERS, ("X-Evil", f'"><b>{HOSTILE}')),
        "request_body": HOSTILE.encode(),
        "response_headers": (("x-evil", "<svg onload=alert(1)>\x1b[31m"),),
        "response_body": b"</pre></textarea><template><script>alert(1)</script></template><svg/onload=alert(1)>",
    }
    kinds: dict[str, dict[str, object]] = {
        "delivered": {},
        "failed": {"status": 503, "outcome": "dead", "reason": "exhausted", "number": 3},
        "retrying": {"status": 500, "outcome": "retry", "next_tier": "5m", "number": 2},
        "no answer": {"status": None, "failure": "timeout", "outcome": "retry", "next_tier": "5m"},
        "hostile": hostile,
        "large": {"request_body": LARGE},
    }
    now_ms = portal.now_ms()
    sent = structs.replace(sent, event_time_ms=now_ms - 90_000, first_due_ms=now_ms - 89_000)
    return {
        name: portal.api.log.add(structs.replace(sent, **changed), at_ms=now_ms - 3_000 * number)
        for number, (name, changed) in enumerate(kinds.items(), 1)
    }
