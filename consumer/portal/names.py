"""What a webhook is called on a page. Pure."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from consumer.webhooks.subscription import Subscription

_SHORT: int = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """`name` is its own, else its host; `host` and `url` are where it is."""

    id: str
    name: str
    host: str
    url: str


def named(subscription: Subscription) -> Named:
    """The names of a webhook."""
    host = urlsplit(subscription.url).netloc
    return Named(id=subscription.id, name=subscription.name.strip() or host, host=host, url=subscription.url)


def shortened(text: str) -> str:
    """No longer than a line of a table."""
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"
