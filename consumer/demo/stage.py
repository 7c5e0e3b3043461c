"""Everything the demo runs on: the settings, the topics, the webhooks and the supervised roles.

The law: the roles are the real ones, started by the real command and told everything by the environment, as an
operator would; nothing of the developer's own settings reaches them.
"""

import base64
import os
import secrets
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from consumer.brands.loader import brand
from consumer.configuration import load
from consumer.demo import signature, story
from consumer.demo.receiver import Receiver
from consumer.demo.scenario import HOOKS, Hook
from consumer.demo.shop import Shop
from consumer.demo.signature import Check
from consumer.kafka.subscriptions import write
from consumer.kafka.topics import Topics
from consumer.settings import Settings
from consumer.webhooks import draft
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.secrets import public_key
from consumer.webhooks.subscription import SigningProfile, Subscription
from consumer.webhooks.wishes import Wishes

EVENT_TOPIC = "demo.events"
RETRY_DELAYS = ("1s", "2s")
_STOP_WITHIN_S = 12.0
_LOG_LINES = 15


def topic_names() -> list[str]:
    """Every topic that must be there before somebody subscribes."""
    own = Topics("hookline.", RETRY_DELAYS)
    return [EVENT_TOPIC, *own.lasting, *own.retry_topics]


def environment(bootstrap_servers: str, redis_url: str, folder: Path) -> dict[str, str]:
    """What the roles are told: this machine's environment, with our settings for the developer's own."""
    port = _free_port()
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    ours = {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "REDIS_URL": redis_url,
        "EVENT_TOPICS": EVENT_TOPIC,
        "START": "earliest",
        "RETRY_DELAYS": ",".join(RETRY_DELAYS),
        "RETRY_FOR": "10m",
        "ALLOW_HTTP": "true",
        "ALLOW_NETWORKS": "127.0.0.0/8",
        "ENCRYPTION_KEYS": f"demo:{key}",
        "KAFKA_SESSION_TIMEOUT_MS": "6000",  # the broker within this process lets each rebalance last that long
        "TRUST_BROKER": "true",
        "PROCESSES": "1",
        "STATE_DIR": str(folder / "state"),
        "ADMIN_LISTEN": "",  # its own table shows how it does
        "API_LISTEN": f"127.0.0.1:{port}",
        "PORTAL_URL": f"http://localhost:{port}",
        "SUSPEND_AFTER": story.SUSPENDED_AFTER,
        "SUSPEND_ATTEMPTS": str(story.SUSPENDED_ATTEMPTS),
        # An unmeasured dead endpoint would fill the log that a failing demo shows.
        "LOG_FORMAT": "console",
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("HOOKLINE_")}
    return others | {f"HOOKLINE_{name}": value for name, value in ours.items()}


@contextmanager
def settings_of(environment: Mapping[str, str], folder: Path) -> Iterator[Settings]:
    """The same settings for this process: it takes the environment, and leaves `.env` and `hookline.toml` behind."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    with chdir(folder):
        try:
            yield load()
        finally:
            os.environ.clear()
            os.environ.update(before)


def _free_port() -> int:
    """One that nobody listens at: the role api is told of it before it starts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def subscribe(settings: Settings, receiver: Receiver, shop: Shop) -> dict[str, str]:
    """Create the webhooks and tell each receiver how to verify; returns the names of those that are proven, by id."""
    keyring = Keyring.from_settings(settings)
    names: dict[str, str] = {}
    made: list[Subscription] = []
    for hook in HOOKS:
        wishes = Wishes(
            tenant=hook.tenant,
            url=receiver.url(hook.name),
            brand=hook.brand,
            event_types=hook.event_types or None,
            name=hook.name,
            signing=None if hook.signing is None else SigningProfile(hook.signing),
        )
        subscription, secret = _new(keyring, wishes)
        receiver.knows(hook.name, _check(hook, subscription.signing, secret))
        names[subscription.id] = hook.name
        made.append(subscription)
    for endpoint in story.ENDPOINTS:
        wishes = Wishes(
            tenant=story.SHOP,
            url=shop.receives_at(endpoint.path),
            brand="hookline",
            event_types=endpoint.event_types or None,
            name=endpoint.name,
            description=endpoint.description,
        )
        made.append(_new(keyring, wishes)[0])
    write(settings, *made)
    return names


def _new(keyring: Keyring, wishes: Wishes) -> tuple[Subscription, str]:
    """A new webhook, and its secret."""
    return draft.create(
        wishes,
        brand=brand(wishes.brand),
        keyring=keyring,
        now_ms=time.time_ns() // 1_000_000,
        new_id=lambda: f"wh_{uuid.uuid4().hex}",
        entropy=secrets.token_bytes,
        allow_http=True,
    )


def _check(hook: Hook, profile: SigningProfile, secret: str) -> Check:
    match profile:
        case SigningProfile.STANDARD:
            return signature.standard(secret)
        case SigningProfile.ED25519:
            return signature.ed25519(public_key(secret))
        case SigningProfile.STRIPE:
            return signature.stripe(secret, hook.header)
        case SigningProfile.HEX:
            return signature.body_hex(secret, hook.header)
        case SigningProfile.SHA256:
            return signature.body_hex(secret, hook.header, "sha256=")


class Roles:
    """`hookline run`, as a child that ends with this process."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._log = folder / "hookline.log"
        with self._log.open("wb") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "consumer.cli.app", "run", "--until-input-ends"],
                stdin=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env=_importable(environment),
                process_group=0,  # Ctrl-C is for the demo, which then ends its roles in order
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether the supervisor lives."""
        return self._child.poll() is None

    def stop(self) -> int:
        """Drain and end; returns the supervisor's exit code."""
        self._child.terminate()
        try:
            code = self._child.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        assert self._child.stdin is not None
        self._child.stdin.close()
        return code

    def log_tail(self) -> str:
        """The last lines the roles logged."""
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:])


def _importable(environment: Mapping[str, str]) -> dict[str, str]:
    """From a checkout that is not installed, the child finds the package where we did."""
    root = str(Path(__file__).parents[2])
    path = environment.get("PYTHONPATH")
    return {**environment, "PYTHONPATH": root if not path else os.pathsep.join((root, path))}
