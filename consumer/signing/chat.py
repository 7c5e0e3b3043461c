"""Bodies that Slack's and Discord's incoming webhooks accept, so that their URLs work as endpoints.

The law: whatever the event holds, the message keeps within the service's length limits, notifies nobody (no
@everyone) and cannot leave its code block. These bodies are for people: `data` is shown indented and may be cut.
"""

import json

import msgspec

from consumer.brands.brand import Brand
from consumer.events.event import Event
from consumer.json import Json
from consumer.signing.timestamps import rfc3339

# Slack: docs.slack.dev/reference/block-kit, blocks "header" (150) and "section" (3000); `text` is kept to 300.
SLACK_HEADER = 150
SLACK_SECTION = 3_000
SLACK_TEXT = 300
# Discord: discord.com/developers/docs/resources, "Create Message" (2000) and "Embed Limits" (256, 4096, sum 6000).
DISCORD_CONTENT = 2_000
DISCORD_TITLE = 256
DISCORD_DESCRIPTION = 4_000

_CUT = "…"
_FENCE = "```"


def slack(event: Event, brand: Brand) -> bytes:
    """`{text, blocks}`: text is the notification, the blocks are a header, the data and when it happened."""
    title = f"{brand.title}: {event.type}"
    shown = _within(_slack_escaped(_indented(event.data)), SLACK_SECTION - 2 * len(_FENCE) - 2)
    return _written(
        {
            "text": _within(_slack_escaped(title), SLACK_TEXT),
            "blocks": [
                {"type": "header", "text": {"type": "plain_text", "text": _within(title, SLACK_HEADER)}},
                {"type": "section", "text": {"type": "mrkdwn", "text": f"{_FENCE}\n{shown}\n{_FENCE}"}},
                {"type": "context", "elements": [{"type": "mrkdwn", "text": rfc3339(event.time_ms)}]},
            ],
        }
    )


def discord(event: Event, brand: Brand) -> bytes:
    """`{content, embeds}`: one embed that holds the data and when it happened."""
    # A zero-width space after @ keeps an event type such as @everyone from being a mention.
    title = f"{brand.title}: {event.type}".replace("@", "@\u200b")
    room = DISCORD_DESCRIPTION - 2 * len(_FENCE) - len("json") - 2
    return _written(
        {
            "content": _within(title, DISCORD_CONTENT),
            "embeds": [
                {
                    "title": _within(title, DISCORD_TITLE),
                    "description": f"{_FENCE}json\n{_within(_indented(event.data), room)}\n{_FENCE}",
                    "timestamp": rfc3339(event.time_ms),
                }
            ],
        }
    )


def _indented(data: bytes) -> str:
    """JSON laid out for reading. A backtick becomes its JSON escape, so no string in it can close the code block."""
    try:
        laid_out = msgspec.json.format(data, indent=2)
    except msgspec.DecodeError:
        laid_out = data  # an escaped lone surrogate is JSON but no Unicode text: shown as it was written
    return laid_out.decode("utf-8", "replace").replace("`", "\\u0060")


def _slack_escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _within(text: str, limit: int) -> str:
    """Cut to `limit` UTF-16 units (both services count characters; this is the strictest reading of it)."""
    units = 0
    for index, character in enumerate(text):
        units += 2 if ord(character) > 0xFFFF else 1  # noqa: PLR2004 - the end of Unicode's basic plane
        if units > limit:
            return _whole(text[: max(0, index - 1)]) + _CUT
    return text


def _whole(text: str) -> str:
    """Drop an entity (`&amp;`) that the cut has halved."""
    start = text.rfind("&", max(0, len(text) - 4))
    return text[:start] if start >= 0 and ";" not in text[start:] else text


def _written(message: Json) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode("ascii")
