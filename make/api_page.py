"""docs/api.md: what the API itself says of its routes, put between the page's marks.

`python -m make.api_page` writes it anew; a test finds a page that is behind.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from consumer.brands.brand import Brand
from consumer.brands.loader import load_brands
from consumer.control.resource import resource
from consumer.webhooks.secrets import STANDARD_PREFIX
from consumer.webhooks.subscription import PayloadFormat, SealedSecret, SigningProfile, Subscription
from consumer.webhooks.wrong import DESCRIPTIONS, Code
from make.openapi_page import Document, Node
from tests.memory_api import MemoryApi

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "api.md"

_SECRETS: Final = {"once": "shown once", "readable": "readable"}

EXAMPLES: Final[Mapping[str, Node]] = {
    "createWebhook": {"url": "https://example.com/hooks", "topics": ["order.*"]},
    "putWebhook": {"url": "https://example.com/hooks", "topics": ["order.*"], "metadata": {"team": "billing"}},
    "tryFilter": {"filter": {"amount": [{"numeric": [">", 100]}]}, "data": {"amount": 5}},
    "updateWebhook": {"topics": ["order.paid", "order.sent"], "requestConfig": {"timeoutMs": 5000}},
    "rotateWebhookSecret": {"overlapSeconds": 3600},
    "testWebhook": {"type": "webhook.test"},
    "unblockWebhook": {"head": "retry"},
    "replayDeadLetter": {"again": True},
    "replayWebhookDeadLetters": {"since": "24h", "dryRun": True},
    "resendDelivery": {"again": True},
    "replayWebhook": {"filter": {"status": ["failed"], "since": "2h"}, "ratePerS": 20},
    "recoverWebhook": {"since": "24h", "dryRun": True},
    "createKey": {"name": "read only", "scopes": ["read"]},
}


def page() -> str:
    """The page as it has to be."""
    text = PAGE.read_text(encoding="utf-8")
    document = Document(openapi(), EXAMPLES)
    parts: dict[str, Iterable[str]] = {
        "routes": document.routes(),
        "objects": document.objects(),
        "problems": document.problems(),
        "codes": _codes(),
        "webhook": _webhook(),
        "brands": _brands(load_brands()),
    }
    for name, lines in parts.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        text = before + begin + "\n".join(lines) + end + rest.partition(end)[2]
    return re.sub(r"\n{3,}", "\n\n", text)


def openapi() -> dict[str, Any]:
    """The default brand's document, as the API serves it."""
    found: dict[str, Any] = MemoryApi().anybody.get("/openapi.json").json()
    return found


def _webhook() -> Iterator[str]:
    """A webhook as the API shows it right after its creation."""
    at_ms = 1_790_000_000_000
    subscription = Subscription(
        id="wh_01a0c3f2d800b4e1f0a99c3d77e2",
        tenant="acme",
        brand="hookline",
        url="https://example.com/hooks",
        secret=SealedSecret(key_id="", sealed=b""),
        signing=SigningProfile.STANDARD,
        payload_format=PayloadFormat.STANDARD,
        created_at_ms=at_ms,
        updated_at_ms=at_ms,
        name="Orders",
        event_types=("order.*",),
        header_names=("X-Team",),
    )
    secret = STANDARD_PREFIX + base64.b64encode(bytes(range(1, 33))).decode()
    shown = resource(subscription, secret=secret)
    yield f"```json\n{json.dumps(shown, indent=2)}\n```\n"


def _codes() -> Iterator[str]:
    """Every kind of fault."""
    yield "| code | |"
    yield "|---|---|"
    for code in Code:
        yield f"| `{code}` | {DESCRIPTIONS[code]} |"
    yield ""


def _brands(brands: Mapping[str, Brand]) -> Iterator[str]:
    yield "| brand | webhooks at | keys begin with | list field | answers | secret | own secret | PATCH | on creation |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, brand in sorted(brands.items(), key=lambda each: (each[0] != "hookline", each[0])):
        habits = brand.api
        cells = (
            f"`{name}`",
            f"`{habits.base_path}`",
            f"`{brand.key_prefix}`",
            f"`{habits.list_field}`",
            "under `data`" if habits.envelope == "data" else "bare",
            _SECRETS[habits.secret],
            _yes(habits.own_secret),
            _yes(habits.editable),
            "a test event" if habits.test_on_creation else "",
        )
        yield "| " + " | ".join(cells) + " |"
    yield ""


def _yes(whether: bool) -> str:
    return "yes" if whether else "no"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
