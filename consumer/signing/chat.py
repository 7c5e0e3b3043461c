"""Bodies that Slack's and Discord's incoming webhooks accept, so that their URLs work as endpoints.

The law: whatever the event holds, the message keeps within the service's length limits, notifies nobody (no
@everyone) and cannot leave its code block. These bodies are for people: `data` is shown indented and may be cut. What
is cut is not laid out either: a line for each value, indented, could be hundreds of times as large as the event.
"""

import json
import re
from collections.abc import Iterator
from itertools import chain, pairwise
from typing import Final

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

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[][{},:]|[^][{},:"\s]+', re.DOTALL)
_OPENING: Final = (b"[", b"{")
_CLOSING: Final = (b"]", b"}")

_CUT = "…"
_FENCE = "```"


def slack(event: Event, brand: Brand) -> bytes:
    """`{text, blocks}`: text is the notification, the blocks are a header, the data and when it happened."""
    title = f"{brand.title}: {event.type}"
    room = SLACK_SECTION - 2 * len(_FENCE) - 2
    shown = _within(_slack_escaped(_indented(event.data, room)), room)
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
                    "description": f"{_FENCE}json\n{_within(_indented(event.data, room), room)}\n{_FENCE}",
                    "timestamp": rfc3339(event.time_ms),
                }
            ],
        }
    )


def _indented(data: bytes, room: int) -> str:
    """Valid JSON laid out for reading, as much of it as there is room for, and a little more.

    A backtick becomes its JSON escape, so no string in it can close the code block.
    """
    laid_out: list[bytes] = []
    size = 0
    for piece in _laid_out(data):
        laid_out.append(piece[: 4 * room])  # no character of UTF-8 has more bytes
        size += len(laid_out[-1])
        if size > 4 * room:
            break
    return b"".join(laid_out).decode("utf-8", "replace").replace("`", "\\u0060")


def _laid_out(data: bytes) -> Iterator[bytes]:
    """The tokens, each with the white space that goes before it."""
    depth = 0
    tokens = (match[0] for match in _TOKEN.finditer(data))
    for before, token in pairwise(chain((b"",), tokens)):
        if token in _CLOSING:
            depth -= 1
        if before in _OPENING:
            yield b"" if token in _CLOSING else _line(depth)
        elif token in _CLOSING or before == b",":
            yield _line(depth)
        elif before == b":":
            yield b" "
        if token in _OPENING:
            depth += 1
        yield token


def _line(depth: int) -> bytes:
    return b"\n" + b"  " * depth


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
